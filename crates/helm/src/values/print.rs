//! Go's `fmt` for values, as warnings and errors about values quote them.

use goyaml::{Value, number};

/// `value` as `%v` prints it.
pub(super) fn plain(value: &Value) -> String {
    let mut out = String::new();
    push_plain(&mut out, value);
    out
}

fn push_plain(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Float(value) => number::push_g(out, *value),
        Value::String(text) => out.push_str(text),
        Value::Seq(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { " " } else { "" });
                push_plain(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push_str("map[");
            for (at, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if at > 0 { " " } else { "" });
                out.push_str(key);
                out.push(':');
                push_plain(out, value);
            }
            out.push(']');
        }
    }
}

/// `value` as `%t` prints it, which is meant for booleans.
pub(super) fn as_bool(value: &Value) -> String {
    match value {
        Value::Bool(_) => plain(value),
        Value::Null => "%!t(<nil>)".into(),
        Value::Seq(items) => {
            // Inside a collection Go does not complain about nil.
            let item = |item: &Value| if item.is_null() { plain(item) } else { as_bool(item) };
            let items: Vec<_> = items.iter().map(item).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(_) => format!("%!t({})", plain(value)),
        _ => format!("%!t({}={})", go_type(value), plain(value)),
    }
}

/// The Go type of a value; `nil` for null, as a failed conversion names it.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}
