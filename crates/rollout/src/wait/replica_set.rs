//! When a `ReplicaSet` is ready.

use serde_json::Value;

use super::Readiness;
use super::condition::conditions;
use super::fields::number;

pub(super) fn readiness(object: &Value) -> Readiness {
    if conditions(object).any(|c| c.kind == "ReplicaFailure" && c.is_true()) {
        return Readiness::in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = number(object, "/spec/replicas", 1);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    for (word, count) in [
        ("Labelled", status("fullyLabeledReplicas")),
        ("Available", status("availableReplicas")),
        ("Ready", status("readyReplicas")),
    ] {
        if wanted > count {
            return Readiness::in_progress(format!("{word}: {count}/{wanted}"));
        }
    }
    let replicas = status("replicas");
    if replicas > wanted {
        return Readiness::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    Readiness::current(format!("ReplicaSet is available. Replicas: {replicas}"))
}
