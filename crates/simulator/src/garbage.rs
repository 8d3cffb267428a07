//! Garbage collection: what becomes of objects whose owner or namespace goes.
//!
//! Work is queued by every write that could make some, and done by [`GarbageQueue::collect`]: a
//! loop calls it in a running cluster, tests call it directly. After a restart
//! [`GarbageQueue::sweep`] queues what a killed process left half done.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    cluster::{Cluster, DeleteOptions, Part, Propagation, WriteOptions},
    object,
    store::{ObjectRef, StoredObject},
};

#[derive(Debug)]
enum Work {
    /// An object has gone: its dependents, its owners and its namespace may follow.
    Removed(Arc<StoredObject>),
    /// An object may lack all its owners, or wait for the deletion of its dependents.
    Check(ObjectRef),
}

/// The objects to look at.
#[derive(Debug, Default)]
pub(crate) struct GarbageQueue {
    work: Mutex<VecDeque<Work>>,
    added: Notify,
}

impl GarbageQueue {
    fn work(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.work.lock().expect("no code panics while it holds the queue")
    }

    fn push(&self, work: Work) {
        self.work().push_back(work);
        self.added.notify_one();
    }

    /// Tells of a new object.
    pub(crate) fn created(&self, object: &Arc<StoredObject>) {
        if object.owners().next().is_some() {
            self.push(Work::Check(ObjectRef::of(object)));
        }
    }

    /// Tells of a changed object.
    pub(crate) fn changed(&self, object: &Arc<StoredObject>) {
        let deleting = object.is_deleting();
        if deleting || object.owners().next().is_some() {
            self.push(Work::Check(ObjectRef::of(object)));
        }
    }

    /// Tells of an object that is gone.
    pub(crate) fn removed(&self, object: &Arc<StoredObject>) {
        self.push(Work::Removed(Arc::clone(object)));
    }

    /// Queues every object that could be garbage.
    pub(crate) fn sweep(&self, cluster: &Cluster) {
        for storage in cluster.kinds().storages() {
            for object in cluster.store().list(storage, None).1 {
                self.changed(&object);
            }
        }
    }

    /// Collects for ever.
    pub(crate) async fn run(cluster: Cluster) {
        loop {
            cluster.garbage().added.notified().await;
            Self::collect(&cluster);
        }
    }

    /// Does all queued work, and the work that follows from it.
    pub(crate) fn collect(cluster: &Cluster) {
        loop {
            let Some(work) = cluster.garbage().work().pop_front() else {
                return;
            };
            match work {
                Work::Removed(gone) => after_removal(cluster, &gone),
                Work::Check(place) => check(cluster, &place),
            }
        }
    }
}

fn after_removal(cluster: &Cluster, gone: &StoredObject) {
    for dependent in cluster.store().dependents(&gone.uid) {
        check(cluster, &ObjectRef::of(&dependent));
    }
    for owner in gone.owners().filter_map(|uid| cluster.store().by_uid(uid)) {
        check(cluster, &ObjectRef::of(&owner));
    }
    if !gone.namespace.is_empty()
        && let Some(namespace) = cluster.store().get("namespaces", "", &gone.namespace)
    {
        check(cluster, &ObjectRef::of(&namespace));
    }
    if gone.kind.storage == "pods" {
        cluster.logs().forget(&gone.uid);
    }
}

fn check(cluster: &Cluster, place: &ObjectRef) {
    let found = cluster.store().get(&place.resource, &place.namespace, &place.name);
    let Some(stored) = found else { return };
    let value = stored.value();
    if object::is_deleting(&value) {
        let finalizers = object::list(&value, &["metadata", "finalizers"]);
        if finalizers.contains(&json!("orphan")) {
            orphan_dependents(cluster, &stored);
            drop_finalizer(cluster, &stored, "orphan");
        } else if finalizers.contains(&json!("foregroundDeletion")) {
            delete_dependents_first(cluster, &stored);
        } else if stored.kind.storage == "namespaces" {
            empty_namespace(cluster, &stored);
        }
    } else {
        collect_if_unowned(cluster, &stored, &value);
    }
}

/// Deletes an object none of whose owners exist; drops the references to those that are gone.
fn collect_if_unowned(cluster: &Cluster, stored: &StoredObject, value: &Value) {
    let owners = object::owner_references(value);
    let exists = |owner: &Value| {
        cluster.store().by_uid(object::text(owner, &["uid"])).is_some_and(|found| {
            // An owner elsewhere is no owner: references never cross namespaces.
            found.namespace.is_empty() || found.namespace == stored.namespace
        })
    };
    let present = owners.iter().filter(|owner| exists(owner)).count();
    if owners.is_empty() || present == owners.len() {
        return;
    }
    if present == 0 {
        let mut options = DeleteOptions::propagation(Propagation::Background);
        options.preconditions.uid = Some(stored.uid.to_string());
        let (resource, namespace) = (&stored.kind.storage, &stored.namespace);
        log_failure(cluster.delete(resource, namespace, &stored.name, &options));
    } else {
        edit_owners(cluster, stored, |owner| exists(owner));
    }
}

fn orphan_dependents(cluster: &Cluster, owner: &StoredObject) {
    for dependent in cluster.store().dependents(&owner.uid) {
        edit_owners(cluster, &dependent, |reference| {
            object::text(reference, &["uid"]) != &*owner.uid
        });
    }
}

fn delete_dependents_first(cluster: &Cluster, owner: &StoredObject) {
    let mut blocked = false;
    for dependent in cluster.store().dependents(&owner.uid) {
        let value = dependent.value();
        let blocks = object::owner_references(&value).iter().any(|reference| {
            reference["uid"] == *owner.uid && reference["blockOwnerDeletion"] == json!(true)
        });
        blocked |= blocks;
        if !object::is_deleting(&value) {
            let options = DeleteOptions::propagation(Propagation::Foreground);
            let (resource, namespace) = (&dependent.kind.storage, &dependent.namespace);
            log_failure(cluster.delete(resource, namespace, &dependent.name, &options));
        }
    }
    if !blocked {
        drop_finalizer(cluster, owner, "foregroundDeletion");
    }
}

fn empty_namespace(cluster: &Cluster, namespace: &StoredObject) {
    let contents = cluster.store().in_namespace(&namespace.name);
    for object in &contents {
        if !object.is_deleting() {
            let options = DeleteOptions::propagation(Propagation::Background);
            log_failure(cluster.delete(
                &object.kind.storage,
                &object.namespace,
                &object.name,
                &options,
            ));
        }
    }
    if cluster.store().in_namespace(&namespace.name).is_empty() {
        let options = WriteOptions::default();
        log_failure(cluster.update(
            "namespaces",
            "",
            &namespace.name,
            Part::Main,
            &options,
            |value| {
                object::map_mut(value, "spec").shift_remove("finalizers");
                Ok(())
            },
        ));
    }
}

fn drop_finalizer(cluster: &Cluster, stored: &StoredObject, finalizer: &str) {
    edit(cluster, stored, |value| {
        let metadata = object::metadata_mut(value);
        if let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|it| it != finalizer);
            if finalizers.is_empty() {
                metadata.shift_remove("finalizers");
            }
        }
    });
}

fn edit_owners(cluster: &Cluster, stored: &StoredObject, keep: impl Fn(&Value) -> bool) {
    edit(cluster, stored, |value| {
        let metadata = object::metadata_mut(value);
        if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
            owners.retain(&keep);
            if owners.is_empty() {
                metadata.shift_remove("ownerReferences");
            }
        }
    });
}

fn edit(cluster: &Cluster, stored: &StoredObject, mut change: impl FnMut(&mut Value)) {
    let (resource, namespace, name) = (&stored.kind.storage, &stored.namespace, &stored.name);
    let options = WriteOptions::default();
    log_failure(cluster.update(resource, namespace, name, Part::Main, &options, |value| {
        // A new object of the same name is none of our business.
        if object::uid(value) == &*stored.uid {
            change(value);
        }
        Ok(())
    }));
}

/// An object that went meanwhile needs no more work; anything else is worth a line.
fn log_failure<T>(result: Result<T, crate::status::StatusError>) {
    if let Err(error) = result
        && !error.is_not_found()
    {
        tracing::warn!(%error, "garbage collection could not go on");
    }
}
