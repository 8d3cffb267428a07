//! How the Op of a backup goes on and ends: in one transaction under the fence, with what becomes of the backup.

use rollout::volumes::Snapshot;

use super::OpState;
use super::recorder::{RecordError, Recorder};
use crate::backup::store::{self as backups, PartRow, SnapshotRow};
use crate::backup::{BackupState, claim_identity, failure_identity};
use crate::deployment::Failure;
use crate::store::ids::BackupId;
use crate::store::sql::now;

impl Recorder {
    /// What one method gave is whole and kept.
    pub(crate) async fn backup_part(
        &self,
        backup: BackupId,
        part: &PartRow,
    ) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        backups::put_part(&tx, backup, part).await?;
        self.commit(tx).await
    }

    /// The snapshots of one method are ready and kept.
    pub(crate) async fn backup_snapshots(
        &self,
        backup: BackupId,
        ordinal: i64,
        made: Vec<Snapshot>,
    ) -> Result<(), RecordError> {
        let mut rows = Vec::new();
        for Snapshot { namespace, name, claim, bytes, driver, handle, made_of } in made {
            let claim_sealed = self.seal_json(&claim_identity(backup, &claim), &made_of)?;
            rows.push(SnapshotRow {
                ordinal,
                claim,
                namespace,
                name,
                bytes,
                driver,
                handle,
                claim_sealed,
            });
        }
        let tx = self.fenced().await?;
        for row in &rows {
            backups::put_snapshot(&tx, backup, row).await?;
        }
        self.commit(tx).await
    }

    /// The backup is whole. Older ones go where the environment's schedule says so.
    pub(crate) async fn end_backed_up(&self) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let at = now();
        backups::end(&tx, self.lease().op, BackupState::Complete, None, at).await?;
        backups::delete_surplus(&tx, self.lease().wake.environment, at).await?;
        self.end(tx, OpState::Succeeded).await
    }

    /// The backup is not whole: it failed, or was cancelled.
    pub(crate) async fn end_backup_failed(
        &self,
        backup: BackupId,
        failure: &Failure,
        cancelled: bool,
    ) -> Result<(), RecordError> {
        let sealed = self.seal_json(&failure_identity(backup), failure)?;
        let (state, op) = if cancelled {
            (BackupState::Cancelled, OpState::Cancelled)
        } else {
            (BackupState::Failed, OpState::Failed)
        };
        let tx = self.fenced().await?;
        backups::end(&tx, self.lease().op, state, Some(sealed), now()).await?;
        self.end(tx, op).await
    }

    /// A backup that was to be restored is damaged: it is not offered any more.
    pub(crate) async fn backup_damaged(
        &self,
        backup: BackupId,
        failure: &Failure,
    ) -> Result<(), RecordError> {
        let sealed = self.seal_json(&failure_identity(backup), failure)?;
        let tx = self.fenced().await?;
        backups::set_damaged(&tx, backup, sealed).await?;
        self.commit(tx).await
    }
}
