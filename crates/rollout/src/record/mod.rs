//! Helm's release records in the cluster: the history of a release, and one more revision of it.
//!
//! Records are Helm's own Secrets, so that both sides see the same release. A revision made here
//! carries its [`Owner`] as a label; that is how a step that is repeated after a crash finds its
//! revision again instead of making a second one. Every update is tied to the version that was read.

mod finish;
mod history;
mod kept;
mod list;
mod pending;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use helm::release::{Release, Status};
use jiff::Timestamp;

pub use finish::{record_finish, record_finish_after};
#[cfg(test)]
pub(crate) use history::tests::history as history_of;
pub use history::{History, Next, StoredRevision};
pub use kept::{KeptManifests, NothingKept};
pub use list::{FoundRelease, list_releases};
pub use pending::{record_pending, record_pending_after};
pub(crate) use store::{Records, read_records};

use crate::{Cluster, ClusterError, manifest::ManifestError};

/// Marks a revision as made for one deployment of the caller, by a label on its Secret
/// (shown by `helm get metadata` among the labels).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The label's key: `landfall.dev/deployment`.
    pub key: String,
    /// The label's value: the deployment's id.
    pub value: String,
}

/// What to record about the new revision.
#[derive(Clone, Debug)]
pub struct NewRevision {
    /// The record as Helm keeps it: chart, config, manifest, hooks and `info.notes` are stored as
    /// given; name, namespace, version, apply method and the rest of `info` are set here.
    pub content: Release,
    /// Where the caller keeps the manifest ([`KeptManifests`]), for a record that has no room for it.
    pub reference: String,
    /// Whose revision this is.
    pub owner: Owner,
    /// Revisions kept, this one included (Helm's `--history-max`); 0 keeps all.
    pub history_max: u32,
    /// What `helm history` shows once it has succeeded; Helm's words if absent.
    pub description: Option<String>,
    /// A revision of someone else that is pending since less than this is taken for one at work, and
    /// refused; an older one for the remains of a crash, and marked failed.
    pub abandoned_after: Duration,
    /// One of them that is known to be abandoned, however young it is.
    pub abandoned: Option<u32>,
}

/// A pending revision of someone else that may still be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// Its number.
    pub revision: u32,
    /// Helm's status of it: `pending-upgrade`.
    pub status: Status,
    /// When it was begun.
    pub since: Timestamp,
    /// When it counts as the remains of a crash.
    pub until: Timestamp,
}

/// A revision that was recorded as pending.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its number.
    pub revision: u32,
    /// It and the revisions whose end depends on its own, as they stand, where that is known without asking again.
    pub current: Option<History>,
}

/// How a revision ended.
#[derive(Clone, Debug)]
pub enum Finish {
    /// All went well: it becomes the deployed one.
    Deployed,
    /// It failed; the text goes to the description, as Helm words it.
    Failed {
        /// What failed.
        error: String,
        /// Whether the failure was while objects were applied or pruned (for a rollback Helm then
        /// marks the revision before as superseded).
        applying: bool,
    },
}

/// A record that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Someone else works on the release. Helm's words, with who and since when.
    #[error(
        "another operation (install/upgrade/rollback) is in progress: revision {revision} of release `{release}` is {status} since {since}; wait for it to end, or roll the release back with helm"
    )]
    InProgress {
        /// The release.
        release: String,
        /// The pending revision.
        revision: u32,
        /// Its status.
        status: String,
        /// Since when.
        since: Timestamp,
    },
    /// The record was changed by someone else after it was read.
    #[error(
        "revision {revision} of release `{release}` was changed by someone else meanwhile; look at `helm history {release}` and deploy again"
    )]
    Changed {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// The record is gone.
    #[error(
        "revision {revision} of release `{release}` is gone from the cluster; someone has uninstalled the release or removed its record meanwhile"
    )]
    Gone {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// The release does not exist.
    #[error("uninstall: Release not loaded: {release}: release: not found")]
    NotFound {
        /// The release.
        release: String,
    },
    /// The manifest had no room in the record, and is not where it was kept.
    #[error(
        "the manifest of revision {revision} of release `{release}` had no room in its record, and Landfall does not have it any more; deploy by a Landfall that has it"
    )]
    NotKept {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// The record is larger than Kubernetes stores, its manifest apart.
    #[error(
        "the record of release `{release}` is {size} bytes large without its manifest, more than the {limit} that Kubernetes stores; make its hooks and values smaller"
    )]
    TooLarge {
        /// The release.
        release: String,
        /// The size of the encoded record.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The manifest in the last record cannot be read.
    #[error("the manifest of release `{release}` as recorded cannot be read")]
    Manifest {
        /// The release.
        release: String,
        /// Why.
        source: ManifestError,
    },
    /// The request failed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl RecordError {
    /// Whether the same step may succeed later with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Cluster(error) if error.is_transient())
    }
}

/// Reads all revisions of a release, with the manifests that are kept elsewhere.
pub async fn read_history(
    cluster: &Cluster,
    kept: &dyn KeptManifests,
    namespace: &str,
    release: &str,
) -> Result<History, ClusterError> {
    read_records(cluster, kept, namespace, release).await
}
