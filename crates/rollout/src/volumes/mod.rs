//! Volumes of claims: snapshotted, and made again from snapshots, by the cluster's own API for it
//! (`snapshot.storage.k8s.io/v1`).
//!
//! [`find`] → [`snapshot`] make snapshots, [`standing`] looks at one, [`delete`] takes them away. [`Restore`] puts volumes
//! back: whatever uses the claims is scaled to zero, each claim is deleted and made anew from its snapshot, and everything
//! is scaled back. All of it can be repeated by whoever goes on after a crash: what is to be known stands on the objects.
//!
//! Not here: what a snapshot is for, when it goes, and in which order data is put back. Nothing is copied out of the
//! cluster: a snapshot lives where its storage has it.

mod bind;
mod claim;
mod quantity;
mod restore;
mod snapshot;
#[cfg(test)]
mod tests;
mod workloads;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

pub use claim::{Claim, Move, Volume, find};
pub use restore::Restore;
pub use snapshot::{How, Snapshot, Wanted, delete, snapshot, standing};

use crate::cluster::{Change, Followed, Resource};
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

/// The field manager of what is changed here and is not Helm's.
const MANAGER: &str = "landfall";

/// The API of snapshots.
const API: &str = "snapshot.storage.k8s.io/v1";

/// Objects that a message names.
const NAMED: usize = 5;

/// Why volumes were not snapshotted, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The cluster was not reached, did not allow it, or the work was stopped.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// Nobody serves snapshots.
    #[error("cluster `{cluster}` has no VolumeSnapshot API ({API})")]
    NoApi {
        /// The cluster.
        cluster: String,
    },
    /// No claim has the labels.
    #[error("no PersistentVolumeClaim with the labels {selector} is in namespace {namespace}")]
    NoClaim {
        /// The labels.
        selector: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// A claim has no volume that could be snapshotted.
    #[error("{claim} is {phase}: it has no volume yet")]
    NotBound {
        /// The claim.
        claim: ObjectKey,
        /// Its phase.
        phase: String,
    },
    /// The cluster's snapshot controller, or its storage, failed.
    #[error("{snapshot} of {claim} failed: {message}")]
    Failed {
        /// The snapshot.
        snapshot: ObjectKey,
        /// The claim that it is of.
        claim: String,
        /// The cluster's words.
        message: String,
    },
    /// Something did not happen in time.
    #[error("{what} {} s after {since}", waited.as_secs())]
    Late {
        /// What is still so: `Pod/shop/db-0 is still there`.
        what: String,
        /// What was done: `it was scaled down`.
        since: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// A claim is used by what cannot be scaled down.
    #[error(
        "{user} uses PersistentVolumeClaim {claim}, and is no StatefulSet or Deployment that could be scaled down, nor of one"
    )]
    Used {
        /// What uses it.
        user: String,
        /// The claim.
        claim: String,
    },
    /// The claim that a volume is to be put into is not there.
    #[error(
        "{claim} is not there: the volume of {from} is put into the claim of the same name, with the Helm release's name in it replaced"
    )]
    NoTarget {
        /// The claim.
        claim: ObjectKey,
        /// The claim that was snapshotted.
        from: String,
    },
    /// A snapshot cannot be handed to another namespace.
    #[error(
        "what the storage calls {snapshot} is not known, since VolumeSnapshotContents could not be read when it was made"
    )]
    NoHandle {
        /// The snapshot.
        snapshot: ObjectKey,
    },
}

impl From<ClusterError> for VolumeError {
    fn from(error: ClusterError) -> Self {
        Self::Rollout(error.into())
    }
}

impl VolumeError {
    /// Whether the same may succeed later with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Rollout(error) if error.is_transient())
    }
}

fn claim_key(namespace: &str, name: &str) -> ObjectKey {
    key("v1", "PersistentVolumeClaim", Some(namespace), name)
}

fn snapshot_key(namespace: &str, name: &str) -> ObjectKey {
    key(API, "VolumeSnapshot", Some(namespace), name)
}

fn content_key(name: &str) -> ObjectKey {
    key(API, "VolumeSnapshotContent", None, name)
}

fn key(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectKey {
    ObjectKey {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// The resource of a kind of the snapshot API.
async fn served(cluster: &Cluster, key: &ObjectKey) -> Result<Resource, VolumeError> {
    match cluster.resource(key).await {
        Err(ClusterError::NoSuchKind { .. }) => {
            Err(VolumeError::NoApi { cluster: cluster.name().to_owned() })
        }
        other => Ok(other?),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Some names of several, for a sentence.
fn some(names: &[String]) -> String {
    let told = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

/// From now to a deadline.
fn left(deadline: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default()
}

/// Follows objects until `look` finds what it looks for; none at the deadline.
async fn until<T>(
    execution: Execution<'_>,
    (resource, namespace): (&Resource, &str),
    followed: Followed,
    deadline: Timestamp,
    mut look: impl FnMut(Change) -> Option<T> + Send,
) -> Result<Option<T>, RolloutError> {
    let (seen, mut changes) = mpsc::channel(16);
    let following =
        execution.cluster.follow(resource, Some(namespace), followed, &seen, |change| change);
    let looking = async {
        while let Some(change) = changes.recv().await {
            if let Some(found) = look(change) {
                return Some(found);
            }
        }
        None
    };
    tokio::select! {
        // It ends by itself only where looking is not allowed.
        ended = following => ended.map(|()| None).map_err(RolloutError::from),
        found = looking => Ok(found),
        () = tokio::time::sleep(left(deadline)) => Ok(None),
        () = execution.cancel.cancelled() => Err(RolloutError::Cancelled),
    }
}

/// Waits until an object is gone; whether it is at the deadline.
async fn until_gone(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
    deadline: Timestamp,
) -> Result<bool, RolloutError> {
    let namespace = key.namespace.as_deref().unwrap_or_default();
    let followed = Followed::One { name: key.name.clone(), version: None };
    let gone = until(execution, (resource, namespace), followed, deadline, |change| {
        matches!(change, Change::Gone(_)).then_some(())
    });
    Ok(gone.await?.is_some())
}
