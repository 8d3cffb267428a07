//! Carrying the removal of an environment out: its Helm release is uninstalled as `helm uninstall` does, then the
//! environment is deleted.
//!
//! What is gone already is done: each step looks at the cluster anew. Unlike Helm it does not count as done what is still
//! there when the time is over: the Op fails, and can be repeated, instead of freeing the place while something is in it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rollout::hooks::HooksOutcome;
use rollout::uninstall::{Found, Uninstall};
use rollout::{ObjectKey, RolloutError};

use super::reports::Reports;
use super::steps::failed_hook;
use super::{Broken, FailedStep, Interrupted, Run, connect, failure, fault, told_unstored};
use crate::app::AppSettings;
use crate::control::Control;
use crate::domain::CERTIFICATE_LABEL;
use crate::domain::store as domains;
use crate::environment::store::{self as environments, EnvironmentRow};
use crate::error::{Error, sentence};
use crate::op::recorder::Recorder;
use crate::op::{Left, LogLevel, StepName};
use crate::work::Lease;
use crate::work::lease::{Held, Stopped};

/// The steps that touch the cluster before the last one.
const INNER: [StepName; 4] =
    [StepName::PreHooks, StepName::Delete, StepName::WaitGone, StepName::PostHooks];

/// Objects that a message names.
const NAMED: usize = 5;

/// A removal with what it needs.
pub(super) struct Job {
    environment: EnvironmentRow,
    settings: AppSettings,
    forget: bool,
    /// Whether a deployment of the environment has come as far as the cluster.
    has_release: bool,
    /// Whether it has custom domains, and may have certificates of theirs.
    has_domains: bool,
    /// What an earlier run of the Op has left.
    left: Left,
}

/// Carries the removal out that is held, to its end or until it has to stop.
pub(super) async fn run(control: &Control, held: &Arc<Held>, recorder: Recorder) {
    let removed = Box::pin(remove(control, held, &recorder)).await;
    let Some(error) = fault(removed, held) else { return };
    let failure = failure::internal_of_removal(&error);
    // Where even this cannot be stored, the lease runs out and the Op is taken up again.
    if let Err(error) = recorder.end_removal_failed(&failure).await {
        told_unstored(&error, held);
    }
}

async fn remove(
    control: &Control,
    held: &Arc<Held>,
    recorder: &Recorder,
) -> Result<(), Interrupted> {
    let job = load(control, &held.lease()).await?;
    let begun = recorder.begun().await?;
    let reports = Reports::start(recorder.clone(), held.clone(), &begun).await?;
    if job.forget {
        return forget(control, recorder, &reports, &job).await;
    }
    let check = Some(StepName::Check);
    let cluster = match connect(control, &job.environment, check, recorder, &reports).await? {
        Ok(cluster) => cluster,
        Err(message) => {
            let failure = failure::removal_before_anything(&message);
            return Ok(recorder.end_removal_failed(&failure).await?);
        }
    };
    let recorder = recorder.clone();
    let run = Run { control, held, recorder, reports, job, cluster, begun };
    let outcome = run.carry_out().await;
    run.reports.finish().await;
    outcome
}

async fn load(control: &Control, lease: &Lease) -> Result<Job, Error> {
    let gone = || Error::internal("load an Op", "a row that it needs is gone");
    let c = control.db().read();
    let environment = environments::by_id(c, lease.wake.environment).await?.ok_or_else(gone)?;
    let settings = crate::app::store::settings(c, environment.app).await?.ok_or_else(gone)?;
    let removal = control.removal(lease.op).await?;
    Ok(Job {
        has_release: environments::has_release(c, environment.id).await?,
        has_domains: !domains::of_environment(c, environment.id).await?.is_empty(),
        environment,
        settings,
        forget: removal.forget,
        left: removal.left,
    })
}

/// The environment is only forgotten: what may be left is said, no cluster is asked.
async fn forget(
    control: &Control,
    recorder: &Recorder,
    reports: &Reports,
    job: &Job,
) -> Result<(), Interrupted> {
    recorder.step_started(StepName::Finish).await?;
    let objects = control.recorded_objects(job.environment.id).await?;
    let EnvironmentRow { release_name, namespace, .. } = &job.environment;
    let mut left = Left { forgotten: objects, ..Left::default() };
    if job.has_release {
        left.notes.push(format!(
            "Nothing was done in the cluster: the Helm release `{release_name}` in namespace `{namespace}` is left to whoever still reaches it (`helm uninstall {release_name} -n {namespace}`)."
        ));
    }
    for note in &left.notes {
        reports.say(LogLevel::Warning, note.clone()).await;
    }
    for object in &left.forgotten {
        reports.say(LogLevel::Warning, format!("{object} is left as it is")).await;
    }
    reports.finish().await;
    recorder.removal_left(&left).await?;
    recorder.step_done(StepName::Finish, "forgotten").await?;
    Ok(recorder.end_removed().await?)
}

impl Run<'_, Job> {
    async fn carry_out(&self) -> Result<(), Interrupted> {
        let uninstalled = self.uninstall().await;
        self.stored().await?;
        match uninstalled {
            Ok(()) => Ok(self.recorder.end_removed().await?),
            Err(Interrupted::Failed(failed)) => {
                let failure = failure::of_removal(&failed);
                Ok(self.recorder.end_removal_failed(&failure).await?)
            }
            Err(Interrupted::Stopped) if self.held.stopped() == Some(Stopped::Cancelled) => {
                let failure = failure::removal_cancelled(&self.recorder.steps().await?);
                self.reports.say(LogLevel::Warning, failure.cluster_state.clone()).await;
                self.reports.flush().await;
                Ok(self.recorder.end_removal_cancelled(&failure).await?)
            }
            Err(other) => Err(other),
        }
    }

    /// The steps up to the end of the release.
    async fn uninstall(&self) -> Result<(), Interrupted> {
        let found = self.look().await?;
        match &found {
            Some(found) if found.status != helm::release::Status::Uninstalled => {
                self.reports
                    .objects(found.objects.clone(), self.was_done(StepName::WaitGone))
                    .await;
                let mut left = self.job.left.clone();
                self.pre_hooks().await?;
                self.delete(&mut left).await?;
                self.wait_gone().await?;
                self.post_hooks(&mut left).await?;
            }
            _ => {
                for step in INNER {
                    if !self.was_done(step) {
                        self.skipped(step, "no release").await?;
                    }
                }
            }
        }
        let records = found.is_some();
        self.step(
            StepName::Finish,
            |()| if records { "release removed" } else { "nothing in the cluster" }.to_owned(),
            || async {
                self.remove_certificates().await?;
                if records { self.helm_release().finish(false).await } else { Ok(()) }
            },
        )
        .await?;
        Ok(())
    }

    /// The Secrets that Landfall put beside the release.
    async fn remove_certificates(&self) -> Result<(), RolloutError> {
        if !self.job.has_domains {
            return Ok(());
        }
        let environment = &self.job.environment;
        let (namespace, id) = (environment.namespace.as_str(), environment.id.to_string());
        let label = (CERTIFICATE_LABEL, id.as_str());
        rollout::certificate::remove_others(self.execution(), namespace, label, None).await?;
        Ok(())
    }

    fn helm_release(&self) -> Uninstall<'_> {
        Uninstall {
            execution: self.execution(),
            namespace: self.job.environment.namespace.as_str(),
            release: self.job.environment.release_name.as_str(),
        }
    }

    /// The step `check`: what is there. Looked at anew by whoever takes the Op up again.
    async fn look(&self) -> Result<Option<Found>, Interrupted> {
        let step = StepName::Check;
        let known = self.was_done(step);
        if !known {
            self.begin(step).await?;
        }
        let looked = self
            .retry_reading(|| async { self.helm_release().look().await.map_err(Broken::Rollout) })
            .await;
        let found = match looked {
            Ok(found) => found,
            Err(error) => return self.fail(step, error).await,
        };
        if let (false, Some(_)) = (known, &found) {
            // What is uninstalled is the newest revision, whoever made it.
            self.note_newest().await?;
        }
        let EnvironmentRow { release_name, namespace, .. } = &self.job.environment;
        let (note, found) = match found {
            Some(found) if !self.job.has_release => {
                // Nothing of ours came so far: whose it is must say what becomes of it.
                let text = format!(
                    "Helm release {release_name} in namespace {namespace} is left alone: no deployment of this environment made it"
                );
                self.reports.say(LogLevel::Warning, text.clone()).await;
                let left = Left { notes: vec![sentence(&text)], ..Left::default() };
                self.recorder.removal_left(&left).await?;
                (format!("revision {} of others", found.revision), None)
            }
            Some(found) => {
                self.say(format!(
                    "Helm release {release_name} in namespace {namespace}: revision {}, {}, {} objects to delete",
                    found.revision,
                    found.status,
                    found.objects.len()
                ))
                .await;
                (format!("revision {}", found.revision), Some(found))
            }
            None => {
                self.say(format!("No Helm release {release_name} in namespace {namespace}")).await;
                ("no release".to_owned(), None)
            }
        };
        if !known {
            self.done(step, &note).await?;
        }
        Ok(found)
    }

    async fn note_newest(&self) -> Result<(), Interrupted> {
        let environment = &self.job.environment;
        let (namespace, release) =
            (environment.namespace.as_str(), environment.release_name.as_str());
        let read = self
            .retry_reading(|| async {
                Ok(rollout::record::read_history(&self.cluster, self.control, namespace, release)
                    .await?)
            })
            .await;
        match read {
            Ok(history) if self.job.has_release => self.note_revisions(environment, &history).await,
            Ok(_) => Ok(()),
            Err(error) => self.fail(StepName::Check, error).await,
        }
    }

    async fn pre_hooks(&self) -> Result<(), Interrupted> {
        let step = StepName::PreHooks;
        let attempt = self.held.lease().op.to_string();
        let attempt = attempt.as_str();
        let ran = self
            .try_hooks(step, &self.job.settings, |options| async move {
                self.helm_release().begin(Some(attempt), Some(&options)).await
            })
            .await?;
        match ran {
            Some(ran) => self.end_hooks(step, "hook", ran).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, left: &mut Left) -> Result<(), Interrupted> {
        let step = StepName::Delete;
        if self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        let deleted =
            self.retry(|| async { self.helm_release().delete().await.map_err(Broken::Rollout) });
        match deleted.await {
            Ok(uninstalled) => {
                let names = |keys: &[ObjectKey]| keys.iter().map(ToString::to_string).collect();
                left.kept = names(&uninstalled.kept);
                left.not_owned = names(&uninstalled.not_owned);
                self.recorder.removal_left(left).await?;
                let note = match left.kept.len() + left.not_owned.len() {
                    0 => "all".to_owned(),
                    n => format!("all but {n}"),
                };
                self.done(step, &note).await
            }
            Err(error) => self.fail(step, error).await,
        }
    }

    /// The step `wait_gone`: until everything has disappeared, or the time is over.
    async fn wait_gone(&self) -> Result<(), Interrupted> {
        let step = StepName::WaitGone;
        if self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        let seconds = self.job.settings.wait_seconds;
        let lasting = SignedDuration::from_secs(seconds.into());
        let kept = self.begun.deadline.filter(|_| self.was_begun(step));
        let deadline = kept
            .unwrap_or_else(|| Timestamp::now().saturating_add(lasting).unwrap_or(Timestamp::MAX));
        self.reports.deadline(deadline).await;
        let waited = self
            .retry(|| async { self.helm_release().wait(deadline).await.map_err(Broken::Rollout) })
            .await;
        let broken = match waited {
            Ok(still) if still.is_empty() => return self.done(step, "all gone").await,
            Ok(still) => Broken::NotReady(self.stuck(step, &still, seconds).await),
            Err(error) => error,
        };
        self.fail(step, broken).await
    }

    /// What is still there although it was deleted, and what it waits for.
    async fn stuck(&self, step: StepName, still: &[ObjectKey], seconds: u32) -> FailedStep {
        let mut told = Vec::new();
        for key in still.iter().take(NAMED) {
            // A cluster that does not answer now does not change what is known already.
            let waits = self.helm_release().finalizers(key).await.unwrap_or_default();
            told.push(if waits.is_empty() {
                key.to_string()
            } else {
                format!("{key} (waits for its finalizers: {})", waits.join(", "))
            });
        }
        if still.len() > NAMED {
            told.push(format!("{} more", still.len() - NAMED));
        }
        let message = format!("Still there {seconds} s after it was deleted: {}.", told.join(", "));
        let remedy = "See to what holds it, then remove the environment again.".to_owned();
        let (culprits, ready) = (Vec::new(), None);
        FailedStep { step, recorded: message.clone(), message, remedy, culprits, ready }
    }

    /// The hooks behind the deletion. One that fails is told; the release is gone all the same, as Helm has it.
    async fn post_hooks(&self, left: &mut Left) -> Result<(), Interrupted> {
        let step = StepName::PostHooks;
        let ran = self
            .try_hooks(step, &self.job.settings, |options| async move {
                self.helm_release().post_hooks(&options).await
            })
            .await?;
        let Some(ran) = ran else { return Ok(()) };
        let Ok(HooksOutcome::Failed(failure)) = ran else {
            return self.end_hooks(step, "hook", ran).await;
        };
        let failed = failed_hook(step, *failure);
        left.notes.push(failed.message.clone());
        self.recorder.removal_left(left).await?;
        match self.fail(step, Broken::NotReady(failed)).await {
            Err(Interrupted::Failed(_)) => Ok(()),
            other => other,
        }
    }
}
