//! Landfall does to a cluster what Helm does: each scenario is carried out by real Helm in one namespace and by Landfall
//! in another, and after every step both namespaces hold the same objects, field owners and release records.
//!
//! The scenarios are data, in `scenarios/`. They run on a simulated cluster, and on a real Kubernetes control plane where
//! one can be had. What Landfall does otherwise on purpose is not in them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod normal;
mod scenario;
mod snapshot;
mod teams;

use std::path::Path;

use futures_util::StreamExt;
use harness::{Api, ClusterTools, RealCluster, Server, Simulator, charts};

use scenario::Scenario;
use teams::{Helm, Landfall};

/// Scenarios under way at the same time; most of them wait for something most of the time.
const AT_A_TIME: usize = 4;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// Carries all scenarios out on a cluster; panics with everything that differed.
async fn compare_all(cluster: &ClusterTools, scenarios: Vec<Scenario>) {
    let only = std::env::var("LANDFALL_SCENARIO").unwrap_or_default();
    let data = tempfile::tempdir().unwrap();
    let (_server, api) = Server::on_lab(binary(), data.path(), cluster, &[]).await;
    let archives = scenarios.iter().flat_map(Scenario::archives).collect();
    let repository = charts::serve(archives).await;
    let scenarios = scenarios.into_iter().filter(|it| it.name.contains(&only));
    let different: Vec<String> = futures_util::stream::iter(scenarios)
        .map(|scenario| {
            let (cluster, api, repository) = (cluster.clone(), api.clone(), repository.clone());
            tokio::spawn(async move { compare(&cluster, &scenario, &api, &repository).await })
        })
        .buffered(AT_A_TIME)
        .flat_map(|different| futures_util::stream::iter(different.unwrap()))
        .collect()
        .await;
    assert!(
        different.is_empty(),
        "what should be (-) and what Landfall made (+):\n\n{}",
        different.join("\n")
    );
}

/// Carries one scenario out; what differed.
async fn compare(
    cluster: &ClusterTools,
    scenario: &Scenario,
    api: &Api,
    repository: &str,
) -> Vec<String> {
    let told = |what: String| vec![format!("{}: {what}", scenario.name)];
    let helm = match Helm::new(cluster, scenario).carry_out() {
        Ok(seen) => seen,
        Err(what) => return told(what),
    };
    let landfall = Landfall::new(cluster, scenario, api, repository).await;
    let landfall = match landfall.carry_out().await {
        Ok(seen) => seen,
        Err(what) => return told(what),
    };
    let differences = scenario.steps.iter().enumerate().filter_map(|(at, step)| {
        let (expected, whose) = match at.checked_sub(1) {
            Some(before) if step.foreseen => (&landfall[before], "Landfall's before"),
            _ if step.foreseen => return None,
            _ => (&helm[at], "Helm's"),
        };
        let difference = snapshot::difference(expected, &landfall[at])?;
        let title = step.title();
        Some(format!("{}, after {title}, {whose} and Landfall's:\n{difference}", scenario.name))
    });
    differences.collect()
}

/// All scenarios on a simulated cluster.
#[tokio::test(flavor = "multi_thread")]
async fn like_helm_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    compare_all(&cluster, scenario::all()).await;
    cluster.stop().await;
}

/// All scenarios on a real control plane.
#[tokio::test(flavor = "multi_thread")]
async fn like_helm_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    compare_all(&cluster, scenario::all()).await;
    cluster.stop().await;
}
