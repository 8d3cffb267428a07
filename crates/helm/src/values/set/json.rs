//! JSON values of `--set-json`. Every number is a float, as in values files.

use goyaml::{Map, Value};
use serde_json::Value as Json;

use super::SetError;

/// The JSON value `text` begins with, and its length in bytes with the blanks before it.
pub(super) fn first(text: &str) -> Result<(Value, usize), SetError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    match values.next() {
        Some(Ok(value)) => Ok((from_json(value), values.byte_offset())),
        Some(Err(error)) => Err(SetError::Json(error)),
        None => Ok((Value::Null, text.len())),
    }
}

/// `text` as one JSON object.
pub(super) fn object(text: &str) -> Result<Map, SetError> {
    let object: serde_json::Map<String, Json> =
        serde_json::from_str(text).map_err(SetError::Json)?;
    Ok(map(object))
}

fn map(object: serde_json::Map<String, Json>) -> Map {
    object.into_iter().map(|(key, value)| (key, from_json(value))).collect()
}

fn from_json(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => text.into(),
        Json::Array(items) => items.into_iter().map(from_json).collect::<Vec<_>>().into(),
        Json::Object(object) => Value::Map(map(object)),
    }
}
