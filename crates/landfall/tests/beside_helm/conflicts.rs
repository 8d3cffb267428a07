//! Fields that others own.

use serde_json::json;

use crate::world::World;

/// A deployment in conflict is refused before anything is written and names its remedy; with it, the field is taken
/// over, which the deployment tells for ever.
pub(crate) async fn fields_are_taken_over_on_demand(world: &World) {
    let (name, api) = ("conflicts", &world.api);
    world.environment(name).await;
    let by_hand = |currency: &str| {
        let patch = format!(r#"{{"data":{{"currency":"{currency}"}}}}"#);
        let settings = format!("{name}-settings");
        world.cluster.kubectl(&["patch", "configmap", &settings, "-n", name, "-p", &patch]);
    };
    by_hand("DKK");
    let deployments = format!("/environments/{name}/deployments");
    let previews = format!("/environments/{name}/previews");
    let values = "currency: SEK\n";

    let plain = api.post(&previews, json!({ "values": values })).await;
    assert!(plain["warnings"].to_string().contains("--force-conflicts"), "{}", plain["warnings"]);
    let (code, out, told) = world.landfall(&["deploy", name, "--preview"]).await;
    assert_eq!(code, Some(1), "a preview that the cluster refuses succeeded: {out}{told}");
    assert!(told.contains("✗ The cluster refuses ConfigMap/"), "{told}");
    let (code, out, told) = world.landfall(&["deploy", name, "--watch"]).await;
    assert_eq!(code, Some(1), "{out}{told}");
    assert!(told.contains("--force-conflicts"), "the remedy is named: {told}");
    assert_eq!(world.setting(name, "currency"), "DKK", "nothing was written");

    let preview = api.post(&previews, json!({ "values": values, "force_conflicts": true })).await;
    assert_eq!(
        (&preview["warnings"], &preview["plan"]["force_conflicts"]),
        (&json!([]), &json!(true))
    );
    let forced = json!({ "preview": plain["id"], "force_conflicts": true });
    let (status, refused) = api.try_post(&deployments, forced).await;
    assert_eq!(status, 409, "what was previewed is what is carried out: {refused:#}");
    let started = api.post(&deployments, json!({ "preview": preview["id"] })).await;
    assert_eq!(started["deployment"]["force_conflicts"], true);
    api.op_succeeds(started["op"]["id"].as_str().unwrap()).await;
    assert_eq!(world.setting(name, "currency"), "SEK");

    by_hand("NOK");
    let (code, out, told) =
        world.landfall(&["rollback", name, "--to", "#1", "--force-conflicts", "--watch"]).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert_eq!(world.setting(name, "currency"), "EUR");
    let rollback = &api.get(&format!("/environments/{name}/deployments/4")).await;
    assert_eq!(rollback["force_conflicts"], true);
}
