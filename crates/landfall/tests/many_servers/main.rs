//! Several servers on one PostgreSQL are one system: servers are killed, PostgreSQL crashes, connections are cut, and still
//! every Op ends and tells the truth, in the order of its environment, and whoever follows sees every line once.
//!
//! `LANDFALL_MANY_OPS` (60) and `LANDFALL_MANY_FOLLOWERS` (200) say how much is done; `make soak` takes 200 and 1,000.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod followers;
mod roles;
mod world;

use std::time::Duration;

use world::{World, number};

/// What is done to the system while Ops run, over and over.
const HARMS: [Harm; 6] =
    [Harm::Kill(0), Harm::Cut, Harm::Kill(1), Harm::Crash, Harm::Kill(0), Harm::Kill(1)];
/// How long it is left alone between.
const BETWEEN: Duration = Duration::from_millis(1_500);

#[derive(Clone, Copy, Debug)]
enum Harm {
    /// SIGKILL of a server, which is started again.
    Kill(usize),
    /// Every connection to PostgreSQL ends.
    Cut,
    /// PostgreSQL crashes and is started again; once.
    Crash,
}

/// Two servers, each with pages and workers.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_through_all_harm() {
    let (ops, readers) = (number("LANDFALL_MANY_OPS", 60), number("LANDFALL_MANY_FOLLOWERS", 200));
    let mut world = World::start().await;
    let followed = world.start_long_op().await;
    let followers = followers::start(&world, &followed, readers);
    let asked = world.deploy_everywhere(ops).await;
    let mut harms = HARMS.into_iter().cycle();
    let (mut crashed, mut done) = (false, 0);
    while !world.unended().await.is_empty() || done < HARMS.len() {
        let harm = harms.next().expect("they repeat");
        done += 1;
        match harm {
            Harm::Kill(server) => world.kill(server).await,
            Harm::Cut => world.postgres.cut_connections().await,
            Harm::Crash if crashed => {}
            Harm::Crash => {
                crashed = true;
                world.postgres.crash_and_start_again();
            }
        }
        // The moment of the next harm is what is tested; nothing is waited for.
        tokio::time::sleep(BETWEEN).await;
        assert!(done < 400, "Ops never end: {}", world.unended().await);
    }
    world.check_truth(&asked).await;
    followers.check(&world, &followed).await;
}
