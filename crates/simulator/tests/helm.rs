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

const WIDGETS: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
              mode: {type: string, default: fast}
";

const WIDGET: &str = r"
apiVersion: example.org/v1
kind: Widget
metadata: {name: {{ .Release.Name }}}
spec: {size: {{ .Values.size }}}
";

const TEST: &str = r"
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  containers: [{name: test, image: example.org/test:1}]
";

/// A chart brings a definition and an object of it: installed, upgraded, tested, rolled back and
/// removed; the definition stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_with_a_definition() {
    let simulator = cluster().await;
    let tools = Tools::of(&simulator);
    let metadata = tools.file("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    tools.file("shop/values.yaml", "size: 1\n");
    tools.file("shop/crds/widgets.yaml", WIDGETS);
    tools.file("shop/templates/widget.yaml", WIDGET);
    tools.file("shop/templates/test.yaml", TEST);
    let chart = metadata.trim_end_matches("/Chart.yaml");
    let waited = ["--wait", "--timeout", "30s"];
    let installed = tools.helm(&[&["install", "shop", chart], &waited[..]].concat()).await;
    assert!(installed.contains("STATUS: deployed"), "{installed}");
    let spec = ["get", "widget", "shop", "-o", "jsonpath={.spec}"];
    assert_eq!(tools.kubectl(&spec).await, r#"{"mode":"fast","size":1}"#);

    let tested = tools.helm(&["test", "shop", "--logs"]).await;
    assert!(tested.contains("Phase:          Succeeded"), "{tested}");
    assert!(tested.contains("POD LOGS: shop-test"), "{tested}");
    let upgrade = [&["upgrade", "shop", chart, "--set", "size=2"], &waited[..]].concat();
    tools.helm(&upgrade).await;
    assert_eq!(tools.kubectl(&spec).await, r#"{"mode":"fast","size":2}"#);
    let refused = tools.helm(&["upgrade", "shop", chart, "--set", "size=big"]).await;
    assert!(
        refused.contains(".spec.size: expected numeric (int or float), got string"),
        "{refused}"
    );
    tools.helm(&[&["rollback", "shop", "1"], &waited[..]].concat()).await;
    assert_eq!(tools.kubectl(&spec).await, r#"{"mode":"fast","size":1}"#);
    tools.helm(&[&["uninstall", "shop"], &waited[..]].concat()).await;
    assert_eq!(tools.kubectl(&["get", "widgets", "-o", "name"]).await, "");
    let definitions = tools.kubectl(&["get", "crd", "-o", "name"]).await;
    assert_eq!(definitions, "customresourcedefinition.apiextensions.k8s.io/widgets.example.org\n");
}
