//! Go maps with string keys: references to shared, changeable contents.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::frozen::{Frozen, FrozenMap};
use super::release;
use super::{List, Value};
use crate::error::FuncError;
use crate::text::Str;
use crate::types::{MapType, Type};

/// A Go map with string keys. Cloning gives another reference to the same contents.
///
/// Contents stand in the order of their keys' bytes, the order in which Go prints and ranges.
///
/// ```
/// use gotemplate::{Map, Value};
///
/// let map = Map::new();
/// let alias = map.clone();
/// alias.insert("replicas", Value::Int(2))?;
/// assert_eq!(map.get("replicas").and_then(|value| value.as_int()), Some(2));
/// # Ok::<(), gotemplate::FuncError>(())
/// ```
#[derive(Clone)]
pub struct Map {
    ty: &'static MapType,
    cell: Rc<MapCell>,
}

/// The contents one or more [`Map`]s refer to.
pub(super) struct MapCell(RefCell<Contents>);

pub(super) enum Contents {
    Nil,
    Owned(BTreeMap<Str, Value>),
    /// Not changed so far: scalars are read from `source`; lists and maps handed out are kept in
    /// `touched` by their position in `source`, since they are references with an identity.
    Frozen {
        source: Arc<FrozenMap>,
        touched: Vec<(usize, Value)>,
    },
}

impl Map {
    /// An empty map of type `map[string]interface {}`.
    pub fn new() -> Self {
        Self::of(MapType::ANY)
    }

    /// An empty map of the given type.
    pub fn of(ty: &'static MapType) -> Self {
        Self::with(ty, Contents::Owned(BTreeMap::new()))
    }

    /// A nil map: it reads as empty and refuses insertions.
    pub fn nil(ty: &'static MapType) -> Self {
        Self::with(ty, Contents::Nil)
    }

    /// A map with the given entries; of entries with the same key the last one stays.
    pub fn from_entries<K: Into<Str>>(
        ty: &'static MapType,
        entries: impl IntoIterator<Item = (K, Value)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self::with(ty, Contents::Owned(entries))
    }

    /// A map that reads from a frozen tree and copies only what is touched.
    pub fn from_frozen(source: Arc<FrozenMap>) -> Self {
        Self::with(source.ty(), Contents::Frozen { source, touched: Vec::new() })
    }

    fn with(ty: &'static MapType, contents: Contents) -> Self {
        Self { ty, cell: Rc::new(MapCell(RefCell::new(contents))) }
    }

    /// The Go type.
    pub fn ty(&self) -> &'static MapType {
        self.ty
    }

    /// The same map under another type, as a Go conversion gives it: both share their contents.
    #[must_use]
    pub fn retyped(&self, ty: &'static MapType) -> Self {
        Self { ty, cell: Rc::clone(&self.cell) }
    }

    /// Whether both refer to the same contents.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.cell, &other.cell)
    }

    /// An address that tells maps apart as long as they live; what `%p` prints.
    pub(crate) fn address(&self) -> usize {
        if self.is_nil() { 0 } else { Rc::as_ptr(&self.cell).cast::<()>() as usize }
    }

    /// Whether this is Go's nil map.
    pub fn is_nil(&self) -> bool {
        matches!(*self.cell.0.borrow(), Contents::Nil)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        match &*self.cell.0.borrow() {
            Contents::Nil => 0,
            Contents::Owned(entries) => entries.len(),
            Contents::Frozen { source, .. } => source.len(),
        }
    }

    /// About how many bytes only this reference holds on to, without what is in the entries.
    pub(super) fn sole_size(&self) -> usize {
        if Rc::strong_count(&self.cell) > 1 {
            return 0;
        }
        self.len().saturating_mul(size_of::<(Str, Value)>())
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        match &mut *self.cell.0.borrow_mut() {
            Contents::Nil => None,
            Contents::Owned(entries) => entries.get(key.as_ref()).cloned(),
            Contents::Frozen { source, touched } => {
                let at = source.position(key.as_ref())?;
                Some(thaw(source, touched, at))
            }
        }
    }

    /// Whether there is an entry under `key`, even one that holds nil.
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> bool {
        match &*self.cell.0.borrow() {
            Contents::Nil => false,
            Contents::Owned(entries) => entries.contains_key(key.as_ref()),
            Contents::Frozen { source, .. } => source.position(key.as_ref()).is_some(),
        }
    }

    /// Sets an entry, seen by all holders of the map.
    ///
    /// Fails on a nil map, and on a value that is not of the map's element type, with the texts
    /// of Go's panics.
    pub fn insert(&self, key: impl Into<Str>, value: Value) -> Result<(), FuncError> {
        let fits = match (self.ty.elem(), value.ty()) {
            (Type::Any, _) => true,
            (elem, Some(ty)) => ty.assignable_to(elem),
            (elem, None) => elem.can_be_nil(),
        };
        if !fits {
            let (from, to) = (value.type_name(), self.ty.elem());
            return Err(FuncError::new(format!(
                "reflect.Value.SetMapIndex: value of type {from} is not assignable to type {to}"
            )));
        }
        let mut contents = self.cell.0.borrow_mut();
        let Some(entries) = contents.own() else {
            return Err(FuncError::new("assignment to entry in nil map"));
        };
        let old = entries.insert(key.into(), value);
        drop(contents); // before `old`: what it lets go of may be large, and is not ours to lock
        drop(old);
        Ok(())
    }

    /// Removes an entry and returns its value.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        if !self.contains_key(key.as_ref()) {
            return None;
        }
        self.cell.0.borrow_mut().own()?.remove(key.as_ref())
    }

    /// The keys, in the order of their bytes.
    pub fn keys(&self) -> Vec<Str> {
        match &*self.cell.0.borrow() {
            Contents::Nil => Vec::new(),
            Contents::Owned(entries) => entries.keys().cloned().collect(),
            Contents::Frozen { source, .. } => source.keys().cloned().collect(),
        }
    }

    /// The entries as they are now, in the order of their keys' bytes. Later changes to the map
    /// do not show in the result.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        match &mut *self.cell.0.borrow_mut() {
            Contents::Nil => Vec::new(),
            Contents::Owned(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
            }
            contents @ Contents::Frozen { .. } => match contents.own() {
                Some(entries) => {
                    entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
                }
                None => Vec::new(),
            },
        }
    }

    /// Takes the cell apart if this is the only reference to it.
    pub(super) fn into_sole_contents(self) -> Option<MapCell> {
        Rc::into_inner(self.cell)
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Contents {
    /// The entries, after taking over whatever is still frozen; `None` for the nil map.
    fn own(&mut self) -> Option<&mut BTreeMap<Str, Value>> {
        if let Self::Frozen { source, touched } = self {
            let source = Arc::clone(source);
            let mut touched = std::mem::take(touched);
            let entries = source
                .keys()
                .enumerate()
                .map(|(at, key)| (key.clone(), thaw(&source, &mut touched, at)))
                .collect();
            *self = Self::Owned(entries);
        }
        if let Self::Owned(entries) = self { Some(entries) } else { None }
    }

    /// The values that live only here, for [`release`].
    pub(super) fn take_values(&mut self) -> Vec<Value> {
        match std::mem::replace(self, Self::Nil) {
            Self::Nil => Vec::new(),
            Self::Owned(entries) => entries.into_values().collect(),
            Self::Frozen { touched, .. } => touched.into_iter().map(|(_, value)| value).collect(),
        }
    }

    fn holds_containers(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Owned(entries) => entries.values().any(release::is_container),
            Self::Frozen { touched, .. } => !touched.is_empty(),
        }
    }
}

/// The value at position `at` of a frozen map: the one handed out before, or a new one.
fn thaw(source: &FrozenMap, touched: &mut Vec<(usize, Value)>, at: usize) -> Value {
    let value = match source.value(at) {
        Frozen::List(list) if touched.iter().all(|(seen, _)| *seen != at) => {
            Value::List(List::from_frozen(Arc::clone(list)))
        }
        Frozen::Map(map) if touched.iter().all(|(seen, _)| *seen != at) => {
            Value::Map(Map::from_frozen(Arc::clone(map)))
        }
        Frozen::List(_) | Frozen::Map(_) => {
            let seen = touched.iter().find(|(seen, _)| *seen == at);
            return seen.map_or(Value::Nil, |(_, value)| value.clone());
        }
        scalar => return scalar.to_value(),
    };
    touched.push((at, value.clone()));
    value
}

impl MapCell {
    pub(super) fn take_values(&mut self) -> Vec<Value> {
        self.0.get_mut().take_values()
    }
}

impl Drop for MapCell {
    fn drop(&mut self) {
        if self.0.get_mut().holds_containers() {
            release::release(self.take_values());
        }
    }
}
