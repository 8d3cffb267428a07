//! When a Pod of the release itself is ready.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Readiness;
use super::condition::conditions;
use super::fields::text;

/// How long a pod may be without a node before that counts as a failure.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

pub(super) fn readiness(object: &Value, now: Timestamp) -> Readiness {
    match text(object, "/status/phase", "") {
        "Succeeded" => Readiness::current("Pod has completed successfully"),
        "Failed" => Readiness::current("Pod has completed, but not successfully"),
        "Running" => running(object),
        "Pending" => pending(object, now),
        "" => Readiness::in_progress("Pod phase not available"),
        phase => Readiness::in_progress(format!("unknown phase {phase}")),
    }
}

fn running(object: &Value) -> Readiness {
    if conditions(object).any(|c| c.kind == "Ready" && c.is_true()) {
        return Readiness::current("Pod is Ready");
    }
    let containers = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let looping: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter(|c| text(c, "/state/waiting/reason", "") == "CrashLoopBackOff")
        .filter_map(|container| container["name"].as_str())
        .collect();
    if looping.is_empty() {
        Readiness::in_progress("Pod is running but is not Ready")
    } else {
        Readiness::failed(format!("Containers in CrashLoop state: {}", looping.join(",")))
    }
}

fn pending(object: &Value, now: Timestamp) -> Readiness {
    let unschedulable = conditions(object)
        .any(|c| c.kind == "PodScheduled" && c.is_false() && c.reason == "Unschedulable");
    if !unschedulable {
        return Readiness::in_progress("Pod is in the Pending phase");
    }
    let created = text(object, "/metadata/creationTimestamp", "").parse::<Timestamp>();
    match created {
        Ok(created) if now.duration_since(created) >= SCHEDULE_WINDOW => {
            Readiness::failed("Pod could not be scheduled")
        }
        _ => Readiness::in_progress("Pod has not been scheduled"),
    }
}
