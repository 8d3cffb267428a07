//! From scalar nodes to values, and from values to keys, with go-yaml's errors on the way.

use std::borrow::Cow;
use std::sync::Arc;

use super::Numbers;
use super::directives::STANDARD;
use super::gosyntax::go_syntax;
use crate::scalar::{self, Scalar};
use crate::{Value, number};

/// The value of a scalar node. `tag` is the whole tag or empty; `plain` is false for quoted and
/// block scalars. Errors are complete messages.
pub(super) fn scalar_value(tag: &str, text: Cow<'_, str>, plain: bool) -> Result<Value, String> {
    if tag.is_empty() {
        if !plain {
            return Ok(text_value(text));
        }
        return Ok(resolved(scalar::resolve(&text), text));
    }
    match tag.strip_prefix(STANDARD) {
        Some(kind @ ("bool" | "int" | "float" | "null" | "timestamp")) => tagged(kind, text),
        Some("binary") => match scalar::decode_base64(&text) {
            Some(bytes) => Ok(text_value(valid_text(&bytes).into())),
            None => Err("yaml: !!binary value contains invalid base64 data".into()),
        },
        // Any text will do for a string, and foreign tags mean nothing here.
        _ => Ok(text_value(text)),
    }
}

fn text_value(text: Cow<'_, str>) -> Value {
    Value::String(text.into())
}

fn resolved(scalar: Scalar, text: Cow<'_, str>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Uint(value) => Value::Uint(value),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Timestamp | Scalar::Text => text_value(text),
    }
}

/// A scalar whose tag demands that the text is of that kind.
fn tagged(kind: &str, text: Cow<'_, str>) -> Result<Value, String> {
    let scalar = scalar::resolve_as(&text, kind == "timestamp");
    let found = match scalar {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) | Scalar::Uint(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Timestamp => "timestamp",
        Scalar::Text => "str",
    };
    match scalar {
        _ if kind == found => Ok(resolved(scalar, text)),
        #[allow(clippy::cast_precision_loss, reason = "`!!float` asks for it")]
        Scalar::Int(value) if kind == "float" => Ok(Value::Float(value as f64)),
        _ => Err(format!("yaml: cannot decode !!{found} `{text}` as a !!{kind}")),
    }
}

/// What is wrong with a mapping key, and when go-yaml would notice.
pub(super) enum KeyFault {
    /// While decoding.
    Decode(String),
    /// Afterwards, while turning keys into text; needs the value the key has.
    Convert { kind: &'static str, key: String },
}

impl KeyFault {
    /// The message for a key that has `value`.
    pub(super) fn message(&self, value: &Value) -> String {
        match self {
            Self::Decode(message) => message.clone(),
            Self::Convert { kind, key } => {
                let value = if value.is_null() { "<nil>".into() } else { go_syntax(value) };
                format!("unsupported map key of type: {kind}, key: {key}, value: {value}")
            }
        }
    }
}

/// The text a key becomes.
pub(super) fn key_text(key: &Value) -> Result<Arc<str>, KeyFault> {
    match key {
        Value::String(text) => Ok(Arc::clone(text)),
        Value::Bool(true) => Ok("true".into()),
        Value::Bool(false) => Ok("false".into()),
        Value::Int(value) => Ok(value.to_string().into()),
        Value::Float(value) if value.is_nan() => Ok(".nan".into()),
        Value::Float(value) => Ok(match &*number::format_g32(*value) {
            "+Inf" => ".inf".into(),
            "-Inf" => "-.inf".into(),
            text => text.into(),
        }),
        Value::Null => Err(KeyFault::Convert { kind: "%!s(<nil>)", key: "<nil>".into() }),
        Value::Uint(value) => Err(KeyFault::Convert { kind: "uint64", key: format!("{value:#x}") }),
        Value::Seq(_) | Value::Map(_) => {
            Err(KeyFault::Decode(format!("yaml: invalid map key: {}", go_syntax(key))))
        }
    }
}

/// JSON keeps its sign, which no integer can.
const NEGATIVE_ZERO: u64 = 1 << 63;

/// What JSON and its reader make of a value; hands it back if JSON cannot express it.
#[allow(clippy::cast_precision_loss, reason = "Go's reader has nothing but floats")]
pub(super) fn through_json(value: Value, numbers: Numbers) -> Result<Value, Value> {
    Ok(match (numbers, value) {
        (Numbers::Yaml, value) => value,
        (_, Value::Float(value)) if !value.is_finite() => return Err(Value::Float(value)),
        (Numbers::Floats, Value::Int(value)) => Value::Float(value as f64),
        (Numbers::Floats, Value::Uint(value)) => Value::Float(value as f64),
        (Numbers::Integers, Value::Float(value))
            if value.fract() == 0.0 && value.to_bits() != NEGATIVE_ZERO =>
        {
            integral(value).unwrap_or(Value::Float(value))
        }
        (_, value) => value,
    })
}

/// A float without fraction as the integer JSON writes it as, if that fits an integer type.
fn integral(value: f64) -> Option<Value> {
    let mut text = String::new();
    number::push_json(&mut text, value).ok()?;
    let signed = text.parse().map(Value::Int);
    signed.or_else(|_| text.parse().map(Value::Uint)).ok()
}

/// Text out of bytes as Go's JSON does it: each byte that is not UTF-8 becomes U+FFFD.
pub(crate) fn valid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
