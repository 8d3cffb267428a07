//! `PodDisruptionBudgets`: how many of the selected pods may go. Evictions do not ask them.

use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::Cluster, object, selector::LabelSelector, status::StatusError, store::StoredObject,
};

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: BUDGETS, owned: &[], selecting: &["pods"], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let budget = stored.value();
    if stored.is_deleting() {
        return Ok(Next::OnChange);
    }
    let selector = LabelSelector::from_object(&budget["spec"]["selector"]);
    let pods = cluster.list("pods", Some(&stored.namespace), &selector);
    let pods: Vec<Value> = pods.iter().map(|pod| pod.value()).filter(pods_of::is_active).collect();
    let healthy = pods_of::count(pods.iter().filter(|pod| pods_of::is_ready(pod)).count());
    let expected = expected(cluster, &pods);
    let spec = &budget["spec"];
    let desired = match (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        (Some(least), _) => share(least, expected),
        (None, Some(most)) => (expected - share(most, expected)).max(0),
        (None, None) => expected,
    };
    cluster.update_status(BUDGETS, &stored.namespace, &stored.name, |budget| {
        tell(budget, expected, healthy, desired);
    })?;
    Ok(Next::OnChange)
}

/// How many pods there should be: what their controllers want, and those without one.
fn expected(cluster: &Cluster, pods: &[Value]) -> i64 {
    let mut seen = Vec::new();
    let mut sum = 0;
    for pod in pods {
        let owner = object::controller_uid(pod).and_then(|uid| cluster.store().by_uid(uid));
        let Some(owner) = owner else {
            sum += 1;
            continue;
        };
        match object::integer(&owner.value(), &["spec", "replicas"]) {
            Some(replicas) if !seen.contains(&owner.uid) => sum += replicas,
            Some(_) => {}
            None => sum += 1,
        }
        seen.push(owner.uid.clone());
    }
    sum
}

/// A number, or a percentage of the whole, rounded up.
fn share(value: &Value, whole: i64) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) => (whole * percent + 99) / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

fn tell(budget: &mut Value, expected: i64, healthy: i64, desired: i64) {
    let allowed = if expected == 0 { 0 } else { (healthy - desired).max(0) };
    let generation = budget["metadata"]["generation"].clone();
    let status = object::map_mut(budget, "status");
    for (key, number) in [
        ("currentHealthy", healthy),
        ("desiredHealthy", desired),
        ("disruptionsAllowed", allowed),
        ("expectedPods", expected),
    ] {
        status.insert(key.to_owned(), json!(number));
    }
    status.insert("observedGeneration".to_owned(), generation.clone());
    let (state, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    object::set_condition(budget, "DisruptionAllowed", state, reason, "");
    for condition in budget["status"]["conditions"].as_array_mut().into_iter().flatten() {
        condition["message"] = json!("");
        condition["observedGeneration"] = generation.clone();
    }
}
