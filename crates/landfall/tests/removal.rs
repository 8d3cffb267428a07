//! Removing an environment through the API and the command line, on a simulated cluster and on a real Kubernetes control
//! plane: what real helm and kubectl see afterwards.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const CHART: &str = "apiVersion: v2\nname: ledger\nversion: 1.0.0\n";
const SETTINGS: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\n";
const KEPT: &str = r"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-kept
  annotations: {helm.sh/resource-policy: keep}
";
const HOOKS: &str = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-dump
  annotations: {helm.sh/hook: pre-delete}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {simulator.landfall.dev/log-lines: "dumping accounts", simulator.landfall.dev/ready-after: 500ms}
    spec:
      restartPolicy: Never
      containers: [{name: dump, image: "ledger/api:1"}]
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-notice
  annotations: {helm.sh/hook: post-delete, helm.sh/hook-delete-policy: hook-succeeded}
spec:
  restartPolicy: Never
  containers: [{name: notice, image: "ledger/notice:1"}]
"#;

struct World {
    api: Api,
    cluster: ClusterTools,
    _server: Server,
    _data: tempfile::TempDir,
}

/// A server with App `Ledger` on a cluster, and environment `books` deployed.
async fn world(cluster: &ClusterTools) -> World {
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let files = [
        ("Chart.yaml", CHART),
        ("templates/settings.yaml", SETTINGS),
        ("templates/kept.yaml", KEPT),
        ("templates/hooks.yaml", HOOKS),
    ];
    let repository = charts::serve(vec![charts::packed(&files)]).await;
    let app = json!({
        "name": "Ledger", "chart_kind": "repository", "chart_url": repository, "chart_name": "ledger",
        "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Ledger", "tag": "1", "chart_version": "1.0.0" })).await;
    let world = World { api, cluster: cluster.clone(), _server: server, _data: data };
    world.create().await;
    world
}

impl World {
    /// Makes environment `books` and waits until it runs; its id.
    async fn create(&self) -> String {
        let body = json!({
            "name": "books", "app": "Ledger", "kind": "sandbox", "cluster": "lab", "release": "1",
        });
        let made = self.api.post("/environments", body).await;
        self.api.op_succeeds(&op_of(&made)).await;
        made["environment"]["id"].as_str().unwrap().to_owned()
    }

    /// The releases that real helm lists, whatever their state.
    fn helm_list(&self) -> Vec<String> {
        let list = self.cluster.helm(&["list", "-n", "ledger-books", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        let names = list.as_array().unwrap().iter();
        names.map(|release| release["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Names of the `ConfigMaps` of the chart.
    fn config_maps(&self) -> Vec<String> {
        let names = ["get", "configmaps", "-n", "ledger-books", "-o", "name"];
        let names = self.cluster.kubectl(&names);
        let own = names.lines().filter(|name| name.contains("/books-"));
        own.map(str::to_owned).collect()
    }

    async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }
}

/// From the command line, with its log; then by the API, once forgotten and once more made with the same name.
async fn removed(world: &World) {
    let old = world.api.get("/environments/books").await["id"].as_str().unwrap().to_owned();
    assert_eq!(world.helm_list(), ["books"]);
    let (code, _, told) = world.landfall(&["env", "remove", "books"]).await;
    assert_eq!(code, Some(1));
    assert!(told.contains("pass --yes"), "{told}");

    let remove = ["env", "remove", "books", "--yes", "--watch", "--reason", "over"];
    let (code, out, told) = world.landfall(&remove).await;
    assert_eq!(code, Some(0), "{out}{told}");
    for line in ["dumping accounts", "ConfigMap/ledger-books/books-settings deleted"] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(told.contains("✓ removal of books succeeded"), "{told}");
    assert!(told.contains("ConfigMap/ledger-books/books-kept: kept"), "{told}");
    assert_eq!(world.helm_list(), [""; 0]);
    assert_eq!(world.config_maps(), ["configmap/books-kept"]);
    let job = ["get", "job/books-dump", "-n", "ledger-books", "-o", "jsonpath={.status.succeeded}"];
    assert_eq!(world.cluster.kubectl(&job), "1", "objects of hooks stay, as with helm");

    assert_eq!(world.api.try_get("/environments/books").await.0, 404);
    let gone = world.api.get(&format!("/environments/{old}")).await;
    assert_eq!((&gone["state"], &gone["name"]), (&json!("deleted"), &json!("books")));
    let removal = world.api.get(&format!("/ops/{}", gone["removal"].as_str().unwrap())).await;
    assert_eq!((&removal["kind"], &removal["reason"]), (&json!("removal"), &json!("over")));
    let first = world.api.get(&format!("/environments/{old}/deployments/1")).await;
    assert_eq!(first["environment"]["deleted"], true);
    let (_, listed, _) = world.landfall(&["env", "list", "--status", "deleted"]).await;
    assert!(listed.contains("books"), "{listed}");

    let new = world.create().await;
    assert_ne!(new, old);
    let (code, out, told) =
        world.landfall(&["env", "remove", "books", "--forget", "-y", "-w"]).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert!(told.contains("helm uninstall books -n ledger-books"), "{told}");
    assert_eq!(world.helm_list(), ["books"], "its cluster was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_from_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    removed(&world(&cluster).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_from_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    removed(&world(&cluster).await).await;
    // A cluster that somebody named has it behind it; one that was started goes as a whole.
    cluster.kubectl(&["delete", "namespace", "ledger-books", "--wait=false"]);
    cluster.stop().await;
}
