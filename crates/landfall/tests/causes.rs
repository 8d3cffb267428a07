//! Every cause of a deployment, one after the other in one environment, through the API, on a simulated cluster and on a
//! real Kubernetes control plane: each does what it says in the cluster, and has an entry of its own in the history that
//! says what caused it and who.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};

use harness::{
    Api, ClusterTools, DnsServer, RealCluster, Server, Simulator, charts, op_of, script,
};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const NAMESPACE: &str = "shop-books";

/// What the history says in the end, of whichever cluster.
const HISTORY: &str = "
#1 environment_created 1 · repeats – · backup – · host books.shop.example · by test · –
#2 manual 2 · repeats – · backup – · host books.shop.example · by test · the new shelf
#3 values_updated 2 · repeats – · backup – · host books.shop.example · by test · it is late
#4 values_updated 2 · repeats – · backup – · host books.shop.example · by test · by the sea
#5 rollback 1 · repeats 1 · backup – · host books.shop.example · by test · it wobbles
#6 domain_deployed 1 · repeats – · backup – · host books.example · by test · a name of its own
#7 domain_reset 1 · repeats – · backup – · host books.shop.example · by test · the name was sold
#8 manual 2 · repeats – · backup – · host books.shop.example · by test · –
#9 backup_restored 1 · repeats – · backup 1 · host books.shop.example · by test · somebody emptied it
";

/// A chart of this version: what it deploys says which version and values it was deployed with.
fn chart(version: &str) -> Vec<u8> {
    let about = format!("apiVersion: v2\nname: shop\nversion: {version}\n");
    charts::packed(&[
        ("Chart.yaml", &about),
        ("values.yaml", "greeting: hello\nsign: open\nhost: ''\n"),
        (
            "templates/told.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: told\ndata:\n  told: {{ .Chart.Version }} \
             {{ .Values.greeting }} {{ .Values.sign }} {{ .Values.host }}\n",
        ),
        (
            "templates/shelf.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shelf\n  labels: {of: {{ .Release.Name }}}\n  annotations: \
             {simulator.landfall.dev/exec: read=read write=write}\nspec:\n  containers:\n  - {name: shelf, image: shelf}\n",
        ),
    ])
}

/// A file that stands for the environment's data, and the programs that read and write it.
struct Shelf {
    books: PathBuf,
    read: PathBuf,
    write: PathBuf,
    _folder: tempfile::TempDir,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let books = folder.path().join("books");
        let program = |name: &str, command: &str| {
            script(folder.path(), name, &format!("{command} '{}'", books.display()))
        };
        let (read, write) = (program("read", "exec cat"), program("write", "exec cat >"));
        Self { books, read, write, _folder: folder }
    }

    /// What the cluster runs in the place of the commands `read` and `write`.
    fn programs(&self) -> [(&str, &Path); 2] {
        [("read", &self.read), ("write", &self.write)]
    }
}

struct World<'a> {
    api: Api,
    cluster: &'a ClusterTools,
    shelf: &'a Shelf,
    dns: DnsServer,
    _server: Server,
    _data: tempfile::TempDir,
}

/// A server with App `Shop`, which takes domains and backups, and its releases `1` and `2`.
async fn world<'a>(cluster: &'a ClusterTools, shelf: &'a Shelf) -> World<'a> {
    let data = tempfile::tempdir().unwrap();
    let dns = DnsServer::start().await;
    let address = dns.address.to_string();
    let (server, api) =
        Server::on_lab(binary(), data.path(), cluster, &["--dns-server", &address]).await;
    let repository = charts::serve(vec![chart("1.0.0"), chart("2.0.0")]).await;
    let app = json!({
        "name": "Shop", "chart_kind": "repository", "chart_url": repository, "chart_name": "shop", "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    let domains = json!({ "template": "host: {{ host }}\n", "default_host": "{{ environment }}.shop.example", "issuer": "ours" });
    let (status, told) = api.try_patch("/apps/Shop/settings", json!({ "domains": domains })).await;
    assert_eq!(status, 200, "{told:#}");
    let methods = json!([{ "name": "books", "selector": "of={release}", "backup": ["read"], "restore": ["write"] }]);
    let (status, told) =
        api.try_put("/apps/Shop/backup-methods", json!({ "methods": methods })).await;
    assert_eq!(status, 200, "{told:#}");
    for (tag, version) in [("1", "1.0.0"), ("2", "2.0.0")] {
        let release = json!({ "app": "Shop", "tag": tag, "chart_version": version });
        api.post("/releases", release).await;
    }
    World { api, cluster, shelf, dns, _server: server, _data: data }
}

impl World<'_> {
    /// What runs in the cluster says of itself.
    fn told(&self) -> String {
        let get = ["get", "configmap", "told", "-n", NAMESPACE, "-o", "jsonpath={.data.told}"];
        self.cluster.kubectl(&get).trim().to_owned()
    }

    /// Every deployment of the environment, oldest first, a line each: number, cause, release, what it repeats, who, why.
    async fn history(&self) -> String {
        let listed = self.api.get("/deployments?environment=books&limit=100").await;
        let mut lines: Vec<String> = listed["items"].as_array().unwrap().iter().map(line).collect();
        lines.reverse();
        lines.join("\n")
    }
}

fn line(deployment: &Value) -> String {
    let text = |field: &str| {
        let text = deployment.pointer(field).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() { "–" } else { text }
    };
    let number = |field: &str| {
        let number = deployment.pointer(field).and_then(Value::as_i64);
        number.map_or_else(|| "–".to_owned(), |number| number.to_string())
    };
    format!(
        "#{} {} {} · repeats {} · backup {} · host {} · by {} · {}",
        number("/number"),
        text("/trigger"),
        text("/release/tag"),
        number("/repeats"),
        number("/restores/number"),
        text("/host"),
        text("/by/name"),
        text("/reason"),
    )
}

async fn every_cause(world: &World<'_>) {
    let api = &world.api;

    let new = json!({ "name": "books", "app": "Shop", "kind": "sandbox", "cluster": "lab", "release": "1" });
    api.carried_out("/environments", new).await;
    assert_eq!(world.told(), "1.0.0 hello open books.shop.example");

    let manual = json!({ "release": "2", "values": "greeting: hi\n", "reason": "the new shelf" });
    api.carried_out("/environments/books/deployments", manual).await;
    assert_eq!(world.told(), "2.0.0 hi open books.shop.example");

    let values = json!({ "values": "sign: closed\n", "note": "it is late" });
    let (status, saved) = api.try_put("/apps/Shop/values", values).await;
    assert_eq!(status, 200, "{saved:#}");
    let newest = |all: &Value| all["items"][0]["number"] == 3;
    let listed = api.get_until("/deployments?environment=books", newest).await;
    api.op_succeeds(&op_of(&listed["items"][0])).await;
    assert_eq!(world.told(), "2.0.0 hi closed books.shop.example");

    let own = json!({ "values": "greeting: ahoy\n", "reason": "by the sea" });
    let (status, started) = api.try_put("/environments/books/values", own).await;
    assert_eq!(status, 201, "{started:#}");
    api.op_succeeds(&op_of(&started)).await;
    assert_eq!(world.told(), "2.0.0 ahoy closed books.shop.example");

    let back = json!({ "to": "#1", "reason": "it wobbles" });
    api.carried_out("/environments/books/rollbacks", back).await;
    assert_eq!(world.told(), "1.0.0 hello open books.shop.example");

    std::fs::write(&world.shelf.books, "tea, bread").unwrap();
    api.carried_out("/environments/books/backups", json!({})).await;
    std::fs::write(&world.shelf.books, "").unwrap();

    let path = "/environments/books/domains";
    let added = api.post(path, json!({ "host": "books.example" })).await;
    for record in added["records"].as_array().unwrap() {
        let text = |field: &str| record[field].as_str().unwrap();
        let values: Vec<&str> =
            record["expected"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        world.dns.set(text("name"), text("kind"), &values);
    }
    api.post(&format!("{path}/books.example/check"), json!({})).await;
    let deploy = json!({ "reason": "a name of its own" });
    api.carried_out(&format!("{path}/books.example/deployments"), deploy).await;
    assert_eq!(world.told(), "1.0.0 hello open books.example");

    let reset = json!({ "reason": "the name was sold" });
    api.carried_out("/environments/books/domain-resets", reset).await;
    assert_eq!(world.told(), "1.0.0 hello open books.shop.example");

    let later = json!({ "release": "2", "values": "greeting: oh\n" });
    api.carried_out("/environments/books/deployments", later).await;
    let restore = json!({ "reason": "somebody emptied it" });
    api.carried_out("/environments/books/backups/1/restorations", restore).await;
    assert_eq!(world.told(), "1.0.0 hello open books.shop.example");
    assert_eq!(std::fs::read_to_string(&world.shelf.books).unwrap(), "tea, bread");

    assert_eq!(world.history().await, HISTORY.trim());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cause_on_the_simulator() {
    let shelf = Shelf::new();
    let folder = tempfile::tempdir().unwrap();
    let cluster =
        Simulator::start_with(binary(), folder.path(), "instant", &shelf.programs()).await;
    every_cause(&world(&cluster, &shelf).await).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cause_on_kubernetes() {
    if std::env::var_os("LANDFALL_TEST_KUBECONFIG").is_some() {
        eprintln!(
            "LEFT OUT: every cause on a cluster that is named, whose programs are not known here"
        );
        return;
    }
    let shelf = Shelf::new();
    let Some(cluster) = RealCluster::start_with(&shelf.programs()).await else { return };
    every_cause(&world(&cluster, &shelf).await).await;
    cluster.stop().await;
}
