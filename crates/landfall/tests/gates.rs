//! What decides whether a deployment has succeeded, through the API: hooks that hang, the chart's tests, giving up early, and
//! what a pod refers to and is not there.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const VALUES: &str = "fault: none\nhookRuns: 100ms\ntestFault: none\nsecret: ''\n";
const WEB: &str = r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-web
  annotations: {simulator.landfall.dev/fault: {{ .Values.fault }}}
spec:
  containers:
  - name: web
    image: "gate/web:1"
    {{- with .Values.secret }}
    env: [{name: KEY, valueFrom: {secretKeyRef: {name: {{ . }}, key: key}}}]
    {{- end }}
"#;
const HOOK: &str = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-prepare
  annotations: {helm.sh/hook: pre-install}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: "preparing"
        simulator.landfall.dev/ready-after: {{ .Values.hookRuns }}
    spec:
      restartPolicy: Never
      containers: [{name: prepare, image: "gate/prepare:1"}]
"#;
const TEST: &str = r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-smoke
  annotations:
    helm.sh/hook: test
    simulator.landfall.dev/log-lines: "smoke rises"
    simulator.landfall.dev/fault: {{ .Values.testFault }}
spec:
  restartPolicy: Never
  containers: [{name: smoke, image: "gate/smoke:1"}]
"#;

struct World {
    api: Api,
    _server: Server,
    _data: tempfile::TempDir,
}

/// A server with App `Gate`, whose deployments may take so many seconds, and these settings.
async fn world(cluster: &ClusterTools, seconds: u32, settings: Value) -> World {
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let chart = charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: gate\nversion: 1.0.0\n"),
        ("values.yaml", VALUES),
        ("templates/web.yaml", WEB),
        ("templates/hook.yaml", HOOK),
        ("templates/test.yaml", TEST),
    ]);
    let repository = charts::serve(vec![chart]).await;
    let app = json!({
        "name": "Gate", "chart_kind": "repository", "chart_url": repository, "chart_name": "gate",
        "wait_seconds": seconds,
    });
    api.post("/apps", app).await;
    let (status, answer) = api.try_patch("/apps/Gate/settings", settings).await;
    assert_eq!(status, 200, "{answer:#}");
    api.post("/releases", json!({ "app": "Gate", "tag": "1", "chart_version": "1.0.0" })).await;
    World { api, _server: server, _data: data }
}

impl World {
    /// Makes an environment with these values; its Op at the end.
    async fn deploy(&self, name: &str, values: &str) -> Value {
        let body = json!({
            "name": name, "app": "Gate", "kind": "sandbox", "cluster": "lab", "values": values,
        });
        self.api.op_end(&op_of(&self.api.post("/environments", body).await)).await
    }
}

fn step<'a>(op: &'a Value, name: &str) -> (&'a str, &'a str) {
    let step = op["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap();
    (step["state"].as_str().unwrap(), step["note"].as_str().unwrap())
}

async fn on_simulator(seconds: u32, settings: Value) -> (World, Simulator, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    (world(&cluster, seconds, settings).await, cluster, folder)
}

/// A hook that does not end is given up when the App's time is over, and named; nothing else was done.
#[tokio::test(flavor = "multi_thread")]
async fn hanging_hook() {
    let (world, _cluster, _folder) = on_simulator(5, json!({ "wait_for_jobs": false })).await;
    let ended = world.deploy("books", "hookRuns: 30m\n").await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    let (state, told) = step(&ended, "pre_hooks");
    assert_eq!(state, "failed");
    assert!(told.contains("books-prepare") && told.contains("context deadline exceeded"), "{told}");
    assert_eq!(step(&ended, "apply").0, "skipped");
}

/// Where the App asks for it a deployment has succeeded only when the chart's tests pass; its release stands in the
/// cluster all the same, and the environment does not take it for its own.
#[tokio::test(flavor = "multi_thread")]
async fn tests_decide() {
    let (world, _cluster, _folder) = on_simulator(60, json!({ "run_tests": true })).await;
    let ended = world.deploy("fine", "").await;
    assert_eq!(step(&ended, "tests"), ("done", "1 test"), "{ended:#}");
    let ended = world.deploy("broken", "testFault: crash-loop\n").await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    assert_eq!((step(&ended, "wait").0, step(&ended, "tests").0), ("done", "failed"));
    let culprit = &ended["culprits"][0];
    assert!(culprit["text"].as_str().unwrap().contains("broken-smoke"), "{culprit:#}");
    assert!(culprit["last_lines"].to_string().contains("smoke rises"), "{culprit:#}");
    let environment = world.api.get("/environments/broken").await;
    assert_eq!(
        (&environment["state"], &environment["release"]),
        (&json!("creating"), &json!(null))
    );
}

/// A deployment that cannot come up ends at once where the App asks for it: long before its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn hopeless_ones_end() {
    // Longer than any test waits.
    let (world, _cluster, _folder) = on_simulator(1800, json!({ "end_when_hopeless": true })).await;
    let ended = world.deploy("books", "fault: image-pull\n").await;
    assert_eq!(
        (&ended["state"], step(&ended, "wait").0),
        (&json!("failed"), "failed"),
        "{ended:#}"
    );
    assert_eq!(ended["culprits"][0]["cause"], "image_pull", "{ended:#}");
}

/// A container that refers to a Secret which is not there is named, with the Secret and what to do. Whoever makes it
/// helps the deployment that waits.
#[tokio::test(flavor = "multi_thread")]
async fn missing_secret() {
    let Some(cluster) = RealCluster::start().await else { return };
    let world = world(&cluster, 100, json!({ "end_when_hopeless": true })).await;
    let body = json!({
        "name": "books", "app": "Gate", "kind": "sandbox", "cluster": "lab",
        "values": "secret: books-key\n",
    });
    let op = op_of(&world.api.post("/environments", body).await);
    let named = |op: &Value| op["culprits"].as_array().is_some_and(|all| !all.is_empty());
    let state = world.api.op_until(&op, named).await;
    let culprit = &state["culprits"][0];
    assert_eq!(culprit["cause"], "configuration", "{culprit:#}");
    let text = culprit["text"].as_str().unwrap();
    assert!(text.contains("books-key") && text.contains("cannot be made"), "{text}");
    assert_eq!(
        culprit["remedy"],
        "Create the Secret \"books-key\", or correct its name in the values."
    );
    let secret =
        ["create", "secret", "generic", "books-key", "--from-literal=key=k", "-n", "gate-books"];
    cluster.kubectl(&secret);
    world.api.op_succeeds(&op).await;
    cluster.stop().await;
}
