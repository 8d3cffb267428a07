//! A cluster's objects under Kubernetes' rules: what creating, updating and deleting means.
//!
//! The HTTP API and the controllers both come through here, so they meet the same defaults,
//! validation, uids, generations, finalizers and refusals. Storage itself is [`Store`]'s, cascading
//! deletion [`crate::garbage`]'s, field ownership `patch`'s.
//!
//! Resources are named by their id: `pods`, `deployments.apps`, `events`.

mod definitions;
mod delete;
mod events;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use serde_json::Value;

pub(crate) use self::write::{name_suffix, stamp};
pub use self::{
    delete::{DeleteOptions, Deleted, Propagation},
    events::EventSource,
    write::{Part, WriteOptions},
};
use crate::{
    admission::ServiceNetwork,
    garbage::GarbageQueue,
    kinds::{Kind, Kinds},
    logs::PodLogs,
    selector::LabelSelector,
    status::StatusError,
    store::{Store, StoredObject, Watch},
    timing::Timing,
};

/// One simulated cluster. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    kinds: RwLock<Arc<Kinds>>,
    store: Store,
    logs: PodLogs,
    timing: Timing,
    garbage: GarbageQueue,
    network: Mutex<ServiceNetwork>,
}

impl Cluster {
    /// A cluster over a store; its kinds are those the store was opened with.
    pub(crate) fn new(name: &str, kinds: Kinds, store: Store, timing: Timing) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            kinds: RwLock::new(Arc::new(kinds)),
            store,
            logs: PodLogs::default(),
            timing,
            garbage: GarbageQueue::default(),
            network: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The kinds it serves at present.
    pub fn kinds(&self) -> Arc<Kinds> {
        Arc::clone(&self.inner.kinds.read().expect("no code panics while it holds the kinds"))
    }

    /// Its storage.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The logs of its pods.
    pub fn logs(&self) -> &PodLogs {
        &self.inner.logs
    }

    /// How fast things happen in it.
    pub fn timing(&self) -> &Timing {
        &self.inner.timing
    }

    pub(crate) fn garbage(&self) -> &GarbageQueue {
        &self.inner.garbage
    }

    pub(crate) fn network(&self) -> MutexGuard<'_, ServiceNetwork> {
        self.inner.network.lock().expect("no code panics while it holds the Service network")
    }

    /// The kind stored under a resource id.
    pub fn kind(&self, resource: &str) -> Result<Arc<Kind>, StatusError> {
        self.kinds().stored(resource).cloned().ok_or_else(StatusError::no_such_path)
    }

    /// An object; [`StatusError::not_found`] if there is none.
    pub fn get(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<StoredObject>, StatusError> {
        let kind = self.kind(resource)?;
        let found = self.store().get(resource, namespace, name);
        found.ok_or_else(|| StatusError::not_found(&kind, name))
    }

    /// The objects of a resource in a namespace (`None`: in all) that a label selector takes.
    pub fn list(
        &self,
        resource: &str,
        namespace: Option<&str>,
        selector: &LabelSelector,
    ) -> Vec<Arc<StoredObject>> {
        let (_, mut objects) = self.store().list(resource, namespace);
        objects.retain(|object| object.matches(selector));
        objects
    }

    /// All objects of a resource and a watch that goes on from exactly there.
    pub fn list_and_watch(&self, resource: &str) -> (Vec<Arc<StoredObject>>, Watch) {
        let (revision, objects) = self.store().list(resource, None);
        (objects, self.store().watch(resource, revision))
    }

    /// The objects whose controller (owner reference with `controller: true`) has this uid.
    pub fn controlled_by(&self, resource: &str, uid: &str) -> Vec<Value> {
        let dependents = self.store().dependents(uid);
        let of_resource = dependents.iter().filter(|object| object.kind.storage == resource);
        of_resource
            .map(|object| object.value())
            .filter(|object| crate::object::controller_uid(object) == Some(uid))
            .collect()
    }
}
