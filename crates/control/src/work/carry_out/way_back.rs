//! The way back after a deployment failed: what ran before is applied again, as `helm rollback` does. That is the last
//! deployment that succeeded or, while none has, the revision of the Helm release that others had made.

use std::sync::Mutex;

use rollout::crds::Crds;
use rollout::manifest::Desired;
use rollout::plan::{Plan, PlanOptions};
use rollout::record::{History, RecordError};

use super::content::{Settled, new_revision, repeated_revision};
use super::stage::{WAY_BACK, revision_of};
use super::{Broken, Interrupted, Run};
use crate::deployment::job::{Earlier, OthersRevision};
use crate::deployment::prepare::{self, Target};
use crate::environment::Ready;
use crate::objects::ObjectKind;
use crate::op::{LogLevel, StepName, WentBackTo};

/// What a deployment goes back to.
#[derive(Clone, Copy)]
pub(super) enum Good<'a> {
    /// The last deployment that succeeded.
    Deployment(&'a Earlier),
    /// What others had made of the Helm release before the first one.
    Revision(&'a OthersRevision),
}

impl Good<'_> {
    /// It in a few words: `#3 (2.4.0)`.
    pub(super) fn named(self) -> String {
        match self {
            Self::Deployment(good) => {
                format!("#{} ({})", good.deployment.number, good.release.tag)
            }
            Self::Revision(good) => format!("Helm revision {} ({})", good.revision, good.chart),
        }
    }

    /// It as it is kept with the deployment that failed.
    pub(super) fn kept(self) -> WentBackTo {
        match self {
            Self::Deployment(good) => WentBackTo::Deployment(good.deployment.id),
            Self::Revision(good) => WentBackTo::Revision(good.revision.into()),
        }
    }
}

impl Run<'_> {
    /// What ran before.
    pub(super) fn good(&self) -> Option<Good<'_>> {
        let deployment = self.job.last_good.as_ref().map(Good::Deployment);
        deployment.or_else(|| self.job.others.as_ref().map(Good::Revision))
    }

    /// Repeats what ran before.
    pub(super) async fn way_back(&self, good: Good<'_>) -> Result<Ready, Interrupted> {
        self.recorder.add_rollback_steps().await?;
        let to = good.named();
        self.reports.say(LogLevel::Warning, format!("Rolling back to {to}")).await;
        let step = StepName::RollBackCheck;
        let target = Target::of_way_back(
            self.cluster.clone(),
            &self.job.environment,
            self.job.deployment.id,
        );
        self.begin(step).await?;
        let settled = match good {
            Good::Deployment(good) => self.settle_deployment(good, &target).await,
            Good::Revision(good) => self.settle_revision(good, &target).await,
        };
        let settled = match settled {
            Ok(settled) => settled,
            Err(error) => return self.fail(step, error).await,
        };
        self.done(step, &to).await?;
        self.roll_out(&WAY_BACK, &settled).await
    }

    async fn settle_deployment(&self, good: &Earlier, target: &Target) -> Result<Settled, Broken> {
        let Earlier { content, .. } = good;
        let chart = self.control.prepared_chart(&content.row.archive_sha256).await?;
        let repeats = repeated_revision(good);
        let desired = prepare::desired(target, &content.rendering, Crds::default(), repeats)?;
        let new = revision_of(content, &chart, target)?;
        let history = self.history_now(target).await?;
        let plan = match &self.job.rollback_content {
            Some(planned) if history.next(&target.owner).continued => planned.plan.clone(),
            _ => {
                let plan = self.plan_way_back(target, &desired, &history).await?;
                let row = self.control.content_replan(&content.row, &plan, &[]).await?;
                // Only a lost lease stands against it, and that ends the run at its next write.
                let _ = self.recorder.rollback_content(row.id).await;
                plan
            }
        };
        Ok(Settled { desired, plan, new, history: Mutex::new(Some(history)) })
    }

    /// Chart, values and hooks are those of the revision's own record, as Helm copies it.
    async fn settle_revision(
        &self,
        good: &OthersRevision,
        target: &Target,
    ) -> Result<Settled, Broken> {
        let history = self.history_now(target).await?;
        let repeated = history.revisions().iter().find(|it| it.revision() == good.revision);
        let Some(repeated) = repeated else {
            let (release, revision) = (target.release_name.clone(), good.revision);
            return Err(Broken::Rollout(RecordError::Gone { release, revision }.into()));
        };
        let repeats = Some(good.revision);
        let desired = prepare::desired(target, &good.rendering, Crds::default(), repeats)?;
        let new = new_revision(repeated.release.clone(), &good.address, target);
        let plan = match &good.plan {
            Some(planned) if history.next(&target.owner).continued => planned.clone(),
            _ => {
                let plan = self.plan_way_back(target, &desired, &history).await?;
                let address = self.control.objects().put_json(ObjectKind::Plan, &plan).await?;
                // As above.
                let _ = self.recorder.rollback_plan(&address).await;
                plan
            }
        };
        Ok(Settled { desired, plan, new, history: Mutex::new(Some(history)) })
    }

    async fn history_now(&self, target: &Target) -> Result<History, Broken> {
        self.retry(|| async { Ok(target.history(self.control).await?) }).await
    }

    async fn plan_way_back(
        &self,
        target: &Target,
        desired: &Desired,
        history: &History,
    ) -> Result<Plan, Broken> {
        // As Helm's way back: what was to be overruled on the way there is overruled on the way back.
        let force_conflicts = self.job.deployment.force_conflicts;
        let options = PlanOptions { force_conflicts, ..PlanOptions::default() };
        self.retry(|| async {
            Ok(prepare::plan(self.control, target, desired, history, &options).await?)
        })
        .await
    }
}
