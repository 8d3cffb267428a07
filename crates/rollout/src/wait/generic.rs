//! What counts for every kind before its own rule: deletion, the observed generation, and kstatus'
//! standard conditions.

use serde_json::Value;

use super::condition::conditions;
use super::{Readiness, State};

/// The state, if these rules decide it.
pub(super) fn readiness(object: &Value) -> Option<Readiness> {
    if object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        let message = "Resource scheduled for deletion".to_owned();
        return Some(Readiness { state: State::Terminating, message });
    }
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        return Some(Readiness::in_progress(format!(
            "{} generation is {generation}, but latest observed generation is {observed}",
            object["kind"].as_str().unwrap_or_default(),
        )));
    }
    conditions(object).filter(super::condition::Condition::is_true).find_map(|condition| {
        match condition.kind {
            "Reconciling" => Some(Readiness::in_progress(condition.message)),
            "Stalled" => Some(Readiness::failed(condition.message)),
            _ => None,
        }
    })
}
