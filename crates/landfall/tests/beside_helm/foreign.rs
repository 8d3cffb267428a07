//! Helm releases that no environment owns, where an environment is to be.

use harness::op_of;
use serde_json::json;

use crate::world::{World, environment};

/// Making an environment over a release of others is refused with what is there and what to do; beside it there is room.
pub(crate) async fn a_release_of_others_is_not_upgraded_over(world: &World) {
    let name = "theirs";
    world.install(name, name);
    let (status, refused) = world.api.try_post("/environments", environment(name)).await;
    assert_eq!(status, 422, "{refused:#}");
    let problem = &refused["errors"][0];
    assert_eq!(problem["pointer"], "/release_name", "{refused:#}");
    assert_eq!(
        problem["detail"],
        "There is a Helm release `theirs` in namespace `theirs` already, at revision 1 (deployed, chart ledger 1.0.0), and it belongs to no environment."
    );
    assert_eq!(
        problem["remedy"],
        "Adopt it (Adopt a Helm release; `landfall env adopt theirs -n theirs`), or use another release name."
    );
    let mut beside = environment("theirs-too");
    beside["namespace"] = name.into();
    let made = world.api.post("/environments", beside).await;
    world.api.op_succeeds(&op_of(&made)).await;
    assert_eq!(world.history(name), ["1 deployed Install complete"]);
}

/// One that appears after the environment was made is refused by the preview and by the first deployment, before
/// anything is written; removing the environment leaves it alone.
pub(crate) async fn the_first_deployment_looks_again(world: &World) {
    let (name, api) = ("late", &world.api);
    let mut broken = environment(name);
    // It does not even render: nothing of it comes as far as the cluster.
    broken["values"] = "refuse: as asked\n".into();
    let made = api.post("/environments", broken).await;
    let ended = api.op_end(&op_of(&made)).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    world.install(name, name);
    refused_before_any_write(world, name).await;
    let removed = api.try_delete(&format!("/environments/{name}")).await;
    api.op_succeeds(removed.1["id"].as_str().unwrap()).await;
    assert_eq!(world.history(name), ["1 deployed Install complete"]);
}

/// Preview and deployment of an environment of which nothing is there.
pub(crate) async fn refused_before_any_write(world: &World, name: &str) {
    let api = &world.api;
    let told = format!(
        "There is a Helm release `{name}` in namespace `{name}` already, at revision 1 (deployed, chart ledger 1.0.0), and it belongs to no environment."
    );
    let good = json!({ "values": "" });
    let (status, refused) =
        api.try_post(&format!("/environments/{name}/previews"), good.clone()).await;
    assert_eq!((status, refused.to_string().contains(&told)), (409, true), "{refused:#}");
    let started = api.post(&format!("/environments/{name}/deployments"), good).await;
    api.op_end(&op_of(&started)).await;
    let id = started["deployment"]["id"].as_str().unwrap();
    let failure = &api.get(&format!("/deployments/{id}")).await["failure"];
    assert_eq!(failure["message"], told);
    let remedy = failure["remedy"].as_str().unwrap();
    assert!(remedy.contains(&format!("landfall env adopt {name} -n {name}")), "{remedy}");
    assert_eq!(failure["cluster_state"], "Nothing was changed in the cluster.");
    assert_eq!(world.history(name), ["1 deployed Install complete"]);
}
