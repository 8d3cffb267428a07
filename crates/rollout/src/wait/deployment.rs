//! When a Deployment is ready.

use serde_json::Value;

use super::Readiness;
use super::condition::conditions;
use super::fields::number;

/// The controller's own mark for "no deadline".
const NO_DEADLINE: i64 = 2_147_483_647;

pub(super) fn readiness(object: &Value) -> Readiness {
    // Helm does not wait for what is paused.
    if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Readiness::current("Deployment is paused");
    }
    // Without a deadline the controller sets no condition Progressing.
    let mut progressed =
        number(object, "/spec/progressDeadlineSeconds", NO_DEADLINE) == NO_DEADLINE;
    let mut available = false;
    for condition in conditions(object) {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return Readiness::failed("Progress deadline exceeded");
            }
            "Progressing" if condition.reason == "NewReplicaSetAvailable" => {
                progressed |= condition.is_true();
            }
            "Available" => available = condition.is_true(),
            _ => {}
        }
    }
    match missing(object) {
        Some(message) => Readiness::in_progress(message),
        None if !progressed => Readiness::in_progress("ReplicaSet not Available"),
        None if !available => Readiness::in_progress("Deployment not Available"),
        None => Readiness::current(format!(
            "Deployment is available. Replicas: {}",
            number(object, "/status/replicas", 0)
        )),
    }
}

/// The first count that does not fit yet.
fn missing(object: &Value) -> Option<String> {
    let wanted = number(object, "/spec/replicas", 1);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    let (ready, available) = (status("readyReplicas"), status("availableReplicas"));
    if wanted > replicas {
        Some(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Some(format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        Some(format!("Pending termination: {}", replicas - wanted))
    } else if updated > available {
        Some(format!("Available: {available}/{updated}"))
    } else if wanted > ready {
        Some(format!("Ready: {ready}/{wanted}"))
    } else {
        None
    }
}
