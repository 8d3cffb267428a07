//! When a `StatefulSet` is ready.

use serde_json::Value;

use super::Readiness;
use super::fields::{number, text};

pub(super) fn readiness(object: &Value) -> Readiness {
    if text(object, "/spec/updateStrategy/type", "") == "OnDelete" {
        return Readiness::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = number(object, "/spec/replicas", 1);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    let (replicas, ready) = (status("replicas"), status("readyReplicas"));
    if wanted > replicas {
        return Readiness::in_progress(format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Readiness::in_progress(format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return Readiness::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    let updated = status("updatedReplicas");
    let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition");
    if let Some(partition) = partition.and_then(Value::as_i64) {
        if updated < wanted - partition {
            let message = format!("updated: {updated}/{}", wanted - partition);
            return Readiness::in_progress(message);
        }
        return Readiness::current(format!("Partition rollout complete. updated: {updated}"));
    }
    let current = status("currentReplicas");
    if wanted > current {
        return Readiness::in_progress(format!("current: {current}/{wanted}"));
    }
    if text(object, "/status/currentRevision", "") != text(object, "/status/updateRevision", "") {
        return Readiness::in_progress("Waiting for updated revision to match current");
    }
    Readiness::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}
