//! The real `helm` against a simulated cluster.

mod support;

use support::{Tools, cluster};

const WORKLOAD: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: {{ .Values.port }}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers: [{name: web, image: "example.org/web:{{ .Values.tag }}"}]
"#;

/// Install, upgrade, rollback and uninstall, each waited for; the history is Helm's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_release() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.file("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    tools.file("shop/values.yaml", "port: 80\nreplicas: 2\ntag: '1'\n");
    let template = tools.file("shop/templates/workload.yaml", WORKLOAD);
    let chart = template.trim_end_matches("/templates/workload.yaml");
    let installed = tools.helm(&["install", "shop", chart, "--wait", "--timeout", "30s"]).await;
    assert!(installed.contains("STATUS: deployed"), "{installed}");
    let image = [
        "get",
        "deploy",
        "shop",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image} {.status.readyReplicas}",
    ];
    assert_eq!(tools.kubectl(&image).await, "example.org/web:1 2");

    let upgraded = tools
        .helm(&["upgrade", "shop", chart, "--set", "tag=2,port=8080", "--wait", "--timeout", "30s"])
        .await;
    assert!(upgraded.contains("REVISION: 2"), "{upgraded}");
    assert_eq!(tools.kubectl(&image).await, "example.org/web:2 2");
    let rolled_back = tools.helm(&["rollback", "shop", "1", "--wait", "--timeout", "30s"]).await;
    assert!(rolled_back.contains("Rollback was a success"), "{rolled_back}");
    assert_eq!(tools.kubectl(&image).await, "example.org/web:1 2");

    let history = tools.helm(&["history", "shop", "-o", "json"]).await;
    let history: Vec<serde_json::Value> = serde_json::from_str(&history).unwrap();
    let states: Vec<&str> = history.iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["superseded", "superseded", "deployed"]);

    let removed = tools.helm(&["uninstall", "shop", "--wait", "--timeout", "30s"]).await;
    insta::assert_snapshot!(removed, @r#"release "shop" uninstalled"#);
    let left = tools.kubectl(&["get", "deploy,svc,secrets", "-o", "name"]).await;
    insta::assert_snapshot!(left, @"service/kubernetes");
}

/// An upgrade that takes a field over from another manager is refused with the API server's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_meets_a_conflict() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    tools.file("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    tools.file("shop/values.yaml", "port: 80\nreplicas: 1\ntag: '1'\n");
    let template = tools.file("shop/templates/workload.yaml", WORKLOAD);
    let chart = template.trim_end_matches("/templates/workload.yaml");
    tools.helm(&["install", "shop", chart]).await;
    tools.kubectl(&["set", "image", "deploy/shop", "web=example.org/web:hotfix"]).await;
    let refused = tools.helm(&["upgrade", "shop", chart, "--set", "tag=2"]).await;
    assert!(
        refused.contains(
            "conflict with \"kubectl-set\" using apps/v1: \
             .spec.template.spec.containers[name=\"web\"].image"
        ),
        "{refused}"
    );
}
