//! Checking a submitted object against the fields of its kind, as the API server's decoder does:
//! wrong types are refused, unknown and doubled fields dropped, with a warning or a refusal.

use std::fmt::Write;

use serde_json::Value;

use super::custom;
use crate::{
    kinds::{
        Kind,
        schema::{Place, Schema, Shape},
    },
    status::StatusError,
};

/// What happens to unknown fields (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// They are dropped silently.
    Ignore,
    /// They are dropped and named in a warning.
    Warn,
    /// They are refused.
    Strict,
}

impl Strictness {
    /// Reads the query parameter; Kubernetes' default is to warn.
    pub(crate) fn of(parameter: &str) -> Self {
        match parameter {
            "Strict" => Self::Strict,
            "Ignore" => Self::Ignore,
            _ => Self::Warn,
        }
    }
}

/// Why an object is not one of its kind, in the decoder's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// A field has the wrong type.
    #[error(transparent)]
    WrongType(#[from] WrongType),
    /// There are fields that the kind does not have.
    #[error("strict decoding error: {0}")]
    Unknown(String),
}

impl DecodeError {
    /// The refusal of an object that was sent whole.
    pub(crate) fn of_object(&self, kind: &Kind) -> StatusError {
        StatusError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {self}",
            kind.kind, kind.version, kind.kind
        ))
    }
}

/// Takes unknown fields and nulls out of `value`; answers warnings.
pub(crate) fn decode(
    kind: &Kind,
    value: &mut Value,
    strictness: Strictness,
) -> Result<Vec<String>, DecodeError> {
    let mut unknown = Vec::new();
    let shape = kind.shape();
    let place = Place::root(&shape);
    match &kind.custom {
        None => *value = cleaned(value, place, "", &mut String::new(), &mut unknown)?,
        Some(custom) => {
            let mut path = "metadata".to_owned();
            let metadata = &value["metadata"];
            value["metadata"] =
                cleaned(metadata, place.key("metadata"), "", &mut path, &mut unknown)?;
            unknown.extend(custom::prune(value, &custom.schema));
            custom::drop_nulls(value, &custom.schema);
        }
    }
    let warnings: Vec<String> =
        unknown.iter().map(|field| format!("unknown field {field:?}")).collect();
    match strictness {
        Strictness::Ignore => Ok(Vec::new()),
        Strictness::Strict if !warnings.is_empty() => {
            Err(DecodeError::Unknown(warnings.join(", ")))
        }
        Strictness::Warn | Strictness::Strict => Ok(warnings),
    }
}

/// A value of the wrong type, in the words of Go's JSON decoder.
#[derive(Debug, thiserror::Error)]
#[error("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")]
pub(crate) struct WrongType {
    found: &'static str,
    path: String,
    wanted: String,
}

fn cleaned(
    value: &Value,
    place: Place<'_>,
    owner: &str,
    path: &mut String,
    unknown: &mut Vec<String>,
) -> Result<Value, WrongType> {
    let fits = match (place.shape, value) {
        (_, Value::Null) | (Shape::Any | Shape::Opaque(_), _) => true,
        (Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime, it) => it.is_string(),
        (Shape::Bool, it) => it.is_boolean(),
        (Shape::Int(_), it) => it.is_i64() || it.is_u64() || it.as_f64().is_some_and(is_whole),
        (Shape::Number, it) => it.is_number(),
        (Shape::Quantity, it) => it.is_string() || it.is_number(),
        (Shape::IntOrString, it) => it.is_string() || it.is_i64(),
        (Shape::List(_), it) => it.is_array(),
        (Shape::Struct(_) | Shape::Map(_) | Shape::Object(_), it) => it.is_object(),
    };
    if !fits {
        return Err(WrongType {
            found: json_type(value),
            path: format!("{owner}{}", without_indexes(path)),
            wanted: go_type(place.shape),
        });
    }
    let length = path.len();
    let owner = match place.shape {
        Shape::Struct(index) => Schema::builtin().get(*index).name.rsplit('.').next(),
        _ => Some(owner),
    };
    let owner = owner.unwrap_or_default();
    match value {
        Value::Object(map) => {
            let mut kept = serde_json::Map::new();
            for (key, value) in map {
                path.push('.');
                path.push_str(key);
                let declared = !matches!(place.shape, Shape::Struct(_)) || place.declares(key);
                if !declared {
                    unknown.push(path.trim_start_matches('.').to_owned());
                } else if !value.is_null() {
                    kept.insert(key.clone(), cleaned(value, place.key(key), owner, path, unknown)?);
                }
                path.truncate(length);
            }
            Ok(Value::Object(kept))
        }
        Value::Array(list) => {
            let mut kept = Vec::with_capacity(list.len());
            for (index, item) in list.iter().enumerate() {
                let _ = write!(path, "[{index}]");
                kept.push(cleaned(item, place.item(), owner, path, unknown)?);
                path.truncate(length);
            }
            Ok(Value::Array(kept))
        }
        // Quantities are texts; a bare number is taken for one.
        Value::Number(number) if *place.shape == Shape::Quantity => {
            Ok(Value::String(number.to_string()))
        }
        other => Ok(other.clone()),
    }
}

/// Go names the fields on the way, not the places in lists.
fn without_indexes(path: &str) -> String {
    path.split(['[', ']'])
        .enumerate()
        .filter(|(position, _)| position % 2 == 0)
        .map(|(_, part)| part)
        .collect()
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0
}

pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn go_type(shape: &Shape) -> String {
    match shape {
        Shape::String => "string".to_owned(),
        Shape::Bytes => "[]byte".to_owned(),
        Shape::MicroTime => "v1.MicroTime".to_owned(),
        Shape::Int(bits) => format!("int{bits}"),
        Shape::Number => "float64".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Quantity => "resource.Quantity".to_owned(),
        Shape::IntOrString => "intstr.IntOrString".to_owned(),
        Shape::Time => "v1.Time".to_owned(),
        Shape::Any | Shape::Opaque(_) => "interface {}".to_owned(),
        Shape::Object(_) => "map[string]interface {}".to_owned(),
        Shape::Map(value) => format!("map[string]{}", go_type(value)),
        Shape::List(list) => format!("[]{}", go_type(&list.item)),
        Shape::Struct(index) => {
            let name = Schema::builtin().get(*index).name;
            let mut parts = name.rsplitn(3, '.');
            let (kind, version) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            format!("{version}.{kind}")
        }
    }
}
