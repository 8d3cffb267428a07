//! Writes TOML in the layout of BurntSushi/toml: plain keys first, then tables, nested ones
//! indented.

use super::super::dates::{DurationValue, TimeValue};
use super::super::semver::VersionValue;
use gotemplate::print::format_float;
use gotemplate::{Str, Underlying, Value};

/// Deepest nesting written; maps that contain themselves have no end.
const MAX_DEPTH: usize = 500;

/// Why a value cannot be written; prints the library's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TomlWriteError {
    #[error("toml: cannot encode array with nil element")]
    NilElement,
    #[error("toml: top-level values must be Go maps or structs")]
    NoKey,
    #[error("unsupported type: {0}")]
    Unsupported(String),
    #[error("the value is nested too deeply or contains itself")]
    TooDeep,
}

type Written = Result<(), TomlWriteError>;

/// The whole document.
pub(super) fn write(value: &Value) -> Result<Vec<u8>, TomlWriteError> {
    let mut writer = Writer { out: Vec::new() };
    writer.entry(&mut Vec::new(), &plain(value))?;
    Ok(writer.out)
}

/// What decides where a value goes: into the lines of its table, or into a table of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Line,
    Table,
    Tables,
}

struct Writer {
    /// Texts need not be UTF-8.
    out: Vec<u8>,
}

impl Writer {
    /// A value under its full key.
    fn entry(&mut self, key: &mut Vec<String>, value: &Value) -> Written {
        if key.len() > MAX_DEPTH {
            return Err(TomlWriteError::TooDeep);
        }
        match (place(value, key.len())?, value) {
            // Go's nil list is nothing under a key, and a list by itself.
            (Place::Nowhere, Value::List(_)) if key.is_empty() => self.line(key, value),
            (Place::Nowhere, _) => Ok(()),
            (Place::Table, table) => self.table(key, table),
            (Place::Tables, Value::List(list)) => {
                if key.is_empty() {
                    return Err(TomlWriteError::NoKey);
                }
                for item in list.items() {
                    self.new_line();
                    self.header(key, "[[", "]]");
                    self.members(key, &plain(item))?;
                }
                Ok(())
            }
            _ => self.line(key, value),
        }
    }

    fn table(&mut self, key: &mut Vec<String>, table: &Value) -> Written {
        if key.len() == 1 {
            self.new_line(); // a blank line between top-level tables
        }
        if !key.is_empty() {
            self.header(key, "[", "]");
        }
        self.members(key, table)
    }

    fn header(&mut self, key: &[String], open: &str, close: &str) {
        self.indent(key);
        let name: Vec<String> = key.iter().map(|part| quoted_key(part)).collect();
        for part in [open, &name.join("."), close, "\n"] {
            self.push(part);
        }
    }

    fn members(&mut self, key: &mut Vec<String>, table: &Value) -> Written {
        for (name, value) in ordered(table)? {
            key.push(name);
            self.entry(key, &value)?;
            key.pop();
        }
        Ok(())
    }

    fn line(&mut self, key: &[String], value: &Value) -> Written {
        let Some(name) = key.last() else { return self.element(value, 0) };
        self.indent(key);
        self.push(&quoted_key(name));
        self.push(" = ");
        self.element(value, key.len())?;
        self.push("\n");
        Ok(())
    }

    /// A value on one line.
    fn element(&mut self, value: &Value, depth: usize) -> Written {
        if depth > MAX_DEPTH {
            return Err(TomlWriteError::TooDeep);
        }
        match value {
            Value::String(text) => self.quoted(text),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::List(list) => {
                self.push("[");
                for (index, item) in list.items().iter().enumerate() {
                    self.separate(index);
                    self.element(&plain(item), depth + 1)?;
                }
                self.push("]");
            }
            table if entries(table).is_some() => {
                self.push("{");
                for (index, (name, value)) in ordered(table)?.into_iter().enumerate() {
                    self.separate(index);
                    self.push(&quoted_key(&name));
                    self.push(" = ");
                    self.element(&value, depth + 1)?;
                }
                self.push("}");
            }
            Value::Object(object) => match object.downcast::<TimeValue>() {
                Some(TimeValue(time)) => {
                    self.push(&time.format("2006-01-02T15:04:05.999999999Z07:00"));
                }
                None => return Err(TomlWriteError::Unsupported(object.kind().to_string())),
            },
            number => self.number(number)?,
        }
        Ok(())
    }

    fn number(&mut self, value: &Value) -> Written {
        if let Some(int) = value.as_int() {
            self.push(&int.to_string());
        } else if let Some(int) = value.as_uint() {
            self.push(&int.to_string());
        } else if let Some(float) = value.as_float() {
            self.push(&float_text(float));
        } else {
            return Err(TomlWriteError::Unsupported(value.kind().to_string()));
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8]) {
        self.push("\"");
        for byte in text {
            match byte {
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                8 => self.push("\\b"),
                b'\t' => self.push("\\t"),
                b'\n' => self.push("\\n"),
                12 => self.push("\\f"),
                b'\r' => self.push("\\r"),
                0..b' ' | 0x7f => self.push(&format!("\\u{byte:04x}")),
                byte => self.out.push(*byte),
            }
        }
        self.push("\"");
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.push(", ");
        }
    }

    /// Two blanks for each level below the first.
    fn indent(&mut self, key: &[String]) {
        for _ in 1..key.len() {
            self.push("  ");
        }
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.push("\n");
        }
    }
}

/// The entries of a map, in the order of keys, or the exported fields of a struct, in theirs.
fn entries(table: &Value) -> Option<Vec<(Str, Value)>> {
    match table {
        Value::Map(map) => Some(map.entries()),
        Value::Object(object) if object.downcast::<TimeValue>().is_none() => {
            let Underlying::Struct(fields) = object.underlying() else { return None };
            let exported = |(name, _): &(&str, Value)| name.starts_with(|c: char| c.is_uppercase());
            let fields = fields.into_iter().filter(exported);
            Some(fields.map(|(name, value)| (name.into(), value)).collect())
        }
        _ => None,
    }
}

/// The entries that are written: plain ones first, then tables.
fn ordered(table: &Value) -> Result<Vec<(String, Value)>, TomlWriteError> {
    let (mut lines, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in entries(table).unwrap_or_default() {
        let value = plain(&value);
        let key = key.to_string_lossy().into_owned();
        match place(&value, 0)? {
            Place::Nowhere => {}
            Place::Line => lines.push((key, value)),
            Place::Table | Place::Tables => tables.push((key, value)),
        }
    }
    lines.append(&mut tables);
    Ok(lines)
}

fn place(value: &Value, depth: usize) -> Result<Place, TomlWriteError> {
    if depth > MAX_DEPTH {
        return Err(TomlWriteError::TooDeep);
    }
    Ok(match value {
        Value::Nil => Place::Nowhere,
        Value::Map(map) if map.is_nil() => Place::Nowhere,
        Value::List(list) if list.is_nil() => Place::Nowhere,
        table if entries(table).is_some() => Place::Table,
        Value::List(list) => {
            let mut all_tables = !list.is_empty();
            for item in list.items() {
                let place = place(&plain(item), depth + 1)?;
                if place == Place::Nowhere {
                    return Err(TomlWriteError::NilElement);
                }
                all_tables &= place == Place::Table;
            }
            if all_tables { Place::Tables } else { Place::Line }
        }
        Value::Func(_) => return Err(TomlWriteError::Unsupported("func".to_owned())),
        _ => Place::Line,
    })
}

/// Objects as what they are written as: versions and durations as texts, pointers as what they
/// point to.
fn plain(value: &Value) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    if let Some(value) = object.downcast::<VersionValue>() {
        return value.version.to_string().into();
    }
    if let Some(DurationValue(duration)) = object.downcast() {
        return duration.to_string().into();
    }
    if object.downcast::<TimeValue>().is_some() {
        return value.clone();
    }
    match object.underlying() {
        Underlying::Pointer(target) => plain(&target.unwrap_or_default()),
        Underlying::Value(inner) => plain(&inner),
        Underlying::Struct(_) | Underlying::Sequence(_) => value.clone(),
    }
}

/// A key, in quotes unless it is bare.
pub(super) fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        return key.to_owned();
    }
    let mut writer = Writer { out: Vec::new() };
    writer.quoted(key.as_bytes());
    String::from_utf8_lossy(&writer.out).into_owned()
}

fn float_text(float: f64) -> String {
    if float.is_nan() {
        return if float.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if float.is_infinite() {
        return if float < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let text = format_float(float, b'g', None, 64);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}
