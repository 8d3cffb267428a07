//! A PostgreSQL, a simulated cluster, two servers, and what must hold of them whatever happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fixture::Postgres;
use harness::{Api, Server, Simulator, charts, op_of};
use serde_json::{Value, json};
use tempfile::TempDir;

const APPS: [&str; 2] = ["Parcel", "Letter"];
const ENVIRONMENTS: usize = 12;
/// Every so many deployments one does not render.
const BROKEN: usize = 7;

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// A number that the environment may set.
pub(crate) fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |number| number.parse().unwrap())
}

/// Where servers are now: they change their address when they are started again.
pub(crate) type Addresses = Arc<Mutex<Vec<String>>>;

pub(crate) struct World {
    pub(crate) postgres: Postgres,
    pub(crate) addresses: Addresses,
    pub(crate) api: Api,
    servers: Vec<Server>,
    cluster: Simulator,
    _folder: TempDir,
}

/// A deployment that was asked for: its environment and whether it can succeed.
pub(crate) struct Asked {
    environment: String,
    op: String,
    can_succeed: bool,
}

fn chart() -> Vec<u8> {
    charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n"),
        ("values.yaml", "round: 0\nbroken: false\nreadyAfter: 1s\nreplicas: 1\nlines: started\n"),
        (
            "templates/all.yaml",
            "{{- if .Values.broken }}{{ fail \"broken as asked\" }}{{ end }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  \
             name: {{ .Release.Name }}\ndata:\n  round: {{ .Values.round | quote }}\n---\napiVersion: apps/v1\nkind: Deployment\n\
             metadata:\n  name: {{ .Release.Name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: small}}\n  template:\n    \
             metadata:\n      labels: {app: small}\n      annotations:\n        round: {{ .Values.round | quote }}\n        \
             simulator.landfall.dev/ready-after: {{ .Values.readyAfter }}\n        \
             simulator.landfall.dev/log-lines: {{ .Values.lines | quote }}\n    spec:\n      containers:\n      \
             - {name: small, image: \"small:1\"}\n",
        ),
    ])
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Simulator::start(binary(), folder.path(), "instant").await;
        let postgres = Postgres::start();
        let first = server(folder.path(), &postgres, &cluster, 0, &[]).await;
        let api = first.set_up().await;
        let second = server(folder.path(), &postgres, &cluster, 1, &[]).await;
        api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
        let repository = charts::serve(vec![chart()]).await;
        for app in APPS {
            let body = json!({
                "name": app, "chart_kind": "repository", "chart_url": repository, "chart_name": "small",
            });
            api.post("/apps", body).await;
            let release = json!({ "app": app, "tag": "1.0", "chart_version": "1.0.0" });
            api.post("/releases", release).await;
        }
        let servers = vec![first, second];
        let addresses = servers.iter().map(|server| server.url.clone()).collect();
        Self {
            postgres,
            addresses: Arc::new(Mutex::new(addresses)),
            api,
            servers,
            cluster,
            _folder: folder,
        }
    }

    /// An Op that takes a while and says much.
    pub(crate) async fn start_long_op(&self) -> String {
        let body = json!({
            "name": "long", "app": APPS[0], "kind": "sandbox", "cluster": "lab", "release": "1.0",
            "values": "readyAfter: 12s\nreplicas: 30\nlines: \"one\\ntwo\\nthree\"\n",
        });
        op_of(&self.api.post("/environments", body).await)
    }

    /// So many deployments in all, by both servers in turn, queued as fast as they take them.
    pub(crate) async fn deploy_everywhere(&self, ops: usize) -> Vec<Asked> {
        let mut asked = Vec::new();
        for number in 0..ops {
            let environment = format!("env-{}", number % ENVIRONMENTS);
            let api = self.api.at(&self.servers[number % self.servers.len()]);
            let can_succeed = number < ENVIRONMENTS || number % BROKEN != 0;
            let values = format!("round: {number}\nbroken: {}\n", !can_succeed);
            let answer = if number < ENVIRONMENTS {
                let body = json!({
                    "name": environment, "app": APPS[number % APPS.len()], "kind": "sandbox", "cluster": "lab",
                    "release": "1.0", "values": values,
                });
                api.post("/environments", body).await
            } else {
                let body = json!({ "release": "1.0", "values": values, "on_failure": "leave" });
                api.post(&format!("/environments/{environment}/deployments"), body).await
            };
            asked.push(Asked { environment, op: op_of(&answer), can_succeed });
        }
        asked
    }

    /// Kills a server as a power cut would, and starts it again, at another address.
    pub(crate) async fn kill(&mut self, which: usize) {
        self.servers[which].kill_and_start_again(binary()).await;
        self.addresses.lock().unwrap()[which].clone_from(&self.servers[which].url);
        self.api = self.api.at(&self.servers[which]);
    }

    pub(crate) async fn unended(&self) -> String {
        self.postgres.sql(
            "SELECT id, state, step, fence, lease_until FROM ops WHERE state IN ('queued', 'running') ORDER BY seq LIMIT 5",
        )
        .await
    }

    /// Every Op ended as it had to, each environment's one after another, and the cluster has what they say.
    pub(crate) async fn check_truth(&self, asked: &[Asked]) {
        let mut last: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (number, it) in asked.iter().enumerate() {
            for server in &self.servers {
                let op = self.api.at(server).get(&format!("/ops/{}", it.op)).await;
                let wanted = if it.can_succeed { "succeeded" } else { "failed" };
                assert_eq!(op["state"], wanted, "{}: {op:#}", it.environment);
                let objects = op["objects"].as_array().unwrap();
                let ready = objects.iter().all(|object| object["condition"] == "current");
                assert!(ready || !it.can_succeed, "{}: {op:#}", it.environment);
            }
            if it.can_succeed {
                let (_, revisions) = last.get(it.environment.as_str()).copied().unwrap_or_default();
                last.insert(&it.environment, (number, revisions + 1));
            }
        }
        let overlapping = "SELECT count(*) FROM (SELECT started_at, lag(finished_at) OVER \
             (PARTITION BY environment_id ORDER BY seq) AS before FROM ops) o WHERE started_at < before";
        assert_eq!(self.postgres.sql(overlapping).await, "0", "Ops of one environment overlapped");
        let doubled = "SELECT op_id, name FROM op_steps GROUP BY op_id, name HAVING count(*) > 1";
        assert_eq!(self.postgres.sql(doubled).await, "", "steps were recorded twice");
        let untrue = "SELECT o.id FROM ops o JOIN op_steps s ON s.op_id = o.id WHERE o.state = 'succeeded' \
             AND s.state NOT IN ('done', 'skipped')";
        assert_eq!(
            self.postgres.sql(untrue).await,
            "",
            "Ops succeeded with steps that were not done"
        );
        for (environment, (round, revisions)) in last {
            let found = self.api.get(&format!("/environments/{environment}")).await;
            let namespace = found["namespace"].as_str().unwrap();
            self.check_release(environment, namespace, round, revisions);
        }
    }

    /// The last round that succeeded runs, and Helm has one revision for each that did.
    fn check_release(&self, name: &str, namespace: &str, round: usize, revisions: usize) {
        let map = self.cluster.kubectl(&["get", "configmap", name, "-n", namespace, "-o", "json"]);
        let map: Value = serde_json::from_str(&map).unwrap();
        assert_eq!(map["data"]["round"], round.to_string(), "{name}");
        let history = self.cluster.history(name, namespace);
        let numbers: Vec<u64> = history.iter().map(|it| it["revision"].as_u64().unwrap()).collect();
        let last = u64::try_from(revisions).unwrap();
        let first = last.saturating_sub(9).max(1);
        assert_eq!(numbers, (first..=last).collect::<Vec<_>>(), "{name}: {history:#?}");
        let statuses = history.iter().map(|it| it["status"].as_str().unwrap());
        let deployed: Vec<bool> = statuses.map(|status| status == "deployed").collect();
        assert!(deployed.last().is_some_and(|it| *it), "{name}: {history:#?}");
        assert_eq!(deployed.iter().filter(|it| **it).count(), 1, "{name}: {history:#?}");
    }
}

/// A server that shares database, objects, key and cluster with the others.
pub(crate) async fn server(
    folder: &Path,
    postgres: &Postgres,
    cluster: &Simulator,
    number: usize,
    more: &[&str],
) -> Server {
    let text = |path: &str| folder.join(path).to_str().unwrap().to_owned();
    let (objects, key, url) = (text("objects"), text("key"), postgres.url());
    let reached = format!("lab={}", cluster.kubeconfig.display());
    let common = [
        "--database-url",
        &url,
        "--objects",
        &objects,
        "--key-file",
        &key,
        "--simulated-cluster",
        &reached,
        "--lease",
        "3s",
        "--workers",
        "6",
    ];
    let data = folder.join(format!("data-{number}"));
    Server::start(binary(), &data, &[&common[..], more].concat()).await
}
