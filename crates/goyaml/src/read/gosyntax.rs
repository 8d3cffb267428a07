//! Go's `%#v` of decoded values, which go-yaml puts into its errors about keys.

use std::fmt::Write;

use crate::{Value, number};

/// `value` in Go syntax, as it would stand inside a collection.
pub(super) fn go_syntax(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value);
    out
}

fn push(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("interface {}(nil)"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => push_all(out, format_args!("{value}")),
        Value::Uint(value) => push_all(out, format_args!("{value:#x}")),
        Value::Float(value) => number::push_g(out, *value),
        Value::String(text) => push_quoted(out, text),
        Value::Seq(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                push(out, item);
            }
            out.push('}');
        }
        Value::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push_str("map[interface {}]interface {}{");
            for (at, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                push_quoted(out, key);
                out.push(':');
                push(out, value);
            }
            out.push('}');
        }
    }
}

fn push_all(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(what);
}

/// Go's `strconv.Quote`.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0B' => out.push_str("\\v"),
            ' ' => out.push(' '),
            c if c < ' ' || c == '\x7F' => push_all(out, format_args!("\\x{:02x}", u32::from(c))),
            c if !c.is_control() && !c.is_whitespace() => out.push(c),
            c if u32::from(c) > 0xFFFF => push_all(out, format_args!("\\U{:08x}", u32::from(c))),
            c => push_all(out, format_args!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
}
