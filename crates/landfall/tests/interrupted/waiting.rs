//! A server that dies in the middle of an Op: the next one goes on where it stopped.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

fn uids(cluster: &Simulator, namespace: &str) -> Vec<String> {
    let listed = cluster.kubectl(&[
        "get",
        "deployments,statefulsets,services,configmaps",
        "-n",
        namespace,
        "-o",
        "json",
    ]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|item| format!("{}/{}", item["kind"], item["metadata"]["uid"])).collect()
}

/// SIGKILL while the Op waits for objects; the restarted server finishes it: the same objects, one Helm revision, a log
/// without a gap or a double line.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_waiting() {
    let folder = tempfile::tempdir().unwrap();
    // Slow enough to be caught waiting.
    let cluster = Simulator::start(binary(), folder.path(), "believable").await;
    let data = folder.path().join("data");
    let (mut server, api) = Server::on_lab(binary(), &data, &cluster, &["--lease", "2s"]).await;
    let repository = charts::serve(charts::parcel()).await;
    let app = json!({ "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel" });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Parcel", "tag": "2.4.0", "chart_version": "0.31.0" }))
        .await;
    // The web pods take their time, so that the kill comes while the Op waits.
    let values = "worker:\n  podAnnotations:\n    simulator.landfall.dev/ready-after: 8s\n";
    let body = json!({
        "name": "staging", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0", "values": values,
    });
    let op = op_of(&api.post("/environments", body).await);
    api.op_until(&op, |op| {
        op["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["name"] == "wait" && step["state"] == "running")
    })
    .await;
    let before = uids(&cluster, "parcel-staging");

    server.kill_and_start_again(binary()).await;
    let api = api.at(&server);
    let ended = api.op_succeeds(&op).await;

    assert_eq!(uids(&cluster, "parcel-staging"), before);
    let history = cluster.history("staging", "parcel-staging");
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(history[0]["status"], "deployed");
    let log = api.get(&format!("/ops/{op}/log?limit=10000")).await;
    let numbers: Vec<i64> = log["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=ended["last_sequence"].as_i64().unwrap()).collect::<Vec<_>>());
    let mut events: Vec<String> = log["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["source"]["from"] == "container")
        .map(|line| format!("{} {}", line["source"]["pod"], line["text"]))
        .collect();
    let told = events.len();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), told, "no container line is told twice");
    assert_eq!(api.get("/environments/staging").await["release"]["tag"], "2.4.0");
}
