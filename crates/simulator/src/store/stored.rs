//! One stored object: its bytes and the few fields that look-ups need.

use std::sync::Arc;

use serde_json::Value;

use crate::{kinds::Kind, object, selector::LabelSelector};

/// An object as the store keeps it: immutable, shared by the store, its history and its readers.
///
/// The object is kept as JSON text, a third of the memory of a parsed tree; [`value`](Self::value)
/// parses it anew for each caller.
#[derive(Debug)]
pub struct StoredObject {
    /// The kind in whose form it is stored.
    pub kind: Arc<Kind>,
    /// Namespace, empty for kinds outside namespaces.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// Uid.
    pub uid: Box<str>,
    /// The write that made this version of it.
    pub revision: u64,
    labels: Box<[(Box<str>, Box<str>)]>,
    owners: Box<[Box<str>]>,
    deleting: bool,
    json: Box<[u8]>,
}

impl StoredObject {
    /// Takes an object over; `metadata` has to be complete.
    pub(crate) fn new(kind: &Arc<Kind>, value: &Value, revision: u64) -> Self {
        let labels = object::at(value, &["metadata", "labels"]).and_then(Value::as_object);
        let labels = labels.into_iter().flatten().map(|(key, value)| {
            (Box::from(key.as_str()), Box::from(value.as_str().unwrap_or_default()))
        });
        let owners = object::owner_references(value);
        Self {
            kind: Arc::clone(kind),
            namespace: object::namespace(value).into(),
            name: object::name(value).into(),
            uid: object::uid(value).into(),
            revision,
            labels: labels.collect(),
            owners: owners.iter().map(|owner| object::text(owner, &["uid"]).into()).collect(),
            deleting: object::is_deleting(value),
            json: serde_json::to_vec(value)
                .expect("a JSON value with text keys can always be written")
                .into_boxed_slice(),
        }
    }

    /// The object, parsed.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.json).expect("the store wrote this text from a JSON value")
    }

    /// The object's JSON text.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The uids of its owner references.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().map(AsRef::as_ref)
    }

    /// Whether its deletion has begun.
    pub fn is_deleting(&self) -> bool {
        self.deleting
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(it, _)| **it == *key).map(|(_, value)| value.as_ref())
    }

    /// Whether a label selector takes it; reads no more than the labels.
    pub fn matches(&self, selector: &LabelSelector) -> bool {
        selector.is_empty() || selector.matches(|key| self.label(key))
    }
}
