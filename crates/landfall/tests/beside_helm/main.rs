//! What Landfall does where others work on the same release or its objects, on a simulated cluster and on a real
//! Kubernetes control plane, with real Helm and kubectl as the others.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod conflicts;
mod foreign;
mod pending;
mod way_back;
mod world;

use harness::{ClusterTools, RealCluster, Simulator};
use world::{World, binary};

async fn all(cluster: &ClusterTools) {
    let world = World::new(cluster).await;
    conflicts::fields_are_taken_over_on_demand(&world).await;
    foreign::a_release_of_others_is_not_upgraded_over(&world).await;
    foreign::the_first_deployment_looks_again(&world).await;
    way_back::back_to_what_was_adopted(&world).await;
    pending::recovered_by_a_person(&world).await;
    pending::waited_for(&world).await;
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

/// A cluster that does not answer keeps nobody from making an environment; its first deployment finds what is there.
#[tokio::test(flavor = "multi_thread")]
async fn made_while_the_cluster_is_away() {
    let Some(cluster) = RealCluster::start().await else { return };
    let Some(door) = cluster.door() else { return };
    let world = World::new(&door.tools).await;
    world.install("away", "away");
    door.open(false).await;
    let made = world.api.post("/environments", world::environment("away")).await;
    world.api.op_end(&harness::op_of(&made)).await;
    door.open(true).await;
    foreign::refused_before_any_write(&world, "away").await;
    cluster.stop().await;
}
