//! Backups of App Environments: numbered there, made by hand, on a schedule or before a deployment, restored to the same
//! environment or to another one.
//!
//! A backup holds what the environment ran (the content of that deployment: Release, every values layer, manifest) and the
//! App's data by the methods that the App declares (`methods`): commands run in the environment's containers, whose output
//! goes into the object store and back in, or snapshots of volumes, which stay in the cluster. An Op makes it (`work`);
//! until that has succeeded, and once it is found damaged, it is never offered. Restoring is a deployment of the trigger
//! `backup_restored` whose Op puts the data back first (`restore`). What is deleted, and what never became whole, is
//! cleared away by `purge`.

mod create;
mod list;
mod methods;
mod purge;
mod restore;
mod schedule;
pub(crate) mod settings_store;
pub(crate) mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::By;
use crate::closed::closed_set;
use crate::deployment::Failure;
use crate::environment::EnvironmentBrief;
use crate::op::OpBrief;
use crate::release::ReleaseBrief;
use crate::store::ids::{BackupId, DeploymentId, OpId};

pub use create::NewBackup;
pub(crate) use create::queue_before;
pub use methods::{BackupMethod, BackupMethods, ChangeMethods, MethodKind};
pub use restore::RestoreBackup;
pub use schedule::{BackupSchedule, ChangeSchedule};
pub(crate) use store::{BackupRow, PartRow, SnapshotRow};

closed_set! {
    /// How a backup stands.
    pub enum BackupState {
        /// Its Op waits for its turn.
        Queued = "queued",
        /// Its Op runs.
        Running = "running",
        /// It is whole, and can be restored.
        Complete = "complete",
        /// It is not whole.
        Failed = "failed",
        /// Someone stopped it.
        Cancelled = "cancelled",
        /// It was whole, and does not read any more as it was written.
        Damaged = "damaged",
    }
}

impl BackupState {
    /// Whether its Op has ended.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

closed_set! {
    /// Why a backup was made.
    pub enum BackupCause {
        /// Someone asked for it.
        Manual = "manual",
        /// The environment's schedule did.
        Scheduled = "scheduled",
        /// A deployment follows it.
        BeforeDeployment = "before_deployment",
    }
}

/// A backup, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// Its number in its environment, from 1.
    pub number: i64,
    /// The environment it is of.
    pub environment: EnvironmentBrief,
    /// The Release that ran.
    pub release: ReleaseBrief,
    /// The deployment whose values and manifest it holds.
    pub deployment: DeploymentId,
    /// The number of that deployment.
    pub deployment_number: i64,
    /// Why it was made.
    pub cause: BackupCause,
    /// What was said about it; may be empty.
    pub note: String,
    /// How it stands.
    pub state: BackupState,
    /// Bytes that the methods gave, so far; of volumes what they have room for.
    pub bytes: i64,
    /// Bytes that are kept of them, compressed and encrypted.
    pub stored_bytes: i64,
    /// Its Op.
    pub op: OpBrief,
    /// Who made it.
    pub by: By,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its Op ended.
    pub finished_at: Option<Timestamp>,
}

impl Backup {
    /// Whether it can be restored.
    pub fn is_offered(&self) -> bool {
        self.state == BackupState::Complete
    }
}

/// A backup with what only its own page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupDetail {
    /// As lists show it.
    #[serde(flatten)]
    pub backup: Backup,
    /// The data, by method; those that are not there yet have no size.
    pub parts: Vec<BackupPart>,
    /// Why it is not whole, or no longer.
    pub failure: Option<Failure>,
}

impl BackupDetail {
    /// Whether some of its data is snapshots of volumes.
    pub fn has_volumes(&self) -> bool {
        self.parts.iter().any(|part| part.kind == MethodKind::Volumes)
    }
}

/// What one method gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupPart {
    /// The method.
    pub method: String,
    /// How it gets at data.
    pub kind: MethodKind,
    /// The command that gave it; empty for volumes.
    pub command: String,
    /// Bytes; of volumes what they have room for.
    pub bytes: Option<i64>,
    /// Bytes that Landfall keeps; none for volumes.
    pub stored_bytes: Option<i64>,
    /// SHA-256 of the bytes, in hex; none for volumes.
    pub sha256: Option<String>,
    /// The snapshots of volumes, by claim.
    pub snapshots: Vec<BackupSnapshot>,
}

/// The snapshot of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupSnapshot {
    /// The `PersistentVolumeClaim`.
    pub claim: String,
    /// The namespace, of the claim and of the snapshot.
    pub namespace: String,
    /// The `VolumeSnapshot`.
    pub snapshot: String,
    /// Bytes that a volume made of it has room for.
    pub bytes: i64,
    /// The driver that has it; empty where Landfall may not read it.
    pub driver: String,
    /// What the driver calls it; empty where Landfall may not read it.
    pub handle: String,
}

/// The backup that an Op makes, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupBrief {
    /// Its id.
    pub backup: BackupId,
    /// Its number in its environment.
    pub number: i64,
}

/// Label of what belongs to a backup in a cluster: its id.
pub(crate) const BACKUP_LABEL: &str = "landfall.dev/backup";

/// Label of what belongs to backups in a cluster: the environment's id.
pub(crate) const BACKUP_OF_LABEL: &str = "landfall.dev/backup-of";

/// The name of the snapshot of one claim: the same in whichever process it is asked for.
pub(crate) fn snapshot_name(backup: BackupId, claim: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(claim);
    // An id has an underscore, which a name has not.
    format!(
        "landfall-{}-{}",
        backup.to_string().replace('_', "-"),
        crate::objects::hex(&digest[..4])
    )
}

/// Identity of what a snapshot's claim is to be made of again.
pub(crate) fn claim_identity(backup: BackupId, claim: &str) -> String {
    format!("backups/claim/{backup}/{claim}")
}

/// Identity of the sealed text of why a backup is not whole.
pub(crate) fn failure_identity(backup: BackupId) -> String {
    format!("backups/failure/{backup}")
}

/// The name of the stream of one method, as the worker of this fence writes it.
pub(crate) fn stream_name(backup: BackupId, ordinal: i64, op: OpId, fence: i64) -> String {
    format!("{backup}/{ordinal}/{op}.{fence}")
}
