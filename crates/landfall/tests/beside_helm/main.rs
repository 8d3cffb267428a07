//! What Landfall does where others work on the same release or its objects, on a simulated cluster and on a real
//! Kubernetes control plane, with real Helm and kubectl as the others.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod conflicts;
mod world;

use harness::{ClusterTools, RealCluster, Simulator};
use world::{World, binary};

async fn all(cluster: &ClusterTools) {
    let world = World::new(cluster).await;
    conflicts::fields_are_taken_over_on_demand(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_helm_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    all(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_helm_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    all(&cluster).await;
    cluster.stop().await;
}
