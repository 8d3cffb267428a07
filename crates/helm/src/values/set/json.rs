//! JSON values of `--set-json`. Every number is a float, as in values files.

use goyaml::{Map, Value};
use serde_json::Value as Json;

use super::SetError;

/// The JSON value `text` begins with, and its length in bytes with the blanks before it. As in Go
/// a number or a word ends where it cannot go on, whatever follows.
pub(super) fn first(text: &str) -> Result<(Value, usize), SetError> {
    let end = text.len() - text.trim_start().len() + scalar_length(text.trim_start());
    let text = if text[..end].trim_start().is_empty() { text } else { &text[..end] };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    match values.next() {
        Some(Ok(value)) => Ok((from_json(value), values.byte_offset())),
        Some(Err(error)) => Err(SetError::Json(error)),
        None => Ok((Value::Null, text.len())),
    }
}

/// The length of the number or word `text` begins with; 0 for anything else.
fn scalar_length(text: &str) -> usize {
    if let Some(word) = ["true", "false", "null"].into_iter().find(|word| text.starts_with(word)) {
        return word.len();
    }
    let bytes = text.as_bytes();
    let digits =
        |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = if bytes.get(sign) == Some(&b'0') { 1 } else { digits(sign) };
    if whole == 0 {
        return 0;
    }
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end += 1 + sign + digits(end + 1 + sign);
    }
    end
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
