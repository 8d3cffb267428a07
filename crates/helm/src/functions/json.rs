//! JSON: `toJson`, `fromJson` and their kin.

use super::args::{ANY, LIST, MAP, Outcome, STRING, add, any, text};
use super::node::TemplateNode;
use crate::golang::json::{BadNumber, Json, parse};
use gotemplate::{CallContext, FuncError, FuncMap, List, ListType, Map, MapType, Value};
use goyaml::WriteError;
use goyaml::json::{to_string, to_string_pretty, to_string_raw};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "toJson", &[ANY], STRING, |_, args| {
        Ok(to_string(&TemplateNode::new(any(args, 0)?)).unwrap_or_default().into())
    });
    add(funcs, "mustToJson", &[ANY], STRING, |_, args| {
        written(to_string(&TemplateNode::new(any(args, 0)?)))
    });
    add(funcs, "toPrettyJson", &[ANY], STRING, |_, args| {
        Ok(to_string_pretty(&TemplateNode::new(any(args, 0)?)).unwrap_or_default().into())
    });
    add(funcs, "mustToPrettyJson", &[ANY], STRING, |_, args| {
        written(to_string_pretty(&TemplateNode::new(any(args, 0)?)))
    });
    add(funcs, "toRawJson", &[ANY], STRING, |_, args| {
        written(to_string_raw(&TemplateNode::new(any(args, 0)?)))
    });
    funcs.alias("mustToRawJson", "toRawJson");
    add(funcs, "fromJson", &[STRING], MAP, from_json);
    add(funcs, "fromJsonArray", &[STRING], LIST, from_json_array);
    add(funcs, "mustFromJson", &[STRING], ANY, |_, args| {
        let parsed = parse(text(args, 0)?).map_err(FuncError::other)?;
        match parsed.bad_number {
            Some(bad) => Err(FuncError::new(number_error(&bad, ""))),
            None => Ok(to_template(parsed.value)),
        }
    });
}

fn written(result: Result<String, WriteError>) -> Outcome {
    result.map(Value::from).map_err(|error| {
        // The writer speaks as the YAML library does, which writes JSON first.
        let text = error.to_string();
        let plain = text.strip_prefix("error marshaling into JSON: ").unwrap_or(&text);
        FuncError::new(plain)
    })
}

/// A map; what is none gives its error under the key `Error`.
fn from_json(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let error = match parse(text(args, 0)?) {
        Err(error) => error.to_string(),
        Ok(parsed) => match (parsed.value, parsed.bad_number) {
            (value @ Json::Object(_), None) => return Ok(to_template(value)),
            (Json::Null, _) => return Ok(Value::Map(Map::nil(MapType::ANY))),
            (Json::Object(mut entries), Some(bad)) => {
                // What could be read is there beside the error.
                let error = number_error(&bad, "Go struct field ");
                entries.insert("Error".to_owned(), Json::Text(error));
                return Ok(to_template(Json::Object(entries)));
            }
            (other, _) => wrong_kind(&other, "map[string]interface {}"),
        },
    };
    Ok(Value::Map(Map::from_entries(MapType::ANY, [("Error", Value::from(error))])))
}

/// A list; what is none gives its error as the only element.
fn from_json_array(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let error = match parse(text(args, 0)?) {
        Err(error) => error.to_string(),
        Ok(parsed) => match (parsed.value, parsed.bad_number) {
            (value @ Json::List(_), None) => return Ok(to_template(value)),
            (Json::Null, _) => return Ok(Value::List(List::nil(ListType::ANY))),
            (Json::List(_), Some(bad)) => number_error(&bad, ""),
            (other, _) => wrong_kind(&other, "[]interface {}"),
        },
    };
    Ok(Value::list(vec![error.into()]))
}

fn number_error(bad: &BadNumber, owner: &str) -> String {
    let BadNumber { number, path } = bad;
    let target = if path.is_empty() { "Go value".to_owned() } else { format!("{owner}{path}") };
    format!("json: cannot unmarshal number {number} into {target} of type float64")
}

fn wrong_kind(value: &Json, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", value.kind())
}

fn to_template(value: Json) -> Value {
    match value {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float64(number),
        Json::Text(text) => text.into(),
        Json::List(items) => Value::list(items.into_iter().map(to_template).collect()),
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, to_template(value)));
            Value::Map(Map::from_entries(MapType::ANY, entries))
        }
    }
}
