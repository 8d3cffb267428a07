//! A thousand environments of one App, each a Helm release of its own without pods: how long until all are deployed, and
//! what memory that takes.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

use crate::bare_client;
use crate::corpus;
use crate::memory::megabytes;

pub(crate) const HEADER: [&str; 6] =
    ["cluster", "releases", "seconds", "a bare client's seconds", "times that", "landfall peak MB"];

const CHART: &str = "stefanprodan__podinfo__charts__podinfo";
/// Requests under way at the same time.
const AT_A_TIME: usize = 16;

/// On a simulated cluster in a process of its own, and on a real control plane where one can be had.
pub(crate) async fn measure(landfall: &Path, releases: usize) -> Result<Vec<Vec<String>>> {
    let Some(charts) = corpus::folder() else { return Ok(Vec::new()) };
    let chart = charts.join(CHART);
    let folder = tempfile::tempdir()?;
    let simulator = Simulator::start(landfall, folder.path(), "instant").await;
    let simulated = deploy(landfall, &simulator, &chart, releases).await?;
    let mut rows = vec![simulated.row("simulated", releases, None)];
    simulator.stop().await;
    if let Some(cluster) = RealCluster::start().await {
        let real = deploy(landfall, &cluster, &chart, releases).await?;
        let bare = bare_client::write(&cluster, &name(0), releases, AT_A_TIME).await?;
        rows.push(real.row("real control plane", releases, Some(bare)));
        cluster.stop().await;
    }
    Ok(rows)
}

/// What deploying all of them took.
struct Deployed {
    seconds: f64,
    peak_megabytes: f64,
}

impl Deployed {
    fn row(&self, cluster: &str, releases: usize, bare_seconds: Option<f64>) -> Vec<String> {
        let number = |number: Option<f64>| number.map_or_else(String::new, |it| format!("{it:.1}"));
        vec![
            cluster.to_owned(),
            releases.to_string(),
            number(Some(self.seconds)),
            number(bare_seconds),
            number(bare_seconds.map(|bare| self.seconds / bare)),
            format!("{:.0}", self.peak_megabytes),
        ]
    }
}

async fn deploy(
    landfall: &Path,
    cluster: &ClusterTools,
    chart: &Path,
    releases: usize,
) -> Result<Deployed> {
    let data = tempfile::tempdir()?;
    let (server, api) = Server::on_lab(landfall, data.path(), cluster, &[]).await;
    let repository = charts::serve(vec![helm::chart::package(chart)?]).await;
    let app = json!({
        "name": "podinfo", "chart_kind": "repository", "chart_url": repository, "chart_name": "podinfo",
    });
    api.post("/apps", app).await;
    let version = helm::chart::Chart::load(chart)?.metadata().version.clone();
    api.post("/releases", json!({ "app": "podinfo", "tag": "1", "chart_version": version })).await;
    let begun = Instant::now();
    let ops: Vec<String> = futures_util::stream::iter(0..releases)
        .map(|number| create(&api, number))
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    all_ended(&api, ops.last().context("there is nothing to deploy")?).await;
    let seconds = begun.elapsed().as_secs_f64();
    for op in &ops {
        let ended = api.get(&format!("/ops/{op}")).await;
        ensure!(ended["state"] == "succeeded", "{ended:#}");
    }
    Ok(Deployed { seconds, peak_megabytes: megabytes(server.pid(), "VmHWM:")? })
}

/// Waits until the last Op of the queue has ended, and those that were begun before it: whoever followed each would be measured
/// along.
async fn all_ended(api: &Api, last: &str) {
    api.op_end(last).await;
    for status in ["queued", "deploying"] {
        let none = |found: &Value| found["items"].as_array().is_some_and(Vec::is_empty);
        api.get_until(&format!("/environments?status={status}&limit=1"), none).await;
    }
}

/// The name of an environment, its namespace and its Helm release.
fn name(number: usize) -> String {
    format!("shop-{number}")
}

async fn create(api: &Api, number: usize) -> String {
    let name = name(number);
    let body: Value = json!({
        "name": name, "app": "podinfo", "kind": "sandbox", "cluster": "lab", "release": "1",
        "namespace": name, "release_name": name, "values": "replicaCount: 0\n",
    });
    op_of(&api.post("/environments", body).await)
}
