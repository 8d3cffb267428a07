//! A revision that Helm has begun and not ended.

use std::process::{Child, Command, Stdio};

use harness::{op_of, tool};
use serde_json::{Value, json};

use crate::world::World;

/// A deployment waits for it, says so at once, and goes on when a person says that nobody works on it.
pub(crate) async fn recovered_by_a_person(world: &World) {
    let (name, api) = ("stuck", &world.api);
    world.environment(name).await;
    let mut helm = upgrading(world, name, "10m");
    helm.kill().unwrap();
    helm.wait().unwrap();
    let revisions = ["1 deployed Install complete", "2 pending-upgrade Preparing upgrade"];
    assert_eq!(world.history(name), revisions);

    let preview = api.post(&format!("/environments/{name}/previews"), json!({})).await;
    let warnings = preview["warnings"].to_string();
    assert!(warnings.contains("It is pending-upgrade: this deployment waits"), "{warnings}");
    let started = api.post(&format!("/environments/{name}/deployments"), json!({})).await;
    let op = op_of(&started);
    let waiting = api.op_until(&op, |op| !op["waits_for"].is_null()).await;
    let waits = &waiting["waits_for"];
    assert_eq!((&waits["revision"], &waits["status"]), (&json!(2), &json!("pending-upgrade")));
    let log = api.get(&format!("/ops/{op}/log")).await.to_string();
    let told = format!("Revision 2 of Helm release {name} is pending-upgrade since ");
    assert!(log.contains(&told) && log.contains(&format!("landfall op recover {op}")), "{log}");

    let (code, _, told) = world.landfall(&["op", "recover", &op]).await;
    assert_eq!(code, Some(0), "{told}");
    let ended = api.op_succeeds(&op).await;
    assert_eq!(ended["waits_for"], Value::Null);
    assert_eq!(
        world.history(name),
        [
            "1 superseded Install complete",
            "2 failed Abandoned while pending-upgrade",
            "3 deployed Upgrade complete"
        ]
    );
    let (status, refused) = api.try_post(&format!("/ops/{op}/recover"), json!({})).await;
    assert_eq!(status, 409, "{refused:#}");
}

/// It goes on by itself once Helm has ended what it had begun.
pub(crate) async fn waited_for(world: &World) {
    let (name, api) = ("busy", &world.api);
    world.environment(name).await;
    let mut helm = upgrading(world, name, "5s");
    let started = api.post(&format!("/environments/{name}/deployments"), json!({})).await;
    let op = op_of(&started);
    api.op_until(&op, |op| !op["waits_for"].is_null()).await;
    assert!(!helm.wait().unwrap().success(), "what it deploys does not come up");
    api.op_succeeds(&op).await;
    let log = api.get(&format!("/ops/{op}/log")).await.to_string();
    assert!(log.contains("Revision 2 has ended: failed"), "{log}");
    assert_eq!(world.history(name).last().unwrap(), "3 deployed Upgrade complete");
}

/// Real Helm, upgrading to what never comes up, once it has recorded that it does.
fn upgrading(world: &World, name: &str, timeout: &str) -> Child {
    let helm = Command::new(tool("LANDFALL_HELM", "helm"))
        .arg("--kubeconfig")
        .arg(&world.cluster.kubeconfig)
        .args(["upgrade", name, world.chart.to_str().unwrap(), "-n", name])
        .args(["--set", "fault=image-pull", "--wait", "--timeout", timeout])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !world.history(name).last().unwrap().contains("pending-upgrade") {}
    helm
}
