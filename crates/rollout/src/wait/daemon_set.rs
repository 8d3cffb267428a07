//! When a `DaemonSet` is ready.

use serde_json::Value;

use super::Readiness;
use super::fields::number;

pub(super) fn readiness(object: &Value) -> Readiness {
    // The generic rule lets missing generations pass; a DaemonSet without them was not looked at yet.
    for field in ["metadata.generation", "status.observedGeneration"] {
        if object.pointer(&format!("/{}", field.replace('.', "/"))).is_none() {
            return Readiness::in_progress(format!("DaemonSet {field} not found"));
        }
    }
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    let wanted = number(object, "/status/desiredNumberScheduled", -1);
    if wanted == -1 {
        return Readiness::in_progress("Missing .status.desiredNumberScheduled");
    }
    for (word, count) in [
        ("Current", status("currentNumberScheduled")),
        ("Updated", status("updatedNumberScheduled")),
        ("Available", status("numberAvailable")),
        ("Ready", status("numberReady")),
    ] {
        if wanted > count {
            return Readiness::in_progress(format!("{word}: {count}/{wanted}"));
        }
    }
    Readiness::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}
