//! [`Map`]: string keys in the order they were read, shared until somebody changes it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::Value;

/// From this size on lookups go through a hash index instead of a scan.
const INDEXED_FROM: usize = 12;

/// A mapping with text keys. Cloning it copies a reference; a change copies the entries only if
/// others hold them too. Two maps are equal when they hold the same entries in any order.
#[derive(Clone, Default)]
pub struct Map(Arc<Entries>);

#[derive(Clone, Default)]
struct Entries {
    list: Vec<(Arc<str>, Value)>,
    index: Option<HashMap<Arc<str>, usize>>,
}

impl Entries {
    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.list.iter().position(|(name, _)| &**name == key),
        }
    }

    fn push(&mut self, key: Arc<str>, value: Value) {
        let at = self.list.len();
        if let Some(index) = &mut self.index {
            index.insert(Arc::clone(&key), at);
        }
        self.list.push((key, value));
        if at + 1 == INDEXED_FROM {
            self.reindex();
        }
    }

    fn reindex(&mut self) {
        self.index = (self.list.len() >= INDEXED_FROM).then(|| {
            self.list.iter().enumerate().map(|(at, (key, _))| (Arc::clone(key), at)).collect()
        });
    }
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.list.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.position(key).map(|at| &self.0.list[at].1)
    }

    /// The value of `key`, to change it. Unshares the entries if `key` is there.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.0.position(key)?;
        Some(&mut Arc::make_mut(&mut self.0).list[at].1)
    }

    /// Whether there is an entry for `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.position(key).is_some()
    }

    /// Sets `key`, and hands back the value it had. A key that was there keeps its place.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Value) -> Option<Value> {
        let key = key.into();
        let entries = Arc::make_mut(&mut self.0);
        if let Some(at) = entries.position(&key) {
            return Some(std::mem::replace(&mut entries.list[at].1, value));
        }
        entries.push(key, value);
        None
    }

    /// Takes `key` out, keeping the order of the others. Linear; use [`retain`](Self::retain) to
    /// take out many.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.position(key)?;
        let entries = Arc::make_mut(&mut self.0);
        let (_, value) = entries.list.remove(at);
        entries.reindex();
        Some(value)
    }

    /// Keeps only the entries `keep` says yes to. Unshares nothing if all stay.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        let kept: Vec<bool> = self.iter().map(|(key, value)| keep(key, value)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let entries = Arc::make_mut(&mut self.0);
        let mut verdicts = kept.into_iter();
        entries.list.retain(|_| verdicts.next().unwrap_or(true));
        entries.reindex();
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.0.list.iter().map(|(key, value)| (&**key, value))
    }

    /// The entries in order, with their keys as shared text (so that other maps can hold them).
    pub fn shared_iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> + Clone {
        self.0.list.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.0.list.iter().map(|(key, _)| &**key)
    }

    /// A number that no other entries in memory have as long as these exist; maps that are the
    /// [`same`](Self::same) have the same.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Whether both are the same entries in memory (not merely equal ones).
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Map {
    /// A later entry of the same key replaces the value of the earlier one.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Into<Arc<str>>> Extend<(K, Value)> for Map {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
            || self.len() == other.len()
                && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
