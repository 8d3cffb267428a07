//! Deleting objects: preconditions, grace periods, finalizers, what becomes of dependents.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cluster, write::write_failed};
use crate::{
    kinds::{
        Kind,
        custom::{self, DEFINITIONS},
    },
    object,
    status::StatusError,
    store::{StoredObject, WriteError},
};

/// What becomes of the objects that name the deleted one as their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Propagation {
    /// They stay and lose the reference.
    Orphan,
    /// They go after the owner.
    Background,
    /// They go before the owner.
    Foreground,
}

/// `DeleteOptions` as far as the simulator acts on them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeleteOptions {
    /// Seconds a pod may take to stop.
    pub grace_period_seconds: Option<i64>,
    /// What becomes of dependents; `None` takes the kind's default.
    pub propagation_policy: Option<Propagation>,
    /// Older form of the policy.
    pub orphan_dependents: Option<bool>,
    /// What has to be true of the object.
    pub preconditions: Preconditions,
    /// `["All"]` for a dry run.
    pub dry_run: Vec<String>,
}

/// Conditions of a deletion.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preconditions {
    /// The object has to be this very one.
    pub uid: Option<String>,
    /// The object has to be unchanged since.
    pub resource_version: Option<String>,
}

/// What a deletion did.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<StoredObject>),
    /// It waits for a grace period or finalizers; this is its present state.
    Waiting(Arc<StoredObject>),
}

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// Grace period of pods that name none.
const DEFAULT_GRACE: i64 = 30;

impl DeleteOptions {
    /// Options that remove a pod at once, as a kubelet does when its containers have stopped.
    pub fn at_once(uid: &str) -> Self {
        Self {
            grace_period_seconds: Some(0),
            preconditions: Preconditions { uid: Some(uid.to_owned()), resource_version: None },
            ..Self::default()
        }
    }

    /// Options with a propagation policy and nothing else.
    pub fn propagation(policy: Propagation) -> Self {
        Self { propagation_policy: Some(policy), ..Self::default() }
    }

    fn policy(&self, kind: &Kind) -> Propagation {
        // Kubernetes keeps the old default of these two for old clients.
        let orphans = matches!(kind.storage.as_str(), "replicationcontrollers" | "jobs.batch");
        match (self.propagation_policy, self.orphan_dependents.unwrap_or(orphans)) {
            (Some(policy), _) => policy,
            (None, true) => Propagation::Orphan,
            (None, false) => Propagation::Background,
        }
    }

    fn check(&self, kind: &Kind, object: &StoredObject) -> Result<(), StatusError> {
        let refuse = |what: &str, wanted: &str, found: &str| {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            );
            Err(StatusError::conflict_because(kind, &object.name, &why))
        };
        match (&self.preconditions.uid, &self.preconditions.resource_version) {
            (Some(uid), _) if **uid != *object.uid => refuse("UID", uid, &object.uid),
            (_, Some(version)) if *version != object.revision.to_string() => {
                refuse("ResourceVersion", version, &object.revision.to_string())
            }
            _ => Ok(()),
        }
    }
}

impl Cluster {
    /// Deletes an object, or begins to: see [`Deleted`].
    pub fn delete(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, StatusError> {
        let kind = self.kind(resource)?;
        loop {
            let current = self.get(resource, namespace, name)?;
            options.check(&kind, &current)?;
            let old = self.present_form(&current)?;
            let new = begin_deletion(&kind, &old, options);
            let gone = may_go(&kind, &new);
            if !options.dry_run.is_empty() {
                return Ok(if gone {
                    Deleted::Gone(current)
                } else {
                    Deleted::Waiting(Arc::new(StoredObject::new(&kind, &new, current.revision)))
                });
            }
            let written = if gone {
                self.store().remove(&current, current.revision).map(Deleted::Gone)
            } else if new == old {
                return Ok(Deleted::Waiting(current));
            } else {
                self.store().put(&kind, new, Some(current.revision)).map(Deleted::Waiting)
            };
            match written {
                Ok(deleted) => {
                    match &deleted {
                        Deleted::Gone(last) => self.after_removal(last),
                        Deleted::Waiting(object) => self.garbage().changed(object),
                    }
                    return Ok(deleted);
                }
                Err(WriteError::Raced) => {}
                Err(error) => return Err(write_failed(&error)),
            }
        }
    }
}

/// The object with its deletion begun: time, grace period, finalizers of the policy.
fn begin_deletion(kind: &Kind, old: &Value, options: &DeleteOptions) -> Value {
    let mut new = old.clone();
    let grace = grace_period(kind, old, options);
    let finalizer = match options.policy(kind) {
        Propagation::Foreground => Some(FOREGROUND),
        Propagation::Orphan => Some(ORPHAN),
        Propagation::Background => None,
    };
    let metadata = object::metadata_mut(&mut new);
    if !metadata.contains_key("deletionTimestamp") {
        let now = jiff::Timestamp::now();
        let end = now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(now);
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        metadata.insert("deletionTimestamp".to_owned(), json!(end));
        metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
            metadata.insert("generation".to_owned(), json!(generation + 1));
        }
    } else if metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64) > Some(grace) {
        metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    }
    let mut finalizers: Vec<Value> =
        metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    finalizers.retain(|it| {
        *it != FOREGROUND && *it != ORPHAN || Some(it) == finalizer.map(Value::from).as_ref()
    });
    if let Some(finalizer) = finalizer.filter(|it| !finalizers.iter().any(|found| found == it)) {
        finalizers.push(json!(finalizer));
    }
    if finalizers.is_empty() {
        metadata.shift_remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), Value::Array(finalizers));
    }
    if kind.storage == "namespaces" {
        object::map_mut(&mut new, "status").insert("phase".to_owned(), json!("Terminating"));
    }
    if kind.storage == DEFINITIONS && !object::is_deleting(old) {
        custom::begin_cleanup(&mut new);
    }
    new
}

/// Seconds until the object may go; only pods on a node have any.
fn grace_period(kind: &Kind, object: &Value, options: &DeleteOptions) -> i64 {
    let on_a_node =
        kind.storage == "pods" && !object::text(object, &["spec", "nodeName"]).is_empty();
    let ended = matches!(object::text(object, &["status", "phase"]), "Succeeded" | "Failed");
    if !on_a_node || ended {
        return 0;
    }
    let own = object::integer(object, &["spec", "terminationGracePeriodSeconds"]);
    options.grace_period_seconds.or(own).unwrap_or(DEFAULT_GRACE).max(0)
}

/// Whether nothing keeps a deleted object any more.
pub(super) fn may_go(kind: &Kind, object: &Value) -> bool {
    let grace = object::integer(object, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
    let held = !object::list(object, &["metadata", "finalizers"]).is_empty()
        || (kind.storage == "namespaces"
            && !object::list(object, &["spec", "finalizers"]).is_empty());
    !held && (kind.storage != "pods" || grace == 0)
}
