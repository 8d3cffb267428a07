//! Kinds served in two forms: Events of both groups, autoscalers of both versions.
//!
//! Versions of custom resources differ in their `apiVersion` alone: webhooks that convert are not called.
//!
//! An object is stored in the form of the first kind of its resource and converted for the other.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{kinds::Kind, object, store::StoredObject};

/// The text of a stored object in the form of `kind`.
pub(super) fn served<'a>(kind: &Kind, stored: &'a StoredObject) -> Cow<'a, [u8]> {
    if same_form(kind, &stored.kind) {
        Cow::Borrowed(stored.json())
    } else {
        Cow::Owned(served_value(kind, stored).to_string().into_bytes())
    }
}

/// A stored object in the form of `kind`.
pub(super) fn served_value(kind: &Kind, stored: &StoredObject) -> Value {
    let value = stored.value();
    if same_form(kind, &stored.kind) { value } else { converted(&stored.kind, kind, value) }
}

/// A submitted object in the form it is stored in.
pub(super) fn to_stored(kind: &Kind, stored: &Kind, value: Value) -> Value {
    if same_form(kind, stored) { value } else { converted(kind, stored, value) }
}

fn same_form(a: &Kind, b: &Kind) -> bool {
    a.group == b.group && a.version == b.version
}

const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn converted(from: &Kind, to: &Kind, mut value: Value) -> Value {
    value["apiVersion"] = json!(to.api_version());
    if to.custom.is_some() {
        return value;
    }
    match (to.kind.as_str(), to.group.as_str(), to.version.as_str()) {
        ("Event", group, _) => {
            for (core, events) in EVENT_FIELDS {
                let (old, new) = if group.is_empty() { (events, core) } else { (core, events) };
                if let Some(field) = object::remove(&mut value, old) {
                    value[*new] = field;
                }
            }
        }
        ("HorizontalPodAutoscaler", _, "v2") if from.version == "v1" => {
            if let Some(target) = take(&mut value, "spec", "targetCPUUtilizationPercentage") {
                value["spec"]["metrics"] = json!([cpu(json!({
                    "target": { "type": "Utilization", "averageUtilization": target },
                }))]);
            }
            if let Some(current) = take(&mut value, "status", "currentCPUUtilizationPercentage") {
                value["status"]["currentMetrics"] =
                    json!([cpu(json!({ "current": { "averageUtilization": current } }))]);
            }
        }
        ("HorizontalPodAutoscaler", _, "v1") => {
            if let Some(metrics) = take(&mut value, "spec", "metrics")
                && let Some(target) = cpu_value(&metrics, "target")
            {
                value["spec"]["targetCPUUtilizationPercentage"] = target;
            }
            take(&mut value, "spec", "behavior");
            take(&mut value, "status", "conditions");
            if let Some(metrics) = take(&mut value, "status", "currentMetrics")
                && let Some(current) = cpu_value(&metrics, "current")
            {
                value["status"]["currentCPUUtilizationPercentage"] = current;
            }
        }
        _ => {}
    }
    value
}

fn take(value: &mut Value, part: &str, key: &str) -> Option<Value> {
    object::remove(value.get_mut(part)?, key)
}

/// A metric of the resource `cpu` with one more field.
fn cpu(mut field: Value) -> Value {
    field["name"] = json!("cpu");
    json!({ "type": "Resource", "resource": field })
}

/// The average utilisation of the metric of the resource `cpu`.
fn cpu_value(metrics: &Value, part: &str) -> Option<Value> {
    let mut metrics = metrics.as_array().into_iter().flatten();
    let metric = metrics.find(|metric| metric["resource"]["name"] == "cpu")?;
    metric["resource"][part].get("averageUtilization").cloned()
}
