//! Checking custom resources against their schema, in the API server's words.

use std::fmt::Write;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::formats;
use crate::{object, status::Cause};

/// What is wrong with an object.
pub(crate) fn problems(value: &Value, schema: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(value, schema, &mut String::new(), &mut causes);
    list_types(value, schema, &mut String::new(), &mut causes);
    causes
}

/// Schema and value at one path.
fn check(value: &Value, schema: &Value, path: &mut String, causes: &mut Vec<Cause>) {
    if value.is_null() && schema["nullable"] == json!(true) {
        return;
    }
    if !check_type(value, schema, path, causes) {
        return;
    }
    check_combined(value, schema, path, causes);
    match value {
        Value::String(text) => check_text(text, schema, path, causes),
        Value::Number(_) => check_number(value, schema, path, causes),
        Value::Array(items) => check_items(items, schema, path, causes),
        Value::Object(map) => check_fields(map, schema, path, causes),
        Value::Null | Value::Bool(_) => {}
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let shown = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        let texts: Vec<String> = allowed.iter().map(shown).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        causes.push(Cause::not_supported(path.as_str(), value, &texts));
    }
}

/// Whether the type is right.
fn check_type(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) -> bool {
    let found = type_of(value);
    let either = schema["x-kubernetes-int-or-string"] == json!(true);
    let wanted = match object::text(schema, &["type"]) {
        _ if either => "integer,string",
        "" => return true,
        wanted => wanted,
    };
    let fits =
        wanted.split(',').any(|it| it == found) || (wanted == "number" && found == "integer");
    if fits {
        return true;
    }
    let detail = format!("{path} in body must be of type {wanted}: {found:?}");
    let reason = "FieldValueTypeInvalid";
    causes.push(Cause { reason, ..Cause::invalid(path, &json!(found), &detail) });
    if (wanted, found) == ("integer", "number") {
        causes.push(nowhere(&format!(
            "Checked value must be of type integer (default format) in {path}"
        )));
    }
    false
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A complaint that the API server does not ascribe to a field.
fn nowhere(detail: &str) -> Cause {
    Cause::invalid("<nil>", &json!(""), detail)
}

/// `allOf`, `anyOf`, `oneOf` and `not`.
fn check_combined(value: &Value, schema: &Value, path: &mut String, causes: &mut Vec<Cause>) {
    let mut outcomes = |key: &str| -> Vec<Vec<Cause>> {
        let mut of = |schema: &Value| {
            let mut causes = Vec::new();
            check(value, schema, path, &mut causes);
            causes
        };
        object::list(schema, &[key]).iter().map(&mut of).collect()
    };
    let (all, any, one) = (outcomes("allOf"), outcomes("anyOf"), outcomes("oneOf"));
    let closest = |outcomes: Vec<Vec<Cause>>| outcomes.into_iter().min_by_key(Vec::len);
    let valid = |outcomes: &[Vec<Cause>]| outcomes.iter().filter(|it| it.is_empty()).count();
    if valid(&all) < all.len() {
        causes.push(nowhere(&format!("{path:?} must validate all the schemas (allOf)")));
        causes.extend(all.into_iter().flatten());
    }
    if !any.is_empty() && valid(&any) == 0 {
        causes.push(nowhere(&format!("{path:?} must validate at least one schema (anyOf)")));
        causes.extend(closest(any).into_iter().flatten());
    }
    let exactly = "must validate one and only one schema (oneOf)";
    match (one.len(), valid(&one)) {
        (0, _) | (_, 1) => {}
        (_, 0) => {
            causes.push(nowhere(&format!("{path:?} {exactly}. Found none valid")));
            causes.extend(closest(one).into_iter().flatten());
        }
        (_, many) => {
            causes.push(nowhere(&format!("{path:?} {exactly}. Found {many} valid alternatives")));
        }
    }
    if let Some(not) = schema.get("not") {
        let mut inner = Vec::new();
        check(value, not, path, &mut inner);
        if inner.is_empty() {
            causes.push(nowhere(&format!("{path:?} must not validate the schema (not)")));
        }
    }
}

fn check_text(text: &str, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let length = text.chars().count();
    let limit = |key: &str| schema[key].as_u64().and_then(|it| usize::try_from(it).ok());
    let value = json!(text);
    if let Some(most) = limit("maxLength").filter(|most| length > *most) {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            message: format!("Too long: may not be more than {most} bytes"),
            field: path.to_owned(),
        });
    } else if let Some(least) = limit("minLength").filter(|least| length < *least) {
        let detail = format!("{path} in body should be at least {least} chars long");
        causes.push(Cause::invalid(path, &value, &detail));
    } else if let Some(pattern) = schema["pattern"].as_str()
        // Of what this library cannot read nothing is known.
        && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        let detail = format!("{path} in body should match '{pattern}'");
        causes.push(Cause::invalid(path, &value, &detail));
    }
    let format = object::text(schema, &["format"]);
    if !formats::has(format, text) {
        let detail = format!("{path} in body must be of type {format}: {text:?}");
        causes.push(Cause::invalid(path, &value, &detail));
    }
}

fn check_number(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(number) = value.as_f64() else { return };
    let exclusive = |key: &str| schema[key] == json!(true);
    let mut complain = |detail: String| {
        causes.push(Cause::invalid(path, value, &format!("{path} in body should be {detail}")));
    };
    if let Some(factor) = schema["multipleOf"].as_f64()
        && factor > 0.0
        && (number / factor).fract() != 0.0
    {
        complain(format!("a multiple of {}", schema["multipleOf"]));
    }
    let (most, least) = (&schema["maximum"], &schema["minimum"]);
    if let Some(limit) = most.as_f64() {
        let strict = exclusive("exclusiveMaximum");
        if number > limit || (strict && number >= limit) {
            complain(format!("less than {}{most}", if strict { "" } else { "or equal to " }));
        }
    }
    if let Some(limit) = least.as_f64() {
        let strict = exclusive("exclusiveMinimum");
        if number < limit || (strict && number <= limit) {
            complain(format!("greater than {}{least}", if strict { "" } else { "or equal to " }));
        }
    }
}

/// Too many or too few items or properties.
fn check_count(count: usize, schema: &Value, what: &str, path: &str, causes: &mut Vec<Cause>) {
    let limit = |key: String| schema[key].as_u64().and_then(|it| usize::try_from(it).ok());
    let (noun, key) = (what.to_lowercase(), what);
    if let Some(most) = limit(format!("max{key}")).filter(|most| count > *most) {
        causes.push(Cause {
            reason: "FieldValueTooMany",
            // Properties are items to the API server's words.
            message: format!("Too many: {count}: must have at most {most} items"),
            field: path.to_owned(),
        });
    }
    if let Some(least) = limit(format!("min{key}")).filter(|least| count < *least) {
        let detail = format!("{path} in body should have at least {least} {noun}");
        causes.push(Cause::invalid(path, &json!(count), &detail));
    }
}

fn check_items(items: &[Value], schema: &Value, path: &mut String, causes: &mut Vec<Cause>) {
    check_count(items.len(), schema, "Items", path, causes);
    let length = path.len();
    for (index, item) in items.iter().enumerate() {
        let _ = write!(path, "[{index}]");
        check(item, &schema["items"], path, causes);
        path.truncate(length);
    }
}

fn check_fields(map: &Map<String, Value>, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    check_count(map.len(), schema, "Properties", path, causes);
    let joined = |path: &str, key: &str| {
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    };
    for name in object::list(schema, &["required"]).iter().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            causes.push(Cause::required(joined(path, name), ""));
        }
    }
    let others = &schema["additionalProperties"];
    for (key, value) in map {
        let below = schema["properties"].get(key).or(others.is_object().then_some(others));
        if let Some(below) = below {
            check(value, below, &mut joined(path, key), causes);
        }
    }
}

/// Doubled items of lists that are sets or maps.
fn list_types(value: &Value, schema: &Value, path: &mut String, causes: &mut Vec<Cause>) {
    match value {
        Value::Array(items) => {
            let key_of = |item: &Value| -> Option<Value> {
                match object::text(schema, &["x-kubernetes-list-type"]) {
                    "set" => Some(item.clone()),
                    "map" => Some(keys_of(item, schema)),
                    _ => None,
                }
            };
            let mut seen: Vec<Value> = Vec::new();
            let length = path.len();
            for (index, item) in items.iter().enumerate() {
                let _ = write!(path, "[{index}]");
                if let Some(key) = key_of(item) {
                    if seen.contains(&key) {
                        causes.push(Cause::duplicate(path.as_str(), &key));
                    }
                    seen.push(key);
                }
                list_types(item, &schema["items"], path, causes);
                path.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let others = &schema["additionalProperties"];
                let below = schema["properties"].get(key).unwrap_or(others);
                let mut path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                list_types(value, below, &mut path, causes);
            }
        }
        _ => {}
    }
}

fn keys_of(item: &Value, schema: &Value) -> Value {
    let keys = object::list(schema, &["x-kubernetes-list-map-keys"]).iter();
    let keys = keys.filter_map(Value::as_str);
    Value::Object(keys.filter_map(|key| Some((key.to_owned(), item.get(key)?.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each rule of a schema, with the words that a real API server had for it.
    #[test]
    fn words() {
        let schema = json!({ "type": "object", "properties": { "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": { "type": "integer", "minimum": 1, "maximum": 10 },
                "mode": { "type": "string", "enum": ["fast", "slow"] },
                "code": { "type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5 },
                "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2,
                    "minItems": 1, "x-kubernetes-list-type": "set" },
                "ratio": { "type": "number", "multipleOf": 0.5, "minimum": 0, "exclusiveMinimum": true },
                "port": { "x-kubernetes-int-or-string": true },
                "labels": { "type": "object", "additionalProperties": { "type": "string" }, "maxProperties": 2 },
                "on": { "type": "boolean" },
                "one": { "type": "object", "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] },
                "not": { "type": "string", "not": { "enum": ["x"] } },
                "when": { "type": "string", "format": "date-time" },
                "parts": { "type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } },
            },
        } } });
        let cases = [
            (
                json!({ "size": 0 }),
                "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
            ),
            (
                json!({ "size": 11 }),
                "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10",
            ),
            (
                json!({ "size": "two" }),
                "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
            ),
            (
                json!({ "size": 1.5 }),
                "spec.size: Invalid value: \"number\": spec.size in body must be of type integer: \"number\"; <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec.size",
            ),
            (json!({}), "spec.size: Required value"),
            (
                json!({ "size": 2, "mode": "odd" }),
                "spec.mode: Unsupported value: \"odd\": supported values: \"fast\", \"slow\"",
            ),
            (
                json!({ "size": 2, "code": "A" }),
                "spec.code: Invalid value: \"A\": spec.code in body should be at least 2 chars long",
            ),
            (
                json!({ "size": 2, "code": "AB" }),
                "spec.code: Invalid value: \"AB\": spec.code in body should match '^[a-z]+$'",
            ),
            (
                json!({ "size": 2, "code": "abcdefg" }),
                "spec.code: Too long: may not be more than 5 bytes",
            ),
            (
                json!({ "size": 2, "tags": ["a", "b", "c"] }),
                "spec.tags: Too many: 3: must have at most 2 items",
            ),
            (
                json!({ "size": 2, "tags": [] }),
                "spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items",
            ),
            (json!({ "size": 2, "tags": ["a", "a"] }), "spec.tags[1]: Duplicate value: \"a\""),
            (
                json!({ "size": 2, "ratio": 0.3 }),
                "spec.ratio: Invalid value: 0.3: spec.ratio in body should be a multiple of 0.5",
            ),
            (
                json!({ "size": 2, "ratio": 0 }),
                "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0",
            ),
            (
                json!({ "size": 2, "port": [] }),
                "spec.port: Invalid value: \"array\": spec.port in body must be of type integer,string: \"array\"",
            ),
            (json!({ "size": 2, "port": "http" }), ""),
            (
                json!({ "size": 2, "labels": { "a": 1 } }),
                "spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of type string: \"integer\"",
            ),
            (
                json!({ "size": 2, "labels": { "a": "x", "b": "x", "c": "x" } }),
                "spec.labels: Too many: 3: must have at most 2 items",
            ),
            (
                json!({ "size": 2, "on": "yes" }),
                "spec.on: Invalid value: \"string\": spec.on in body must be of type boolean: \"string\"",
            ),
            (
                json!({ "size": 2, "one": {} }),
                "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid; spec.one.a: Required value",
            ),
            (
                json!({ "size": 2, "one": { "a": 1, "b": 1 } }),
                "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
            ),
            (
                json!({ "size": 2, "not": "x" }),
                "<nil>: Invalid value: \"\": \"spec.not\" must not validate the schema (not)",
            ),
            (
                json!({ "size": 2, "when": "soon" }),
                "spec.when: Invalid value: \"soon\": spec.when in body must be of type date-time: \"soon\"",
            ),
            (json!({ "size": 2, "parts": [{}] }), "spec.parts[0].name: Required value"),
            (
                json!({ "size": 2, "parts": [{ "name": "x" }, { "name": "x" }] }),
                "spec.parts[1]: Duplicate value: {\"name\":\"x\"}",
            ),
            (
                json!([]),
                "spec: Invalid value: \"array\": spec in body must be of type object: \"array\"",
            ),
        ];
        for (spec, wanted) in cases {
            let causes = problems(&json!({ "spec": spec }), &schema);
            let texts: Vec<String> =
                causes.iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
            assert_eq!(texts.join("; "), wanted, "{spec}");
        }
    }
}
