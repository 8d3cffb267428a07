//! Sets of fields, as `metadata.managedFields` records who owns which.
//!
//! The tree has the form of `FieldsV1`: an element is `f:name` for a field, `k:{…}` for a list item
//! by its keys, `v:…` for a scalar in a set; a node is owned itself if it has no children or if it
//! carries `.`.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::{Map, Value};

/// A set of field paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    owned: bool,
    children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Reads `FieldsV1`.
    pub(crate) fn from_json(json: &Value) -> Self {
        let mut set = Self::default();
        for (element, below) in json.as_object().into_iter().flatten() {
            if element == "." {
                set.owned = true;
                continue;
            }
            let mut child = Self::from_json(below);
            child.owned |= child.children.is_empty();
            set.children.insert(element.clone(), child);
        }
        set
    }

    /// Writes `FieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.owned && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            map.insert(element.clone(), child.to_json());
        }
        Value::Object(map)
    }

    /// Whether no path is in it.
    pub(crate) fn is_empty(&self) -> bool {
        !self.owned && self.children.values().all(Self::is_empty)
    }

    /// Whether the path that this node stands for is itself in the set.
    pub(crate) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Puts the path that this node stands for into the set.
    pub(crate) fn own(&mut self) {
        self.owned = true;
    }

    /// The node below an element.
    pub(crate) fn get(&self, element: &str) -> Option<&Self> {
        self.children.get(element)
    }

    /// The nodes below.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(element, child)| (element.as_str(), child))
    }

    /// Puts a node below; an empty one leaves no trace.
    pub(crate) fn insert(&mut self, element: String, child: Self) {
        if child.is_empty() {
            return;
        }
        match self.children.entry(element) {
            Entry::Vacant(slot) => {
                slot.insert(child);
            }
            Entry::Occupied(mut slot) => slot.get_mut().add(&child),
        }
    }

    /// Adds every path of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.owned |= other.owned;
        for (element, child) in &other.children {
            self.children.entry(element.clone()).or_default().add(child);
        }
    }

    /// Takes away every path of `other`.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.owned &= !other.owned;
        for (element, child) in &other.children {
            if let Some(own) = self.children.get_mut(element) {
                own.subtract(child);
                if own.is_empty() {
                    self.children.remove(element);
                }
            }
        }
    }

    /// The paths that are in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self { owned: self.owned && other.owned, children: BTreeMap::new() };
        for (element, child) in &self.children {
            if let Some(others) = other.children.get(element) {
                let below = child.intersection(others);
                if !below.is_empty() {
                    both.children.insert(element.clone(), below);
                }
            }
        }
        both
    }

    /// Takes a node and all below it away.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => {
                self.children.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(*first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(*first);
                    }
                }
            }
        }
    }

    /// Its paths as Kubernetes prints them: `.spec.containers[name="web"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(&mut String::new(), &mut paths);
        paths
    }

    fn collect(&self, path: &mut String, paths: &mut Vec<String>) {
        if self.owned {
            paths.push(path.clone());
        }
        for (element, child) in &self.children {
            let length = path.len();
            path.push_str(&shown(element));
            child.collect(path, paths);
            path.truncate(length);
        }
    }
}

/// An element as paths show it.
pub(crate) fn shown(element: &str) -> String {
    if let Some(name) = element.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(keys) = element.strip_prefix("k:") {
        let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return format!("[{}]", keys.join(","));
    }
    format!("[={}]", element.strip_prefix("v:").unwrap_or(element))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// `FieldsV1` survives reading and writing, and paths read as Kubernetes prints them.
    #[test]
    fn reads_writes_and_prints() {
        let json = json!({
            "f:spec": {
                "f:ports": { ".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {} } },
                "f:replicas": {},
            },
            "f:finalizers": { "v:\"a\"": {} },
        });
        let set = FieldSet::from_json(&json);
        assert_eq!(FieldSet::from_json(&set.to_json()), set);
        assert_eq!(
            set.paths(),
            [
                ".finalizers[=\"a\"]",
                ".spec.ports",
                ".spec.ports[port=80,protocol=\"TCP\"]",
                ".spec.ports[port=80,protocol=\"TCP\"].port",
                ".spec.replicas",
            ]
        );
    }

    fn sets() -> impl Strategy<Value = FieldSet> {
        let leaf = Just(FieldSet { owned: true, children: BTreeMap::new() });
        leaf.prop_recursive(3, 12, 3, |inner| {
            (any::<bool>(), prop::collection::btree_map("f:[ab]", inner, 1..3))
                .prop_map(|(owned, children)| FieldSet { owned, children })
        })
    }

    proptest! {
        /// What is taken away is gone, what is added is there, and the intersection is in both.
        #[test]
        fn set_algebra(left in sets(), right in sets()) {
            let mut difference = left.clone();
            difference.subtract(&right);
            prop_assert!(difference.intersection(&right).is_empty());
            let mut union = difference.clone();
            union.add(&right);
            prop_assert_eq!(union.intersection(&left).paths(), left.paths());
            prop_assert_eq!(union.intersection(&right).paths(), right.paths());
        }
    }
}
