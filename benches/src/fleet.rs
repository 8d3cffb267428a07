//! A thousand environments of one App, each a Helm release of its own without pods: how long until all are deployed, and
//! what memory that takes.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::StreamExt;
use harness::{Api, RealCluster, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

use crate::corpus;
use crate::memory::megabytes;

pub(crate) const HEADER: [&str; 4] = ["cluster", "releases", "seconds", "landfall peak MB"];

const CHART: &str = "stefanprodan__podinfo__charts__podinfo";
/// Requests under way at the same time.
const AT_A_TIME: usize = 16;

/// On a simulated cluster in a process of its own, and on a real control plane where one can be had.
pub(crate) async fn measure(landfall: &Path, releases: usize) -> Result<Vec<Vec<String>>> {
    let Some(charts) = corpus::folder() else { return Ok(Vec::new()) };
    let chart = charts.join(CHART);
    let folder = tempfile::tempdir()?;
    let simulator = Simulator::start(landfall, folder.path(), "instant").await;
    let mut rows =
        vec![deploy("simulated", landfall, &simulator.kubeconfig, &chart, releases).await?];
    simulator.stop().await;
    if let Some(cluster) = RealCluster::start().await {
        rows.push(
            deploy("real control plane", landfall, &cluster.kubeconfig, &chart, releases).await?,
        );
        cluster.stop().await;
    }
    Ok(rows)
}

async fn deploy(
    cluster: &str,
    landfall: &Path,
    kubeconfig: &Path,
    chart: &Path,
    releases: usize,
) -> Result<Vec<String>> {
    let data = tempfile::tempdir()?;
    let reached = format!("lab={}", kubeconfig.display());
    let server = Server::start(landfall, data.path(), &["--simulated-cluster", &reached]).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
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
    for op in &ops {
        let ended = api.op_end(op).await;
        ensure!(ended["state"] == "succeeded", "{ended:#}");
    }
    let took = begun.elapsed().as_secs_f64();
    let peak = megabytes(server.pid(), "VmHWM:")?;
    Ok(vec![cluster.to_owned(), releases.to_string(), format!("{took:.1}"), format!("{peak:.0}")])
}

async fn create(api: &Api, number: usize) -> String {
    let name = format!("shop-{number}");
    let body: Value = json!({
        "name": name, "app": "podinfo", "kind": "sandbox", "cluster": "lab", "release": "1",
        "values": "replicaCount: 0\n",
    });
    op_of(&api.post("/environments", body).await)
}
