//! `html`, `js` and `urlquery`.

use crate::error::FuncError;
use crate::print;
use crate::text::Str;
use crate::unicode;
use crate::value::{Underlying, Value};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn html(args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(args)?;
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text.iter().copied() {
        match byte {
            0 => escaped.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => escaped.extend_from_slice(b"&#34;"),
            b'\'' => escaped.extend_from_slice(b"&#39;"),
            b'&' => escaped.extend_from_slice(b"&amp;"),
            b'<' => escaped.extend_from_slice(b"&lt;"),
            b'>' => escaped.extend_from_slice(b"&gt;"),
            _ => escaped.push(byte),
        }
    }
    Ok(Value::string(escaped))
}

pub(super) fn js(args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(args)?;
    let mut escaped = Vec::with_capacity(text.len());
    for (at, c, len) in unicode::chars(&text) {
        match c {
            '\\' | '\'' | '"' => {
                escaped.push(b'\\');
                escaped.push(text[at]);
            }
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => {
                escaped.extend_from_slice(b"\\u00");
                escaped.push(HEX[usize::from(text[at] >> 4)]);
                escaped.push(HEX[usize::from(text[at] & 0xf)]);
            }
            c if c.is_ascii() || unicode::is_print(c) => {
                escaped.extend_from_slice(&text[at..at + len]);
            }
            c => escaped.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
        }
    }
    Ok(Value::string(escaped))
}

pub(super) fn url_query(args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(args)?;
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text.iter().copied() {
        match byte {
            b' ' => escaped.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => escaped.push(byte),
            _ if byte.is_ascii_alphanumeric() => escaped.push(byte),
            _ => {
                escaped.push(b'%');
                escaped.push(HEX[usize::from(byte >> 4)]);
                escaped.push(HEX[usize::from(byte & 0xf)]);
            }
        }
    }
    Ok(Value::string(escaped))
}

/// The arguments as `print` shows them, except that each is taken for the value of an action:
/// pointers are followed, and nil is `<no value>`.
fn text_of(args: &[Value]) -> Result<Str, FuncError> {
    if let [Value::String(text)] = args {
        return Ok(text.clone());
    }
    let args: Vec<Value> = args.iter().map(printable).collect();
    Ok(print::sprint(&args)?)
}

fn printable(value: &Value) -> Value {
    match value {
        Value::Nil => Value::from("<no value>"),
        Value::Object(object) => match (object.text(true), object.underlying()) {
            (None, Underlying::Pointer(Some(target))) => target,
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}
