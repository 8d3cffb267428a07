//! Pruning: what a schema does not name is dropped, unless it says that unknown fields stay.

use std::fmt::Write;

use serde_json::{Value, json};

/// Drops what the schema of a whole object does not name; answers the paths.
pub(crate) fn prune(value: &mut Value, schema: &Value) -> Vec<String> {
    let mut dropped = Vec::new();
    prune_below(value, schema, true, &mut String::new(), &mut dropped);
    dropped.sort();
    dropped
}

fn prune_below(
    value: &mut Value,
    schema: &Value,
    resource: bool,
    path: &mut String,
    dropped: &mut Vec<String>,
) {
    let length = path.len();
    let embedded = |schema: &Value| schema["x-kubernetes-embedded-resource"] == json!(true);
    match value {
        Value::Object(map) => {
            let preserves = schema["x-kubernetes-preserve-unknown-fields"] == json!(true);
            map.retain(|key, value| {
                // Identity stays whatever a schema says of it.
                if resource && matches!(key.as_str(), "apiVersion" | "kind" | "metadata") {
                    return true;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                let others = &schema["additionalProperties"];
                let below = schema["properties"].get(key).or(others.is_object().then_some(others));
                let stays = match below {
                    Some(below) => {
                        prune_below(value, below, embedded(below), path, dropped);
                        true
                    }
                    None => preserves || *others == json!(true),
                };
                if !stays {
                    dropped.push(path.clone());
                }
                path.truncate(length);
                stays
            });
        }
        Value::Array(items) => {
            let below = &schema["items"];
            for (index, item) in items.iter_mut().enumerate() {
                let _ = write!(path, "[{index}]");
                prune_below(item, below, embedded(below), path, dropped);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Undeclared fields go, wherever they are; free keys, preserved fields and identity stay.
    #[test]
    fn drops_what_is_not_declared() {
        let schema = json!({
            "type": "object",
            "properties": { "spec": { "type": "object", "properties": {
                "size": { "type": "integer" },
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": { "strict": { "type": "object", "properties": {} } } },
                "parts": { "type": "array", "items": { "type": "object", "properties": { "a": {} } } },
                "object": { "type": "object", "x-kubernetes-embedded-resource": true },
            } } },
        });
        let mut value = json!({
            "apiVersion": "example.org/v1",
            "metadata": { "name": "x" },
            "spec": {
                "size": 1, "what": 1, "labels": { "a": "b" },
                "free": { "x": 1, "strict": { "y": 1 } },
                "parts": [{ "a": 1, "b": 2 }],
                "object": { "kind": "Pod", "metadata": { "name": "y" }, "spec": {} },
            },
            "more": true,
        });
        let dropped = prune(&mut value, &schema);
        assert_eq!(
            dropped,
            ["more", "spec.free.strict.y", "spec.object.spec", "spec.parts[0].b", "spec.what"]
        );
        assert_eq!(
            value,
            json!({
                "apiVersion": "example.org/v1",
                "metadata": { "name": "x" },
                "spec": {
                    "size": 1, "labels": { "a": "b" }, "free": { "x": 1, "strict": {} },
                    "parts": [{ "a": 1 }], "object": { "kind": "Pod", "metadata": { "name": "y" } },
                },
            })
        );
    }
}
