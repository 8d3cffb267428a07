//! The main job through the API: a chart becomes a Release, a Release becomes a running App Environment, on both
//! databases, with a simulated cluster in a process of its own that real helm and kubectl look into; and on a real
//! Kubernetes control plane where one can be had.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::any::Any;
use std::path::Path;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

struct World {
    api: Api,
    cluster: ClusterTools,
    _server: Server,
    /// Lives as long as the world.
    running: Box<dyn Any>,
}

async fn world(database: Option<String>, archives: Vec<Vec<u8>>, app: &str, chart: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    let mut world = world_on(&cluster, 5, database, archives, app, chart).await;
    world.running = Box::new((cluster, folder, world.running));
    world
}

/// A server that reaches this cluster as `lab`, and an App whose deployments may take so many seconds.
async fn world_on(
    cluster: &ClusterTools,
    wait_seconds: u32,
    database: Option<String>,
    archives: Vec<Vec<u8>>,
    app: &str,
    chart: &str,
) -> World {
    let data = tempfile::tempdir().unwrap();
    let more: Vec<&str> =
        database.iter().flat_map(|url| ["--database-url", url.as_str()]).collect();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &more).await;
    let repository = charts::serve(archives).await;
    let body = json!({
        "name": app, "chart_kind": "repository", "chart_url": repository, "chart_name": chart,
        "wait_seconds": wait_seconds,
    });
    api.post("/apps", body).await;
    World { api, cluster: cluster.clone(), _server: server, running: Box::new(data) }
}

impl World {
    async fn release(&self, app: &str, tag: &str, version: &str) -> Value {
        let body =
            json!({ "app": app, "tag": tag, "chart_version": version, "changelog": "What is new" });
        self.api.post("/releases", body).await
    }

    async fn environment(&self, app: &str, name: &str, tag: &str, values: &str) -> Value {
        let body = json!({
            "name": name, "app": app, "kind": "sandbox", "cluster": "lab", "release": tag, "values": values,
        });
        let made = self.api.post("/environments", body).await;
        self.api.op_succeeds(&op_of(&made)).await;
        self.api.get(&format!("/environments/{name}")).await
    }

    /// What `helm history` says of the environment, as (status, description) per revision.
    fn history(&self, namespace: &str, release: &str) -> Vec<(String, String)> {
        let revisions = self.cluster.history(release, namespace);
        let field = |revision: &Value, name: &str| revision[name].as_str().unwrap().to_owned();
        revisions.iter().map(|it| (field(it, "status"), field(it, "description"))).collect()
    }
}

fn pair(status: &str, description: &str) -> (String, String) {
    (status.to_owned(), description.to_owned())
}

async fn main_path(world: World) {
    let api = &world.api;

    // The registry's versions are offered, newest first.
    let offered = api.get("/apps/Parcel/chart-versions").await;
    let versions: Vec<&str> = offered["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["0.31.2", "0.31.0"]);

    world.release("Parcel", "2.4.0", "0.31.0").await;
    world.release("Parcel", "2.4.1", "0.31.2").await;
    let environment =
        world.environment("Parcel", "staging", "2.4.0", "web:\n  replicas: 1\n").await;
    assert_eq!(environment["release"]["tag"], "2.4.0");
    let namespace = environment["namespace"].as_str().unwrap().to_owned();
    assert_eq!(namespace, "parcel-staging");
    let password = world.cluster.kubectl(&[
        "get",
        "secret",
        "staging-keys",
        "-n",
        &namespace,
        "-o",
        "jsonpath={.data}",
    ]);

    // The preview shows what changes, and what was shown is what is applied.
    let preview = api.post("/environments/staging/previews", json!({ "release": "2.4.1" })).await;
    assert_eq!(preview["changes"]["create"], 2, "two disruption budgets: {:#}", preview["changes"]);
    // Everything that carries the chart's version as a label; configuration and keys stay as they are.
    assert_eq!(preview["changes"]["change"], 8, "{:#}", preview["plan"]);
    assert_eq!(preview["changes"]["same"], 3, "{:#}", preview["plan"]);
    assert_eq!(preview["plan"]["hooks"][0]["name"], "staging-migrate");
    assert!(
        preview["values"].as_str().unwrap().contains("replicas: 1"),
        "the environment's own values are the start"
    );
    let drawn: Value = serde_json::from_str(&password).unwrap();
    let drawn = drawn["DATABASE_PASSWORD"].as_str().unwrap();
    assert!(!preview.to_string().contains(drawn), "secrets are masked");
    let started = api
        .post(
            "/environments/staging/deployments",
            json!({ "preview": preview["id"], "release": "2.4.1", "values": preview["values"] }),
        )
        .await;
    let ended = api.op_succeeds(&op_of(&started)).await;
    assert_eq!(ended["percent"], 100);
    let log = api.get(&format!("/ops/{}/log?limit=10000", op_of(&started))).await.to_string();
    assert!(log.contains("2 of 2: shipments are indexed by shop"), "the migration's lines: {log}");
    let environment = api.get("/environments/staging").await;
    assert_eq!(environment["release"]["tag"], "2.4.1");
    let kept = world.cluster.kubectl(&[
        "get",
        "secret",
        "staging-keys",
        "-n",
        &namespace,
        "-o",
        "jsonpath={.data}",
    ]);
    assert_eq!(kept, password, "lookup keeps the password that was drawn at first");

    // A deployment that does not come up says why, in the Op and in lists, and leaves the environment as it was.
    let broken = "web:\n  replicas: 1\nworker:\n  podAnnotations:\n    simulator.landfall.dev/fault: image-pull\n";
    let started = api.post("/environments/staging/deployments", json!({ "values": broken })).await;
    let ended = api.op_end(&op_of(&started)).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    let culprit = ended["culprits"][0]["text"].as_str().unwrap();
    assert!(culprit.contains("parcel/worker:2.4.1"), "{culprit}");
    let listed = api.get("/deployments").await;
    assert_eq!(listed["items"][0]["culprit"], ended["culprits"][0]["text"]);
    assert_eq!(api.get("/environments/staging").await["current_deployment"]["number"], 2);

    // Back by number: the stored manifest again, without rendering.
    let started =
        api.post("/environments/staging/rollbacks", json!({ "to": "#1", "reason": "try" })).await;
    api.op_succeeds(&op_of(&started)).await;
    let environment = api.get("/environments/staging").await;
    assert_eq!(environment["release"]["tag"], "2.4.0");
    let budgets = world.cluster.kubectl(&["get", "pdb", "-n", &namespace, "-o", "name"]);
    assert_eq!(budgets, "", "what 2.4.1 had brought is gone");
    assert_eq!(
        world
            .history(&namespace, "staging")
            .iter()
            .map(|(status, _)| status.as_str())
            .collect::<Vec<_>>(),
        ["superseded", "superseded", "failed", "deployed"]
    );
    assert_eq!(world.history(&namespace, "staging")[3], pair("deployed", "Rollback to 1"));

    // And forward by tag.
    let started = api.post("/environments/staging/rollbacks", json!({ "to": "2.4.1" })).await;
    api.op_succeeds(&op_of(&started)).await;
    assert_eq!(api.get("/environments/staging").await["release"]["tag"], "2.4.1");
    let status = world.cluster.helm(&["status", "staging", "-n", &namespace]);
    assert!(status.contains("STATUS: deployed") && status.contains("REVISION: 5"), "{status}");
}

/// The whole path on SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn main_path_on_sqlite() {
    main_path(world(None, charts::parcel(), "Parcel", "parcel").await).await;
}

/// The whole path on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn main_path_on_postgres() {
    let database = Some(harness::postgres().await);
    main_path(world(database, charts::parcel(), "Parcel", "parcel").await).await;
}

/// The whole path on a real control plane. Landfall is told that it is a simulated one: those it reaches by a
/// kubeconfig with a token.
#[tokio::test(flavor = "multi_thread")]
async fn main_path_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    main_path(world_on(&cluster, 20, None, charts::parcel(), "Parcel", "parcel").await).await;
    // A cluster that somebody named has it behind it; one that was started goes as a whole.
    cluster.kubectl(&["delete", "namespace", "parcel-staging", "--wait=false"]);
    cluster.stop().await;
}

/// Public charts, published to a repository and picked from its list, are released and deployed.
#[tokio::test(flavor = "multi_thread")]
async fn public_charts() {
    for (folder, chart) in [
        ("stefanprodan__podinfo__charts__podinfo", "podinfo"),
        ("bitnami__charts__bitnami__nginx", "nginx"),
    ] {
        let Some(path) = charts::public(folder) else { return };
        let world = world(None, vec![helm::chart::package(path).unwrap()], chart, chart).await;
        let offered = world.api.get(&format!("/apps/{chart}/chart-versions")).await;
        let version = offered["versions"][0]["version"].as_str().unwrap();
        world.release(chart, "v1", version).await;
        let environment = world.environment(chart, "try", "v1", "").await;
        let namespace = environment["namespace"].as_str().unwrap();
        let listed = world.cluster.helm(&["list", "-n", namespace, "-o", "json"]);
        assert!(listed.contains("\"status\":\"deployed\""), "{listed}");
        let ready = world.cluster.kubectl(&[
            "wait",
            "deployment",
            "--all",
            "-n",
            namespace,
            "--for=condition=Available",
            "--timeout=30s",
        ]);
        assert!(ready.contains("condition met"), "{ready}");
    }
}

/// With production environments a failure goes back to the last good deployment by itself.
#[tokio::test(flavor = "multi_thread")]
async fn roll_back_on_failure() {
    let world = world(None, charts::parcel(), "Parcel", "parcel").await;
    world.release("Parcel", "2.4.0", "0.31.0").await;
    world.environment("Parcel", "staging", "2.4.0", "").await;
    let broken = "worker:\n  podAnnotations:\n    simulator.landfall.dev/fault: crash-loop\n";
    let body = json!({ "values": broken, "on_failure": "roll_back" });
    let started = world.api.post("/environments/staging/deployments", body).await;
    let ended = world.api.op_end(&op_of(&started)).await;
    assert_eq!(ended["state"], "failed");
    let steps: Vec<&str> = ended["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(steps.last(), Some(&"roll_back_finish"));
    let id = started["deployment"]["id"].as_str().unwrap();
    let detail = world.api.get(&format!("/deployments/{id}")).await;
    assert_eq!(detail["failure"]["cluster_state"], "Rolled back to #1 (2.4.0).", "{detail:#}");
    let lines = detail["failure"]["culprit"]["last_lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().starts_with("fatal: ")), "{lines:?}");
    let history = world.history("parcel-staging", "staging");
    assert_eq!(history.last(), Some(&pair("deployed", "Rollback to 1")));
}
