//! When a `CustomResourceDefinition` is ready.

use serde_json::Value;

use super::Readiness;
use super::condition::conditions;

pub(super) fn readiness(object: &Value) -> Readiness {
    for condition in conditions(object) {
        match condition.kind {
            "NamesAccepted" if condition.is_false() => {
                return Readiness::failed(condition.message);
            }
            "Established" if condition.is_false() && condition.reason != "Installing" => {
                return Readiness::failed(condition.message);
            }
            "Established" if condition.is_true() => {
                return Readiness::current("CRD is established");
            }
            _ => {}
        }
    }
    Readiness::in_progress("Install in progress")
}
