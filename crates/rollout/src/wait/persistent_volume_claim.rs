//! When a `PersistentVolumeClaim` is ready.

use serde_json::Value;

use super::Readiness;
use super::fields::text;

pub(super) fn readiness(object: &Value) -> Readiness {
    match text(object, "/status/phase", "unknown") {
        "Bound" => Readiness::current("PVC is Bound"),
        phase => Readiness::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}
