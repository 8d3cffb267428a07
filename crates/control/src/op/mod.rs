//! Ops: the operations that carry deployments and removals out, as they can be seen: steps, log, progress.
//!
//! Workers (`work`) write here; everything is stored as it happens and can be followed from any
//! point.

mod end;
mod end_backup;
mod end_removal;
mod log;
pub(crate) mod log_store;
mod progress;
pub(crate) mod recorder;
mod removal;
pub(crate) mod store;
mod subscribe;
mod waits;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::backup::BackupState;
use crate::backup::store as backups;
use crate::closed::closed_set;
use crate::control::Control;
use crate::deployment::store as deployments;
use crate::deployment::{DeploymentState, Trigger};
use crate::environment::EnvironmentBrief;
use crate::environment::store as environments;
use crate::error::Error;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::{BackupId, DeploymentId, OpId};
use crate::store::sql::now;
use crate::store::wake::Wake;
use store::OpRow;

pub(crate) use end::WentBackTo;
pub use log::{LogFilter, LogLevel, LogLine, LogPage, LogSource};
pub(crate) use removal::NewRemoval;
pub use removal::{Left, Removal};
pub(crate) use subscribe::Followers;
pub use subscribe::{Change, OpEvent};
pub(crate) use waits::ABANDONED_AFTER;
pub use waits::WaitsFor;

closed_set! {
    /// What an Op carries out.
    pub enum OpKind {
        /// A deployment.
        Deployment = "deployment",
        /// The removal of its environment.
        Removal = "removal",
        /// A backup of its environment.
        Backup = "backup",
    }
}

/// What an Op carries out, as the queue and its workers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// A deployment.
    Deployment(DeploymentId),
    /// The removal of its environment.
    Removal,
    /// A backup of its environment.
    Backup,
}

/// What an Op carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// A deployment.
    Deployment {
        /// Its id.
        deployment: DeploymentId,
        /// Its number in its environment.
        number: i64,
    },
    /// The removal of its environment.
    Removal(Box<Removal>),
    /// A backup of its environment.
    Backup {
        /// Its id.
        backup: BackupId,
        /// Its number in its environment.
        number: i64,
    },
}

impl Task {
    /// What it is called: `env#7`, `removal of env`, `backup 3 of env`.
    pub fn name(&self, environment: &EnvironmentBrief) -> String {
        match self {
            Self::Deployment { number, .. } => format!("{}#{number}", environment.name),
            Self::Removal(_) => format!("removal of {}", environment.name),
            Self::Backup { number, .. } => format!("backup {number} of {}", environment.name),
        }
    }
}

closed_set! {
    /// How an Op stands.
    pub enum OpState {
        /// Waits for its turn.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Not done.
        Failed = "failed",
        /// Stopped by someone.
        Cancelled = "cancelled",
        /// Not begun, since a newer one took its place.
        Superseded = "superseded",
        /// Ended before it changed anything, to ask again.
        NeedsConfirmation = "needs_confirmation",
    }
}

impl OpState {
    /// Whether the Op has ended.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

closed_set! {
    /// The steps of a deployment, in order; the second group repeats the last good deployment
    /// after a failure. The last ones are a removal's and a backup's beside those that they share.
    pub enum StepName {
        /// The backup that is restored is read and checked.
        CheckBackup = "check_backup",
        /// The App's data is put back by its methods.
        RestoreData = "restore_data",
        /// The record that proves a custom domain is looked up anew.
        ProveDomain = "prove_domain",
        /// The chart archive is taken from the store and checked.
        FetchChart = "fetch_chart",
        /// The five layers are merged.
        MergeValues = "merge_values",
        /// The chart's CRDs.
        Crds = "crds",
        /// The templates are rendered, or the stored manifest is taken.
        Render = "render",
        /// Schema, ownership, server-side dry run, the diff against what runs.
        Check = "check",
        /// The uploaded certificate of the domain is put into its Secret.
        Certificate = "certificate",
        /// The release record is written as pending.
        Record = "record",
        /// Hooks before.
        PreHooks = "pre_hooks",
        /// Objects are created and changed.
        Apply = "apply",
        /// Objects no longer wanted are deleted.
        Prune = "prune",
        /// Objects become ready.
        Wait = "wait",
        /// Hooks after.
        PostHooks = "post_hooks",
        /// The chart's tests, where the App asks for them.
        Tests = "tests",
        /// Secrets with uploaded certificates that are no longer used are deleted.
        RemoveCertificates = "remove_certificates",
        /// The release record and the environment are brought up to date.
        Finish = "finish",
        /// After a failure: the diff back to the last good deployment.
        RollBackCheck = "roll_back_check",
        /// After a failure: the record of the rollback.
        RollBackRecord = "roll_back_record",
        /// After a failure: hooks before the way back.
        RollBackPreHooks = "roll_back_pre_hooks",
        /// After a failure: the objects as they were.
        RollBackApply = "roll_back_apply",
        /// After a failure: objects that were not there before are deleted.
        RollBackPrune = "roll_back_prune",
        /// After a failure: the objects become ready again.
        RollBackWait = "roll_back_wait",
        /// After a failure: hooks after the way back.
        RollBackPostHooks = "roll_back_post_hooks",
        /// After a failure: the record is finished.
        RollBackFinish = "roll_back_finish",
        /// The objects of a release are deleted.
        Delete = "delete",
        /// Deleted objects disappear.
        WaitGone = "wait_gone",
        /// The App's data is read by its methods and kept.
        BackUpData = "back_up_data",
        /// What was kept is read again and checked.
        VerifyBackup = "verify_backup",
    }
}

impl StepName {
    /// Whether something may have changed outside of Landfall once the step has begun, so that what is told of the Op, or
    /// done with its environment, depends on it later.
    pub(crate) fn leaves_traces(self) -> bool {
        matches!(
            self,
            Self::RestoreData
                | Self::Crds
                | Self::Certificate
                | Self::Record
                | Self::PreHooks
                | Self::Apply
                | Self::Delete
        )
    }
}

/// The steps of a deployment.
pub(crate) const DEPLOY_STEPS: &[StepName] = &[
    StepName::FetchChart,
    StepName::MergeValues,
    StepName::Crds,
    StepName::Render,
    StepName::Check,
    StepName::Record,
    StepName::PreHooks,
    StepName::Apply,
    StepName::Prune,
    StepName::Wait,
    StepName::PostHooks,
    StepName::Tests,
    StepName::Finish,
];

/// Those of a custom domain's deployment.
const DOMAIN_STEPS: &[StepName] = &[
    StepName::ProveDomain,
    StepName::FetchChart,
    StepName::MergeValues,
    StepName::Crds,
    StepName::Render,
    StepName::Check,
    StepName::Certificate,
    StepName::Record,
    StepName::PreHooks,
    StepName::Apply,
    StepName::Prune,
    StepName::Wait,
    StepName::PostHooks,
    StepName::Tests,
    StepName::RemoveCertificates,
    StepName::Finish,
];

/// Those of an environment with uploaded certificates: the same without the proof.
const CERTIFIED_STEPS: &[StepName] = DOMAIN_STEPS.split_at(1).1;

/// Those that come first where a backup is restored.
const RESTORE_STEPS: &[StepName] = &[StepName::CheckBackup, StepName::RestoreData];

/// The steps of a deployment by what made it, and whether its environment has uploaded certificates.
pub(crate) fn deploy_steps(trigger: Trigger, certified: bool) -> Vec<StepName> {
    let usual = if certified { CERTIFIED_STEPS } else { DEPLOY_STEPS };
    match trigger {
        Trigger::DomainDeployed => DOMAIN_STEPS.to_vec(),
        Trigger::DomainReset => CERTIFIED_STEPS.to_vec(),
        Trigger::BackupRestored => [RESTORE_STEPS, usual].concat(),
        _ => usual.to_vec(),
    }
}

/// The steps of a backup.
pub(crate) const BACKUP_STEPS: &[StepName] =
    &[StepName::Check, StepName::BackUpData, StepName::VerifyBackup, StepName::Finish];

/// The steps that repeat the last good deployment after a failure.
pub(crate) const ROLL_BACK_STEPS: &[StepName] = &[
    StepName::RollBackCheck,
    StepName::RollBackRecord,
    StepName::RollBackPreHooks,
    StepName::RollBackApply,
    StepName::RollBackPrune,
    StepName::RollBackWait,
    StepName::RollBackPostHooks,
    StepName::RollBackFinish,
];

/// The steps of a removal.
pub(crate) const REMOVE_STEPS: &[StepName] = &[
    StepName::Check,
    StepName::PreHooks,
    StepName::Delete,
    StepName::WaitGone,
    StepName::PostHooks,
    StepName::Finish,
];

/// The one step of a removal that leaves the cluster alone.
pub(crate) const FORGET_STEPS: &[StepName] = &[StepName::Finish];

impl StepName {
    /// The step as people read it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CheckBackup => "Check backup",
            Self::RestoreData => "Restore data",
            Self::ProveDomain => "Prove domain",
            Self::FetchChart => "Fetch chart",
            Self::MergeValues => "Merge values",
            Self::Crds => "CRDs",
            Self::Render => "Render",
            Self::Check => "Check",
            Self::Certificate => "Certificate",
            Self::Record => "Record",
            Self::PreHooks => "Pre hooks",
            Self::Apply => "Apply",
            Self::Prune => "Prune",
            Self::Wait => "Wait",
            Self::PostHooks => "Post hooks",
            Self::Tests => "Tests",
            Self::RemoveCertificates => "Remove certificates",
            Self::Finish => "Finish",
            Self::RollBackCheck => "Roll back: check",
            Self::RollBackRecord => "Roll back: record",
            Self::RollBackPreHooks => "Roll back: pre hooks",
            Self::RollBackApply => "Roll back: apply",
            Self::RollBackPrune => "Roll back: prune",
            Self::RollBackWait => "Roll back: wait",
            Self::RollBackPostHooks => "Roll back: post hooks",
            Self::RollBackFinish => "Roll back: finish",
            Self::Delete => "Delete",
            Self::WaitGone => "Wait until gone",
            Self::BackUpData => "Back up data",
            Self::VerifyBackup => "Verify",
        }
    }
}

closed_set! {
    /// How a step stands.
    pub enum StepState {
        /// Not begun.
        Waiting = "waiting",
        /// Under way.
        Running = "running",
        /// Done.
        Done = "done",
        /// There was nothing to do, or the Op ended before it.
        Skipped = "skipped",
        /// Not done.
        Failed = "failed",
    }
}

closed_set! {
    /// How an object of a release stands; the words of Kubernetes' kstatus.
    pub enum ObjectCondition {
        /// Ready.
        Current = "current",
        /// On the way.
        InProgress = "in_progress",
        /// It will not become ready by itself.
        Failed = "failed",
        /// Being deleted.
        Terminating = "terminating",
        /// Not there.
        NotFound = "not_found",
    }
}

/// A step of an Op.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// How it stands.
    pub state: StepState,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What is done of `total`, where there is a count.
    pub done: Option<i64>,
    /// What there is to do.
    pub total: Option<i64>,
    /// The result in a few words: `as previewed`, `revision 42`, `none`.
    pub note: String,
}

/// An object that an Op waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectState {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace, if its kind has them.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub condition: ObjectCondition,
    /// Ready pods or the like, where the object counts any.
    pub ready: Option<i64>,
    /// How many there should be.
    pub total: Option<i64>,
    /// What it still misses: `Available: 1/2`.
    pub message: String,
}

/// What holds an Op up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Culprit {
    /// The object, as Helm names it: `Deployment/shop/worker`.
    pub object: String,
    /// The pod in which it shows.
    pub pod: Option<String>,
    /// The container in which it shows.
    pub container: Option<String>,
    /// The cause in one word: `image_pull`, `crash_loop`, `never_ready`, ….
    pub cause: String,
    /// One line for lists.
    pub text: String,
    /// The event or status message it was concluded from.
    pub evidence: Option<String>,
    /// The last lines of the failing container, oldest first.
    pub last_lines: Vec<String>,
    /// Since when, if the cluster says so.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What to do about it, as a sentence.
    #[serde(default)]
    pub remedy: String,
    /// Whether waiting does not help: the object cannot become ready unless someone acts.
    #[serde(default)]
    pub hopeless: bool,
}

/// An Op, short, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpBrief {
    /// Its id.
    pub id: OpId,
    /// What it carries out.
    pub kind: OpKind,
    /// How it stands.
    pub state: OpState,
    /// The step under way, or the last one.
    pub step: Option<StepName>,
    /// What is done of the step, where it counts: objects ready while waiting.
    pub done: Option<i64>,
    /// What there is to do in the step.
    pub total: Option<i64>,
    /// Share of the whole Op that is done, 0 to 100.
    pub percent: i64,
    /// While queued: what it stands behind.
    pub behind: Option<Behind>,
}

/// What a queued Op stands behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Behind {
    /// The number of the deployment just before it.
    pub number: i64,
    /// What made that one.
    pub trigger: crate::deployment::Trigger,
}

/// An Op, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Op {
    /// Its id.
    pub id: OpId,
    /// What it carries out.
    #[serde(flatten)]
    pub task: Task,
    /// How it stands.
    pub state: OpState,
    /// The environment.
    pub environment: EnvironmentBrief,
    /// Share that is done, 0 to 100.
    pub percent: i64,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The objects, in the order of the manifest.
    pub objects: Vec<ObjectState>,
    /// What holds it up, as soon as it is known.
    pub culprits: Vec<Culprit>,
    /// When the running wait gives up.
    pub deadline: Option<Timestamp>,
    /// Seconds that the last deployment that succeeded here took.
    pub estimate: Option<i64>,
    /// While queued: what it stands behind.
    pub behind: Option<Behind>,
    /// Sequence number of the last log line; 0: none.
    pub last_sequence: i64,
    /// Who asked for it to be cancelled, while it has not ended.
    pub cancel_requested_by: Option<By>,
    /// The revision of the Helm release that someone else has begun, and that it waits for.
    pub waits_for: Option<WaitsFor>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Control {
    /// One Op with its steps and objects.
    pub async fn op_get(&self, actor: &Actor, op: OpId) -> Result<Op, Error> {
        self.op_visible(actor, op).await?;
        self.op_view(op).await
    }

    /// Number of Ops that run, of what the asker may see.
    pub async fn ops_running(&self, actor: &Actor) -> Result<i64, Error> {
        Ok(store::running(self.db().read(), actor.visible_kinds()).await?)
    }

    /// Asks for an Op to be stopped: at once while it is queued, else at the next safe point; what it
    /// carries out then says what was left behind.
    pub async fn op_cancel(&self, actor: &Actor, op: OpId) -> Result<Op, Error> {
        let row = self.op_visible(actor, op).await?;
        let subject = Subject::Ops(row.environment.kind);
        actor.write(subject, "cancel Ops of production environments", || missing(op))?;
        if row.state.is_final() {
            return Err(Error::conflict(
                format!("This Op has ended already: {}.", row.state),
                "There is nothing to cancel.",
            ));
        }
        let tx = self.db().begin().await?;
        let queued = store::end_queued(&tx, op, OpState::Cancelled, now()).await?;
        let mut dropped = None;
        if queued {
            store::skip_rest(&tx, op).await?;
            match &row.carries {
                Carries::Deployment(deployment) => {
                    let state = DeploymentState::Cancelled;
                    deployments::end(&tx, *deployment, state, None, now()).await?;
                    dropped = backups::drop_before(&tx, op, now()).await?;
                }
                Carries::Removal => end_removal::keep_if_whole(&tx, row.environment.id).await?,
                Carries::Backup => {
                    backups::end(&tx, op, BackupState::Cancelled, None, now()).await?;
                }
            }
            environments::refresh_status(&tx, row.environment.id).await?;
        } else {
            store::request_cancel(&tx, op, &actor.by()).await?;
        }
        let (kind, id) = match row.carries {
            Carries::Deployment(deployment) => ("deployment", deployment.to_string()),
            Carries::Removal | Carries::Backup => ("environment", row.environment.id.to_string()),
        };
        let name = match row.number {
            Some(number) => format!("{}#{number}", row.environment.name),
            None => row.environment.name.to_string(),
        };
        let act = Act {
            action: "op.cancel",
            kind,
            id,
            name: &name,
            old: serde_json::json!({ "state": row.state }),
            new: serde_json::json!({ "state": if queued { "cancelled" } else { "to be cancelled" } }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        let wakes = self.wakes();
        wakes.send(Wake::Op(row.wake())).await;
        if let Some(backup) = dropped {
            wakes.send(Wake::Op(backup)).await;
        }
        if queued {
            for wake in Wake::PLACE_FREE {
                wakes.send(wake).await;
            }
        } else {
            wakes.send(Wake::Cancel(op)).await;
        }
        self.op_view(op).await
    }

    /// An Op's row, if the actor may see it.
    pub(crate) async fn op_visible(&self, actor: &Actor, op: OpId) -> Result<OpRow, Error> {
        let row = store::get(self.db().read(), op).await?.ok_or_else(|| missing(op))?;
        actor.read(Subject::Ops(row.environment.kind), || missing(op))?;
        Ok(row)
    }

    /// What holds an Op up, as far as is known.
    pub(crate) async fn op_culprits(&self, op: OpId) -> Result<Vec<Culprit>, Error> {
        let row = store::get(self.db().read(), op).await?.ok_or_else(|| missing(op))?;
        let told = self.open_told(&recorder::culprits_identity(op), row.culprits_sealed)?;
        Ok(told.unwrap_or_default())
    }

    /// An Op as its page shows it, whoever asks.
    pub(crate) async fn op_view(&self, op: OpId) -> Result<Op, Error> {
        let c = self.db().read();
        let mut row = store::get(c, op).await?.ok_or_else(|| missing(op))?;
        let identity = recorder::culprits_identity(op);
        let culprits = self.open_told(&identity, row.culprits_sealed.take())?.unwrap_or_default();
        let steps = store::steps(c, op).await?;
        let objects = store::objects(c, op).await?;
        let task = match (row.carries, row.number) {
            (Carries::Deployment(deployment), Some(number)) => {
                Task::Deployment { deployment, number }
            }
            (Carries::Backup, _) => {
                let backup = backups::by_op(c, op).await?;
                let backup = backup.ok_or_else(|| {
                    Error::internal("read what an Op carries out", "the row of its backup is gone")
                })?;
                Task::Backup { backup: backup.id, number: backup.number }
            }
            _ => Task::Removal(Box::new(self.removal(op).await?)),
        };
        Ok(row.into_view(task, steps, objects, culprits))
    }
}

fn missing(op: OpId) -> Error {
    Error::not_found("Op", op)
}
