//! Helm releases that others made and change, on a simulated cluster and on a real Kubernetes control plane: adopted with
//! what real Helm 4 and Helm 3 left, gone on with, noticed where Helm goes on beside Landfall, and removed.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::{Path, PathBuf};

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\ndata:\n  currency: {{ .Values.currency | quote }}\n  version: {{ .Chart.Version | quote }}\n";

fn chart(version: &str) -> Vec<u8> {
    let head = format!("apiVersion: v2\nname: ledger\nversion: {version}\n");
    let values = "currency: EUR\n";
    charts::packed(&[
        ("Chart.yaml", head.as_str()),
        ("values.yaml", values),
        ("templates/settings.yaml", SETTINGS),
    ])
}

struct World {
    api: Api,
    cluster: ClusterTools,
    chart: PathBuf,
    _server: Server,
    _data: tempfile::TempDir,
}

/// A server with App `Ledger` on a cluster: its Releases `1` and `2` have charts 1.0.0 and 1.1.0.
async fn world(cluster: &ClusterTools) -> World {
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![chart("1.0.0"), chart("1.1.0")]).await;
    for name in ["Ledger", "Other"] {
        let app = json!({
            "name": name, "chart_kind": "repository", "chart_url": repository,
            "chart_name": "ledger", "wait_seconds": 60,
        });
        api.post("/apps", app).await;
    }
    let body =
        |tag: &str, version: &str| json!({ "app": "Ledger", "tag": tag, "chart_version": version });
    api.post("/releases", body("1", "1.0.0")).await;
    api.post("/releases", body("2", "1.1.0")).await;
    let file = data.path().join("ledger-1.0.0.tgz");
    std::fs::write(&file, chart("1.0.0")).unwrap();
    World { api, cluster: cluster.clone(), chart: file, _server: server, _data: data }
}

impl World {
    fn install(&self, namespace: &str, more: &[&str]) -> Vec<String> {
        let chart = self.chart.to_str().unwrap();
        let first = ["install", "books", chart, "-n", namespace, "--create-namespace"];
        let values =
            ["--set", "currency=SEK", "--set-json", "limits={\"rows\":100000000,\"ratio\":0.5}"];
        [&first[..], &values[..], more].concat().into_iter().map(str::to_owned).collect()
    }

    fn history(&self, namespace: &str) -> Vec<String> {
        self.cluster.told_history("books", namespace)
    }

    fn currency(&self, namespace: &str) -> String {
        let get = [
            "get",
            "configmap",
            "books-settings",
            "-n",
            namespace,
            "-o",
            "jsonpath={.data.currency} {.data.version}",
        ];
        self.cluster.kubectl(&get)
    }

    async fn deploy(&self, environment: &str, release: &str) -> Value {
        let path = format!("/environments/{environment}/deployments");
        let started = self.api.post(&path, json!({ "release": release })).await;
        self.api.op_succeeds(&op_of(&started)).await;
        started
    }

    async fn landfall(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.api.landfall(binary(), args).await
    }
}

/// From the list of what can be adopted to the removal, with Helm going on beside Landfall in between.
async fn adopted(world: &World) {
    let (namespace, api) = ("books-by-helm", &world.api);
    let install = world.install(namespace, &["--labels", "team=x"]);
    world.cluster.helm(&install.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, out, told) = world.landfall(&["env", "adoptable", "lab", "-n", namespace]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(out.contains("books") && out.contains("ledger 1.0.0"), "{out}");
    let everywhere = api.get("/clusters/lab/adoptable-releases").await;
    assert!(everywhere["releases"].to_string().contains(namespace), "{everywhere}");

    let adopt = |release: &str, app: &str| json!({ "cluster": "lab", "namespace": namespace, "release_name": release, "app": app, "name": "books-eu" });
    let (status, refused) = api.try_post("/adoptions", adopt("nothing", "Ledger")).await;
    assert_eq!(status, 422);
    assert!(refused.to_string().contains("There is no Helm release `nothing`"), "{refused}");

    let args = [
        "env",
        "adopt",
        "books",
        "-n",
        namespace,
        "--cluster",
        "lab",
        "--app",
        "Ledger",
        "--name",
        "books-eu",
    ];
    let (code, out, told) = world.landfall(&args).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert!(out.contains("books-eu") && out.contains("ledger 1.0.0"), "{out}");
    assert_eq!(told, "", "a deployed release of a known version needs no warning");
    let (status, refused) = api.try_post("/adoptions", adopt("books", "Ledger")).await;
    assert_eq!(status, 422);
    assert!(refused.to_string().contains("already"), "{refused}");

    let environment = api.get("/environments/books-eu").await;
    assert_eq!(
        (&environment["state"], &environment["status"]),
        (&json!("active"), &json!("running"))
    );
    assert_eq!(environment["release"]["tag"], "1");
    assert_eq!(
        (&environment["observed"]["cause"], &environment["observed"]["revision"]),
        (&json!("adopted"), &json!(1))
    );
    assert_eq!(environment["observed"]["description"], "Install complete");
    let values = api.get("/environments/books-eu/values").await;
    assert_eq!(
        values["own"]["values"],
        "currency: SEK\nlimits:\n  ratio: 0.5\n  rows: 100000000\n"
    );
    assert_eq!(api.get("/deployments").await["items"], json!([]), "nothing was deployed");
    assert_eq!(world.history(namespace), ["1 deployed Install complete"]);

    world.deploy("books-eu", "2").await;
    assert_eq!(
        world.history(namespace),
        ["1 superseded Install complete", "2 deployed Upgrade complete"]
    );
    assert_eq!(world.currency(namespace), "SEK 1.1.0");
    assert_eq!(api.get("/environments/books-eu").await["observed"], Value::Null);

    // Helm rolls back beside Landfall: a preview sees it, the history keeps it, the next deployment goes on from it.
    world.cluster.helm(&["rollback", "books", "1", "-n", namespace]);
    let preview = api.post("/environments/books-eu/previews", json!({ "release": "2" })).await;
    assert_eq!(preview["starts_from"]["revision"], 3, "{:#}", preview["starts_from"]);
    assert!(
        preview["warnings"]
            .to_string()
            .contains("Helm revision 3 was made outside Landfall: Rollback to 1"),
        "{}",
        preview["warnings"]
    );
    let observed = &api.get("/environments/books-eu").await["observed"];
    assert_eq!(
        (&observed["cause"], &observed["release"]["tag"], &observed["after"]),
        (&json!("outside"), &json!("1"), &json!(1))
    );
    assert_eq!(world.currency(namespace), "SEK 1.0.0");
    let started = world.deploy("books-eu", "2").await;
    let log = api.get(&format!("/ops/{}/log", op_of(&started))).await.to_string();
    assert!(log.contains("Helm revision 3 was made outside Landfall"), "{log}");
    assert_eq!(world.history(namespace)[3], "4 deployed Upgrade complete");
    let seen = api.get("/environments/books-eu/observed-revisions").await;
    let seen: Vec<&Value> =
        seen["items"].as_array().unwrap().iter().map(|it| &it["revision"]).collect();
    assert_eq!(seen, [3, 1]);

    // Nobody looks in between: the Op itself sees two at once.
    let chart = world.chart.to_str().unwrap();
    for currency in ["currency=NOK", "currency=DKK"] {
        world.cluster.helm(&["upgrade", "books", chart, "-n", namespace, "--set", currency]);
    }
    world.deploy("books-eu", "2").await;
    let seen = api.get("/environments/books-eu/observed-revisions").await;
    let seen: Vec<&Value> =
        seen["items"].as_array().unwrap().iter().map(|it| &it["revision"]).collect();
    assert_eq!(seen, [6, 5, 3, 1]);
    assert_eq!(world.history(namespace).last().unwrap(), "7 deployed Upgrade complete");

    // And uninstalls it.
    world.cluster.helm(&["uninstall", "books", "-n", namespace]);
    let preview = api.post("/environments/books-eu/previews", json!({ "release": "2" })).await;
    assert_eq!(preview["starts_from"]["cause"], "gone");
    assert_eq!(preview["plan"]["operation"]["operation"], "install");
    world.deploy("books-eu", "2").await;
    assert_eq!(world.history(namespace), ["1 deployed Install complete"]);

    let (code, out, told) =
        world.landfall(&["env", "remove", "books-eu", "--yes", "--watch"]).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert_eq!(world.cluster.helm(&["list", "-n", namespace, "-q"]), "");
    let _ = world.cluster.try_kubectl(&["delete", "namespace", namespace, "--wait=false"]);
}

/// What Helm 3 made is adopted as well, gone on with on the client side, and removed at once.
async fn adopted_from_helm3(world: &World) {
    let (namespace, api) = ("books-by-helm3", &world.api);
    let install = world.install(namespace, &[]);
    let install: Vec<&str> = install.iter().map(String::as_str).collect();
    world.cluster.try_helm3(&install).unwrap();
    let body = json!({
        "cluster": "lab", "namespace": namespace, "release_name": "books", "app": "Other", "kind": "sandbox",
    });
    let made = api.post("/adoptions", body).await;
    assert_eq!(
        (&made["environment"]["name"], &made["environment"]["release"]),
        (&json!("books"), &Value::Null)
    );
    assert!(
        made["warnings"].to_string().contains("Other has no release of chart ledger 1.0.0"),
        "{made:#}"
    );
    api.post("/releases", json!({ "app": "Other", "tag": "a", "chart_version": "1.1.0" })).await;
    world.deploy("books", "").await;
    assert_eq!(world.history(namespace)[1], "2 deployed Upgrade complete");
    assert_eq!(world.currency(namespace), "SEK 1.1.0");
    let outline = api.get("/environments/books/removal").await;
    assert_eq!(outline["number"], 1);
    world.cluster.helm(&["rollback", "books", "1", "-n", namespace]);
    assert_eq!(world.currency(namespace), "SEK 1.0.0");
    let (code, out, told) = world.landfall(&["env", "remove", "books", "--yes", "--watch"]).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert!(out.contains("Helm revision 3 was made outside Landfall"), "{out}");
    let gone = ["get", "configmap", "books-settings", "-n", namespace];
    assert!(world.cluster.try_kubectl(&gone).is_err());
    let _ = world.cluster.try_kubectl(&["delete", "namespace", namespace, "--wait=false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    let world = world(&cluster).await;
    adopted(&world).await;
    adopted_from_helm3(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    let world = world(&cluster).await;
    adopted(&world).await;
    adopted_from_helm3(&world).await;
    cluster.stop().await;
}
