//! Writes TOML in the layout of BurntSushi/toml: plain keys first, then tables, nested ones
//! indented.

use super::super::dates::{DurationValue, TimeValue};
use super::super::semver::VersionValue;
use gotemplate::print::format_float;
use gotemplate::{Map, MapType, Underlying, Value};
use std::fmt::Write;

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
pub(super) fn write(value: &Value) -> Result<String, TomlWriteError> {
    let mut writer = Writer { out: String::new() };
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
    out: String,
}

impl Writer {
    /// A value under its full key.
    fn entry(&mut self, key: &mut Vec<String>, value: &Value) -> Written {
        if key.len() > MAX_DEPTH {
            return Err(TomlWriteError::TooDeep);
        }
        match (place(value, key.len())?, value) {
            (Place::Nowhere, _) => Ok(()),
            (Place::Table, Value::Map(map)) => self.table(key, map),
            (Place::Tables, Value::List(list)) => {
                if key.is_empty() {
                    return Err(TomlWriteError::NoKey);
                }
                for item in list.items() {
                    let Value::Map(map) = plain(item) else { continue };
                    self.new_line();
                    self.header(key, "[[", "]]");
                    self.members(key, &map)?;
                }
                Ok(())
            }
            _ => self.line(key, value),
        }
    }

    fn table(&mut self, key: &mut Vec<String>, map: &Map) -> Written {
        if key.len() == 1 {
            self.new_line(); // a blank line between top-level tables
        }
        if !key.is_empty() {
            self.header(key, "[", "]");
        }
        self.members(key, map)
    }

    fn header(&mut self, key: &[String], open: &str, close: &str) {
        self.indent(key);
        let name: Vec<String> = key.iter().map(|part| quoted_key(part)).collect();
        self.out.extend([open, &name.join("."), close, "\n"]);
    }

    fn members(&mut self, key: &mut Vec<String>, map: &Map) -> Written {
        for (name, value) in ordered(map)? {
            key.push(name);
            self.entry(key, &value)?;
            key.pop();
        }
        Ok(())
    }

    fn line(&mut self, key: &[String], value: &Value) -> Written {
        let Some(name) = key.last() else { return self.element(value, 0) };
        self.indent(key);
        self.out.push_str(&quoted_key(name));
        self.out.push_str(" = ");
        self.element(value, key.len())?;
        self.out.push('\n');
        Ok(())
    }

    /// A value on one line.
    fn element(&mut self, value: &Value, depth: usize) -> Written {
        if depth > MAX_DEPTH {
            return Err(TomlWriteError::TooDeep);
        }
        match value {
            Value::String(text) => self.quoted(text),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items().iter().enumerate() {
                    self.separate(index);
                    self.element(&plain(item), depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                for (index, (name, value)) in ordered(map)?.into_iter().enumerate() {
                    self.separate(index);
                    self.out.push_str(&quoted_key(&name));
                    self.out.push_str(" = ");
                    self.element(&value, depth + 1)?;
                }
                self.out.push('}');
            }
            Value::Object(object) => match object.downcast::<TimeValue>() {
                Some(TimeValue(time)) => {
                    self.out.push_str(&time.format("2006-01-02T15:04:05.999999999Z07:00"));
                }
                None => return Err(TomlWriteError::Unsupported(object.kind().to_string())),
            },
            number => self.number(number)?,
        }
        Ok(())
    }

    fn number(&mut self, value: &Value) -> Written {
        if let Some(int) = value.as_int() {
            self.out.push_str(&int.to_string());
        } else if let Some(int) = value.as_uint() {
            self.out.push_str(&int.to_string());
        } else if let Some(float) = value.as_float() {
            self.out.push_str(&float_text(float));
        } else {
            return Err(TomlWriteError::Unsupported(value.kind().to_string()));
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8]) {
        self.out.push('"');
        for c in String::from_utf8_lossy(text).chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\t' => self.out.push_str("\\t"),
                '\n' => self.out.push_str("\\n"),
                '\u{c}' => self.out.push_str("\\f"),
                '\r' => self.out.push_str("\\r"),
                c if c < ' ' || c == '\u{7f}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c)); // cannot fail
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(", ");
        }
    }

    /// Two blanks for each level below the first.
    fn indent(&mut self, key: &[String]) {
        for _ in 1..key.len() {
            self.out.push_str("  ");
        }
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

/// The entries that are written: plain ones first, then tables, each in the order of keys.
fn ordered(map: &Map) -> Result<Vec<(String, Value)>, TomlWriteError> {
    let (mut lines, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in map.entries() {
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
        Value::Map(_) => Place::Table,
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

/// Objects as what they are written as: versions and durations as texts, structs as maps of their
/// exported fields.
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
        Underlying::Struct(fields) => {
            let exported = fields
                .into_iter()
                .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
            Value::Map(Map::from_entries(MapType::ANY, exported))
        }
        Underlying::Pointer(target) => plain(&target.unwrap_or_default()),
        Underlying::Value(inner) => plain(&inner),
        Underlying::Sequence(_) => value.clone(),
    }
}

/// A key, in quotes unless it is bare.
pub(super) fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        return key.to_owned();
    }
    let mut writer = Writer { out: String::new() };
    writer.quoted(key.as_bytes());
    writer.out
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
