//! Values that many executions share.
//!
//! A [`Frozen`] tree is made once, for example from a chart's values, and may be used by any
//! number of executions on any number of threads. An execution sees it through lists and maps
//! that copy a level only when a template changes it.

use std::sync::Arc;

use super::{List, Map, Value};
use crate::text::Str;
use crate::types::{ListType, MapType};

/// An immutable value that threads may share.
#[derive(Clone, Debug)]
pub enum Frozen {
    /// nil
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `uint64`
    Uint64(u64),
    /// `float64`
    Float64(f64),
    /// `string`
    String(Str),
    /// A slice.
    List(Arc<FrozenList>),
    /// A map.
    Map(Arc<FrozenMap>),
}

impl Frozen {
    /// A string.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// A list of type `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(FrozenList::new(ListType::ANY, items)))
    }

    /// A map of type `map[string]interface {}`.
    pub fn map<K: Into<Str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(FrozenMap::new(MapType::ANY, entries)))
    }

    /// A value of one execution that reads from this tree. Every call gives maps of their own:
    /// changes made through one are not seen through another.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Int64(i) => Value::Int64(*i),
            Self::Uint64(u) => Value::Uint64(*u),
            Self::Float64(f) => Value::Float64(*f),
            Self::String(text) => Value::String(text.clone()),
            Self::List(list) => Value::List(List::from_frozen(Arc::clone(list))),
            Self::Map(map) => Value::Map(Map::from_frozen(Arc::clone(map))),
        }
    }
}

/// A frozen slice.
#[derive(Debug)]
pub struct FrozenList {
    ty: &'static ListType,
    items: Vec<Frozen>,
}

impl FrozenList {
    /// A list with the given elements, which must be of the type's element type.
    pub fn new(ty: &'static ListType, items: Vec<Frozen>) -> Self {
        Self { ty, items }
    }

    /// The Go type.
    pub fn ty(&self) -> &'static ListType {
        self.ty
    }

    /// The elements.
    pub fn items(&self) -> &[Frozen] {
        &self.items
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn to_values(&self) -> Vec<Value> {
        self.items.iter().map(Frozen::to_value).collect()
    }
}

/// A frozen map.
#[derive(Debug)]
pub struct FrozenMap {
    ty: &'static MapType,
    /// Sorted by key, keys unique.
    entries: Vec<(Str, Frozen)>,
}

impl FrozenMap {
    /// A map with the given entries; of entries with the same key the last one stays.
    pub fn new<K: Into<Str>>(
        ty: &'static MapType,
        entries: impl IntoIterator<Item = (K, Frozen)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
        let sorted: std::collections::BTreeMap<_, _> = entries.collect();
        Self { ty, entries: sorted.into_iter().collect() }
    }

    /// The Go type.
    pub fn ty(&self) -> &'static MapType {
        self.ty
    }

    /// The entries in the order of their keys' bytes.
    pub fn entries(&self) -> &[(Str, Frozen)] {
        &self.entries
    }

    /// The value under `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Frozen> {
        self.position(key.as_ref()).map(|at| self.value(at))
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Str> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub(super) fn position(&self, key: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|(entry, _)| entry.as_bytes().cmp(key)).ok()
    }

    pub(super) fn value(&self, at: usize) -> &Frozen {
        &self.entries[at].1
    }
}

/// Takes apart what only this level holds, in a loop: see `release`.
fn release(mut values: Vec<Frozen>) {
    while let Some(value) = values.pop() {
        match value {
            Frozen::List(list) => {
                if let Some(mut list) = Arc::into_inner(list) {
                    values.append(&mut list.items);
                }
            }
            Frozen::Map(map) => {
                if let Some(mut map) = Arc::into_inner(map) {
                    values.extend(std::mem::take(&mut map.entries).into_iter().map(|(_, v)| v));
                }
            }
            _ => {}
        }
    }
}

fn is_container(value: &Frozen) -> bool {
    matches!(value, Frozen::List(_) | Frozen::Map(_))
}

impl Drop for FrozenList {
    fn drop(&mut self) {
        if self.items.iter().any(is_container) {
            release(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for FrozenMap {
    fn drop(&mut self) {
        if self.entries.iter().any(|(_, value)| is_container(value)) {
            release(std::mem::take(&mut self.entries).into_iter().map(|(_, v)| v).collect());
        }
    }
}
