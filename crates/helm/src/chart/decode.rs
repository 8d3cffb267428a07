//! YAML into typed fields, with the coercions and error texts of Go's JSON decoder.
//!
//! Chart.yaml, Chart.lock and index.yaml are read through YAML → JSON → struct: keys match
//! fields in any letter case, a number or boolean becomes text where text is wanted, `null` leaves
//! a field alone, and of several wrong fields the first in key order is reported.

use std::collections::BTreeMap;

use goyaml::{Map, Value};

/// A document does not have the fields it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// A value has the wrong type for the field it stands in.
    #[error(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into {place} of type {wanted}"
    )]
    Mismatch {
        /// What JSON calls the value: object, array, string, number or bool.
        found: &'static str,
        /// Where it stands, in Go's words.
        place: String,
        /// The Go type that was wanted.
        wanted: &'static str,
    },
    /// There is no such field, and the document is read strictly.
    #[error("error unmarshaling JSON: while decoding JSON: json: unknown field {0:?}")]
    UnknownField(String),
    /// A text is not a time of RFC 3339.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Time(String),
}

/// Collects fields of one document and remembers the first mistake.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// Whether a field that nobody knows is a mistake.
    strict: bool,
    path: Vec<String>,
    error: Option<TypeError>,
}

impl Decoder {
    /// One for which an unknown field is a mistake.
    pub(crate) fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    /// The field that is being read is none that anyone knows.
    pub(crate) fn unknown(&mut self) {
        if self.strict && self.error.is_none() {
            self.error = self.path.last().cloned().map(TypeError::UnknownField);
        }
    }

    /// The field that is being read is not a time.
    pub(crate) fn not_a_time(&mut self, why: String) {
        self.error.get_or_insert(TypeError::Time(why));
    }

    /// The outcome: `value`, or the first mistake on the way to it.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, TypeError> {
        match self.error {
            None => Ok(value),
            Some(error) => Err(error),
        }
    }

    /// Calls `field` for every key of a mapping, in the order Go meets them; `null` is skipped.
    ///
    /// Keys arrive in lower case, which is how Go finds the field of a key in other letter case.
    pub(crate) fn object(
        &mut self,
        value: &Value,
        go_type: &'static str,
        mut field: impl FnMut(&mut Self, &str, &Value),
    ) {
        match value {
            Value::Null => {}
            Value::Map(map) => {
                for (key, value) in sorted(map) {
                    self.path.push(key.to_owned());
                    field(self, &key.to_ascii_lowercase(), value);
                    self.path.pop();
                }
            }
            other => self.mistake(other, go_type),
        }
    }

    /// Sets a text field; numbers and booleans become text.
    pub(crate) fn text(&mut self, value: &Value, field: &mut String) {
        match value.coerced_text() {
            Some(text) => (*text).clone_into(field),
            None if value.is_null() => {}
            None => self.mistake(value, "string"),
        }
    }

    /// Sets a boolean field.
    pub(crate) fn flag(&mut self, value: &Value, field: &mut bool) {
        match value {
            Value::Bool(flag) => *field = *flag,
            Value::Null => {}
            other => self.mistake(other, "bool"),
        }
    }

    /// Reads a list, each item by `item`; `None` for `null`.
    pub(crate) fn list<T>(
        &mut self,
        value: &Value,
        go_type: &'static str,
        mut item: impl FnMut(&mut Self, &Value) -> T,
    ) -> Option<Vec<T>> {
        match value {
            Value::Null => None,
            Value::Seq(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, value)| {
                        self.path.push(at.to_string());
                        let read = item(self, value);
                        self.path.pop();
                        read
                    })
                    .collect(),
            ),
            other => {
                self.mistake(other, go_type);
                None
            }
        }
    }

    /// Sets a list of texts.
    pub(crate) fn texts(&mut self, value: &Value, field: &mut Vec<String>) {
        *field = self
            .list(value, "[]string", |decoder, item| {
                let mut text = String::new();
                decoder.text(item, &mut text);
                text
            })
            .unwrap_or_default();
    }

    /// Reads a mapping of texts; `None` for `null`.
    pub(crate) fn text_map(&mut self, value: &Value) -> Option<BTreeMap<String, String>> {
        let map = match value {
            Value::Null => return None,
            Value::Map(map) => map,
            other => {
                self.mistake(other, "map[string]string");
                return None;
            }
        };
        let mut texts = BTreeMap::new();
        for (key, value) in sorted(map) {
            self.path.push(key.to_owned());
            let mut text = String::new();
            self.text(value, &mut text);
            texts.insert(key.to_owned(), text);
            self.path.pop();
        }
        Some(texts)
    }

    /// Remembers that `value` does not fit, if nothing else was wrong before.
    pub(crate) fn mistake(&mut self, value: &Value, wanted: &'static str) {
        if self.error.is_some() {
            return;
        }
        let in_list = self.path.last().is_some_and(|step| step.bytes().all(|b| b.is_ascii_digit()));
        let place = match self.path.as_slice() {
            [] => "Go value".to_owned(),
            path if in_list => format!(".{}", path.join(".")),
            path => format!("Go struct field .{}", path.join(".")),
        };
        self.error = Some(TypeError::Mismatch { found: json_kind(value), place, wanted });
    }
}

/// The entries of a mapping in the order of Go's JSON: by bytes of the key.
pub(crate) fn sorted(map: &Map) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

/// What Go's JSON errors call a value.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}
