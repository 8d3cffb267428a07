//! Carrying a plan into the cluster: record, hooks, apply, prune, wait, hooks, finish. The same for a deployment and for the way back
//! after one failed; only the steps have other names.

use std::sync::{Mutex, PoisonError};

use helm::release::HookEvent;
use helm::render::PreparedChart;
use jiff::{SignedDuration, Timestamp};
use rollout::apply::Applied;
use rollout::hooks::{self, Moment};
use rollout::plan::Action;
use rollout::record::{Finish, NewRevision};
use rollout::wait::{WaitOptions, WaitOutcome};
use rollout::{Execution, RolloutError, apply, prune, record, wait};

use super::content::{Settled, new_revision};
use super::reports::told_culprit;
use super::steps::CLOCK_SKEW;
use super::{Broken, FailedStep, Interrupted, Run, remedy_of};
use crate::deployment::content::Content;
use crate::deployment::prepare::{self, PrepareError, Target};
use crate::deployment::store as deployments;
use crate::environment::Ready;
use crate::error::Error;
use crate::op::{LogLevel, StepName};

/// The names of the steps.
pub(super) struct Names {
    record: StepName,
    before: StepName,
    apply: StepName,
    prune: StepName,
    wait: StepName,
    after: StepName,
    /// None on the way back: what ran before has passed.
    tests: Option<StepName>,
    finish: StepName,
    /// Whether the revision that is written is the deployment's own.
    is_deployment: bool,
}

/// The deployment itself.
pub(super) const DEPLOY: Names = Names {
    record: StepName::Record,
    before: StepName::PreHooks,
    apply: StepName::Apply,
    prune: StepName::Prune,
    wait: StepName::Wait,
    after: StepName::PostHooks,
    tests: Some(StepName::Tests),
    finish: StepName::Finish,
    is_deployment: true,
};

/// The way back after it failed.
pub(super) const WAY_BACK: Names = Names {
    record: StepName::RollBackRecord,
    before: StepName::RollBackPreHooks,
    apply: StepName::RollBackApply,
    prune: StepName::RollBackPrune,
    wait: StepName::RollBackWait,
    after: StepName::RollBackPostHooks,
    tests: None,
    finish: StepName::RollBackFinish,
    is_deployment: false,
};

impl Run<'_> {
    /// Carries the plan out; how ready the objects are in the end.
    pub(super) async fn roll_out(
        &self,
        names: &Names,
        settled: &Settled,
    ) -> Result<Ready, Interrupted> {
        let applied = settled.plan.objects.iter().filter(|object| object.is_applied());
        let applied = applied.map(|object| object.key.clone()).collect();
        self.reports.objects(applied, self.was_done(names.wait)).await;
        let done = Box::pin(self.roll_out_steps(names, settled)).await;
        if let Err(Interrupted::Failed(failed)) = &done {
            let applying = failed.step == names.apply || failed.step == names.prune;
            self.close_failed(settled, &failed.recorded, applying).await;
        }
        done
    }

    async fn roll_out_steps(&self, names: &Names, settled: &Settled) -> Result<Ready, Interrupted> {
        let Settled { desired, plan, new, history } = settled;
        if names.is_deployment {
            self.certificate().await?;
        }
        let recorded = self
            .step(
                names.record,
                |done: &record::Recorded| format!("revision {}", done.revision),
                || async {
                    // What was read for the plan is good for one try.
                    match take(history) {
                        Some(history) => {
                            record::record_pending_after(self.execution(), plan, new, &history)
                                .await
                        }
                        None => record::record_pending(self.execution(), plan, new).await,
                    }
                },
            )
            .await?;
        // Hooks are noted in the record; without them it stays as it was written.
        let current = recorded.as_ref().and_then(|recorded| recorded.current.clone());
        let current = Mutex::new(current.filter(|_| plan.hooks.is_empty()));
        if let (true, Some(recorded)) = (names.is_deployment, recorded) {
            self.reports.helm_revision(recorded.revision.into()).await;
        }
        let operation = plan.operation;
        self.run_hooks(names.before, operation.hook_event(Moment::Before), settled).await?;
        let objects = plan.objects.iter().filter(|object| object.is_applied()).count();
        let applied = self
            .step(
                names.apply,
                |_| format!("{objects} objects"),
                || apply::apply(self.execution(), desired, plan),
            )
            .await?;
        match plan.count(Action::Delete) {
            0 => self.skipped(names.prune, "none").await?,
            count => {
                self.step(
                    names.prune,
                    |()| format!("{count} deleted"),
                    || prune::prune(self.execution(), plan),
                )
                .await?;
            }
        }
        let ready = self.wait(names, settled, applied.unwrap_or_default()).await?;
        self.run_hooks(names.after, operation.hook_event(Moment::After), settled).await?;
        if let Some(tests) = names.tests {
            self.run_hooks(tests, HookEvent::Test, settled).await?;
        }
        if names.is_deployment {
            self.remove_certificates().await?;
        }
        self.step(
            names.finish,
            |done: &record::Recorded| format!("revision {} deployed", done.revision),
            || async {
                let (execution, finish) = (self.execution(), &Finish::Deployed);
                match take(&current) {
                    Some(current) => {
                        record::record_finish_after(execution, plan, new, finish, &current).await
                    }
                    None => record::record_finish(execution, plan, new, finish).await,
                }
            },
        )
        .await?;
        Ok(ready)
    }

    /// The hooks of the release that the plan has for an event.
    async fn run_hooks(
        &self,
        step: StepName,
        event: HookEvent,
        settled: &Settled,
    ) -> Result<(), Interrupted> {
        let Settled { plan, new, .. } = settled;
        if !plan.hooks.iter().any(|hook| hook.event == event) {
            return self.skipped(step, "none").await;
        }
        let ran = self
            .try_hooks(step, &self.job.settings, |options| {
                let event = event.clone();
                async move { hooks::run_hooks(self.execution(), plan, new, event, &options).await }
            })
            .await?;
        let word = if event == HookEvent::Test { "test" } else { "hook" };
        match ran {
            Some(ran) => self.end_hooks(step, word, ran).await,
            None => Ok(()),
        }
    }

    /// The step `wait`: until everything is ready, the deadline passes, or nothing can come up any more.
    async fn wait(
        &self,
        names: &Names,
        settled: &Settled,
        applied: Applied,
    ) -> Result<Ready, Interrupted> {
        let step = names.wait;
        if self.was_done(step) {
            return self.reports.ready().await.ok_or(Interrupted::Stopped);
        }
        self.begin(step).await?;
        let now = Timestamp::now();
        let lasting = SignedDuration::from_secs(self.job.settings.wait_seconds.into());
        let kept = self.begun.deadline.filter(|_| self.was_begun(step));
        let deadline =
            kept.unwrap_or_else(|| now.saturating_add(lasting).unwrap_or(Timestamp::MAX));
        self.reports.deadline(deadline).await;
        let begun = self.began(names.apply).await?.unwrap_or(now);
        let options = WaitOptions {
            deadline,
            since: begun.saturating_sub(CLOCK_SKEW).unwrap_or(begun),
            jobs: self.job.settings.wait_for_jobs,
            end_when_hopeless: self.job.settings.end_when_hopeless,
            cursor: self.reports.cursor().await.ok_or(Interrupted::Stopped)?,
        };
        let applied = Mutex::new(Some(applied));
        let waited = self
            .retry(|| async {
                // Later tries look at everything anew.
                let applied = take(&applied).unwrap_or_default();
                wait::wait(self.execution(), &settled.plan, applied, options.clone())
                    .await
                    .map_err(Broken::Rollout)
            })
            .await;
        let ready = self.reports.ready().await.ok_or(Interrupted::Stopped)?;
        let broken = match waited {
            Ok(WaitOutcome::Ready) => {
                self.done(step, &format!("{} of {} ready", ready.total, ready.total)).await?;
                return Ok(Ready { ready: ready.total, total: ready.total });
            }
            Ok(WaitOutcome::NotReady { culprits, text, .. }) => {
                let culprits: Vec<_> = culprits.into_iter().map(told_culprit).collect();
                let message = culprits.first().map_or_else(|| text.clone(), |it| it.text.clone());
                Broken::NotReady(FailedStep {
                    step,
                    message,
                    recorded: text,
                    remedy: remedy_of(&culprits),
                    culprits,
                    ready: Some(ready),
                })
            }
            Err(error) => error,
        };
        self.fail(step, broken).await
    }

    /// Marks the revision in the cluster as failed, as far as it can be reached.
    async fn close_failed(&self, settled: &Settled, error: &str, applying: bool) {
        let finish = Finish::Failed { error: error.to_owned(), applying };
        let closed =
            record::record_finish(self.execution(), &settled.plan, &settled.new, &finish).await;
        self.told_closing(closed).await;
    }

    /// The same for a deployment that was stopped: its execution was cancelled, the record must be closed all the same.
    pub(super) async fn close_record(&self, names: &Names, why: &str) {
        let Ok(Some(content)) = self.content_now().await else { return };
        let target = self.target();
        let settled = async {
            let chart = self.control.prepared_chart(&content.row.archive_sha256).await?;
            revision_of(&content, &chart, &target)
        };
        let Ok(new) = settled.await else { return };
        let unstoppable = tokio_util::sync::CancellationToken::new();
        let execution = Execution { cancel: &unstoppable, ..self.execution() };
        let applying = matches!(self.began(names.apply).await, Ok(Some(_)));
        let finish = Finish::Failed { error: why.to_owned(), applying };
        let closed = record::record_finish(execution, &content.plan, &new, &finish).await;
        self.told_closing(closed).await;
    }

    /// What the deployment consists of by now: this run may have settled it.
    async fn content_now(&self) -> Result<Option<Content>, Error> {
        let id = self.job.deployment.id;
        let row = deployments::by_id(self.control.db().read(), id).await?;
        match row.and_then(|row| row.content) {
            Some(content) => self.control.content(content).await.map(Some),
            None => Ok(None),
        }
    }

    async fn told_closing(&self, closed: Result<record::Recorded, RolloutError>) {
        if let Err(error) = closed {
            let text = format!(
                "The Helm release's record could not be closed: {}",
                prepare::whole_text(&error)
            );
            self.reports.say(LogLevel::Warning, text).await;
        }
    }
}

/// What is there to be used once.
fn take<T>(once: &Mutex<Option<T>>) -> Option<T> {
    once.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The revision of the Helm release that carries out what is stored.
pub(super) fn revision_of(
    content: &Content,
    chart: &PreparedChart,
    target: &Target,
) -> Result<NewRevision, PrepareError> {
    let mode = content.row.helm_mode;
    let release = prepare::helm_release(mode, chart, &content.values, &content.rendering)?;
    Ok(new_revision(release, &content.row.rendering, target))
}
