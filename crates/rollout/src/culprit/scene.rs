//! What the files of causes look at.

use jiff::Timestamp;
use serde_json::Value;

use crate::ObjectKey;
use crate::events::last_seen;

/// A pod that is being rolled out, and what is known around it.
pub(super) struct PodScene<'a> {
    pub(super) pod: &'a Value,
    /// The events about it.
    pub(super) events: Vec<&'a Value>,
    /// The volume claims it mounts, as far as they are there.
    pub(super) claims: Vec<Claimed<'a>>,
    pub(super) now: Timestamp,
}

/// A volume claim.
pub(super) struct Claimed<'a> {
    pub(super) claim: &'a Value,
    pub(super) events: Vec<&'a Value>,
}

/// An object of the release that is not ready.
pub(super) struct ObjectScene<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) object: &'a Value,
    /// What makes its pods: itself, or of a Deployment its newest `ReplicaSet`.
    pub(super) maker: &'a Value,
    /// Its pods of the newest template, in the order of their names.
    pub(super) pods: Vec<&'a Value>,
    /// The events about it and its maker.
    pub(super) events: Vec<&'a Value>,
    /// Whether it is a hook's.
    pub(super) hook: bool,
    pub(super) now: Timestamp,
}

/// The newest of these events that has one of the reasons.
pub(super) fn newest<'a>(events: &[&'a Value], reasons: &[&str]) -> Option<&'a Value> {
    let matching = events
        .iter()
        .filter(|event| event["reason"].as_str().is_some_and(|reason| reasons.contains(&reason)));
    matching.max_by_key(|event| (last_seen(event), event["metadata"]["name"].as_str())).copied()
}

/// When an event was first seen; the scheduler and others fill other fields.
pub(super) fn first_seen(event: &Value) -> Option<Timestamp> {
    ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|pointer| event.pointer(pointer)?.as_str()?.parse().ok())
}

/// An event as evidence: its reason and what it says.
pub(super) fn told(event: &Value) -> String {
    format!("{}: {}", event["reason"].as_str().unwrap_or_default(), message(event))
}

/// What an event says; the tenth alike is led by words of no use here.
pub(super) fn message(event: &Value) -> &str {
    let message = event["message"].as_str().unwrap_or_default().trim();
    message.strip_prefix("(combined from similar events): ").unwrap_or(message)
}

/// A condition of an object's status.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Since when a condition is as it is.
pub(super) fn since(condition: &Value) -> Option<Timestamp> {
    condition["lastTransitionTime"].as_str()?.parse().ok()
}
