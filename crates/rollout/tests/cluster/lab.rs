//! A simulated cluster, the steps of a release in order, and the real `helm` beside them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use helm::release::Release;
use jiff::Timestamp;
use rollout::apply;
use rollout::crds::Crds;
use rollout::manifest::Desired;
use rollout::plan::{Plan, PlanError, PlanOptions};
use rollout::record::{Finish, NewRevision, NothingKept, Owner};
use rollout::report::{Cursor, LogSource, Report, Reporter, RolloutEvent};
use rollout::wait::{WaitOptions, WaitOutcome};
use rollout::{
    Cluster, ClusterConfig, Execution, GuardError, WriteGuard, plan, prune, record, wait,
};
use simulator::{Simulator, Timing};
use tokio_util::sync::CancellationToken;

pub(crate) const KEY: &[u8] = b"test";

/// A simulated cluster with everything a rollout needs.
pub(crate) struct Lab {
    pub(crate) simulator: Simulator,
    pub(crate) cluster: Cluster,
    pub(crate) reports: Reports,
    pub(crate) cancel: CancellationToken,
    pub(crate) folder: tempfile::TempDir,
}

/// Collects what is told.
#[derive(Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Vec<Report>>>);

impl Reporter for Reports {
    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(report);
        Box::pin(std::future::ready(()))
    }
}

/// A guard that always agrees.
pub(crate) struct Agree;

impl WriteGuard for Agree {
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Reports {
    /// Takes what was told so far.
    pub(crate) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The log lines told so far: who, and what.
    pub(crate) fn lines(&self) -> Vec<String> {
        let reports = self.0.lock().unwrap();
        let line = |report: &Report| match &report.event {
            RolloutEvent::Log(line) => Some(match &line.source {
                LogSource::Engine => format!("engine: {}", line.text),
                LogSource::Event { reason } => format!("event {reason}: {}", line.text),
                LogSource::Container { container, .. } => format!("{container}: {}", line.text),
            }),
            _ => None,
        };
        reports.iter().filter_map(line).collect()
    }
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let simulator = Simulator::builder().timing(Timing::instant()).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), simulator.kubeconfig()).unwrap();
        Self {
            cluster: connect(&simulator, simulator.url()),
            simulator,
            reports: Reports::default(),
            cancel: CancellationToken::new(),
            folder,
        }
    }

    /// The same cluster, reached by another address.
    pub(crate) fn cluster_at(&self, url: &str) -> Cluster {
        connect(&self.simulator, url)
    }

    pub(crate) fn execution(&self) -> Execution<'_> {
        Execution {
            cluster: &self.cluster,
            guard: &Agree,
            reporter: &self.reports,
            kept: &NothingKept,
            cancel: &self.cancel,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn plan(&self, desired: &Desired) -> Result<Plan, PlanError> {
        let options = PlanOptions::default();
        let history =
            record::read_history(&self.cluster, &NothingKept, "prod", "shop").await.unwrap();
        let live = plan::read_live(&self.cluster, desired, &history, &options).await?;
        plan::plan(desired, &history, &live, &options, KEY)
    }

    /// All steps in order for one deployment; how the wait ended.
    pub(crate) async fn deploy(&self, id: &str, desired: &Desired, manifest: &str) -> WaitOutcome {
        let plan = self.plan(desired).await.unwrap();
        assert_eq!(plan.refusals().count(), 0, "{:?}", plan.refusals().collect::<Vec<_>>());
        self.carry_out(id, desired, manifest, &plan).await
    }

    pub(crate) async fn carry_out(
        &self,
        id: &str,
        desired: &Desired,
        manifest: &str,
        plan: &Plan,
    ) -> WaitOutcome {
        let execution = self.execution();
        let new = revision(id, manifest);
        let since = Timestamp::now();
        record::record_pending(execution, plan, &new).await.unwrap();
        let applied = apply::apply(execution, desired, plan).await.unwrap();
        prune::prune(execution, plan).await.unwrap();
        let outcome = wait::wait(execution, plan, applied, options(since, 20)).await.unwrap();
        let finish = match &outcome {
            WaitOutcome::Ready => Finish::Deployed,
            WaitOutcome::NotReady { text, .. } => {
                Finish::Failed { error: text.clone(), applying: false }
            }
        };
        record::record_finish(execution, plan, &new, &finish).await.unwrap();
        outcome
    }

    /// Runs the real `helm` against the cluster; its output, or what it complains about.
    pub(crate) async fn helm(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(helm_binary());
        command
            .args(arguments)
            .env("KUBECONFIG", self.path("kubeconfig"))
            .env("HELM_CACHE_HOME", self.path("helm"))
            .env("HELM_CONFIG_HOME", self.path("helm"))
            .env("HELM_DATA_HOME", self.path("helm"))
            .env_remove("HELM_NAMESPACE");
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// An object by kind and name, if it is there.
    pub(crate) fn object(&self, resource: &str, name: &str) -> Option<serde_json::Value> {
        self.simulator.cluster().get(resource, "prod", name).ok().map(|stored| stored.value())
    }

    /// A chart folder whose only template is `manifest`; its path.
    pub(crate) fn chart(&self, manifest: &str) -> String {
        let folder = self.path("chart");
        std::fs::create_dir_all(folder.join("templates")).unwrap();
        std::fs::write(
            folder.join("Chart.yaml"),
            "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: '1'\n",
        )
        .unwrap();
        std::fs::write(folder.join("templates/all.yaml"), manifest).unwrap();
        folder.to_str().unwrap().to_owned()
    }
}

fn connect(simulator: &Simulator, url: &str) -> Cluster {
    let (ca, token) = (simulator.ca_pem().to_owned(), simulator.token().to_owned());
    Cluster::connect(ClusterConfig::with_token("demo", url, Some(ca), token)).unwrap()
}

pub(crate) fn options(since: Timestamp, seconds: i64) -> WaitOptions {
    WaitOptions {
        deadline: Timestamp::now() + jiff::SignedDuration::from_secs(seconds),
        since: since - jiff::SignedDuration::from_secs(1),
        jobs: false,
        end_when_hopeless: false,
        cursor: Cursor::default(),
    }
}

pub(crate) fn desired(manifest: &str) -> Desired {
    Desired::parse("shop", "prod", manifest, Vec::new(), Crds::default()).unwrap()
}

/// A new revision whose record holds a small chart and this manifest.
pub(crate) fn revision(id: &str, manifest: &str) -> NewRevision {
    let content = serde_json::json!({
        "manifest": manifest,
        "config": { "replicas": 2 },
        "chart": {
            "metadata": { "name": "shop", "version": "0.1.0", "apiVersion": "v2", "appVersion": "1" },
            "templates": [{ "name": "templates/all.yaml", "data": "" }],
            "values": { "replicas": 1 },
        },
    });
    NewRevision {
        content: Release::from_json(content.to_string().as_bytes()).unwrap(),
        reference: String::new(),
        owner: Owner { key: "example.org/deployment".to_owned(), value: id.to_owned() },
        history_max: 10,
        description: None,
        abandoned_after: Duration::from_mins(10),
        abandoned: None,
    }
}

/// The `helm` that `LANDFALL_HELM` names, else the one in the checkout's tool folder.
fn helm_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("LANDFALL_HELM") {
        return PathBuf::from(path);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/bin/helm");
    assert!(
        path.exists(),
        "these tests compare with the real helm, which is not at {}; `make test-tools` puts it there, or set LANDFALL_HELM to its path",
        path.display(),
    );
    path
}

pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "---\n# Source: shop/templates/all.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: {value}\n"
    )
}

/// A Deployment with two pods; `extra` are annotations of its pods.
pub(crate) fn deployment(name: &str, image: &str, extra: &[(&str, &str)]) -> String {
    deployment_in(name, image, extra, "")
}

/// The same with further lines in the spec of its pods.
pub(crate) fn deployment_in(
    name: &str,
    image: &str,
    extra: &[(&str, &str)],
    pod_spec: &str,
) -> String {
    let annotations: String = extra.iter().fold(String::new(), |text, (key, value)| {
        format!("{text}        {key}: {}\n", serde_json::Value::from(*value))
    });
    let annotations = if annotations.is_empty() {
        String::new()
    } else {
        format!("      annotations:\n{annotations}")
    };
    format!(
        "---
# Source: shop/templates/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
{annotations}    spec:
{pod_spec}      containers:
      - name: main
        image: {image}
        ports:
        - containerPort: 8080
        readinessProbe:
          periodSeconds: 1
          failureThreshold: 3
          httpGet:
            path: /ready
            port: 8080
"
    )
}
