//! Reading Kubernetes' protobuf bodies: what typed Go clients send.
//!
//! A body is four magic bytes and an envelope with apiVersion, kind and the object's message. Field
//! numbers come from the schema. Answers are always JSON; such clients accept both.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    kinds::schema::{Schema, Shape},
    status::StatusError,
};

const MAGIC: &[u8] = b"k8s\0";

/// The body is not what its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the protobuf body is damaged")]
struct Damaged;

/// One field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads an object.
pub(super) fn read(body: &[u8]) -> Result<Value, StatusError> {
    let refuse = |why: &str| StatusError::bad_request(format!("couldn't get version/kind; {why}"));
    let envelope = body.strip_prefix(MAGIC).ok_or_else(|| {
        refuse("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    })?;
    let (api_version, kind, raw) =
        read_envelope(envelope).map_err(|damaged| refuse(&damaged.to_string()))?;
    let schema = Schema::builtin();
    let known = schema.of_kind(&api_version, &kind);
    // These travel under the group version of whatever they are about.
    let known = known.or_else(|| {
        (kind == "DeleteOptions").then(|| schema.of_kind("v1", "DeleteOptions")).flatten()
    });
    let Some(shape) = known else {
        return Err(StatusError::unsupported_media_type(format!(
            "the simulator cannot read {kind} of {api_version} as protobuf; send application/json"
        )));
    };
    let mut value = message(raw, &shape).map_err(|damaged| refuse(&damaged.to_string()))?;
    value["apiVersion"] = json!(api_version);
    value["kind"] = json!(kind);
    Ok(value)
}

fn read_envelope(bytes: &[u8]) -> Result<(String, String, &[u8]), Damaged> {
    let (mut api_version, mut kind, mut raw): (_, _, &[u8]) = (String::new(), String::new(), &[]);
    for field in fields(bytes)? {
        match field {
            (1, Field::Bytes(type_meta)) => {
                for field in fields(type_meta)? {
                    match field {
                        (1, Field::Bytes(text)) => api_version = string(text)?,
                        (2, Field::Bytes(text)) => kind = string(text)?,
                        _ => {}
                    }
                }
            }
            (2, Field::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    Ok((api_version, kind, raw))
}

/// The fields of a message, in order.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u32, Field<'_>)>, Damaged> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Damaged)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)?),
            1 => Field::Bytes(take(&mut bytes, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| Damaged)?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => Field::Bytes(take(&mut bytes, 4)?),
            _ => return Err(Damaged),
        };
        found.push((number, field));
    }
    Ok(found)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Damaged)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Damaged)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damaged> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Damaged)?;
    *bytes = rest;
    Ok(taken)
}

fn string(bytes: &[u8]) -> Result<String, Damaged> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Damaged)
}

/// A message of a type. Empty values of fields that cannot be "there and empty" are left out, as
/// Go's JSON encoder does.
fn message(bytes: &[u8], shape: &Shape) -> Result<Value, Damaged> {
    let Shape::Struct(index) = shape else { return single(&Field::Bytes(bytes), shape) };
    let kind = Schema::builtin().get(*index);
    let mut object = Map::new();
    for (number, field) in fields(bytes)? {
        if let Some((_, part)) = kind.parts.iter().find(|(it, _)| *it == number)
            && let Field::Bytes(bytes) = field
        {
            if let Value::Object(inner) = message(bytes, &Shape::Struct(*part))? {
                object.extend(inner);
            }
            continue;
        }
        let known = kind.fields.iter().find(|(_, it)| it.number == number && number != 0);
        let Some((name, known)) = known else { continue };
        add(&mut object, name, &field, &known.shape)?;
    }
    object.retain(|name, value| {
        let pointer = kind.fields.get(name.as_str()).is_none_or(|field| field.pointer);
        pointer || !is_empty(value)
    });
    Ok(Value::Object(object))
}

/// Adds a field: lists and maps come as one field per entry.
fn add(
    object: &mut Map<String, Value>,
    name: &str,
    field: &Field<'_>,
    shape: &Shape,
) -> Result<(), Damaged> {
    match (shape, field) {
        (Shape::List(list), field) => {
            let slot = object.entry(name).or_insert_with(|| json!([]));
            let items = slot.as_array_mut().ok_or(Damaged)?;
            match (&list.item, field) {
                // Numbers may come packed.
                (Shape::Int(_), Field::Bytes(packed)) => {
                    let mut packed = *packed;
                    while !packed.is_empty() {
                        items.push(integer(varint(&mut packed)?));
                    }
                }
                (item, field) => items.push(single(field, item)?),
            }
        }
        (Shape::Map(value), Field::Bytes(entry)) => {
            let slot = object.entry(name).or_insert_with(|| json!({}));
            let map = slot.as_object_mut().ok_or(Damaged)?;
            let (mut key, mut found) = (String::new(), None);
            for (number, field) in fields(entry)? {
                match (number, field) {
                    (1, Field::Bytes(text)) => key = string(text)?,
                    (2, field) => found = Some(single(&field, value)?),
                    _ => {}
                }
            }
            let empty = || single(&Field::Bytes(&[]), value);
            map.insert(key, found.map_or_else(empty, Ok)?);
        }
        (shape, field) => {
            object.insert(name.to_owned(), single(field, shape)?);
        }
    }
    Ok(())
}

/// A single value.
fn single(field: &Field<'_>, shape: &Shape) -> Result<Value, Damaged> {
    Ok(match (shape, field) {
        (Shape::Struct(_), Field::Bytes(bytes)) => message(bytes, shape)?,
        (Shape::String, Field::Bytes(bytes)) => json!(string(bytes)?),
        (Shape::Bytes, Field::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Shape::Bool, Field::Number(number)) => json!(*number != 0),
        (Shape::Int(_), Field::Number(number)) => integer(*number),
        (Shape::Number, Field::Bytes(bytes)) => {
            json!(f64::from_le_bytes((*bytes).try_into().map_err(|_| Damaged)?))
        }
        (Shape::Quantity, Field::Bytes(bytes)) => {
            let text =
                fields(bytes)?.into_iter().find_map(|(number, field)| match (number, field) {
                    (1, Field::Bytes(text)) => Some(text),
                    _ => None,
                });
            json!(string(text.unwrap_or_default())?)
        }
        (Shape::IntOrString, Field::Bytes(bytes)) => int_or_string(bytes)?,
        (Shape::Time | Shape::MicroTime, Field::Bytes(bytes)) => time(bytes, shape)?,
        // Raw JSON inside a message of one field.
        (Shape::Any, Field::Bytes(bytes)) => {
            let raw =
                fields(bytes)?.into_iter().find_map(|(number, field)| match (number, field) {
                    (1, Field::Bytes(raw)) => Some(raw),
                    _ => None,
                });
            raw.map_or(Ok(Value::Null), serde_json::from_slice).map_err(|_| Damaged)?
        }
        (Shape::List(_) | Shape::Map(_), _) | (_, Field::Bytes(_) | Field::Number(_)) => {
            return Err(Damaged);
        }
    })
}

/// Negative numbers travel as their two's complement.
fn integer(number: u64) -> Value {
    json!(number.cast_signed())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Damaged> {
    let (mut is_text, mut number, mut text) = (false, json!(0), String::new());
    for field in fields(bytes)? {
        match field {
            (1, Field::Number(kind)) => is_text = kind == 1,
            (2, Field::Number(value)) => number = integer(value),
            (3, Field::Bytes(value)) => text = string(value)?,
            _ => {}
        }
    }
    Ok(if is_text { json!(text) } else { number })
}

/// The zero time is an empty message and reads as null.
fn time(bytes: &[u8], shape: &Shape) -> Result<Value, Damaged> {
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    for field in fields(bytes)? {
        match field {
            (1, Field::Number(value)) => seconds = value.cast_signed(),
            (2, Field::Number(value)) => {
                nanos = i32::try_from(value.cast_signed()).map_err(|_| Damaged)?;
            }
            _ => {}
        }
    }
    if seconds == 0 && nanos == 0 {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(seconds, nanos).map_err(|_| Damaged)?;
    let form = match shape {
        Shape::MicroTime => "%Y-%m-%dT%H:%M:%S%.6fZ",
        _ => "%Y-%m-%dT%H:%M:%SZ",
    };
    Ok(json!(time.strftime(form).to_string()))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes a field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut written = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        written.extend_from_slice(bytes);
        written
    }

    fn body(kind: &str, message: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &type_meta), &field(2, message)].concat()
    }

    /// A Secret as a Go client writes it: bytes as base64, empty texts and times left out.
    #[test]
    fn secret() {
        let metadata = [field(1, b"db"), field(2, b""), field(8, b"")].concat();
        let entry = [field(1, b"password"), field(2, b"secret")].concat();
        let message = [field(1, &metadata), field(2, &entry), field(3, b"Opaque")].concat();
        assert_eq!(
            read(&body("Secret", &message)).unwrap(),
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": { "name": "db" },
                "data": { "password": "c2VjcmV0" },
                "type": "Opaque",
            })
        );
    }

    /// Fields that are pointers in Go keep their empty values, and parts are laid flat.
    #[test]
    fn pod_volume() {
        let source = field(2, b"");
        let volume = [field(1, b"tmp"), field(2, &source)].concat();
        let spec = [field(1, &volume), vec![4 << 3, 0], vec![11 << 3, 0]].concat();
        let found = read(&body("Pod", &field(2, &spec))).unwrap();
        assert_eq!(
            found["spec"],
            json!({
                "volumes": [{ "name": "tmp", "emptyDir": {} }],
                "terminationGracePeriodSeconds": 0,
            })
        );
    }

    proptest! {
        /// Whatever comes, reading it ends with an answer.
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body("Pod", &bytes[..bytes.len().min(120)]));
            let _ = read(&bytes);
        }
    }
}
