//! What of an object does not count as its content.

use serde_json::{Map, Value};

/// Fields of metadata that the server keeps for itself.
const SERVER_METADATA: [&str; 7] = [
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionGracePeriodSeconds",
];

/// The object without its status and without what the server keeps for itself.
pub(crate) fn cleaned(object: &Value) -> Value {
    let Value::Object(fields) = object else { return object.clone() };
    let mut kept = Map::new();
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("status", _) => {}
            ("metadata", Value::Object(metadata)) => {
                let metadata: Map<String, Value> = metadata
                    .iter()
                    .filter(|(field, _)| !SERVER_METADATA.contains(&field.as_str()))
                    .map(|(field, value)| (field.clone(), value.clone()))
                    .collect();
                kept.insert(name.clone(), Value::Object(metadata));
            }
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What the server writes is left out, what people write stays.
    #[test]
    fn server_fields_go() {
        let object = json!({
            "apiVersion": "v1",
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "1", "generation": 2,
                "creationTimestamp": "t", "managedFields": [], "labels": { "a": "b" },
            },
            "spec": { "status": "kept" },
            "status": { "phase": "Bound" },
        });
        assert_eq!(
            cleaned(&object),
            json!({
                "apiVersion": "v1",
                "metadata": { "name": "a", "labels": { "a": "b" } },
                "spec": { "status": "kept" },
            })
        );
    }
}
