//! A deployment through the API against `helm upgrade`, on the same real control plane, in turn: wall time, and the most
//! memory either process ever had.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::{Api, ClusterTools, RealCluster, Server, charts, op_of};
use serde_json::json;

use crate::corpus;
use crate::median;
use crate::memory::megabytes;

pub(crate) const HEADER: [&str; 6] =
    ["chart", "helm ms", "landfall ms", "times faster", "helm peak MB", "landfall peak MB"];

/// The values of a run.
type Values = fn(usize) -> String;

/// Public charts, and values under which something changes from one upgrade to the next, but no pod: both wait until all is
/// ready, and how long pods take is neither's doing. No certificate is asked for that a program in a pod would make (no program
/// runs), nor a port of the node, which one of the two would have.
const CHARTS: [(&str, &str, Values); 2] = [
    ("podinfo", "stefanprodan__podinfo__charts__podinfo", |run| {
        format!("replicaCount: 0\nui: {{message: \"{run}\"}}\n")
    }),
    (
        "kube-prometheus-stack",
        "prometheus-community__helm-charts__charts__kube-prometheus-stack",
        |run| {
            format!(
                "prometheus: {{prometheusSpec: {{retention: \"{run}1d\"}}}}\n\
                 nodeExporter: {{enabled: false}}\n\
                 prometheusOperator: {{admissionWebhooks: {{enabled: false}}, tls: {{enabled: false}}}}\n"
            )
        },
    ),
];

/// Nothing where there is no control plane or no folder of charts; both are said.
pub(crate) async fn measure(landfall: &Path, runs: usize) -> Result<Vec<Vec<String>>> {
    let Some(folder) = corpus::folder() else { return Ok(Vec::new()) };
    let Some(cluster) = RealCluster::start().await else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for (name, chart, values) in CHARTS {
        rows.push(compare(landfall, &cluster, name, &folder.join(chart), values, runs).await?);
    }
    cluster.stop().await;
    Ok(rows)
}

async fn compare(
    landfall: &Path,
    cluster: &ClusterTools,
    name: &str,
    chart: &Path,
    values: Values,
    runs: usize,
) -> Result<Vec<String>> {
    let data = tempfile::tempdir()?;
    let (server, api) = Server::on_lab(landfall, data.path(), cluster, &[]).await;
    set_up(&api, name, chart, &values(0)).await?;
    let mut helm = Helm::new(cluster, name, chart)?;
    helm.run("install", &values(0), &["--create-namespace"])?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        theirs.push(helm.run("upgrade", &values(run), &[])?);
        let begun = Instant::now();
        let body = json!({ "release": "1", "values": values(run) });
        let started = api.post(&format!("/environments/{name}/deployments"), body).await;
        api.op_succeeds(&op_of(&started)).await;
        ours.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let (helms, landfalls) = (median(theirs), median(ours));
    Ok(vec![
        name.to_owned(),
        format!("{helms:.0}"),
        format!("{landfalls:.0}"),
        format!("{:.1}", helms / landfalls),
        format!("{:.0}", helm.peak),
        format!("{:.0}", megabytes(server.pid(), "VmHWM:")?),
    ])
}

/// An App of the chart, and an environment of it that is deployed.
async fn set_up(api: &Api, name: &str, chart: &Path, values: &str) -> Result<()> {
    let metadata = helm::chart::Chart::load(chart)?.metadata().clone();
    let repository = charts::serve(vec![helm::chart::package(chart)?]).await;
    let app = json!({
        "name": name, "chart_kind": "repository", "chart_url": repository, "chart_name": metadata.name,
        "wait_seconds": 300,
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": name, "tag": "1", "chart_version": metadata.version }))
        .await;
    let environment = json!({
        "name": name, "app": name, "kind": "sandbox", "cluster": "lab", "release": "1", "values": values,
        "namespace": format!("{name}-landfall"), "release_name": "ours",
    });
    api.op_succeeds(&op_of(&api.post("/environments", environment).await)).await;
    Ok(())
}

/// Real Helm on a release of its own.
struct Helm<'a> {
    cluster: &'a ClusterTools,
    namespace: String,
    chart: &'a Path,
    folder: tempfile::TempDir,
    /// The most resident memory of any run, in megabytes.
    peak: f64,
}

impl<'a> Helm<'a> {
    fn new(cluster: &'a ClusterTools, name: &str, chart: &'a Path) -> Result<Self> {
        let namespace = format!("{name}-helm");
        Ok(Self { cluster, namespace, chart, folder: tempfile::tempdir()?, peak: 0.0 })
    }

    /// Runs a command of Helm's; the milliseconds it took.
    fn run(&mut self, command: &str, values: &str, more: &[&str]) -> Result<f64> {
        let file = self.folder.path().join("values.yaml");
        std::fs::write(&file, values)?;
        let begun = Instant::now();
        let mut child = Command::new(harness::tool("LANDFALL_HELM", "helm"))
            .arg("--kubeconfig")
            .arg(&self.cluster.kubeconfig)
            .args([command, "theirs"])
            .arg(self.chart)
            .args(["--namespace", &self.namespace, "--wait", "--timeout=300s", "--values"])
            .arg(&file)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .context("could not run helm")?;
        // A process that has ended keeps no memory: it is asked while it runs.
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            self.peak = self.peak.max(megabytes(child.id(), "VmHWM:").unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(1));
        };
        ensure!(status.success(), "helm {command} ended with {status}");
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }
}
