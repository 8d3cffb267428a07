//! A server, an environment of the sample product, and what must hold of its Helm release whatever happened.

use std::path::Path;
use std::time::Duration;

use harness::{Api, ClusterTools, Server, charts, op_of};
use serde_json::json;
use tempfile::TempDir;

const NAMESPACE: &str = "parcel-staging";
/// How many revisions Helm keeps of a release.
const HISTORY: usize = 10;
/// The sample product's versions and the Releases made of them.
const VERSIONS: [(&str, &str); 2] = [("2.4.0", "0.31.0"), ("2.4.1", "0.31.2")];

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// Environment `staging`, deployed once.
pub(crate) struct World {
    pub(crate) api: Api,
    /// How long a deployment takes that nothing disturbs.
    pub(crate) undisturbed: Duration,
    server: Server,
    /// How the test looks at the cluster.
    cluster: ClusterTools,
    deployments: usize,
    _data: TempDir,
}

impl World {
    /// Landfall reaches the cluster as `reached` says, the test as `cluster` says.
    pub(crate) async fn start(cluster: &ClusterTools, reached: &ClusterTools) -> Self {
        let data = tempfile::tempdir().unwrap();
        // Workers that die are noticed soon.
        let more = ["--lease", "2s"];
        let (server, api) = Server::on_lab(binary(), data.path(), reached, &more).await;
        let repository = charts::serve(charts::parcel()).await;
        let app = json!({
            "name": "Parcel", "chart_kind": "repository", "chart_url": repository, "chart_name": "parcel",
            "wait_seconds": 60,
        });
        api.post("/apps", app).await;
        for (tag, version) in VERSIONS {
            let release = json!({ "app": "Parcel", "tag": tag, "chart_version": version });
            api.post("/releases", release).await;
        }
        let body = json!({
            "name": "staging", "app": "Parcel", "kind": "sandbox", "cluster": "lab", "release": "2.4.0",
        });
        let first = op_of(&api.post("/environments", body).await);
        api.op_succeeds(&first).await;
        let mut world = Self {
            api,
            server,
            cluster: cluster.clone(),
            deployments: 1,
            undisturbed: Duration::ZERO,
            _data: data,
        };
        let started = std::time::Instant::now();
        let second = world.deploy().await;
        world.api.op_succeeds(&second).await;
        world.undisturbed = started.elapsed();
        world.check();
        world
    }

    /// Starts the next deployment, a rollback now and then; its Op.
    pub(crate) async fn deploy(&mut self) -> String {
        let number = self.deployments;
        self.deployments += 1;
        let (tag, _) = VERSIONS[number % 2];
        let started = if number % 5 == 4 {
            let to = format!("#{}", number - 1);
            self.api.post("/environments/staging/rollbacks", json!({ "to": to })).await
        } else {
            let values = format!("web:\n  podAnnotations:\n    example.com/round: {number:?}\n");
            let body = json!({ "release": tag, "values": values, "on_failure": "leave" });
            self.api.post("/environments/staging/deployments", body).await
        };
        op_of(&started)
    }

    /// Kills the server as a power cut would, and starts it again.
    pub(crate) async fn kill(&mut self) {
        let Self { server, api, .. } = self;
        server.kill_and_start_again(binary()).await;
        *api = api.at(server);
    }

    /// One revision for each deployment, none of them pending, the newest the one that runs.
    pub(crate) fn check(&self) {
        let history = self.cluster.history("staging", NAMESPACE);
        let revisions: Vec<usize> = history
            .iter()
            .map(|revision| usize::try_from(revision["revision"].as_u64().unwrap()).unwrap())
            .collect();
        let last = self.deployments;
        let first = (last + 1).saturating_sub(HISTORY).max(1);
        assert_eq!(revisions, (first..=last).collect::<Vec<_>>(), "{history:#?}");
        let statuses: Vec<&str> = history.iter().map(|it| it["status"].as_str().unwrap()).collect();
        assert!(!statuses.iter().any(|status| status.starts_with("pending")), "{history:#?}");
        assert_eq!(statuses.last(), Some(&"deployed"), "{history:#?}");
        let deployed = statuses.iter().filter(|status| **status == "deployed").count();
        assert_eq!(deployed, 1, "{history:#?}");
    }
}
