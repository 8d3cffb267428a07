//! Deployments: one change applied to one App Environment, numbered there, never edited.
//!
//! This folder decides what a deployment consists of and queues its Op; workers (`work`) carry it
//! out.

mod compare;
pub(crate) mod content;
mod create;
pub(crate) mod history_store;
pub(crate) mod job;
mod list;
pub(crate) mod mask;
pub(crate) mod mask_values;
pub(crate) mod prepare;
mod preview;
pub(crate) mod render;
mod rollback;
pub(crate) mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::By;
use crate::app::AppBrief;
use crate::closed::closed_set;
use crate::environment::EnvironmentBrief;
use crate::objects::Sealer;
use crate::op::{Culprit, Op, OpBrief};
use crate::release::ReleaseBrief;
use crate::store::ids::{BackupId, BatchId, DeploymentId, PreviewId};
use crate::values::MergedValues;

pub use compare::{Compared, Comparison, ComparisonRequest, LaidValue, ValueDifference};
pub use create::{NewDeployment, NewEnvironmentValues};
pub(crate) use create::{Queued, queue};
pub use list::DeploymentFilter;
#[cfg(test)]
pub(crate) use list::matching;
pub use preview::{Estimate, NewPreview, Preview, PreviewWarning};
pub use rollback::{NewRollback, RollbackTo};

/// Identity of the sealed line that lists show of a deployment's culprit.
pub(crate) fn culprit_identity(deployment: DeploymentId) -> String {
    format!("deployments/culprit/{deployment}")
}

/// Identity of the sealed [`Failure`] of a deployment.
pub(crate) fn failure_identity(deployment: DeploymentId) -> String {
    format!("deployments/failure/{deployment}")
}

/// Opens the line that lists show. One that does not open is told as such: the list stays whole.
pub(crate) fn open_culprit(
    sealer: &Sealer,
    deployment: DeploymentId,
    sealed: Option<Vec<u8>>,
) -> Option<String> {
    let opened = sealer.open(&culprit_identity(deployment), &sealed?);
    Some(match opened {
        Ok(line) => String::from_utf8_lossy(&line).into_owned(),
        Err(error) => error.to_string(),
    })
}

closed_set! {
    /// What made a deployment.
    pub enum Trigger {
        /// Someone deployed, in the pages, the API or the CLI.
        Manual = "manual",
        /// The environment was made.
        EnvironmentCreated = "environment_created",
        /// The App's or the environment's Helm values were updated.
        ValuesUpdated = "values_updated",
        /// An earlier deployment is repeated.
        Rollback = "rollback",
        /// A backup was restored.
        BackupRestored = "backup_restored",
        /// A custom domain was deployed.
        DomainDeployed = "domain_deployed",
        /// The custom domain was taken back.
        DomainReset = "domain_reset",
    }
}

closed_set! {
    /// How a deployment stands.
    pub enum DeploymentState {
        /// Waits for its turn.
        Queued = "queued",
        /// Its Op runs.
        Running = "running",
        /// Done; the environment runs it.
        Succeeded = "succeeded",
        /// Not done; `failure` says why and what state the cluster is in.
        Failed = "failed",
        /// Stopped by someone.
        Cancelled = "cancelled",
        /// A newer automatic deployment took its place before it began.
        Superseded = "superseded",
        /// The cluster had changed since the preview: nothing was done, the new diff is offered.
        NeedsConfirmation = "needs_confirmation",
    }
}

closed_set! {
    /// What the plan is held to.
    pub enum PlanPolicy {
        /// The plan shown in the preview, or none at all.
        AsPreviewed = "as_previewed",
        /// Whatever the plan is when the Op runs.
        Replan = "replan",
    }
}

closed_set! {
    /// What happens if a deployment fails.
    pub enum OnFailure {
        /// The cluster is left as it is.
        Leave = "leave",
        /// The last good deployment is repeated, within the same Op.
        RollBack = "roll_back",
    }
}

closed_set! {
    /// Which App values a deployment by hand uses.
    pub enum AppValuesChoice {
        /// The newest: an environment that holds a revision follows again afterwards.
        Newest = "newest",
        /// The revision that the environment holds, if it holds one.
        Held = "held",
    }
}

/// How many objects a plan touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// Created.
    pub create: i64,
    /// Changed in place.
    pub change: i64,
    /// Deleted and created anew.
    pub replace: i64,
    /// Deleted.
    pub delete: i64,
    /// Left as they are.
    pub same: i64,
}

/// A deployment, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its number in its environment, from 1.
    pub number: i64,
    /// Its environment.
    pub environment: EnvironmentBrief,
    /// The App.
    pub app: AppBrief,
    /// The Release it applies.
    pub release: ReleaseBrief,
    /// The Release that ran when it was made; none for the first.
    pub from: Option<ReleaseBrief>,
    /// What made it.
    pub trigger: Trigger,
    /// For a rollback, the number of the deployment that it repeats.
    pub repeats: Option<i64>,
    /// For a restored backup, which one.
    pub restores: Option<RestoredBackup>,
    /// What the person said about it; may be empty.
    pub reason: String,
    /// How it stands.
    pub state: DeploymentState,
    /// What the plan is held to.
    pub plan_policy: PlanPolicy,
    /// What happens if it fails.
    pub on_failure: OnFailure,
    /// Whether it takes over fields that other managers own, as Helm's `--force-conflicts` does.
    pub force_conflicts: bool,
    /// The batch it belongs to, if one act made many.
    pub batch: Option<BatchId>,
    /// The App values revision it uses; 0: none were ever saved.
    pub app_values_revision: i64,
    /// Revision of the Helm release that it wrote; none before its step `record`.
    pub helm_revision: Option<i64>,
    /// What its plan touches; none before there is a plan.
    pub changes: Option<Changes>,
    /// Paths of values that differ from the deployment that ran before, at most 20.
    pub changed_values: Vec<String>,
    /// What is wrong, in one line.
    pub culprit: Option<String>,
    /// What it rolled back to after its failure.
    pub rolled_back_to: Option<ReleaseBrief>,
    /// The revision of the Helm release that it rolled back to after its failure, where others had made it.
    pub rolled_back_to_revision: Option<i64>,
    /// Whether it can be rolled back to: it succeeded, and is not what runs now (which it is no more once a later
    /// deployment has failed and was left as it was).
    pub can_roll_back_to: bool,
    /// The host that it makes the environment answer on, once that is known; none: that is the chart's own matter.
    pub host: Option<String>,
    /// Its Op.
    pub op: OpBrief,
    /// Who made it.
    pub by: By,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its Op began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The backup that a deployment restores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RestoredBackup {
    /// Its id.
    pub backup: BackupId,
    /// Its number in the environment it is of.
    pub number: i64,
    /// The environment it is of; another one than the deployment's for a clone.
    pub environment: EnvironmentBrief,
}

/// Why a deployment failed, and what it left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// What happened, as a sentence; for a chart's fault Helm's words, with file, line and column.
    pub message: String,
    /// What to do, as a sentence; may be empty.
    pub remedy: String,
    /// What state the cluster is in, as a sentence.
    pub cluster_state: String,
    /// The object that held it up, where one did.
    pub culprit: Option<Culprit>,
}

/// A deployment with what only its own page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeploymentDetail {
    /// As lists show it.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// For `needs_confirmation`: the preview with the plan as it is now.
    pub new_preview: Option<PreviewId>,
}

/// What a deployment consisted of. Secrets masked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeploymentContent {
    /// The Deployment values as written.
    pub values: String,
    /// All values with their origins; none before step `merge values`.
    pub merged: Option<MergedValues>,
    /// The rendered manifest; none before step `render`.
    pub manifest: Option<String>,
    /// The chart's notes.
    pub notes: Option<String>,
    /// The plan; none before step `check`.
    #[schema(value_type = Option<Object>)]
    pub plan: Option<rollout::plan::Plan>,
    /// Keyed hash of the plan; short forms show the first eight characters.
    pub plan_hash: Option<String>,
}

/// A deployment just made, with its Op.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Started {
    /// The deployment.
    pub deployment: Deployment,
    /// Its Op, queued.
    pub op: Op,
}
