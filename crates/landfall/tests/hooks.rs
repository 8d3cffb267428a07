//! Hooks and custom resource definitions of a chart through the API, on a simulated cluster and on a real Kubernetes
//! control plane: what runs when, what is told of it, what real helm sees, and a server that is killed while one runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const CHART: &str = "apiVersion: v2\nname: ledger\nversion: 1.0.0\n";
const VALUES: &str = "greeting: hello\nmigration: {runs: 500ms, fault: none}\n";
const SETTINGS: &str = r"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
data: {greeting: {{ .Values.greeting }}}
";
const KEPT: &str = r"{{- if .Release.IsInstall }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-kept
  annotations: {helm.sh/resource-policy: keep}
{{- end }}
";
const MIGRATE: &str = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "1"}
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        simulator.landfall.dev/log-lines: "migrating accounts\nmigrating entries"
        simulator.landfall.dev/ready-after: {{ .Values.migration.runs }}
        simulator.landfall.dev/fault: {{ .Values.migration.fault }}
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "ledger/api:1"}]
"#;
const NOTICE: &str = r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-notice
  annotations: {helm.sh/hook: "post-upgrade,post-rollback", helm.sh/hook-delete-policy: "hook-succeeded"}
spec:
  restartPolicy: Never
  containers: [{name: notice, image: "ledger/notice:1"}]
"#;
const DEFINITION: &str = r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: accounts.ledger.example.org}
spec:
  group: ledger.example.org
  scope: Namespaced
  names: {kind: Account, plural: accounts, singular: account}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {owner: {type: string}}}}}}
";
const ACCOUNT: &str = r#"{{- if .Capabilities.APIVersions.Has "ledger.example.org/v1/Account" }}
apiVersion: ledger.example.org/v1
kind: Account
metadata: {name: {{ .Release.Name }}-first}
spec: {owner: ada}
{{- end }}
"#;

struct World {
    api: Api,
    cluster: ClusterTools,
    server: Server,
    _data: tempfile::TempDir,
}

/// A server with App `Ledger`, its release `1`, on a cluster.
async fn world(cluster: &ClusterTools, more: &[(&str, &str)]) -> World {
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), cluster, &["--lease", "2s"]).await;
    let files = [
        ("Chart.yaml", CHART),
        ("values.yaml", VALUES),
        ("templates/settings.yaml", SETTINGS),
        ("templates/kept.yaml", KEPT),
        ("templates/migrate.yaml", MIGRATE),
        ("templates/notice.yaml", NOTICE),
    ];
    let chart = charts::packed(&[&files[..], more].concat());
    let repository = charts::serve(vec![chart]).await;
    let app = json!({
        "name": "Ledger", "chart_kind": "repository", "chart_url": repository, "chart_name": "ledger",
        "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Ledger", "tag": "1", "chart_version": "1.0.0" })).await;
    World { api, cluster: cluster.clone(), server, _data: data }
}

impl World {
    async fn create(&self, values: &str) -> String {
        let body = json!({
            "name": "books", "app": "Ledger", "kind": "sandbox", "cluster": "lab", "release": "1",
            "values": values,
        });
        op_of(&self.api.post("/environments", body).await)
    }

    async fn deploy(&self, values: &str) -> Value {
        let body = json!({ "values": values });
        let started = self.api.post("/environments/books/deployments", body).await;
        self.api.op_end(&op_of(&started)).await
    }

    /// The lines of an Op's log.
    async fn log(&self, op: &str) -> Vec<String> {
        let log = self.api.get(&format!("/ops/{op}/log?limit=10000")).await;
        let lines = log["lines"].as_array().unwrap().iter();
        lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    }

    /// Name, phase and deletion policies of each hook as helm reads them from its record.
    fn helms_hooks(&self) -> Vec<String> {
        let status = self.cluster.helm(&["status", "books", "-n", "ledger-books", "-o", "json"]);
        let status: Value = serde_json::from_str(&status).unwrap();
        let line = |hook: &Value| {
            let run = &hook["last_run"];
            format!("{} {} {}", hook["name"], run["phase"], hook["delete_policies"])
                .replace('"', "")
        };
        status["hooks"].as_array().unwrap().iter().map(line).collect()
    }

    fn uid(&self, what: &str) -> String {
        let uid = ["get", what, "-n", "ledger-books", "-o", "jsonpath={.metadata.uid}"];
        self.cluster.kubectl(&uid)
    }
}

/// A hook whose time is over is a culprit: which one, what its pod was at, what it said last.
async fn a_hook_that_hangs(world: &World) {
    let api = &world.api;
    let wait = async |seconds: i64| {
        let (status, _) =
            api.try_patch("/apps/Ledger/settings", json!({ "wait_seconds": seconds })).await;
        assert_eq!(status, 200);
    };
    wait(2).await;
    let ended = world.deploy("migration: {runs: 60m}\n").await;
    wait(60).await;
    assert_eq!((ended["state"].as_str(), step(&ended, "pre_hooks").0), (Some("failed"), "failed"));
    let culprit = &ended["culprits"][0];
    assert_eq!(culprit["cause"], "hook_overdue", "{ended:#}");
    let line = "Job/ledger-books/books-migrate: its time was over while its pod was Running, container \"migrate\" still runs";
    assert_eq!(culprit["text"], line);
    let said = culprit["last_lines"].as_array().unwrap();
    assert_eq!(said.last().unwrap(), "migrating entries");
    let listed = api.get("/deployments?environment=books").await;
    assert_eq!(listed["items"][0]["culprit"], line);
    let (_, out, _) = api.landfall(binary(), &["env", "list"]).await;
    assert!(out.contains("its time was over"), "{out}");
}

fn step<'a>(op: &'a Value, name: &str) -> (&'a str, &'a str) {
    let step = op["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap();
    (step["state"].as_str().unwrap(), step["note"].as_str().unwrap())
}

/// Install, upgrade, a hook that fails, rollback.
async fn hooks_run(world: &World) {
    let op = world.create("").await;
    let ended = world.api.op_succeeds(&op).await;
    assert_eq!(step(&ended, "pre_hooks"), ("done", "1 hook"));
    assert_eq!(step(&ended, "post_hooks"), ("skipped", "none"));
    let log = world.log(&op).await;
    let at = |text: &str| {
        let found: Vec<usize> = (0..log.len()).filter(|line| log[*line].contains(text)).collect();
        assert_eq!(found.len(), 1, "{text}: {log:#?}");
        found[0]
    };
    let order = [
        at("Running pre-install hook books-migrate (weight 1): Job/ledger-books/books-migrate"),
        at("migrating accounts"),
        at("migrating entries"),
        at("pre-install hook books-migrate succeeded"),
        at("ConfigMap/ledger-books/books-settings created"),
    ];
    assert!(order.is_sorted(), "{log:#?}");
    assert_eq!(
        world.helms_hooks(),
        ["books-notice  [hook-succeeded]", "books-migrate Succeeded [before-hook-creation]"]
    );

    // The preview says which hooks run; what the chart no longer has but says to keep is kept.
    let values = json!({ "values": "greeting: ho\n" });
    let preview = world.api.post("/environments/books/previews", values).await;
    let hooks = preview["plan"]["hooks"].as_array().unwrap().iter();
    let hooks: Vec<String> =
        hooks.map(|hook| format!("{} {}", hook["event"], hook["name"])).collect();
    assert_eq!(hooks, ["\"pre-upgrade\" \"books-migrate\"", "\"post-upgrade\" \"books-notice\""]);
    let first = world.uid("job/books-migrate");
    let ended = world.deploy("greeting: ho\n").await;
    assert_eq!(step(&ended, "post_hooks"), ("done", "1 hook"), "{ended:#}");
    assert_ne!(world.uid("job/books-migrate"), first, "it was made anew");
    world.uid("configmap/books-kept");
    assert!(world.cluster.try_kubectl(&["get", "pod/books-notice", "-n", "ledger-books"]).is_err());

    let ended = world.deploy("greeting: nay\nmigration: {fault: crash-loop}\n").await;
    assert_eq!((ended["state"].as_str(), step(&ended, "pre_hooks").0), (Some("failed"), "failed"));
    assert_eq!(step(&ended, "apply").0, "skipped");
    let told = step(&ended, "pre_hooks").1;
    assert!(told.starts_with("Pre-upgrade hook Job books-migrate failed: "), "{told}");
    let culprit = &ended["culprits"][0];
    assert_eq!(culprit["cause"], "hook_failed", "{ended:#}");
    assert!(culprit["last_lines"].to_string().contains("migrating entries"), "{culprit:#}");
    assert_eq!(
        world.helms_hooks(),
        ["books-notice  [hook-succeeded]", "books-migrate Failed [before-hook-creation]"]
    );

    let body = json!({ "to": "#1", "reason": "it was better" });
    let back = world.api.post("/environments/books/rollbacks", body).await;
    let ended = world.api.op_succeeds(&op_of(&back)).await;
    assert_eq!(step(&ended, "pre_hooks"), ("skipped", "none"));
    assert_eq!(step(&ended, "post_hooks"), ("done", "1 hook"));
}

/// SIGKILL while a hook runs: the next server waits for the same Job and tells no line twice.
async fn killed_while_a_hook_runs(mut world: World) {
    let job = ["-n", "ledger-books", "job/books-migrate"];
    world.cluster.kubectl(&[&["delete"][..], &job].concat());
    let values = json!({ "values": "migration: {runs: 6s}\n" });
    let started = world.api.post("/environments/books/deployments", values).await;
    let op = op_of(&started);
    world.api.op_until(&op, |op| step(op, "pre_hooks").0 == "running").await;
    world.cluster.kubectl(&[&["wait", "--for=create", "--timeout=20s"][..], &job].concat());
    let running = world.uid("job/books-migrate");

    world.server.kill_and_start_again(binary()).await;
    world.api = world.api.at(&world.server);
    world.api.op_succeeds(&op).await;
    assert_eq!(world.uid("job/books-migrate"), running);
    let log = world.log(&op).await;
    let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("migrating entries"), 1, "{log:#?}");
    assert_eq!(count("books-migrate was begun already"), 1, "{log:#?}");
}

/// Definitions come before what needs them; the App's policy says what happens to those that exist.
async fn definitions_are_installed(cluster: &ClusterTools) {
    let files = [("crds/account.yaml", DEFINITION), ("templates/account.yaml", ACCOUNT)];
    let world = world(cluster, &files).await;
    let op = world.create("").await;
    let ended = world.api.op_succeeds(&op).await;
    assert_eq!(step(&ended, "crds"), ("done", "1 created"));
    world.uid("accounts.ledger.example.org/books-first");
    let ended = world.deploy("greeting: ho\n").await;
    assert_eq!(step(&ended, "crds"), ("skipped", "1 there already"), "{ended:#}");

    let drift = r#"{"spec":{"names":{"categories":["all"]}}}"#;
    let name = "crd/accounts.ledger.example.org";
    cluster.kubectl(&["label", name, "by=somebody"]);
    cluster.kubectl(&["patch", name, "--type=merge", "-p", drift]);
    let settings = json!({ "crds": "create_and_upgrade" });
    let (status, answer) = world.api.try_patch("/apps/Ledger/settings", settings).await;
    assert_eq!((status, &answer["crds"]), (200, &json!("create_and_upgrade")));
    let values = json!({ "values": "greeting: hi\n" });
    let preview = world.api.post("/environments/books/previews", values).await;
    assert_eq!(preview["plan"]["crds"][0]["key"]["name"], "accounts.ledger.example.org");
    let ended = world.deploy("greeting: hi\n").await;
    assert_eq!(step(&ended, "crds"), ("done", "1 upgraded"), "{ended:#}");
    let label = cluster.kubectl(&["get", name, "-o", "jsonpath={.metadata.labels.by}"]);
    assert_eq!(label, "somebody", "what others put there stays");
}

async fn hooks_and_definitions(cluster: &ClusterTools) {
    let hooked = world(cluster, &[]).await;
    hooks_run(&hooked).await;
    a_hook_that_hangs(&hooked).await;
    killed_while_a_hook_runs(hooked).await;
    cluster.kubectl(&["delete", "namespace", "ledger-books", "--timeout=60s"]);
    definitions_are_installed(cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    hooks_and_definitions(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    hooks_and_definitions(&cluster).await;
    // A cluster that somebody named has these behind it; one that was started goes as a whole.
    cluster.kubectl(&["delete", "namespace", "ledger-books", "--wait=false"]);
    cluster.kubectl(&["delete", "crd", "accounts.ledger.example.org", "--wait=false"]);
    cluster.stop().await;
}
