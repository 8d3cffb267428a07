//! JSON at the edges of the crate: Go's way of writing it, and conversions from YAML values.
//!
//! Template functions such as `toJson` have their own writer beside the other functions, because
//! they write template values.

use std::io;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Map, Value};

/// Writes compact JSON as Go's `encoding/json` does: HTML-escaped, floats in Go's form.
///
/// Maps keep the order they iterate in; Go sorts them, so callers hand in sorted ones.
pub(crate) fn to_go_json(value: &impl Serialize) -> Vec<u8> {
    let mut output = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut output, GoFormatter(CompactFormatter)))
        .expect("records have text keys and memory takes every write");
    output
}

/// Writes YAML as `sigs.k8s.io/yaml` does: by way of JSON, keys in order.
pub(crate) fn to_yaml(value: &impl Serialize) -> String {
    let json = String::from_utf8_lossy(&to_go_json(value)).into_owned();
    let value = goyaml::parse_keeping_integers(&json).unwrap_or_default();
    goyaml::to_string(&value).unwrap_or_default()
}

/// Reads `null` as the default of a type, as Go's decoder leaves a field at its zero value.
pub(crate) fn null_as_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// A YAML value as JSON; what JSON cannot express becomes `null`.
pub(crate) fn from_yaml(value: &goyaml::Value) -> Value {
    match value {
        goyaml::Value::Null => Value::Null,
        goyaml::Value::Bool(value) => Value::Bool(*value),
        goyaml::Value::Int(value) => Value::from(*value),
        goyaml::Value::Uint(value) => Value::from(*value),
        goyaml::Value::Float(value) => Value::from(*value),
        goyaml::Value::String(text) => Value::String(text.to_string()),
        goyaml::Value::Seq(items) => Value::Array(items.iter().map(from_yaml).collect()),
        goyaml::Value::Map(map) => Value::Object(
            map.iter().map(|(key, value)| (key.to_owned(), from_yaml(value))).collect(),
        ),
    }
}

/// A mapping as a JSON object; `None` for anything else.
pub(crate) fn object_from_yaml(value: &goyaml::Value) -> Option<Map<String, Value>> {
    match from_yaml(value) {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// The rules of Go's `encoding/json` that differ from `serde_json`'s.
struct GoFormatter(CompactFormatter);

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + io::Write>(&mut self, output: &mut W, value: f64) -> io::Result<()> {
        output.write_all(go_float(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        output: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let special = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        let mut rest = fragment;
        while let Some(at) = rest.find(special) {
            output.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            let escaped = chars.next().map_or(0, u32::from);
            write!(output, "\\u{escaped:04x}")?;
            rest = chars.as_str();
        }
        output.write_all(rest.as_bytes())
    }
}

/// A float as Go writes it in JSON: positional between 1e-6 and 1e21, else with an exponent.
fn go_float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Floats, HTML characters and line separators come out as Go writes them.
    #[test]
    fn go_spelling() {
        let value = json!([1.0, 1e21, 1.5e-7, 0.000_001, -0.0, "<a>&\u{2028}\u{7f}\u{1}", 3]);
        assert_eq!(
            String::from_utf8(to_go_json(&value)).unwrap(),
            "[1,1e+21,1.5e-7,0.000001,-0,\"\\u003ca\\u003e\\u0026\\u2028\u{7f}\\u0001\",3]"
        );
    }
}
