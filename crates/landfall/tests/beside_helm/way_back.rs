//! The first deployment on an adopted environment fails.

use harness::op_of;
use serde_json::json;

use crate::world::World;

/// It goes back to the revision that was adopted, as `helm rollback` does: what it changed is as before, what it added is
/// gone, and the next deployment goes on from there.
pub(crate) async fn back_to_what_was_adopted(world: &World) {
    let (name, api) = ("adopted", &world.api);
    world.install(name, name);
    let adoption = json!({
        "cluster": "lab", "namespace": name, "release_name": name, "app": "Ledger", "kind": "sandbox",
    });
    api.post("/adoptions", adoption).await;
    let broken = json!({
        "release": "2", "values": "fault: image-pull\nmore: x\n", "on_failure": "roll_back",
    });
    let started = api.post(&format!("/environments/{name}/deployments"), broken).await;
    let ended = api.op_end(&op_of(&started)).await;
    let last = ended["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&ended["state"], &last["name"], &last["state"]),
        (&json!("failed"), &json!("roll_back_finish"), &json!("done")),
        "{ended:#}"
    );
    let detail = api.get(&format!("/environments/{name}/deployments/1")).await;
    assert_eq!(
        detail["failure"]["cluster_state"],
        "Rolled back to Helm revision 1 (chart ledger 1.0.0)."
    );
    assert_eq!(detail["rolled_back_to_revision"], 1);
    assert_eq!(world.setting(name, "version"), "1.0.0");
    let more = ["get", "configmap", &format!("{name}-more"), "-n", name];
    assert!(world.cluster.try_kubectl(&more).is_err(), "what it had added is gone");
    let history = world.history(name);
    let failed = format!(
        "2 failed Upgrade \"{name}\" failed: resource Deployment/{name}/{name}-web not ready"
    );
    assert!(history[1].starts_with(&failed), "{history:#?}");
    assert_eq!(
        (history[0].as_str(), history[2].as_str()),
        ("1 superseded Install complete", "3 deployed Rollback to 1")
    );
    let outline = api.get(&format!("/environments/{name}/removal")).await;
    assert_eq!((&outline["number"], &outline["helm_revision"]), (&json!(null), &json!(1)));
    let drift = api.post(&format!("/environments/{name}/drift"), json!({})).await;
    assert_eq!(drift["objects"], json!([]), "{drift:#}");

    let again = json!({ "release": "2", "values": "" });
    let started = api.post(&format!("/environments/{name}/deployments"), again).await;
    api.op_succeeds(&op_of(&started)).await;
    assert_eq!(world.setting(name, "version"), "1.1.0");
}
