//! Reading and touching Kubernetes objects held as JSON.
//!
//! Objects stay JSON everywhere: the simulator keeps fields that it has no rule for. The functions
//! here are the few accesses that many places share; they never fail, a missing field is empty.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The text at a path of keys, or the empty string.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a path of keys.
pub fn integer(object: &Value, path: &[&str]) -> Option<i64> {
    at(object, path).and_then(Value::as_i64)
}

/// The value at a path of keys.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// The list at a path of keys; empty if there is none.
pub fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`, empty for objects outside namespaces.
pub fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// `metadata.resourceVersion`.
pub fn resource_version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

/// An annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, &["metadata", "annotations", key]).and_then(Value::as_str)
}

/// Whether deletion has begun (`metadata.deletionTimestamp` is set).
pub fn is_deleting(object: &Value) -> bool {
    !text(object, &["metadata", "deletionTimestamp"]).is_empty()
}

/// `metadata.ownerReferences`.
pub fn owner_references(object: &Value) -> &[Value] {
    list(object, &["metadata", "ownerReferences"])
}

/// The uid of the owner reference that has `controller: true`.
pub fn controller_uid(object: &Value) -> Option<&str> {
    owner_references(object)
        .iter()
        .find(|owner| owner["controller"] == json!(true))
        .and_then(|owner| owner["uid"].as_str())
}

/// An owner reference to `owner` as its controller, as Kubernetes' controllers write it.
pub fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// An `involvedObject` that points at `object`; `field_path` may be empty.
pub fn reference(object: &Value, field_path: &str) -> Value {
    let mut reference = json!({
        "kind": object["kind"],
        "namespace": namespace(object),
        "name": name(object),
        "uid": uid(object),
        "apiVersion": object["apiVersion"],
        "resourceVersion": resource_version(object),
    });
    if !field_path.is_empty() {
        reference["fieldPath"] = json!(field_path);
    }
    reference
}

/// The map at `key`, made if it is missing or not a map.
pub fn map_mut<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let slot = object
        .as_object_mut()
        .expect("made an object just above")
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("made an object just above")
}

/// `metadata`, made if missing.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    map_mut(object, "metadata")
}

/// Removes a key and keeps the order of the others.
pub fn remove(object: &mut Value, key: &str) -> Option<Value> {
    object.as_object_mut().and_then(|map| map.shift_remove(key))
}

/// Sets `status.conditions[type=kind]`, as Kubernetes' helpers do: the transition time moves only
/// if the status changes. Returns whether anything changed.
pub fn set_condition(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> bool {
    let now = now();
    let conditions = map_mut(object, "status").entry("conditions").or_insert_with(|| json!([]));
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let conditions = conditions.as_array_mut().expect("made a list just above");
    let mut wanted = json!({ "type": kind, "status": status, "lastTransitionTime": now });
    if !reason.is_empty() {
        wanted["reason"] = json!(reason);
    }
    if !message.is_empty() {
        wanted["message"] = json!(message);
    }
    let Some(found) = conditions.iter_mut().find(|condition| condition["type"] == *kind) else {
        conditions.push(wanted);
        return true;
    };
    if found["status"] == *status {
        wanted["lastTransitionTime"] = found["lastTransitionTime"].clone();
    }
    for time in ["lastUpdateTime", "lastProbeTime"] {
        if found.get(time).is_some() {
            wanted[time] = found[time].clone();
        }
    }
    let changed = *found != wanted;
    *found = wanted;
    changed
}

/// The status of a condition (`True`, `False`, `Unknown`), or the empty string.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    list(object, &["status", "conditions"])
        .iter()
        .find(|condition| condition["type"] == *kind)
        .map_or("", |condition| text(condition, &["status"]))
}

/// The present time as `metadata` writes it: whole seconds, UTC.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The present time with microseconds, as Leases and `eventTime` write it.
pub fn now_micro() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
