//! Snapshots of volumes in backups, through the command line and the API, on a simulated cluster and on a real Kubernetes
//! control plane, with a stand-in for its snapshot controller: made, put back, handed to another environment, deleted. No
//! volume holds data here: what is seen is what the cluster is asked for.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{
    Api, ClusterTools, PATIENCE, RealCluster, Server, Simulator, SnapshotController, charts, op_of,
};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
    ("values.yaml", "greeting: hello\nreplicas: 2\n"),
    (
        "templates/db.yaml",
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {{ .Release.Name }}-db\nspec:\n  \
         replicas: {{ .Values.replicas }}\n  podManagementPolicy: Parallel\n  serviceName: {{ .Release.Name }}-db\n  \
         selector: {matchLabels: {of: {{ .Release.Name }}}}\n  template:\n    metadata:\n      labels: {of: {{ .Release.Name }}}\n    \
         spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      - {name: db, image: shop/db}\n  \
         volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
    ),
    // A claim of the release's own, with a label that the next deployment changes.
    (
        "templates/files.yaml",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}-files\n  \
         labels: {of: {{ .Release.Name }}, greeting: {{ .Values.greeting }}}\nspec:\n  accessModes: [ReadWriteOnce]\n  \
         resources: {requests: {storage: 2Gi}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-web\nspec:\n  \
         replicas: 1\n  selector: {matchLabels: {web: {{ .Release.Name }}}}\n  template:\n    metadata:\n      labels: {web: {{ .Release.Name }}}\n    \
         spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      - {name: web, image: shop/web}\n      volumes:\n      \
         - {name: files, persistentVolumeClaim: {claimName: {{ .Release.Name }}-files}}\n",
    ),
];

const METHODS: &str = "methods:
- name: volumes
  kind: volumes
  selector: of={release}
  timeout_seconds: 120
";

const SNAPSHOTS: &str = "volumesnapshots.snapshot.storage.k8s.io";
const CONTENTS: &str = "volumesnapshotcontents.snapshot.storage.k8s.io";

async fn environment(api: &Api, name: &str, values: &str) {
    let made = json!({ "name": name, "app": "Shop", "kind": "sandbox", "cluster": "lab", "values": values });
    api.carried_out("/environments", made).await;
}

fn object(cluster: &ClusterTools, namespace: &str, kind: &str, name: &str) -> Value {
    let text = cluster.kubectl(&["get", kind, name, "-n", namespace, "-o", "json"]);
    serde_json::from_str(&text).unwrap()
}

/// Names of all objects of a kind, sorted.
fn names(cluster: &ClusterTools, kind: &str) -> Vec<String> {
    let path = "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}";
    let text = cluster.kubectl(&["get", kind, "--all-namespaces", "-o", path]);
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// Waits until the cluster is as wanted: what a pass in the background does leaves no event to wait for.
async fn eventually(what: &str, wanted: impl Fn() -> bool) {
    let looking = async {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            looks.tick().await;
            if wanted() {
                return;
            }
        }
    };
    let looked = tokio::time::timeout(PATIENCE, looking).await;
    assert!(looked.is_ok(), "never came: {what}");
}

/// The claims of an environment are made of snapshots, and everything has its replicas again.
fn made_anew(cluster: &ClusterTools, environment: &str) {
    let namespace = format!("shop-{environment}");
    for claim in [
        format!("data-{environment}-db-0"),
        format!("data-{environment}-db-1"),
        format!("{environment}-files"),
    ] {
        let claim = object(cluster, &namespace, "pvc", &claim);
        assert_eq!(claim["spec"]["dataSource"]["kind"], "VolumeSnapshot", "{claim:#}");
        assert_eq!(claim["spec"]["dataSource"]["apiGroup"], "snapshot.storage.k8s.io");
        assert_eq!(claim["status"]["phase"], "Bound", "{claim:#}");
        assert_eq!(claim["metadata"]["labels"]["of"], environment);
    }
    for (kind, name, replicas) in [("statefulset", "db", 2), ("deployment", "web", 1)] {
        let workload = object(cluster, &namespace, kind, &format!("{environment}-{name}"));
        assert_eq!(workload["spec"]["replicas"], replicas, "{workload:#}");
        assert_eq!(workload["status"]["readyReplicas"], replicas, "{workload:#}");
        assert!(
            workload["metadata"]["annotations"].get("landfall.dev/scaled-down").is_none(),
            "{workload:#}"
        );
    }
}

async fn snapshotted_and_put_back(cluster: &ClusterTools) {
    let _controller = SnapshotController::start(&cluster.kubeconfig).await;
    let data = tempfile::tempdir().unwrap();
    let (mut server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![charts::packed(CHART)]).await;
    let app = json!({ "name": "Shop", "chart_kind": "repository", "chart_url": repository, "chart_name": "shop" });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Shop", "tag": "1.0", "chart_version": "1.0.0" })).await;
    let methods = data.path().join("methods.yaml");
    std::fs::write(&methods, METHODS).unwrap();
    let set = ["app", "backup", "set", "Shop", "-f", methods.to_str().unwrap()];
    let set = api.succeeds(binary(), &set).await;
    assert!(set.contains("snapshots of volumes"), "{set}");
    environment(&api, "eu", "").await;
    environment(&api, "us", "greeting: howdy\n").await;

    api.succeeds(binary(), &["backup", "create", "eu", "--watch"]).await;
    let shown = api.succeeds(binary(), &["backup", "show", "eu", "1"]).await;
    for claim in
        ["volumes: data-eu-db-0", "volumes: data-eu-db-1", "volumes: eu-files", "shop-eu/landfall-"]
    {
        assert!(shown.contains(claim), "{shown}");
    }
    let detail = api.get("/environments/eu/backups/1").await;
    assert_eq!(
        (&detail["parts"][0]["kind"], &detail["bytes"]),
        (&json!("volumes"), &json!(4_i64 << 30))
    );
    let kept: Vec<String> = detail["parts"][0]["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["snapshot"].as_str().unwrap().to_owned())
        .collect();
    let there = names(cluster, SNAPSHOTS);
    assert_eq!((there.len(), kept.iter().all(|name| there.contains(name))), (3, true), "{there:?}");

    let before = object(cluster, "shop-eu", "pvc", "data-eu-db-0");
    api.succeeds(binary(), &["backup", "restore", "eu", "1", "--yes", "--watch"]).await;
    made_anew(cluster, "eu");
    let after = object(cluster, "shop-eu", "pvc", "data-eu-db-0");
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert!(kept.contains(&after["spec"]["dataSource"]["name"].as_str().unwrap().to_owned()));
    // Who deploys next meets no field that somebody else owns now, and takes away no claim's source.
    let next = json!({ "values": "greeting: changed\nreplicas: 3\n" });
    let deployed = api.post("/environments/eu/deployments", next).await;
    api.op_succeeds(&op_of(&deployed)).await;
    let files = object(cluster, "shop-eu", "pvc", "eu-files");
    assert_eq!(files["metadata"]["labels"]["greeting"], "changed");
    assert_eq!(files["spec"]["dataSource"]["kind"], "VolumeSnapshot");

    // A clone, whose server is killed while the volumes are on their way.
    let asked = api.post("/environments/eu/backups/1/restorations", json!({ "to": "us" })).await;
    let op = op_of(&asked);
    let restoring = |op: &Value| {
        let steps = op["steps"].as_array().unwrap();
        steps.iter().any(|it| it["name"] == "restore_data" && it["state"] != "waiting")
    };
    api.op_until(&op, restoring).await;
    server.kill_and_start_again(binary()).await;
    let api = api.at(&server);
    api.op_succeeds(&op).await;
    made_anew(cluster, "us");
    let greeting =
        object(cluster, "shop-us", "pvc", "us-files")["metadata"]["labels"]["greeting"].clone();
    assert_eq!(greeting, "howdy");
    assert_eq!(names(cluster, SNAPSHOTS), there);
    eventually("contents that were handed over are gone", || {
        names(cluster, CONTENTS).iter().all(|name| name.starts_with("snapcontent-"))
    })
    .await;

    // One that is gone is found before anything is changed.
    cluster.kubectl(&["delete", SNAPSHOTS, "-n", "shop-eu", &kept[0]]);
    let untouched = object(cluster, "shop-eu", "pvc", "data-eu-db-0");
    let (code, out, told) =
        api.landfall(binary(), &["backup", "restore", "eu", "1", "--yes", "--watch"]).await;
    assert!(
        code != Some(0) && out.contains("is damaged: volumes: VolumeSnapshot/shop-eu/"),
        "{out}{told}"
    );
    let still = object(cluster, "shop-eu", "pvc", "data-eu-db-0");
    assert_eq!(still["metadata"]["uid"], untouched["metadata"]["uid"]);
    assert_eq!(object(cluster, "shop-eu", "statefulset", "eu-db")["spec"]["replicas"], 3);

    api.succeeds(binary(), &["backup", "delete", "eu", "1", "--yes"]).await;
    eventually("the snapshots are deleted", || names(cluster, SNAPSHOTS).is_empty()).await;
    eventually("and what the storage had of them", || names(cluster, CONTENTS).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    snapshotted_and_put_back(&cluster).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_control_plane() {
    let Some(cluster) = RealCluster::start().await else { return };
    snapshotted_and_put_back(&cluster).await;
    cluster.stop().await;
}
