//! Drift, on a simulated cluster and on a real Kubernetes control plane: what people change by kubectl is found, what others
//! may change is not, and no secret is shown.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const OBJECTS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
  annotations: {team: ledger}
data:
  currency: EUR
  password: {{ .Values.password }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-rates
data: {eur: "1"}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-keys
stringData: {token: correct-horse}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-web
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "ledger/web:1", ports: [{containerPort: 8080}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-worker
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers: [{name: worker, image: "ledger/worker:1"}]
"#;

const NAMESPACE: &str = "ledger-books";

struct World {
    api: Api,
    cluster: ClusterTools,
    _server: Server,
    data: tempfile::TempDir,
}

fn chart() -> Vec<u8> {
    charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: ledger\nversion: 1.0.0\n"),
        ("values.yaml", "password: battery-staple\n"),
        ("templates/objects.yaml", OBJECTS),
    ])
}

/// A server with App `Ledger`, whose value `password` is secret, and its release `1`, on a cluster.
async fn world(cluster: &ClusterTools) -> World {
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![chart()]).await;
    let app = json!({
        "name": "Ledger", "chart_kind": "repository", "chart_url": repository, "chart_name": "ledger",
        "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    let settings = json!({ "masked_values": ["password"] });
    assert_eq!(api.try_patch("/apps/Ledger/settings", settings).await.0, 200);
    api.post("/releases", json!({ "app": "Ledger", "tag": "1", "chart_version": "1.0.0" })).await;
    World { api, cluster: cluster.clone(), _server: server, data }
}

impl World {
    fn kubectl(&self, args: &[&str]) {
        self.cluster.kubectl(&[args, &["-n", NAMESPACE]].concat());
    }

    async fn check(&self) -> Value {
        self.api.post("/environments/books/drift", json!({})).await
    }

    async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }
}

/// What differs, as `object: what became of it`.
fn found(check: &Value) -> Vec<String> {
    let line = |it: &Value| {
        format!(
            "{}/{}: {}",
            it["key"]["kind"].as_str().unwrap(),
            it["key"]["name"].as_str().unwrap(),
            it["found"].as_str().unwrap()
        )
    };
    check["objects"].as_array().unwrap().iter().map(line).collect()
}

/// The changed lines of an object's diff.
fn lines(check: &Value, name: &str) -> Vec<String> {
    let object = check["objects"].as_array().unwrap().iter().find(|it| it["key"]["name"] == name);
    let hunks = object.unwrap()["diff"]["hunks"].as_array().unwrap().iter();
    let lines = hunks.flat_map(|hunk| hunk["lines"].as_array().unwrap());
    let sign = |change: &Value| match change.as_str().unwrap() {
        "removed" => Some('-'),
        "added" => Some('+'),
        _ => None,
    };
    lines
        .filter_map(|line| {
            Some(format!("{}{}", sign(&line["change"])?, line["text"].as_str()?.trim()))
        })
        .collect()
}

async fn drifting(world: &World) {
    let body = json!({
        "name": "books", "app": "Ledger", "kind": "sandbox", "cluster": "lab", "release": "1",
    });
    let made = world.api.post("/environments", body).await;
    let (status, _) = world.api.try_post("/environments/books/drift", json!({})).await;
    assert!(
        status == 409 || status == 201 || status == 200,
        "while its first deployment runs: {status}"
    );
    world.api.op_succeeds(&op_of(&made)).await;
    let (code, out, told) = world.landfall(&["env", "drift", "books"]).await;
    assert_eq!((code, out.as_str()), (Some(0), ""), "{told}");
    assert!(told.contains("against deployment #1: 6 as deployed, 0 not"), "{told}");

    // None of the chart's business.
    world.kubectl(&["annotate", "configmap", "books-settings", "seen-by=me"]);
    world.kubectl(&["scale", "deployment/books-worker", "--replicas=2"]);
    assert_eq!(found(&world.check().await), [""; 0]);

    world.kubectl(&["scale", "deployment/books-web", "--replicas=3"]);
    world.kubectl(&["set", "image", "deployment/books-web", "web=ledger/web:evil"]);
    world.kubectl(&["delete", "configmap", "books-rates"]);
    let token = r#"{"stringData":{"token":"stolen-secret"}}"#;
    world.kubectl(&["patch", "secret", "books-keys", "-p", token]);
    world.kubectl(&["annotate", "configmap", "books-settings", "team=other", "--overwrite"]);
    let check = world.check().await;
    assert_eq!(
        found(&check),
        [
            "Secret/books-keys: changed",
            "ConfigMap/books-settings: changed",
            "ConfigMap/books-rates: missing",
            "Deployment/books-web: changed",
        ]
    );
    assert_eq!(check["same"], 2);
    assert_eq!(
        lines(&check, "books-web"),
        ["-replicas: 1", "+replicas: 3", "-image: ledger/web:1", "+image: ledger/web:evil"]
    );
    assert_eq!(lines(&check, "books-settings"), ["-team: ledger", "+team: other"]);
    assert_eq!(
        lines(&check, "books-keys"),
        ["-token: (hidden, before)", "+token: (hidden, after)"]
    );
    let text = check.to_string();
    for secret in ["battery-staple", "correct-horse", "stolen", "c3RvbGVu", "Y29ycmVjdC"] {
        assert!(!text.contains(secret), "{secret}: {check:#}");
    }
    assert_eq!(world.api.get("/environments/books/drift").await, check);
    let (code, out, told) = world.landfall(&["env", "drift", "books", "--last"]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(out.contains("ConfigMap/ledger-books/books-rates") && out.contains("missing"), "{out}");
    assert!(out.contains("+  replicas: 3"), "{out}");
    // It was only looked at.
    let image = [
        "get",
        "deployment",
        "books-web",
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ];
    assert_eq!(world.cluster.kubectl(&image), "ledger/web:evil");

    // A revision made outside Landfall that has more than what was deployed.
    let file = world.data.path().join("more.tgz");
    let more = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-more\n";
    let bytes = charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: ledger\nversion: 1.0.1\n"),
        ("values.yaml", "password: battery-staple\n"),
        ("templates/objects.yaml", OBJECTS),
        ("templates/more.yaml", more),
    ]);
    std::fs::write(&file, bytes).unwrap();
    let upgrade =
        ["upgrade", "books", file.to_str().unwrap(), "-n", NAMESPACE, "--force-conflicts"];
    world.cluster.helm(&upgrade);
    let check = world.check().await;
    assert_eq!(found(&check), ["ConfigMap/books-more: added"]);
    let environment = world.api.get("/environments/books").await;
    assert_eq!(
        environment["observed"]["chart_version"], "1.0.1",
        "the check has seen the revision, too"
    );

    let started = world.api.post("/environments/books/deployments", json!({})).await;
    world.api.op_succeeds(&op_of(&started)).await;
    assert_eq!(world.api.get("/environments/books/drift").await["outdated"], true);
    assert_eq!(found(&world.check().await), [""; 0]);
    let removed = world.api.try_delete("/environments/books").await;
    world.api.op_succeeds(removed.1["id"].as_str().unwrap()).await;
}

/// The same for what Helm 3 made: there is no field ownership to go by.
async fn drifting_client_side(world: &World) {
    let file = world.data.path().join("ledger.tgz");
    std::fs::write(&file, chart()).unwrap();
    let install =
        ["install", "books", file.to_str().unwrap(), "-n", NAMESPACE, "--create-namespace"];
    world.cluster.try_helm3(&install).unwrap();
    let body = json!({
        "cluster": "lab", "namespace": NAMESPACE, "release_name": "books", "app": "Ledger", "kind": "sandbox",
    });
    world.api.post("/adoptions", body).await;
    world.kubectl(&["annotate", "configmap", "books-settings", "seen-by=me"]);
    world.kubectl(&["scale", "deployment/books-worker", "--replicas=2"]);
    assert_eq!(found(&world.check().await), [""; 0]);
    world.kubectl(&["scale", "deployment/books-web", "--replicas=3"]);
    let check = world.check().await;
    assert_eq!(found(&check), ["Deployment/books-web: changed"]);
    assert_eq!((&check["number"], &check["helm_revision"]), (&Value::Null, &json!(1)));
    assert_eq!(lines(&check, "books-web"), ["-replicas: 1", "+replicas: 3"]);
    let removed = world.api.try_delete("/environments/books").await;
    world.api.op_succeeds(removed.1["id"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    let world = world(&cluster).await;
    drifting(&world).await;
    drifting_client_side(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    let world = world(&cluster).await;
    drifting(&world).await;
    drifting_client_side(&world).await;
    cluster.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
    cluster.stop().await;
}
