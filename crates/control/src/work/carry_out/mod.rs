//! Carrying an Op out: what it does, in which order, and how it ends. Here that of a deployment, in `remove` that of the
//! removal of an environment, in `backup` that of a backup; what both do step by step is in `steps`.
//!
//! Every step can be run again: a worker that takes the Op up after another died goes on at the first step that is not
//! done. A deployment's steps up to `check` settle what it consists of (`content`); those after it change the cluster
//! (`stage`). This module decides nothing about objects: that was decided by the plan.

mod backup;
mod content;
mod domain;
mod failure;
mod others;
mod remove;
mod reports;
mod restore;
mod stage;
mod steps;
mod volumes;
mod way_back;

use std::sync::Arc;

use super::lease::{Held, Stopped};
use crate::control::Control;
use crate::deployment::job::Job;
use crate::deployment::prepare::{PrepareError, Target, whole_text};
use crate::deployment::{Failure, OnFailure};
use crate::environment::Ready;
use crate::environment::store::EnvironmentRow;
use crate::error::{Error, sentence};
use crate::op::recorder::{RecordError, Recorder};
use crate::op::store::Begun;
use crate::op::{Carries, Culprit, LogLevel, StepName, StepState};
use reports::Reports;
use rollout::RolloutError;

/// Why an Op does not go on.
enum Interrupted {
    /// It has to stop: cancelled, lease lost, shutting down.
    Stopped,
    /// The deployment failed.
    Failed(Box<FailedStep>),
    /// Nothing was done; the plan no longer fits, and the new one stands in a preview.
    NeedsConfirmation(crate::store::ids::PreviewId),
    /// A fault of Landfall or of its storage.
    Internal(Error),
}

/// The step that failed, and how.
struct FailedStep {
    step: StepName,
    message: String,
    /// The same in Helm's words, for the release's record.
    recorded: String,
    remedy: String,
    culprits: Vec<Culprit>,
    /// How ready the objects were when it failed.
    ready: Option<Ready>,
}

impl From<Error> for Interrupted {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl From<RecordError> for Interrupted {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::LeaseLost { .. } => Self::Stopped,
            RecordError::Failed(error) => Self::Internal(error),
        }
    }
}

/// What every part of a run needs; `job` is what is carried out.
struct Run<'a, J = Job> {
    control: &'a Control,
    held: &'a Held,
    recorder: Recorder,
    reports: Reports,
    job: J,
    cluster: rollout::Cluster,
    /// How far the worker before has come.
    begun: Begun,
}

/// Carries the Op out that is held, to its end or until it has to stop.
pub(super) async fn run(control: &Control, held: &Arc<Held>) {
    let recorder = Recorder::new(control.clone(), held.lease());
    match held.lease().carries {
        Carries::Deployment(_) => Box::pin(deploy(control, held, recorder)).await,
        Carries::Removal => Box::pin(remove::run(control, held, recorder)).await,
        Carries::Backup => Box::pin(backup::run(control, held, recorder)).await,
    }
}

async fn deploy(control: &Control, held: &Arc<Held>, recorder: Recorder) {
    let outcome = match Box::pin(prepare(control, held, recorder.clone())).await {
        Ok(run) => {
            let outcome = run.carry_out().await;
            run.reports.finish().await;
            outcome
        }
        Err(interrupted) => Err(interrupted),
    };
    let Some(error) = fault(outcome, held) else { return };
    let failure = failure::internal(&error);
    // Where even this cannot be stored, the lease runs out and the Op is taken up again.
    if let Err(error) = recorder.end_failed(&failure, None, None).await {
        told_unstored(&error, held);
    }
}

/// The fault of Landfall's own that an Op ends in; it goes to the server's log. None where the Op has ended by itself or
/// goes on elsewhere. Where only storage was away nothing has failed: the Op goes on from its last finished step once it is
/// back.
fn fault(outcome: Result<(), Interrupted>, held: &Held) -> Option<Error> {
    let Err(Interrupted::Internal(error)) = outcome else { return None };
    if error.is_outage() {
        tracing::warn!(error = whole_text(&error), op = %held.lease().op, "an Op waits for its storage");
        held.give_up(Stopped::StorageAway);
        return None;
    }
    tracing::error!(error = whole_text(&error), op = %held.lease().op, "an Op cannot be carried out");
    Some(error)
}

fn told_unstored(error: &RecordError, held: &Held) {
    tracing::error!(error = whole_text(error), op = %held.lease().op, "the end of an Op cannot be stored");
}

async fn prepare<'a>(
    control: &'a Control,
    held: &'a Arc<Held>,
    recorder: Recorder,
) -> Result<Run<'a>, Interrupted> {
    let (job, begun) = control.job(&held.lease()).await?;
    let reports = Reports::start(recorder.clone(), held.clone(), &begun).await?;
    let cluster = match connect(control, &job.environment, None, &recorder, &reports).await? {
        Ok(cluster) => cluster,
        Err(message) => {
            let failure = failure::before_anything(&message, "");
            recorder.end_failed(&failure, None, None).await?;
            return Err(Interrupted::Stopped);
        }
    };
    Ok(Run { control, held, recorder, reports, job, cluster, begun })
}

/// Connects to the cluster an environment runs on. Where that cannot be, the log tells why, and so does `step` if one is
/// named; the message is answered, and the caller ends the Op.
async fn connect(
    control: &Control,
    environment: &EnvironmentRow,
    step: Option<StepName>,
    recorder: &Recorder,
    reports: &Reports,
) -> Result<Result<rollout::Cluster, String>, Interrupted> {
    let error = match control.environment_connect(environment).await {
        Ok(cluster) => return Ok(Ok(cluster)),
        Err(error) if error.is_outage() => return Err(error.into()),
        Err(error) => error,
    };
    let message = sentence(&error.to_string());
    if let Some(step) = step {
        recorder.step_started(step).await?;
    }
    reports.say(LogLevel::Error, message.clone()).await;
    reports.finish().await;
    if let Some(step) = step {
        recorder.step_failed(step, &message).await?;
    }
    Ok(Err(message))
}

impl Run<'_> {
    async fn carry_out(&self) -> Result<(), Interrupted> {
        let deployed = match self.failed_before().await? {
            // A worker before this one had already failed, and was on the way back.
            Some(failed) => Err(Interrupted::Failed(Box::new(failed))),
            None => self.deploy().await,
        };
        self.stored().await?;
        match deployed {
            Ok(ready) => Ok(self.recorder.end_succeeded(Some(ready)).await?),
            Err(Interrupted::Failed(failed)) => self.after_failure(*failed).await,
            Err(Interrupted::Stopped) if self.held.stopped() == Some(Stopped::Cancelled) => {
                self.after_cancel().await
            }
            Err(Interrupted::NeedsConfirmation(preview)) => {
                Ok(self.recorder.end_needs_confirmation(preview).await?)
            }
            Err(other) => Err(other),
        }
    }

    /// The steps of the deployment itself.
    async fn deploy(&self) -> Result<Ready, Interrupted> {
        self.refuse_without_backup().await?;
        self.restore_backup().await?;
        self.prove_domain().await?;
        let settled = self.settle().await?;
        self.roll_out(&stage::DEPLOY, &settled).await
    }

    /// The failure that a worker before this one recorded: what it told of it, else what the Op's page tells by now.
    async fn failed_before(&self) -> Result<Option<FailedStep>, Interrupted> {
        let failed = self.begun.steps.iter().find(|step| {
            step.state == StepState::Failed && !crate::op::ROLL_BACK_STEPS.contains(&step.name)
        });
        let Some(failed) = failed else { return Ok(None) };
        let (remedy, culprits) = match &self.job.failure {
            Some(told) => (told.remedy.clone(), told.culprit.iter().cloned().collect()),
            None => {
                let culprits = self.control.op_culprits(self.held.lease().op).await?;
                (remedy_of(&culprits), culprits)
            }
        };
        Ok(Some(FailedStep {
            step: failed.name,
            message: failed.note.clone(),
            recorded: failed.note.clone(),
            remedy,
            culprits,
            ready: None,
        }))
    }

    /// Ends the Op as failed; before that, goes back to what ran where that was asked for and something ran.
    async fn after_failure(&self, failed: FailedStep) -> Result<(), Interrupted> {
        let touched = failure::touched_the_cluster(failed.step);
        let wanted = self.job.deployment.on_failure == OnFailure::RollBack;
        let steps = self.recorder.steps().await?;
        let mut failure = failure::of(&failed, touched, &steps);
        let Some(good) = self.good().filter(|_| wanted && touched) else {
            if wanted && touched {
                failure.cluster_state = failure::nothing_to_go_back_to();
            }
            return Ok(self.recorder.end_failed(&failure, None, failed.ready).await?);
        };
        // The way back may meet culprits of its own: why it is taken is kept before.
        failure.cluster_state = failure::on_the_way_back(&good.named());
        self.recorder.failing(&failure).await?;
        let back = self.way_back(good).await;
        self.stored().await?;
        match back {
            Ok(ready) => {
                failure.cluster_state = failure::rolled_back(&good.named());
                Ok(self.recorder.end_failed(&failure, Some(good.kept()), Some(ready)).await?)
            }
            Err(Interrupted::Failed(second)) => {
                failure.cluster_state = failure::way_back_failed(&good.named(), &second.message);
                Ok(self.recorder.end_failed(&failure, None, second.ready).await?)
            }
            Err(Interrupted::Stopped) if self.held.stopped() == Some(Stopped::Cancelled) => {
                failure.cluster_state = failure::way_back_failed(&good.named(), "it was cancelled");
                Ok(self.recorder.end_failed(&failure, None, None).await?)
            }
            Err(other) => Err(other),
        }
    }

    async fn after_cancel(&self) -> Result<(), Interrupted> {
        let steps = self.recorder.steps().await?;
        let recorded = steps.iter().any(|step| {
            step.name == StepName::Record
                && !matches!(step.state, StepState::Waiting | StepState::Skipped)
        });
        if recorded {
            self.close_record(&stage::DEPLOY, "cancelled").await;
        }
        let failure: Failure = failure::cancelled(&steps);
        self.reports.say(LogLevel::Warning, failure.cluster_state.clone()).await;
        self.reports.flush().await;
        Ok(self.recorder.end_cancelled(&failure).await?)
    }

    /// Where the deployment goes.
    fn target(&self) -> Target {
        Target::of_deployment(self.cluster.clone(), &self.job.environment, self.job.deployment.id)
    }
}

/// What to do about the culprit that explains the most.
fn remedy_of(culprits: &[Culprit]) -> String {
    culprits.first().map(|first| first.remedy.clone()).unwrap_or_default()
}

/// What can go wrong in a step.
enum Broken {
    Prepare(PrepareError),
    Rollout(RolloutError),
    /// Objects did not become ready, or a hook failed.
    NotReady(FailedStep),
    /// What was told before is not stored: nothing may follow.
    Unstored,
}

impl<E: Into<PrepareError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Prepare(error.into())
    }
}
