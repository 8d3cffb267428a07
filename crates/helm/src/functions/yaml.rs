//! YAML: `toYaml`, `fromYaml` and their kin.

use super::args::{ANY, LIST, MAP, Outcome, STRING, add, any, text};
use super::node::{PrettyNode, TemplateNode};
use gotemplate::{CallContext, FuncError, FuncMap, Map, MapType, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "toYaml", &[ANY], STRING, |_, args| {
        Ok(trimmed(&goyaml::to_string(&TemplateNode::new(any(args, 0)?)).unwrap_or_default()))
    });
    add(funcs, "mustToYaml", &[ANY], STRING, |_, args| {
        let written = goyaml::to_string(&TemplateNode::new(any(args, 0)?));
        written.map(|text| trimmed(&text)).map_err(|error| FuncError::new(error.to_string()))
    });
    add(funcs, "toYamlPretty", &[ANY], STRING, |_, args| {
        let node = PrettyNode::new(any(args, 0)?);
        Ok(trimmed(&goyaml::to_string_pretty(&node).unwrap_or_default()))
    });
    add(funcs, "fromYaml", &[STRING], MAP, from_yaml);
    add(funcs, "fromYamlArray", &[STRING], LIST, from_yaml_array);
}

/// Exactly one line feed at the end is taken off.
fn trimmed(text: &str) -> Value {
    text.strip_suffix('\n').unwrap_or(text).into()
}

/// A map; what is none gives its error under the key `Error`.
fn from_yaml(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let error = match goyaml::parse_bytes(text(args, 0)?) {
        Ok(value @ goyaml::Value::Map(_)) => return Ok(to_template(&value)),
        Ok(goyaml::Value::Null) => return Ok(Value::Map(Map::new())),
        Ok(other) => wrong_kind(&other, "map[string]interface {}"),
        Err(error) => error.to_string(),
    };
    Ok(Value::Map(Map::from_entries(MapType::ANY, [("Error", Value::from(error))])))
}

/// A list; what is none gives its error as the only element.
fn from_yaml_array(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let error = match goyaml::parse_bytes(text(args, 0)?) {
        Ok(value @ goyaml::Value::Seq(_)) => return Ok(to_template(&value)),
        Ok(goyaml::Value::Null) => return Ok(Value::list(Vec::new())),
        Ok(other) => wrong_kind(&other, "[]interface {}"),
        Err(error) => error.to_string(),
    };
    Ok(Value::list(vec![error.into()]))
}

fn wrong_kind(value: &goyaml::Value, wanted: &str) -> String {
    let found = match value {
        goyaml::Value::Null => "null",
        goyaml::Value::Bool(_) => "bool",
        goyaml::Value::Int(_) | goyaml::Value::Uint(_) | goyaml::Value::Float(_) => "number",
        goyaml::Value::String(_) => "string",
        goyaml::Value::Seq(_) => "array",
        goyaml::Value::Map(_) => "object",
    };
    format!(
        "error unmarshaling JSON: while decoding JSON: \
         json: cannot unmarshal {found} into Go value of type {wanted}"
    )
}

fn to_template(value: &goyaml::Value) -> Value {
    match value {
        goyaml::Value::Null => Value::Nil,
        goyaml::Value::Bool(value) => Value::Bool(*value),
        goyaml::Value::Int(value) => Value::Int64(*value),
        goyaml::Value::Uint(value) => Value::Uint64(*value),
        goyaml::Value::Float(value) => Value::Float64(*value),
        goyaml::Value::String(text) => Value::from(&**text),
        goyaml::Value::Seq(items) => Value::list(items.iter().map(to_template).collect()),
        goyaml::Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key, to_template(value)));
            Value::Map(Map::from_entries(MapType::ANY, entries))
        }
    }
}
