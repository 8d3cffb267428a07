//! How the Op of a removal ends: in one transaction under the fence, with what becomes of its environment.

use super::recorder::{RecordError, Recorder};
use super::removal::{failure_identity, left_identity};
use super::{Left, OpState, store};
use crate::deployment::Failure;
use crate::domain::store as domains;
use crate::environment::store as environments;
use crate::store::StoreError;
use crate::store::Tx;
use crate::store::ids::EnvironmentId;
use crate::store::sql::now;

/// An environment whose removal is given up lives on, unless objects of it have been deleted.
pub(super) async fn keep_if_whole(tx: &Tx, environment: EnvironmentId) -> Result<(), StoreError> {
    if environments::has_lost_objects(tx, environment).await? {
        return Ok(());
    }
    environments::keep(tx, environment).await
}

impl Recorder {
    /// Notes what the removal has left in the cluster so far.
    pub(crate) async fn removal_left(&self, left: &Left) -> Result<(), RecordError> {
        let op = self.lease().op;
        let sealed = self.seal_json(&left_identity(op), left)?;
        let tx = self.fenced().await?;
        store::set_removal_left(&tx, op, sealed).await?;
        self.commit(tx).await
    }

    /// Everything is gone that was to go: the environment is deleted, its name and place are free.
    pub(crate) async fn end_removed(&self) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        environments::set_deleted(&tx, self.lease().wake.environment, now()).await?;
        domains::free(&tx, self.lease().wake.environment).await?;
        self.end(tx, OpState::Succeeded).await
    }

    /// The removal failed: the environment stays as being deleted, to be removed again or kept.
    pub(crate) async fn end_removal_failed(&self, failure: &Failure) -> Result<(), RecordError> {
        let tx = self.removal_failure(failure).await?;
        self.end(tx, OpState::Failed).await
    }

    /// The removal was cancelled; where nothing was deleted yet the environment lives on.
    pub(crate) async fn end_removal_cancelled(&self, failure: &Failure) -> Result<(), RecordError> {
        let tx = self.removal_failure(failure).await?;
        keep_if_whole(&tx, self.lease().wake.environment).await?;
        self.end(tx, OpState::Cancelled).await
    }

    async fn removal_failure(&self, failure: &Failure) -> Result<Tx, RecordError> {
        let op = self.lease().op;
        let sealed = self.seal_json(&failure_identity(op), failure)?;
        let tx = self.fenced().await?;
        store::set_removal_failure(&tx, op, sealed).await?;
        Ok(tx)
    }
}
