//! Storage of objects: a map per resource, one growing revision, watches with a short history,
//! optionally a data file.
//!
//! It knows no Kubernetes rule beyond `metadata`: writes are compare-and-swap on whole objects.
//! What a create, an update or a delete means is decided above, in [`crate::cluster`].

mod history;
mod journal;
mod stored;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde_json::{Value, json, value::RawValue};

use self::{
    history::History,
    journal::{Journal, Record},
};
pub use self::{
    history::{Change, ChangeKind},
    journal::JournalError,
    stored::StoredObject,
    watch::{Forgotten, Watch},
};
use crate::{
    kinds::{
        Kind, Kinds,
        custom::{self, DEFINITIONS},
    },
    object,
};

/// Where an object lives: resource id (`deployments.apps`), namespace (may be empty), name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Resource id, see [`Kind::storage`].
    pub resource: Box<str>,
    /// Namespace, empty for kinds outside namespaces.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

impl ObjectRef {
    /// The place of a stored object.
    pub fn of(object: &StoredObject) -> Self {
        Self {
            resource: object.kind.storage.as_str().into(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }
}

/// Why a write was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is not at the expected revision any more (or exists, or does not).
    #[error("the object changed meanwhile")]
    Raced,
    /// The data file cannot be written; the change was not made.
    #[error("the change could not be kept")]
    Journal(#[source] JournalError),
}

/// What keeps the objects besides memory.
#[derive(Debug)]
enum Backing {
    /// Nothing.
    None,
    /// A data file.
    File(Journal),
    /// A data file that has been given up: nothing may be written any more.
    Closed,
}

#[derive(Debug)]
struct Resource {
    namespaces: BTreeMap<Box<str>, BTreeMap<Box<str>, Arc<StoredObject>>>,
    history: History,
    changed: tokio::sync::watch::Sender<u64>,
}

impl Resource {
    /// A resource without objects, of whose past up to `revision` nothing is known.
    fn empty(revision: u64) -> Self {
        Self {
            namespaces: BTreeMap::new(),
            history: History::starting_after(revision),
            changed: tokio::sync::watch::Sender::new(0),
        }
    }
}

#[derive(Debug)]
struct State {
    revision: u64,
    resources: HashMap<Box<str>, Resource>,
    /// Owner uid → the objects whose owner references name it.
    dependents: HashMap<Box<str>, BTreeSet<ObjectRef>>,
    /// Uid → object, for everything stored.
    uids: HashMap<Box<str>, ObjectRef>,
    notes: BTreeMap<String, String>,
    backing: Backing,
}

/// The objects of one cluster. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Store {
    state: Arc<RwLock<State>>,
}

impl Store {
    /// An empty store in memory.
    pub fn in_memory(kinds: &Kinds) -> Self {
        // Starting at 1 keeps 0 free: to clients, resource version 0 means "any".
        Self { state: Arc::new(RwLock::new(State::new(kinds, 1))) }
    }

    /// A store kept in a file, with what the file holds already.
    ///
    /// `kinds` gains those of the definitions that the file holds.
    pub fn open(kinds: &mut Kinds, path: &Path) -> Result<Self, JournalError> {
        let mut state = State::new(kinds, 1);
        let mut custom = Vec::new();
        let journal = Journal::open(path, |record| {
            if let Some(resource) = record.resource()
                && kinds.stored(resource).is_none()
            {
                custom.push(record.kept());
            } else {
                state.replay(kinds, record);
            }
        })?;
        state.learn_definitions(kinds);
        for record in &custom {
            // The line was read as a record before.
            if let Ok(record) = serde_json::from_str(record) {
                state.replay(kinds, record);
            }
        }
        state.backing = Backing::File(journal);
        for resource in state.resources.values_mut() {
            resource.history = History::starting_after(state.revision);
        }
        Ok(Self { state: Arc::new(RwLock::new(state)) })
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no code panics while it holds the store")
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no code panics while it holds the store")
    }

    /// The newest revision: the resource version of lists.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// An object, if it exists.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<StoredObject>> {
        self.read().get(resource, namespace, name).cloned()
    }

    /// The objects of a resource in one namespace, or in all, ordered by namespace and name;
    /// with the revision at which this was the whole truth.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> (u64, Vec<Arc<StoredObject>>) {
        let state = self.read();
        let Some(resource) = state.resources.get(resource) else {
            return (state.revision, Vec::new());
        };
        let objects = match namespace {
            Some(namespace) => resource
                .namespaces
                .get(namespace)
                .map_or_else(Vec::new, |objects| objects.values().cloned().collect()),
            None => resource.namespaces.values().flat_map(BTreeMap::values).cloned().collect(),
        };
        (state.revision, objects)
    }

    /// The object with a uid.
    pub fn by_uid(&self, uid: &str) -> Option<Arc<StoredObject>> {
        let state = self.read();
        let place = state.uids.get(uid)?;
        state.get(&place.resource, &place.namespace, &place.name).cloned()
    }

    /// The objects whose owner references name `uid`.
    pub fn dependents(&self, uid: &str) -> Vec<Arc<StoredObject>> {
        let state = self.read();
        let places = state.dependents.get(uid).into_iter().flatten();
        places
            .filter_map(|place| state.get(&place.resource, &place.namespace, &place.name).cloned())
            .collect()
    }

    /// Everything in a namespace, in no particular order.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<StoredObject>> {
        let state = self.read();
        let maps = state.resources.values().filter_map(|it| it.namespaces.get(namespace));
        maps.flat_map(BTreeMap::values).cloned().collect()
    }

    /// Writes an object whose predecessor was at revision `expected` (`None`: there was none).
    ///
    /// `metadata.resourceVersion` is set here. `value` is stored in the form of `kind`.
    pub fn put(
        &self,
        kind: &Arc<Kind>,
        mut value: Value,
        expected: Option<u64>,
    ) -> Result<Arc<StoredObject>, WriteError> {
        let mut state = self.write();
        let (namespace, name) = (object::namespace(&value), object::name(&value));
        let current = state.get(&kind.storage, namespace, name).cloned();
        if current.as_ref().map(|object| object.revision) != expected {
            return Err(WriteError::Raced);
        }
        let revision = state.revision + 1;
        object::metadata_mut(&mut value)
            .insert("resourceVersion".to_owned(), json!(revision.to_string()));
        let stored = Arc::new(StoredObject::new(kind, &value, revision));
        let raw: &RawValue = serde_json::from_slice(stored.json())
            .expect("the store wrote this text from a JSON value");
        state.append(&Record::Put(&kind.storage, raw)).map_err(WriteError::Journal)?;
        state.revision = revision;
        state.replace(current.as_ref(), Some(&stored));
        let kind = if current.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        state.announce(Change { revision, kind, object: Arc::clone(&stored), previous: current });
        Ok(stored)
    }

    /// Removes an object that is at revision `expected`; answers its last state, which carries the
    /// revision of the removal.
    pub fn remove(
        &self,
        object: &StoredObject,
        expected: u64,
    ) -> Result<Arc<StoredObject>, WriteError> {
        let mut state = self.write();
        let (resource, namespace, name) = (&object.kind.storage, &object.namespace, &object.name);
        let current = state.get(resource, namespace, name).cloned();
        let Some(current) = current.filter(|current| current.revision == expected) else {
            return Err(WriteError::Raced);
        };
        let revision = state.revision + 1;
        state
            .append(&Record::Gone(resource, namespace, name, revision))
            .map_err(WriteError::Journal)?;
        let mut value = current.value();
        object::metadata_mut(&mut value)
            .insert("resourceVersion".to_owned(), json!(revision.to_string()));
        let last = Arc::new(StoredObject::new(&current.kind, &value, revision));
        state.revision = revision;
        state.replace(Some(&current), None);
        state.announce(Change {
            revision,
            kind: ChangeKind::Deleted,
            object: Arc::clone(&last),
            previous: Some(current),
        });
        Ok(last)
    }

    /// Makes room for a resource; one that is there stays as it is.
    pub(crate) fn add_resource(&self, resource: &str) {
        let mut state = self.write();
        let revision = state.revision;
        state.resources.entry(resource.into()).or_insert_with(|| Resource::empty(revision));
    }

    /// Drops whatever is left of a resource that is served no more, and ends its watches.
    pub(crate) fn drop_resource(&self, resource: &str) -> Result<(), WriteError> {
        for object in self.list(resource, None).1 {
            match self.remove(&object, object.revision) {
                Ok(_) | Err(WriteError::Raced) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(resource) = self.write().resources.get_mut(resource) {
            // Its followers read what is in the history, then find that there will be no more.
            resource.changed = tokio::sync::watch::Sender::new(0);
        }
        Ok(())
    }

    /// Follows a resource from after `revision` on.
    pub fn watch(&self, resource: &str, revision: u64) -> Watch {
        let state = self.read();
        let changed = match state.resources.get(resource) {
            Some(resource) => resource.changed.subscribe(),
            None => tokio::sync::watch::channel(0).1,
        };
        Watch::new(self.clone(), resource.into(), changed, revision)
    }

    /// The changes of a resource after `revision`, and how far they reach; `None` if history is
    /// too short.
    fn changes_after(&self, resource: &str, revision: u64) -> Option<(u64, Vec<Change>)> {
        let state = self.read();
        let changes = match state.resources.get(resource) {
            Some(resource) => resource.history.after(revision)?,
            None => Vec::new(),
        };
        Some((state.revision, changes))
    }

    /// Gives the data file up, so that another store may open it; later writes are refused.
    ///
    /// Whoever still holds this store (a connection about to end) keeps neither file nor lock.
    pub(crate) fn close(&self) {
        let mut state = self.write();
        if let Backing::File(_) = state.backing {
            state.backing = Backing::Closed;
        }
    }

    /// Data of the process kept beside the objects, such as its certificate.
    pub fn note(&self, name: &str) -> Option<String> {
        self.read().notes.get(name).cloned()
    }

    /// Keeps data of the process beside the objects.
    pub fn set_note(&self, name: &str, value: &str) -> Result<(), JournalError> {
        let mut state = self.write();
        state.append(&Record::Note(name, value.to_owned()))?;
        state.notes.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

impl State {
    fn new(kinds: &Kinds, revision: u64) -> Self {
        let mut resources = HashMap::new();
        for storage in kinds.storages() {
            resources.insert(storage.into(), Resource::empty(0));
        }
        Self {
            revision,
            resources,
            dependents: HashMap::new(),
            uids: HashMap::new(),
            notes: BTreeMap::new(),
            backing: Backing::None,
        }
    }

    /// Serves what the definitions that are there define.
    fn learn_definitions(&mut self, kinds: &mut Kinds) {
        let definitions = self.resources.get(DEFINITIONS);
        let definitions = definitions.into_iter().flat_map(|it| it.namespaces.values());
        let values: Vec<Value> =
            definitions.flat_map(BTreeMap::values).map(|definition| definition.value()).collect();
        for definition in values.iter().filter(|it| custom::is_established(it)) {
            *kinds = kinds.with_definition(definition);
            for kind in custom::kinds_of(definition) {
                let revision = self.revision;
                self.resources
                    .entry(kind.storage.as_str().into())
                    .or_insert_with(|| Resource::empty(revision));
            }
        }
    }

    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Arc<StoredObject>> {
        self.resources.get(resource)?.namespaces.get(namespace)?.get(name)
    }

    /// Takes a line of the data file. Lines of resources that are not served any more are passed
    /// over: an older file stays usable.
    fn replay(&mut self, kinds: &Kinds, record: Record<'_>) {
        match record {
            Record::Note(name, value) => {
                self.notes.insert(name.to_owned(), value);
            }
            Record::Put(resource, raw) => {
                let Some(kind) = kinds.stored(resource) else {
                    return;
                };
                let Ok(value) = serde_json::from_str::<Value>(raw.get()) else {
                    return;
                };
                let revision = object::resource_version(&value).parse().unwrap_or(self.revision);
                let stored = Arc::new(StoredObject::new(kind, &value, revision));
                let current = self.get(resource, &stored.namespace, &stored.name).cloned();
                self.replace(current.as_ref(), Some(&stored));
                self.revision = self.revision.max(revision);
            }
            Record::Gone(resource, namespace, name, revision) => {
                let current = self.get(resource, namespace, name).cloned();
                self.replace(current.as_ref(), None);
                self.revision = self.revision.max(revision);
            }
        }
    }

    /// Puts `after` where `before` was and keeps the indexes true.
    fn replace(&mut self, before: Option<&Arc<StoredObject>>, after: Option<&Arc<StoredObject>>) {
        if let Some(before) = before {
            let place = ObjectRef::of(before);
            self.uids.remove(&before.uid);
            for owner in before.owners() {
                if let Some(dependents) = self.dependents.get_mut(owner) {
                    dependents.remove(&place);
                    if dependents.is_empty() {
                        self.dependents.remove(owner);
                    }
                }
            }
        }
        if let Some(after) = after {
            let place = ObjectRef::of(after);
            for owner in after.owners() {
                self.dependents.entry(owner.into()).or_default().insert(place.clone());
            }
            self.uids.insert(after.uid.clone(), place);
        }
        let Some(object) = after.or(before) else {
            return;
        };
        let Some(resource) = self.resources.get_mut(object.kind.storage.as_str()) else {
            return;
        };
        let objects = resource.namespaces.entry(object.namespace.clone()).or_default();
        if let Some(after) = after {
            objects.insert(after.name.clone(), Arc::clone(after));
            return;
        }
        objects.remove(&object.name);
        if objects.is_empty() {
            resource.namespaces.remove(&object.namespace);
        }
    }

    fn announce(&mut self, change: Change) {
        if let Some(resource) = self.resources.get_mut(change.object.kind.storage.as_str()) {
            let revision = change.revision;
            resource.history.push(change);
            resource.changed.send_replace(revision);
        }
    }

    fn append(&mut self, record: &Record<'_>) -> Result<(), JournalError> {
        let mut journal = match std::mem::replace(&mut self.backing, Backing::Closed) {
            Backing::None => {
                self.backing = Backing::None;
                return Ok(());
            }
            Backing::File(journal) => journal,
            Backing::Closed => return Err(JournalError::Closed),
        };
        let rewritten =
            if journal.wants_rewrite() { journal.rewrite(self.records()) } else { Ok(()) };
        let appended = rewritten.and_then(|()| journal.append(record));
        self.backing = Backing::File(journal);
        appended
    }

    /// Everything the data file has to hold. The last line keeps the revision growing even if the
    /// newest write was a removal.
    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let notes = self.notes.iter().map(|(name, value)| Record::Note(name, value.clone()));
        let objects = self.uids.values().filter_map(|place| {
            let stored = self.get(&place.resource, &place.namespace, &place.name)?;
            Some(Record::Put(&stored.kind.storage, serde_json::from_slice(stored.json()).ok()?))
        });
        notes.chain(objects).chain([Record::Gone("", "", "", self.revision)])
    }
}

#[cfg(test)]
mod tests;
