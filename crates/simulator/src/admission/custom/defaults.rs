//! Defaults of a schema, and nulls where null is no value: a request's decoder drops them, but
//! server-side apply keeps them, so that they are refused unless there is a default.

use serde_json::{Map, Value, json};

/// Fills the defaults of a schema in. Where null is not allowed it counts as not given.
pub(crate) fn fill(value: &mut Value, schema: &Value) {
    walk(value, schema, fill_property);
}

/// Drops nulls where null is not allowed.
pub(crate) fn drop_nulls(value: &mut Value, schema: &Value) {
    walk(value, schema, |map, name, schema| {
        if is_misplaced_null(map, name, schema) {
            map.shift_remove(name);
        }
    });
}

/// Does something for each declared property, then for what is below it.
fn walk(value: &mut Value, schema: &Value, change: fn(&mut Map<String, Value>, &str, &Value)) {
    match value {
        Value::Object(map) => {
            for (name, below) in schema["properties"].as_object().into_iter().flatten() {
                change(map, name, below);
                if let Some(value) = map.get_mut(name) {
                    walk(value, below, change);
                }
            }
            let others = &schema["additionalProperties"];
            if others.is_object() {
                let declared = |key: &String| schema["properties"].get(key).is_some();
                for (_, value) in map.iter_mut().filter(|(key, _)| !declared(key)) {
                    walk(value, others, change);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, &schema["items"], change);
            }
        }
        _ => {}
    }
}

fn fill_property(map: &mut Map<String, Value>, name: &str, schema: &Value) {
    let Some(default) = schema.get("default") else { return };
    if !map.contains_key(name) || is_misplaced_null(map, name, schema) {
        map.insert(name.to_owned(), default.clone());
    }
}

fn is_misplaced_null(map: &Map<String, Value>, name: &str, schema: &Value) -> bool {
    schema["nullable"] != json!(true) && map.get(name).is_some_and(Value::is_null)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Defaults fill gaps at every depth, also in what a default itself brought; nulls that may
    /// not be are gaps, where there is a default.
    #[test]
    fn fills_gaps() {
        let schema = json!({ "properties": { "spec": {
            "default": {},
            "properties": {
                "mode": { "type": "string", "default": "fast" },
                "code": { "type": "string" },
                "maybe": { "type": "string", "nullable": true, "default": "x" },
                "parts": { "items": { "properties": { "image": { "default": "none" } } } },
                "named": { "additionalProperties": { "properties": { "on": { "default": true } } } },
            },
        } } });
        let cases = [
            (json!({}), json!({ "spec": { "mode": "fast", "maybe": "x" } })),
            (
                json!({ "spec": { "mode": null, "code": null, "maybe": null } }),
                json!({ "spec": { "mode": "fast", "code": null, "maybe": null } }),
            ),
            (
                json!({ "spec": { "mode": "slow", "maybe": "y", "parts": [{}, { "image": "a" }], "named": { "b": {} } } }),
                json!({ "spec": { "mode": "slow", "maybe": "y", "parts": [{ "image": "none" }, { "image": "a" }], "named": { "b": { "on": true } } } }),
            ),
        ];
        for (mut value, wanted) in cases {
            fill(&mut value, &schema);
            assert_eq!(value, wanted);
        }
        let mut value = json!({ "spec": { "mode": null, "code": null, "maybe": null } });
        drop_nulls(&mut value, &schema);
        assert_eq!(value, json!({ "spec": { "maybe": null } }));
    }
}
