//! Handing fields over from client-side to server-side apply.
//!
//! What Helm has set by patches belongs to its field manager by way of updates. Server-side apply is another owner, even
//! under the same name: it would find itself in conflict with the first, and leave what the manifest no longer has. So
//! the entry of the updates becomes part of the other one before the object is applied.

use serde_json::{Map, Value, json};

use crate::ClusterError;
use crate::cluster::FIELD_MANAGER;

/// The JSON patch that hands the fields over; `None` where Helm has none to hand over. It holds for the object as it
/// was read: of one that was changed meanwhile the server says that it conflicts.
pub(crate) fn patch(live: &Value) -> Option<Value> {
    let mut entries = live["metadata"]["managedFields"].as_array()?.clone();
    let updating = entries.iter().position(|entry| is_helms(entry, "Update"))?;
    let at = entries.iter().position(|entry| is_helms(entry, "Apply")).unwrap_or(updating);
    entries[at]["operation"] = json!("Apply");
    let of_version = |entry: &&Value| {
        is_helms(entry, "Update") && entry["apiVersion"] == entries[at]["apiVersion"]
    };
    if let Some(Value::Object(more)) =
        entries.iter().find(of_version).map(|it| it["fieldsV1"].clone())
        && let Value::Object(fields) = &mut entries[at]["fieldsV1"]
    {
        unite(fields, more);
    }
    entries.retain(|entry| !is_helms(entry, "Update"));
    Some(json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": entries },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"] },
    ]))
}

/// Whether an apply was refused for nothing but fields that will have been handed over by then.
pub(crate) fn is_own_conflict(error: &ClusterError) -> bool {
    let ClusterError::Refused { code: 409, message, .. } = error else { return false };
    let own = format!("with \"{FIELD_MANAGER}\" using ");
    let count = |text: &str| message.matches(text).count();
    message.contains("Apply failed with") && count("with \"") == count(&own)
}

/// Status has an owner of its own.
fn is_helms(entry: &Value, operation: &str) -> bool {
    entry["manager"] == FIELD_MANAGER
        && entry["operation"] == operation
        && entry["subresource"].as_str().is_none_or(str::is_empty)
}

/// The union of two sets of fields, which are trees of paths.
fn unite(fields: &mut Map<String, Value>, more: Map<String, Value>) {
    for (path, below) in more {
        match (fields.get_mut(&path), below) {
            (Some(Value::Object(known)), Value::Object(below)) => unite(known, below),
            (Some(_), _) => {}
            (None, below) => {
                fields.insert(path, below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields })
    }

    fn handed_over(entries: &[Value]) -> Option<Value> {
        let live = json!({ "metadata": { "managedFields": entries, "resourceVersion": "7" } });
        let patch = patch(&live)?;
        assert_eq!(patch[1]["value"], "7");
        Some(patch[0]["value"].clone())
    }

    /// Updates by Helm become its apply; those of others, and of the status, stay as they are.
    #[test]
    fn hands_over() {
        let status = json!({ "manager": "helm", "operation": "Update", "subresource": "status", "apiVersion": "v1" });
        let others = entry("kubectl", "Update", "v1", &json!({ "f:data": { "f:b": {} } }));
        let own = json!({ "f:data": { ".": {}, "f:a": {} } });
        let updated = entry("helm", "Update", "v1", &own);
        let applied = entry("helm", "Apply", "v1", &json!({ "f:data": { "f:c": {} } }));
        let both = json!({ "f:data": { "f:c": {}, ".": {}, "f:a": {} } });
        assert_eq!(
            handed_over(&[others.clone(), updated.clone(), status.clone()]),
            Some(json!([others, entry("helm", "Apply", "v1", &own), status])),
        );
        assert_eq!(
            handed_over(&[applied.clone(), updated.clone()]),
            Some(json!([entry("helm", "Apply", "v1", &both)])),
        );
        let older = entry("helm", "Update", "v1beta1", &json!({ "f:data": { "f:old": {} } }));
        assert_eq!(handed_over(&[applied.clone(), older]), Some(json!([applied])));
        assert_eq!(handed_over(&[others, applied]), None);
    }

    /// A conflict with others stays one.
    #[test]
    fn own_conflicts() {
        let refused = |message: &str| ClusterError::Refused {
            cluster: "demo".to_owned(),
            doing: "trying".to_owned(),
            code: 409,
            reason: "Conflict".to_owned(),
            message: message.to_owned(),
        };
        let own = r#"Apply failed with 1 conflict: conflict with "helm" using v1: .data.a"#;
        let both = "Apply failed with 2 conflicts: conflicts with \"helm\" using v1:\n- .data.a\nconflicts with \"kubectl-patch\" using v1:\n- .data.b";
        assert!(is_own_conflict(&refused(own)));
        assert!(!is_own_conflict(&refused(both)));
        assert!(!is_own_conflict(&refused("the object has been modified")));
    }
}
