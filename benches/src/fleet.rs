//! A thousand environments of one App, each a Helm release of its own without pods: how long until all are deployed, and
//! what memory that takes.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

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
    let fleet = Fleet::start(landfall, &simulator, &chart).await?;
    let seconds = fleet.deploy(0..releases).await?;
    let mut rows = vec![fleet.row("simulated", releases, seconds, None)?];
    drop(fleet);
    simulator.stop().await;
    if let Some(cluster) = RealCluster::start().await {
        let fleet = Fleet::start(landfall, &cluster, &chart).await?;
        // What the bare client writes is taken from this one.
        fleet.deploy(0..1).await?;
        let bare = async |some: Range<usize>| {
            let last = bare_client::name(some.end - 1);
            let seconds = bare_client::write(&cluster, &name(0), some, AT_A_TIME).await?;
            caught_up(&cluster, &last).await;
            anyhow::Ok(seconds)
        };
        // Half of it before and half of it after: a machine is not as fast at one time as at another.
        let mut bare_seconds = bare(0..releases.div_ceil(2)).await?;
        let seconds = fleet.deploy(1..releases + 1).await?;
        caught_up(&cluster, &name(releases)).await;
        bare_seconds += bare(releases.div_ceil(2)..releases).await?;
        rows.push(fleet.row("real control plane", releases, seconds, Some(bare_seconds))?);
        cluster.stop().await;
    }
    Ok(rows)
}

/// A server with the App whose environments are made.
struct Fleet {
    server: Server,
    api: Api,
    _data: tempfile::TempDir,
}

impl Fleet {
    async fn start(landfall: &Path, cluster: &ClusterTools, chart: &Path) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (server, api) = Server::on_lab(landfall, data.path(), cluster, &[]).await;
        let repository = charts::serve(vec![helm::chart::package(chart)?]).await;
        let app = json!({
            "name": "podinfo", "chart_kind": "repository", "chart_url": repository, "chart_name": "podinfo",
        });
        api.post("/apps", app).await;
        let version = helm::chart::Chart::load(chart)?.metadata().version.clone();
        let release = json!({ "app": "podinfo", "tag": "1", "chart_version": version });
        api.post("/releases", release).await;
        Ok(Self { server, api, _data: data })
    }

    /// Makes these environments; the seconds until all of them are deployed.
    async fn deploy(&self, numbers: Range<usize>) -> Result<f64> {
        let begun = Instant::now();
        let ops: Vec<String> = futures_util::stream::iter(numbers)
            .map(|number| create(&self.api, number))
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        all_ended(&self.api, ops.last().context("there is nothing to deploy")?).await;
        let seconds = begun.elapsed().as_secs_f64();
        for op in &ops {
            let ended = self.api.get(&format!("/ops/{op}")).await;
            ensure!(ended["state"] == "succeeded", "{ended:#}");
        }
        Ok(seconds)
    }

    fn row(
        &self,
        cluster: &str,
        releases: usize,
        seconds: f64,
        bare_seconds: Option<f64>,
    ) -> Result<Vec<String>> {
        let number = |number: Option<f64>| number.map_or_else(String::new, |it| format!("{it:.1}"));
        Ok(vec![
            cluster.to_owned(),
            releases.to_string(),
            number(Some(seconds)),
            number(bare_seconds),
            bare_seconds.map_or_else(String::new, |bare| format!("{:.2}", seconds / bare)),
            format!("{:.0}", megabytes(self.server.pid(), "VmHWM:")?),
        ])
    }
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

/// Waits until the cluster's controllers have seen the last release too, so that whoever comes next does not pay for them.
async fn caught_up(cluster: &ClusterTools, namespace: &str) {
    let seen = |what: &[&str]| {
        let get = [&["get", "--namespace", namespace, "--ignore-not-found"], what].concat();
        !cluster.kubectl(&get).trim().is_empty()
    };
    let generation = "jsonpath={.items[*].status.observedGeneration}";
    while !seen(&["deployments", "-o", generation]) || !seen(&["configmap", "kube-root-ca.crt"]) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
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
