//! Carrying a deployment out: what its Op does, in which order, and how it ends.
//!
//! Every step can be run again: a worker that takes the Op up after another died goes on at the first step that is not
//! done. Steps up to `check` settle what the deployment consists of (`content`); those after it change the cluster
//! (`stage`). This module decides nothing about objects: that was decided by the plan.

mod content;
mod failure;
mod reports;
mod stage;

use std::sync::Arc;

use super::lease::{Held, Stopped};
use crate::control::Control;
use crate::deployment::job::Job;
use crate::deployment::prepare::{PrepareError, Target, whole_text};
use crate::deployment::{Failure, OnFailure};
use crate::environment::Ready;
use crate::error::{Error, sentence};
use crate::op::recorder::{RecordError, Recorder};
use crate::op::{Culprit, LogLevel, Step, StepName, StepState};
use reports::{Reports, told_culprit};
use rollout::{RolloutError, culprit};

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

/// What every part of a run needs.
struct Run<'a> {
    control: &'a Control,
    held: &'a Held,
    recorder: Recorder,
    reports: Reports,
    job: Job,
    cluster: rollout::Cluster,
    /// The steps as the worker before left them.
    before: Vec<Step>,
}

/// Carries the Op out that is held, to its end or until it has to stop.
pub(super) async fn run(control: &Control, held: &Arc<Held>) {
    let recorder = Recorder::new(control.clone(), held.lease());
    let outcome = match prepare(control, held, recorder.clone()).await {
        Ok(run) => {
            let outcome = run.carry_out().await;
            run.reports.finish().await;
            outcome
        }
        Err(interrupted) => Err(interrupted),
    };
    let Err(Interrupted::Internal(error)) = outcome else { return };
    let cause = whole_text(&error);
    tracing::error!(error = cause, op = %held.lease().op, "an Op cannot be carried out");
    let failure = failure::internal(&error);
    // Where even this cannot be stored, the lease runs out and the Op is taken up again.
    if let Err(error) = recorder.end_failed(&failure, None, None).await {
        tracing::error!(error = whole_text(&error), op = %held.lease().op, "the end of an Op cannot be stored");
    }
}

async fn prepare<'a>(
    control: &'a Control,
    held: &'a Arc<Held>,
    recorder: Recorder,
) -> Result<Run<'a>, Interrupted> {
    let job = control.job(&held.lease()).await?;
    let before = recorder.steps().await?;
    let reports = Reports::start(recorder.clone(), held.clone()).await?;
    let cluster = match control.cluster_connect(job.environment.cluster).await {
        Ok(cluster) => cluster,
        Err(error) => {
            let failure = failure::before_anything(&sentence(&error.to_string()), "");
            reports.say(LogLevel::Error, failure.message.clone()).await;
            reports.finish().await;
            recorder.end_failed(&failure, None, None).await?;
            return Err(Interrupted::Stopped);
        }
    };
    Ok(Run { control, held, recorder, reports, job, cluster, before })
}

impl Run<'_> {
    async fn carry_out(&self) -> Result<(), Interrupted> {
        let deployed = match self.failed_before() {
            // A worker before this one had already failed, and was on the way back.
            Some(failed) => Err(Interrupted::Failed(Box::new(failed))),
            None => self.deploy().await,
        };
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
        let settled = self.settle().await?;
        self.roll_out(&stage::DEPLOY, &settled).await
    }

    /// The failure that a worker before this one recorded.
    fn failed_before(&self) -> Option<FailedStep> {
        let failed = self.before.iter().find(|step| {
            step.state == StepState::Failed && crate::op::DEPLOY_STEPS.contains(&step.name)
        })?;
        Some(FailedStep {
            step: failed.name,
            message: failed.note.clone(),
            recorded: failed.note.clone(),
            remedy: String::new(),
            culprits: Vec::new(),
            ready: None,
        })
    }

    /// The step as the worker before left it.
    fn was_done(&self, name: StepName) -> bool {
        self.before.iter().any(|step| {
            step.name == name && matches!(step.state, StepState::Done | StepState::Skipped)
        })
    }

    /// Ends the Op as failed; before that, goes back to what ran where that was asked for and something ran.
    async fn after_failure(&self, failed: FailedStep) -> Result<(), Interrupted> {
        let touched = failure::touched_the_cluster(failed.step);
        let wanted = self.job.deployment.on_failure == OnFailure::RollBack;
        let steps = self.recorder.steps().await?;
        let mut failure = failure::of(&failed, touched, &steps);
        let Some(good) = self.job.last_good.as_ref().filter(|_| wanted && touched) else {
            if wanted && touched {
                failure.cluster_state = failure::nothing_to_go_back_to();
            }
            return Ok(self.recorder.end_failed(&failure, None, failed.ready).await?);
        };
        match self.way_back(good).await {
            Ok(ready) => {
                failure.cluster_state = failure::rolled_back(good);
                Ok(self
                    .recorder
                    .end_failed(&failure, Some(good.deployment.id), Some(ready))
                    .await?)
            }
            Err(Interrupted::Failed(second)) => {
                failure.cluster_state = failure::way_back_failed(good, &second.message);
                Ok(self.recorder.end_failed(&failure, None, second.ready).await?)
            }
            Err(Interrupted::Stopped) if self.held.stopped() == Some(Stopped::Cancelled) => {
                failure.cluster_state = failure::way_back_failed(good, "it was cancelled");
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

    /// Records that a step failed, and tells why.
    async fn fail<T>(&self, step: StepName, error: Broken) -> Result<T, Interrupted> {
        if self.held.stop().is_cancelled() {
            return Err(Interrupted::Stopped);
        }
        let failed = match error {
            Broken::Prepare(PrepareError::Internal(error)) => return Err(error.into()),
            Broken::Prepare(error) => {
                let culprits: Vec<_> = error.culprits().into_iter().map(told_culprit).collect();
                let remedy = Some(remedy_of(&culprits)).filter(|remedy| !remedy.is_empty());
                FailedStep {
                    step,
                    message: error.message(),
                    recorded: error.message(),
                    remedy: remedy.unwrap_or_else(|| error.remedy()),
                    culprits,
                    ready: None,
                }
            }
            Broken::Rollout(RolloutError::Guard(_) | RolloutError::Cancelled) => {
                return Err(Interrupted::Stopped);
            }
            Broken::Rollout(error) => {
                let culprits = culprit::of_error(&error).into_iter().map(told_culprit);
                let culprits: Vec<_> = culprits.collect();
                FailedStep {
                    step,
                    message: sentence(&whole_text(&error)),
                    recorded: whole_text(&error),
                    remedy: remedy_of(&culprits),
                    culprits,
                    ready: None,
                }
            }
            Broken::NotReady(failed) => failed,
            Broken::Stored(error) => return Err(error.into()),
        };
        self.reports.say(LogLevel::Error, failed.message.clone()).await;
        self.reports.flush().await;
        if !failed.culprits.is_empty() {
            self.recorder.culprits(&failed.culprits).await?;
        }
        self.recorder.step_failed(step, &failed.message).await?;
        Err(Interrupted::Failed(Box::new(failed)))
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
    /// What was told could not be read back.
    Stored(RecordError),
}

impl<E: Into<PrepareError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Prepare(error.into())
    }
}
