//! The grammar of keys and values shared by all flags but `--set-literal`.

use std::sync::Arc;

use goyaml::{Map, Value};

use super::reader::Reader;
use super::{MAX_INDEX, MAX_LEVELS, SetError, json};
use crate::values::print::go_type;

/// What the values are.
pub(super) enum Kind<'k> {
    /// Texts up to a comma, turned into values.
    Texts(&'k mut dyn FnMut(String) -> Result<Value, SetError>),
    /// JSON.
    Json,
    /// One text to the very end.
    Literal,
}

/// Whether the text went on behind an assignment or was at its end, which Helm passes up as an
/// error (`io.EOF`) and so does not everywhere treat as success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

type Outcome = Result<Ended, SetError>;

pub(super) struct Assigner<'a> {
    reader: Reader<'a>,
    kind: Kind<'a>,
}

impl<'a> Assigner<'a> {
    pub(super) fn new(text: &'a str, kind: Kind<'a>) -> Self {
        let escapes = !matches!(kind, Kind::Literal);
        Self { reader: Reader::new(text, escapes), kind }
    }

    /// Carries out all assignments.
    pub(super) fn run(mut self, values: &mut Map) -> Result<(), SetError> {
        while self.assign(values, 0)? == Ended::No {}
        Ok(())
    }

    /// One assignment into `values`, which `level` names lead to.
    fn assign(&mut self, values: &mut Map, level: usize) -> Outcome {
        let stops: &[char] = match self.kind {
            Kind::Literal => &['=', '[', '.'],
            _ => &['=', '[', ',', '.'],
        };
        let (key, stop) = self.reader.until(stops);
        match stop {
            None if key.is_empty() => Ok(Ended::Yes),
            None => Err(SetError::NoValue(key)),
            Some('[') => self.assign_index(values, key, level),
            Some('=') => match self.value()? {
                Read::Value(value) => {
                    put(values, key, value);
                    Ok(Ended::No)
                }
                Read::End => {
                    put(values, key, "".into());
                    Ok(Ended::Yes)
                }
            },
            Some('.') => self.assign_below(values, key, level),
            Some(_) => Err(SetError::EndsWithComma(key)),
        }
    }

    fn assign_below(&mut self, values: &mut Map, key: String, level: usize) -> Outcome {
        let level = level + 1;
        if level > MAX_LEVELS {
            return Err(SetError::TooDeep);
        }
        let mut inner = match values.get(&key) {
            None => Map::new(),
            Some(Value::Map(inner)) => inner.clone(),
            Some(other) => {
                let (found, wanted) = (go_type(other), "map[string]interface {}");
                return Err(SetError::Conversion { found, wanted });
            }
        };
        let ended = self.assign(&mut inner, level)?;
        if ended == Ended::No && inner.is_empty() {
            return Err(SetError::EmptyMap(key));
        }
        if !inner.is_empty() {
            put(values, key, Value::Map(inner));
        }
        Ok(ended)
    }

    fn assign_index(&mut self, values: &mut Map, key: String, level: usize) -> Outcome {
        let Some(index) = self.reader.index()? else {
            return Ok(Ended::Yes);
        };
        let mut items = match values.get(&key) {
            None => Vec::new(),
            Some(other) => list(other)?,
        };
        let ended = self.assign_item(&mut items, index, level)?;
        put(values, key, Value::Seq(Arc::new(items)));
        Ok(ended)
    }

    /// What follows `[index]`.
    fn assign_item(&mut self, items: &mut Vec<Value>, index: i64, level: usize) -> Outcome {
        if index < 0 {
            return Err(SetError::NegativeIndex(index));
        }
        let (between, stop) = self.reader.until(&['[', '.', '=']);
        if !between.is_empty() {
            return Err(SetError::AfterIndex(between));
        }
        match stop {
            None => Ok(Ended::Yes),
            Some('=') => {
                let value = match self.value()? {
                    Read::Value(value) => value,
                    Read::End => "".into(),
                };
                put_item(items, index, value)?;
                Ok(Ended::No)
            }
            Some('[') => {
                let Some(next) = self.reader.index()? else {
                    return Ok(Ended::Yes);
                };
                let mut inner = match at(items, index) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(other) => list(other)?,
                };
                let ended = self.assign_item(&mut inner, next, level)?;
                if ended == Ended::No {
                    put_item(items, index, Value::Seq(Arc::new(inner)))?;
                }
                Ok(ended)
            }
            Some(_) => {
                let there = at(items, index).is_some();
                let mut inner =
                    at(items, index).and_then(Value::as_map).cloned().unwrap_or_default();
                let ended = self.assign(&mut inner, level)?;
                // A mapping that was in the list is changed in place; a new one gets into the
                // list only if the text goes on.
                if there || ended == Ended::No {
                    put_item(items, index, Value::Map(inner))?;
                }
                Ok(ended)
            }
        }
    }

    /// What follows `=`.
    fn value(&mut self) -> Result<Read, SetError> {
        let read = match &mut self.kind {
            Kind::Literal => {
                let rest = self.reader.rest();
                self.reader.skip(rest.len());
                return Ok(Read::Value(rest.into()));
            }
            Kind::Json => {
                if self.reader.skip_empty() {
                    return Ok(Read::Value(Value::Null));
                }
                let (value, length) = json::first(self.reader.rest())?;
                self.reader.skip(length);
                self.reader.skip_empty();
                return Ok(Read::Value(value));
            }
            Kind::Texts(read) => read,
        };
        let rest = self.reader.rest();
        if rest.is_empty() {
            return Ok(Read::End);
        }
        if !rest.starts_with('{') {
            let (text, _) = self.reader.until(&[',']);
            return read(text).map(Read::Value);
        }
        self.reader.skip(1);
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.reader.until(&[',', '}']);
            match stop {
                None => return Err(SetError::UnterminatedList),
                Some('}') => {
                    if self.reader.rest().starts_with(',') {
                        self.reader.skip(1);
                    }
                    items.push(read(text)?);
                    return Ok(Read::Value(items.into()));
                }
                Some(_) => items.push(read(text)?),
            }
        }
    }
}

/// What stands behind `=`.
enum Read {
    Value(Value),
    /// Nothing at all.
    End,
}

/// Sets a key; an empty name sets nothing.
fn put(values: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        values.insert(key, value);
    }
}

fn at(items: &[Value], index: i64) -> Option<&Value> {
    items.get(usize::try_from(index).ok()?)
}

/// Sets an item; a list that is too short is filled up with `null`.
fn put_item(items: &mut Vec<Value>, index: i64, value: Value) -> Result<(), SetError> {
    let place = usize::try_from(index).map_err(|_| SetError::NegativeIndex(index))?;
    if index > MAX_INDEX {
        return Err(SetError::IndexTooLarge(index));
    }
    if items.len() <= place {
        items.resize(place + 1, Value::Null);
    }
    items[place] = value;
    Ok(())
}

fn list(value: &Value) -> Result<Vec<Value>, SetError> {
    match value {
        Value::Seq(items) => Ok(items.to_vec()),
        other => Err(SetError::Conversion { found: go_type(other), wanted: "[]interface {}" }),
    }
}
