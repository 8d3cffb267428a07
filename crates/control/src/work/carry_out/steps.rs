//! What Ops of every kind do step by step: begin and end steps, run hooks, try again, fail.

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollout::hooks::{HookFailure, HookOptions, HooksOutcome};
use rollout::record::History;
use rollout::{Execution, RolloutError, culprit};

use super::reports::told_culprit;
use super::{Broken, FailedStep, Interrupted, Run, remedy_of};
use crate::app::AppSettings;
use crate::deployment::prepare::{PrepareError, whole_text};
use crate::environment::EnvironmentRow;
use crate::error::sentence;
use crate::observed::ObservedCause;
use crate::op::{LogLevel, StepName, StepState};

/// How often something transient is tried again, waiting longer each time.
const ATTEMPTS: u32 = 6;
/// The same before anything was changed: nothing is lost by giving up, and someone may be watching.
const ATTEMPTS_TO_READ: u32 = 4;
/// The first wait between two attempts.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The cluster's clock may be behind ours by this much.
pub(super) const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

impl<J> Run<'_, J> {
    pub(super) fn execution(&self) -> Execution<'_> {
        Execution {
            cluster: &self.cluster,
            guard: self.held,
            reporter: &self.reports,
            kept: self.control,
            cancel: self.held.stop(),
        }
    }

    /// Keeps, and tells, what others have made of the Helm release since it was last looked at.
    pub(super) async fn note_revisions(
        &self,
        environment: &EnvironmentRow,
        history: &History,
    ) -> Result<(), Interrupted> {
        if let Some(news) = self.control.revisions_news(environment, history).await? {
            self.recorder.observed(&news).await?;
        }
        if let Some(observed) = self.control.observed_now(environment).await? {
            let level = match observed.cause {
                ObservedCause::Adopted => LogLevel::Info,
                ObservedCause::Outside | ObservedCause::Gone => LogLevel::Warning,
            };
            self.reports.say(level, observed.told()).await;
        }
        Ok(())
    }

    /// Runs a step unless a worker before this one had done it; `None` then.
    pub(super) async fn step<T, F, Fut>(
        &self,
        name: StepName,
        note: impl Fn(&T) -> String,
        work: F,
    ) -> Result<Option<T>, Interrupted>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, RolloutError>>,
    {
        if self.was_done(name) {
            return Ok(None);
        }
        self.begin(name).await?;
        match self.retry(|| async { work().await.map_err(Broken::Rollout) }).await {
            Ok(result) => {
                self.done(name, &note(&result)).await?;
                Ok(Some(result))
            }
            Err(error) => self.fail(name, error).await,
        }
    }

    /// Begins a step at a safe point. Where it leaves traces, that it began is stored before it does anything: a worker that
    /// takes the Op up must know.
    pub(super) async fn begin(&self, name: StepName) -> Result<(), Interrupted> {
        if self.held.stop().is_cancelled() {
            return Err(Interrupted::Stopped);
        }
        self.reports.step_started(name).await;
        if name.leaves_traces() { self.stored().await } else { Ok(()) }
    }

    /// Ends a step. It is stored with what was told before it and maybe with what comes after: a worker that takes the Op
    /// up before that repeats the step.
    pub(super) async fn done(&self, name: StepName, note: &str) -> Result<(), Interrupted> {
        self.reports.step_done(name, note).await;
        Ok(())
    }

    /// Waits until everything told so far is stored: the end of an Op is the last thing that is.
    pub(super) async fn stored(&self) -> Result<(), Interrupted> {
        self.reports.flush().await;
        self.is_stored()
    }

    /// Passes a step in which there is nothing to do.
    pub(super) async fn skipped(&self, name: StepName, note: &str) -> Result<(), Interrupted> {
        self.reports.step_skipped(name, note).await;
        Ok(())
    }

    /// What this worker told is stored: otherwise nothing that follows from it may be.
    pub(super) fn is_stored(&self) -> Result<(), Interrupted> {
        if self.reports.are_stored() { Ok(()) } else { Err(Interrupted::Stopped) }
    }

    pub(super) async fn say(&self, text: String) {
        self.reports.say(LogLevel::Info, text).await;
    }

    pub(super) fn was_begun(&self, name: StepName) -> bool {
        self.begun.steps.iter().any(|step| step.name == name && step.state != StepState::Waiting)
    }

    /// When a step began.
    pub(super) async fn began(&self, name: StepName) -> Result<Option<Timestamp>, Interrupted> {
        self.reports.flush().await;
        let steps = self.recorder.steps().await?;
        Ok(steps.iter().find(|step| step.name == name).and_then(|step| step.started_at))
    }

    /// Tries again what may succeed in a moment with nobody changing anything.
    pub(super) async fn retry<T, F, Fut>(&self, attempt: F) -> Result<T, Broken>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Broken>>,
    {
        self.retry_times(ATTEMPTS, attempt).await
    }

    /// The same for what only reads before anything was changed.
    pub(super) async fn retry_reading<T, F, Fut>(&self, attempt: F) -> Result<T, Broken>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Broken>>,
    {
        self.retry_times(ATTEMPTS_TO_READ, attempt).await
    }

    async fn retry_times<T, F, Fut>(&self, attempts: u32, attempt: F) -> Result<T, Broken>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Broken>>,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..attempts {
            match attempt().await {
                Err(error) if error.is_transient() && !self.held.stop().is_cancelled() => {
                    let text = format!("{}; trying again in {} s", error.text(), wait.as_secs());
                    self.reports.say(LogLevel::Warning, text).await;
                }
                other => return other,
            }
            self.held.stop().run_until_cancelled(tokio::time::sleep(wait)).await;
            wait *= 2;
        }
        attempt().await
    }

    /// The step as the worker before left it.
    pub(super) fn was_done(&self, name: StepName) -> bool {
        self.begun.steps.iter().any(|step| {
            step.name == name && matches!(step.state, StepState::Done | StepState::Skipped)
        })
    }

    /// Begins a step and runs its hooks, trying again what may succeed in a moment; none where a worker before this one
    /// had done it.
    pub(super) async fn try_hooks<F, Fut>(
        &self,
        step: StepName,
        settings: &AppSettings,
        run: F,
    ) -> Result<Option<Result<HooksOutcome, Broken>>, Interrupted>
    where
        F: Fn(HookOptions) -> Fut,
        Fut: Future<Output = Result<HooksOutcome, RolloutError>>,
    {
        if self.was_done(step) {
            return Ok(None);
        }
        self.begin(step).await?;
        let trying = self.retry(|| async {
            let options = self.hook_options(settings).await?;
            run(options).await.map_err(Broken::Rollout)
        });
        Ok(Some(trying.await))
    }

    /// How hooks run: told from where an earlier try of them ended.
    async fn hook_options(&self, settings: &AppSettings) -> Result<HookOptions, Broken> {
        Ok(HookOptions {
            timeout: Duration::from_secs(settings.wait_seconds.into()),
            clock_skew: CLOCK_SKEW,
            end_when_hopeless: settings.end_when_hopeless,
            // What an earlier try told counts as told.
            cursor: self.reports.cursor().await.ok_or(Broken::Unstored)?,
        })
    }

    /// Ends a step of hooks; `word` is what they are called.
    pub(super) async fn end_hooks(
        &self,
        step: StepName,
        word: &str,
        ran: Result<HooksOutcome, Broken>,
    ) -> Result<(), Interrupted> {
        self.reports.flush().await;
        self.is_stored()?;
        let broken = match ran {
            Ok(HooksOutcome::Done { hooks }) => {
                let plural = if hooks == 1 { "" } else { "s" };
                return self.done(step, &format!("{hooks} {word}{plural}")).await;
            }
            Ok(HooksOutcome::Failed(failure)) => Broken::NotReady(failed_hook(step, *failure)),
            Err(error) => error,
        };
        self.fail(step, broken).await
    }

    /// Records that a step failed, and tells why.
    pub(super) async fn fail<T>(&self, step: StepName, error: Broken) -> Result<T, Interrupted> {
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
            Broken::Unstored => return Err(Interrupted::Stopped),
        };
        self.reports.say(LogLevel::Error, failed.message.clone()).await;
        // Where storage was away, the Op is taken up again: it has not failed.
        self.stored().await?;
        if !failed.culprits.is_empty() {
            self.recorder.culprits(failed.culprits.clone()).await?;
        }
        self.recorder.step_failed(step, &failed.message).await?;
        Err(Interrupted::Failed(Box::new(failed)))
    }
}

/// A step whose hook failed.
pub(super) fn failed_hook(step: StepName, failure: HookFailure) -> FailedStep {
    let message = sentence(&failure.to_string());
    let recorded = failure.in_helms_words();
    let culprits: Vec<_> = failure.culprits.into_iter().map(told_culprit).collect();
    let remedy = remedy_of(&culprits);
    FailedStep { step, message, recorded, remedy, culprits, ready: None }
}
