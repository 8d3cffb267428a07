//! SIGKILL at random moments of deployments and rollbacks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{ClusterTools, RealCluster, Simulator};

use crate::world::{World, binary};

/// Moments that look random and can be had again.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
        let given = std::env::var("LANDFALL_KILLS_SEED").ok();
        let seed = given.map_or_else(now, |seed| seed.parse().unwrap());
        eprintln!("LANDFALL_KILLS_SEED={seed}");
        Self(seed)
    }

    /// Some time of up to `most` (a linear congruential generator: MMIX's).
    fn next(&mut self, most: Duration) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        most.mul_f64(f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX))
    }
}

async fn killed_at_random_moments(cluster: &ClusterTools) {
    let kills: usize = std::env::var("LANDFALL_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let mut world = World::start(cluster, cluster).await;
    let mut moments = Moments::new();
    for round in 0..kills {
        let op = world.deploy().await;
        let moment = moments.next(world.undisturbed);
        // The moment of the kill is what is tested; nothing is waited for.
        tokio::time::sleep(moment).await;
        world.kill().await;
        let ended = world.api.op_end(&op).await;
        assert_eq!(ended["state"], "succeeded", "kill {round}, after {moment:?}: {ended:#}");
        world.check();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    killed_at_random_moments(&cluster).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_kubernetes() {
    let Some(cluster) = RealCluster::start().await else { return };
    killed_at_random_moments(&cluster).await;
    cluster.stop().await;
}
