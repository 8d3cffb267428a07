//! Reading numbers and texts out of objects, with the defaults the rules give.

use serde_json::Value;

/// The whole number at a JSON pointer.
pub(super) fn number(object: &Value, pointer: &str, default: i64) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// The text at a JSON pointer.
pub(super) fn text<'a>(object: &'a Value, pointer: &str, default: &'a str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or(default)
}
