//! Kinds without a rule of their own: the `Ready` condition, if there is one.

use serde_json::Value;

use super::Readiness;
use super::condition::conditions;

pub(super) fn readiness(object: &Value) -> Readiness {
    match conditions(object).find(|condition| condition.kind == "Ready") {
        Some(ready) if ready.is_true() => Readiness::current("Resource is Ready"),
        Some(ready) => Readiness::in_progress(ready.message),
        None => Readiness::current("Resource is current"),
    }
}
