//! An API server that throttles, breaks, is slow, loses watches and connections, and is away for a while.

use std::time::Duration;

use harness::RealCluster;
use serde_json::{Value, json};

use crate::world::World;

/// What happens to requests while a deployment is under way.
fn faults() -> [(&'static str, Value); 7] {
    let writes = "^(POST|PATCH|PUT|DELETE)$";
    [
        ("throttled", json!([{ "status": 429, "retryAfter": 1, "times": 5 }])),
        (
            "writes throttled",
            json!([{ "method": writes, "status": 429, "retryAfter": 1, "times": 4 }]),
        ),
        ("broken for a while", json!([{ "status": 500, "times": 4 }])),
        (
            "writes unavailable for a while",
            json!([{ "method": writes, "status": 503, "times": 4 }]),
        ),
        ("connections lost", json!([{ "drop": true, "times": 4 }])),
        ("watches cut", json!([{ "watch": true, "cutMs": 300 }])),
        ("slow", json!([{ "watch": false, "delayMs": 400 }])),
    ]
}

/// Each is got over: the Op goes on as soon as it can, and succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_api_server() {
    let Some(cluster) = RealCluster::start().await else { return };
    let Some(door) = cluster.door() else {
        eprintln!("LEFT OUT: faults of the API server, because a named cluster has no door");
        return;
    };
    let mut world = World::start(&cluster, &door.tools).await;
    for (fault, rules) in faults() {
        door.rules(rules).await;
        let op = world.deploy().await;
        let ended = world.api.op_end(&op).await;
        let rules = door.rules(json!([])).await;
        assert_eq!(ended["state"], "succeeded", "{fault}: {ended:#}, {rules}");
        world.check();
    }
    // Away while objects are applied and waited for.
    let op = world.deploy().await;
    world.api.op_until(&op, |op| op["state"] == "running").await;
    door.open(false).await;
    tokio::time::sleep(Duration::from_secs(3)).await; // that long it is away
    door.open(true).await;
    let ended = world.api.op_end(&op).await;
    assert_eq!(ended["state"], "succeeded", "away: {ended:#}");
    world.check();
    cluster.stop().await;
}
