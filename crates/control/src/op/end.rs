//! How the Op of a deployment ends: one transaction under the fence that ends the Op, its deployment, and, where the
//! deployment succeeded, brings the environment up to date. How a removal ends is in `end_removal`.

use super::recorder::{RecordError, Recorder};
use super::{Carries, OpState, store};
use crate::backup::store as backups;
use crate::deployment::content::ContentRow;
use crate::deployment::store::{self as deployments, DeploymentRow};
use crate::deployment::{DeploymentState, Failure, Trigger, failure_identity};
use crate::domain::store as domains;
use crate::environment::Ready;
use crate::environment::store::{self as environments, Deployed, NewValuesRow};
use crate::error::Error;
use crate::objects::Address;
use crate::observed::{self, News};
use crate::store::ids::{ContentId, DeploymentId, PreviewId};
use crate::store::sql::{Json, now, sql};
use crate::store::wake::Wake;
use crate::store::{StoreError, Tx};
use crate::work::Lease;

/// What was repeated after a deployment had failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WentBackTo {
    /// An earlier deployment.
    Deployment(DeploymentId),
    /// A revision of the Helm release that others had made.
    Revision(i64),
}

/// The App values revision that an environment holds once a deployment has succeeded.
///
/// One that follows goes on following, whatever was saved meanwhile: that it is not the newest any more does not mean that
/// anybody wanted an older one.
async fn held_after(tx: &Tx, deployment: &DeploymentRow) -> Result<Option<i64>, StoreError> {
    let used = deployment.app_values_revision;
    if deployment.trigger == Trigger::Rollback {
        return Ok(Some(used));
    }
    let newest = crate::app::store::values_revision(tx, deployment.app).await?;
    // An older revision that came back with the environment's own backup is held for the same reason.
    if let (Some(backup), true) = (deployment.backup, used != newest) {
        let restored = backups::by_id(tx, backup).await?;
        if restored.is_some_and(|backup| backup.environment == deployment.environment) {
            return Ok(Some(used));
        }
    }
    let environment = environments::by_id(tx, deployment.environment).await?;
    let held = environment.and_then(|environment| environment.holds_app_values);
    Ok(held.filter(|held| *held == used && used != newest))
}

impl Recorder {
    /// Notes what the deployment consists of, as soon as that is known.
    pub(super) async fn put_content(&self, tx: &Tx, row: &ContentRow) -> Result<(), RecordError> {
        sql("UPDATE deployments SET content_id = $2, changes = $3, changed_values = $4 WHERE id = $1")
            .bind(self.lease().deployment()?)
            .bind(row.id)
            .bind(Json(&row.changes))
            .bind(Json(&row.changed_values))
            .run(tx, "note what a deployment consists of")
            .await?;
        Ok(())
    }

    /// Notes what the way back after a failure consists of.
    pub(crate) async fn rollback_content(&self, content: ContentId) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        sql("UPDATE deployments SET rollback_content_id = $2 WHERE id = $1")
            .bind(self.lease().deployment()?)
            .bind(content)
            .run(&tx, "note what a deployment goes back to")
            .await?;
        self.commit(tx).await
    }

    /// Notes the plan of the way back to a revision that no deployment made.
    pub(crate) async fn rollback_plan(&self, plan: &Address) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        sql("UPDATE deployments SET rollback_plan_object = $2 WHERE id = $1")
            .bind(self.lease().deployment()?)
            .bind(plan)
            .run(&tx, "note how a deployment goes back")
            .await?;
        self.commit(tx).await
    }

    /// Notes the revision of the Helm release that the deployment writes.
    pub(super) async fn put_helm_revision(
        &self,
        tx: &Tx,
        revision: i64,
    ) -> Result<(), RecordError> {
        sql("UPDATE deployments SET helm_revision = $2 WHERE id = $1")
            .bind(self.lease().deployment()?)
            .bind(revision)
            .run(tx, "note the revision of a Helm release")
            .await?;
        // Whatever others made before it, the newest is ours now.
        observed::store::set_newest(tx, self.lease().wake.environment, None).await?;
        Ok(())
    }

    /// Notes revisions of the Helm release that others have made.
    pub(crate) async fn observed(&self, news: &News) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        observed::store::write(&tx, news).await?;
        self.commit(tx).await
    }

    /// The deployment succeeded: the environment runs it from now on.
    ///
    /// Its values become the environment's. After a rollback the environment holds the App values
    /// revision of what it went back to; a deployment with another one makes it follow.
    pub(crate) async fn end_succeeded(&self, ready: Option<Ready>) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let deployment = self.deployment_row(&tx).await?;
        let at = now();
        deployments::end(&tx, deployment.id, DeploymentState::Succeeded, None, at).await?;
        let holds = held_after(&tx, &deployment).await?;
        environments::set_deployed(
            &tx,
            &Deployed {
                environment: deployment.environment,
                deployment: deployment.id,
                release: deployment.release,
                holds_app_values: holds,
                ready,
            },
        )
        .await?;
        if matches!(deployment.trigger, Trigger::DomainDeployed | Trigger::DomainReset) {
            let (environment, domain) = (deployment.environment, deployment.domain);
            domains::set_deployed(&tx, environment, domain, at).await?;
        }
        self.write_values_back(&tx, &deployment, at).await?;
        self.end_deployment(tx, &deployment, OpState::Succeeded).await
    }

    /// What the deployment was made with becomes the environment's own values.
    async fn write_values_back(
        &self,
        tx: &Tx,
        deployment: &DeploymentRow,
        at: jiff::Timestamp,
    ) -> Result<(), RecordError> {
        let newest = environments::newest_values(tx, deployment.environment).await?;
        let values = match (&deployment.values, &newest) {
            (Some(values), _) => values.clone(),
            (None, None) => return Ok(()),
            (None, Some(_)) => self.control().objects().empty_values().await?,
        };
        let note = format!("deployment #{}", deployment.number);
        environments::add_values(
            tx,
            newest,
            &NewValuesRow {
                environment: deployment.environment,
                values: &values,
                note: &note,
                deployment: Some(deployment.id),
                at,
                by: &deployment.created_by,
            },
        )
        .await?;
        Ok(())
    }

    /// The deployment has failed, and its Op goes on with the way back.
    pub(crate) async fn failing(&self, failure: &Failure) -> Result<(), RecordError> {
        let deployment = self.lease().deployment()?;
        let sealed = self.seal(failure, deployment)?;
        let tx = self.fenced().await?;
        sql("UPDATE deployments SET failure_sealed = $2 WHERE id = $1")
            .bind(deployment)
            .bind(sealed)
            .run(&tx, "note why a deployment failed")
            .await?;
        self.commit(tx).await
    }

    /// The deployment failed. `rolled_back_to`: what was repeated after it.
    pub(crate) async fn end_failed(
        &self,
        failure: &Failure,
        rolled_back_to: Option<WentBackTo>,
        ready: Option<Ready>,
    ) -> Result<(), RecordError> {
        let sealed = self.seal(failure, self.lease().deployment()?)?;
        let tx = self.fenced().await?;
        let deployment = self.deployment_row(&tx).await?;
        deployments::end(&tx, deployment.id, DeploymentState::Failed, Some(sealed), now()).await?;
        let noting = match rolled_back_to {
            Some(WentBackTo::Deployment(back)) => Some(
                sql("UPDATE deployments SET rolled_back_to_id = $2 WHERE id = $1")
                    .bind(deployment.id)
                    .bind(back),
            ),
            Some(WentBackTo::Revision(back)) => Some(
                sql("UPDATE deployments SET rolled_back_revision = $2 WHERE id = $1")
                    .bind(deployment.id)
                    .bind(back),
            ),
            None => None,
        };
        if let Some(noting) = noting {
            noting.run(&tx, "note what a deployment went back to").await?;
        }
        if let Some(ready) = ready {
            environments::set_ready(&tx, deployment.environment, ready).await?;
        }
        self.end_deployment(tx, &deployment, OpState::Failed).await
    }

    /// The deployment was cancelled; `failure` says what it left behind.
    pub(crate) async fn end_cancelled(&self, failure: &Failure) -> Result<(), RecordError> {
        let sealed = self.seal(failure, self.lease().deployment()?)?;
        let tx = self.fenced().await?;
        let deployment = self.deployment_row(&tx).await?;
        deployments::end(&tx, deployment.id, DeploymentState::Cancelled, Some(sealed), now())
            .await?;
        self.end_deployment(tx, &deployment, OpState::Cancelled).await
    }

    /// Nothing was done, because the plan no longer fits: the new one is offered as a preview.
    pub(crate) async fn end_needs_confirmation(
        &self,
        new_preview: PreviewId,
    ) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let deployment = self.deployment_row(&tx).await?;
        let state = DeploymentState::NeedsConfirmation;
        deployments::end(&tx, deployment.id, state, None, now()).await?;
        sql("UPDATE deployments SET new_preview_id = $2 WHERE id = $1")
            .bind(deployment.id)
            .bind(new_preview)
            .run(&tx, "offer a new preview")
            .await?;
        self.end_deployment(tx, &deployment, OpState::NeedsConfirmation).await
    }

    async fn deployment_row(&self, tx: &Tx) -> Result<DeploymentRow, RecordError> {
        let id = self.lease().deployment()?;
        deployments::by_id(tx, id)
            .await?
            .ok_or_else(|| Error::internal("end an Op", "the row of its deployment is gone").into())
    }

    fn seal(&self, failure: &Failure, deployment: DeploymentId) -> Result<Vec<u8>, RecordError> {
        self.seal_json(&failure_identity(deployment), failure)
    }

    /// What is told of an Op, encrypted for the row of this identity.
    pub(super) fn seal_json(
        &self,
        identity: &str,
        told: &impl serde::Serialize,
    ) -> Result<Vec<u8>, RecordError> {
        let sealer = self.control().objects().sealer();
        Ok(sealer.seal_json(identity, told, "store what an Op came to")?)
    }

    /// Ends the Op of a deployment, and tells the batch that it is of.
    async fn end_deployment(
        &self,
        tx: Tx,
        deployment: &DeploymentRow,
        state: OpState,
    ) -> Result<(), RecordError> {
        self.end(tx, state).await?;
        if deployment.batch.is_some() {
            self.control().wakes().send(Wake::Batches).await;
        }
        Ok(())
    }

    /// Ends the Op in the transaction of what it came to.
    pub(super) async fn end(&self, tx: Tx, state: OpState) -> Result<(), RecordError> {
        let Lease { op, wake, carries, .. } = *self.lease();
        store::skip_rest(&tx, op).await?;
        sql("UPDATE ops SET state = $2, finished_at = $3, lease_until = NULL, \
             percent = CASE WHEN $2 = 'succeeded' THEN 100 ELSE percent END WHERE id = $1")
        .bind(op)
        .bind(state)
        .bind(now())
        .run(&tx, "end an Op")
        .await?;
        environments::refresh_status(&tx, wake.environment).await?;
        self.commit(tx).await?;
        self.control().metrics().ended(state);
        let wakes = self.control().wakes();
        wakes.send(Wake::Queue).await;
        if carries == Carries::Backup {
            wakes.send(Wake::Backups).await;
        }
        Ok(())
    }
}
