//! Backups with real `pg_dump` and `psql` against a real PostgreSQL, through the command line and the API, on a simulated
//! cluster and on a real Kubernetes control plane: what was deleted is there again, a clone has the data, and a server that
//! is killed meanwhile goes on.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of, postgres, script};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
    ("values.yaml", "database: none\ngreeting: hello\n"),
    (
        "templates/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ .Values.greeting }}\n",
    ),
    (
        "templates/db.yaml",
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {{ .Release.Name }}-db\nspec:\n  \
         serviceName: {{ .Release.Name }}-db\n  selector: {matchLabels: {of: {{ .Release.Name }}}}\n  template:\n    \
         metadata:\n      labels: {of: {{ .Release.Name }}}\n      annotations:\n        \
         simulator.landfall.dev/exec: pg_dump={{ .Values.database }}-dump psql={{ .Values.database }}-load\n    spec:\n      \
         containers:\n      - {name: sidecar, image: shop/sidecar}\n      - {name: postgres, image: postgres}\n",
    ),
];

const METHODS: &str = "methods:
- name: database
  selector: of={release}
  container: postgres
  backup: [pg_dump, --clean, --if-exists, shop]
  restore: [psql, --single-transaction, --set=ON_ERROR_STOP=1, shop]
";

/// A database of its own, with what stands in for the commands in its container.
struct Database {
    url: String,
    dump: PathBuf,
    load: PathBuf,
}

impl Database {
    /// `gate`: a dump waits, after it has begun, until this file is there.
    async fn new(folder: &Path, name: &str, gate: &Path) -> Self {
        let url = postgres().await;
        let dump = format!(
            "echo dumping >&2\nwhile [ ! -e {} ]; do sleep 0.1; done\nexec pg_dump --clean --if-exists --no-owner '{url}'",
            gate.display()
        );
        let load = format!("exec psql --quiet --single-transaction --set=ON_ERROR_STOP=1 '{url}'");
        Self {
            dump: script(folder, &format!("{name}-dump"), &dump),
            load: script(folder, &format!("{name}-load"), &load),
            url,
        }
    }

    fn sql(&self, text: &str) -> String {
        let output = Command::new("psql").args(["-qAt", &self.url, "-c", text]).output().unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn orders(&self) -> String {
        self.sql("SELECT string_agg(what, ', ' ORDER BY id) FROM orders")
    }
}

async fn environment(api: &Api, name: &str, values: &str) {
    let made = json!({ "name": name, "app": "Shop", "kind": "sandbox", "cluster": "lab", "values": values });
    api.carried_out("/environments", made).await;
}

/// The databases `eu` and `us`, and what stands in for commands there.
struct Databases {
    folder: tempfile::TempDir,
    gate: PathBuf,
    eu: Database,
    us: Database,
}

impl Databases {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("go");
        std::fs::write(&gate, "").unwrap();
        let eu = Database::new(folder.path(), "eu", &gate).await;
        let us = Database::new(folder.path(), "us", &gate).await;
        eu.sql("CREATE TABLE orders (id int PRIMARY KEY, what text)");
        eu.sql("INSERT INTO orders VALUES (1, 'tea'), (2, 'bread'), (3, 'jam')");
        us.sql("CREATE TABLE orders (id int PRIMARY KEY, what text)");
        Self { folder, gate, eu, us }
    }

    fn programs(&self) -> [(&str, &Path); 4] {
        [
            ("eu-dump", &self.eu.dump),
            ("eu-load", &self.eu.load),
            ("us-dump", &self.us.dump),
            ("us-load", &self.us.load),
        ]
    }
}

async fn backed_up_and_restored(cluster: &ClusterTools, databases: &Databases) {
    let Databases { folder, gate, eu, us } = databases;
    let data = tempfile::tempdir().unwrap();
    let (mut server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![charts::packed(CHART)]).await;
    let app = json!({ "name": "Shop", "chart_kind": "repository", "chart_url": repository, "chart_name": "shop" });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Shop", "tag": "1.0", "chart_version": "1.0.0" })).await;
    let methods = folder.path().join("methods.yaml");
    std::fs::write(&methods, METHODS).unwrap();
    let set = ["app", "backup", "set", "Shop", "-f", methods.to_str().unwrap()];
    assert!(api.succeeds(binary(), &set).await.contains("pg_dump --clean"));
    environment(&api, "eu", "database: eu\n").await;
    environment(&api, "us", "database: us\ngreeting: howdy\n").await;

    let create = ["backup", "create", "eu", "--note", "before the sale", "--watch"];
    let (code, out, told) = api.landfall(binary(), &create).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert!(told.contains("✓ backup 1 of eu succeeded"), "{told}");
    let listed = api.succeeds(binary(), &["backup", "list", "eu"]).await;
    assert!(listed.contains("complete") && listed.contains("before the sale"), "{listed}");
    eu.sql("DELETE FROM orders WHERE id > 1");
    api.succeeds(binary(), &["backup", "restore", "eu", "1", "--yes", "--watch"]).await;
    assert_eq!(eu.orders(), "tea, bread, jam");
    let restored = api.get("/deployments?trigger=backup_restored").await;
    assert_eq!(restored["items"].as_array().unwrap().len(), 1, "{restored:#}");
    assert_eq!(restored["items"][0]["number"], 2);
    assert_eq!(restored["items"][0]["restores"]["number"], 1);

    api.succeeds(binary(), &["backup", "restore", "eu", "1", "--to", "us", "--yes", "--watch"])
        .await;
    assert_eq!(us.orders(), "tea, bread, jam");
    let get = ["get", "configmap", "us", "-n", "shop-us", "-o", "jsonpath={.data.greeting}"];
    assert_eq!(cluster.kubectl(&get), "howdy");

    // The server is killed while the data comes: another backup of it is whole all the same.
    std::fs::remove_file(gate).unwrap();
    let made = api.post("/environments/eu/backups", json!({})).await;
    let op = op_of(&made);
    let dumping = |op: &Value| {
        let steps = op["steps"].as_array().unwrap();
        steps.iter().any(|it| it["name"] == "back_up_data" && it["state"] == "running")
    };
    api.op_until(&op, dumping).await;
    server.kill_and_start_again(binary()).await;
    std::fs::write(gate, "").unwrap();
    let api = api.at(&server);
    api.op_succeeds(&op).await;
    let shown = api.succeeds(binary(), &["backup", "show", "eu", "2", "-o", "json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "complete");
    assert_eq!(shown["parts"].as_array().unwrap().len(), 1);
    // Programs are given what the API answers.
    let parsed = async |args: &[&str]| -> Value {
        serde_json::from_str(&api.succeeds(binary(), args).await).unwrap()
    };
    let listed = parsed(&["backup", "list", "eu", "-o", "json"]).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed:#}");
    let made = parsed(&["backup", "create", "eu", "-o", "json"]).await;
    assert_eq!(made["number"], 3, "{made:#}");
    api.op_succeeds(&op_of(&made)).await;
    api.succeeds(binary(), &["backup", "schedule", "eu", "--every-hours", "24", "--keep", "3"])
        .await;
    api.succeeds(binary(), &["backup", "delete", "eu", "2", "--yes"]).await;
    let (code, _, told) = api.landfall(binary(), &["backup", "show", "eu", "2"]).await;
    assert!(code != Some(0) && told.contains("There is no backup"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_simulator() {
    let databases = Databases::new().await;
    let programs = databases.programs();
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start_with(binary(), folder.path(), "instant", &programs).await;
    backed_up_and_restored(&cluster, &databases).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_control_plane() {
    if std::env::var_os("LANDFALL_TEST_KUBECONFIG").is_some() {
        eprintln!(
            "LEFT OUT: backups on a cluster that is named, whose programs are not known here"
        );
        return;
    }
    let databases = Databases::new().await;
    let Some(cluster) = RealCluster::start_with(&databases.programs()).await else { return };
    backed_up_and_restored(&cluster, &databases).await;
    cluster.stop().await;
}
