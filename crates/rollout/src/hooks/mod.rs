//! Running the hooks of a release, as Helm does.
//!
//! Of one event (`pre-install`, `post-upgrade` …) the hooks run one after another, by weight and then by name
//! ([`in_order`]). Jobs and Pods are waited for until they have run to their end; objects of other kinds are only
//! created. Before a hook is created its object of an earlier run is deleted (`before-hook-creation`, the default);
//! afterwards it is deleted where its policy says so. A hook that fails ends the event.
//!
//! What a hook's pods say is told line by line while they run, whatever `helm.sh/hook-output-log-policy` says: that
//! tells Helm when to print a log afterwards.
//!
//! Each run stands in the release record (`last_run`), before and after it. So an event that is taken up again
//! knows what has been done: a hook that succeeded does not run again, one that was running is waited for, one
//! that failed has failed.

mod delete;
mod failure;
mod ledger;
mod run;
#[cfg(test)]
mod tests;

use std::time::Duration;

use helm::release::{Hook, HookEvent};
use jiff::SignedDuration;

pub use failure::HookFailure;
pub(crate) use ledger::{Ledger, forget_runs, has_begun};
pub(crate) use run::run;

use crate::plan::{Operation, Plan};
use crate::record::{NewRevision, RecordError, Records};
use crate::report::Cursor;
use crate::{Execution, RolloutError};

/// Before or after the objects of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before they are applied.
    Before,
    /// Once they are ready.
    After,
}

/// How to run hooks.
#[derive(Clone, Debug)]
pub struct HookOptions {
    /// How long each hook may take (Helm's `--timeout`).
    pub timeout: Duration,
    /// By how much the cluster's clock may be behind: events and logs are told from so long before a hook's start.
    pub clock_skew: SignedDuration,
    /// End before the time is over if a hook cannot succeed any more.
    pub end_when_hopeless: bool,
    /// How far events and logs have been told already.
    pub cursor: Cursor,
}

/// How the hooks of an event ended.
#[derive(Clone, Debug, PartialEq)]
pub enum HooksOutcome {
    /// All succeeded.
    Done {
        /// How many there are.
        hooks: u32,
    },
    /// One failed; those behind it did not run.
    Failed(Box<HookFailure>),
}

impl Operation {
    /// The event of hooks that run at a moment of the operation.
    pub fn hook_event(self, moment: Moment) -> HookEvent {
        match (self, moment) {
            (Self::Install, Moment::Before) => HookEvent::PreInstall,
            (Self::Install, Moment::After) => HookEvent::PostInstall,
            (Self::Upgrade, Moment::Before) => HookEvent::PreUpgrade,
            (Self::Upgrade, Moment::After) => HookEvent::PostUpgrade,
            (Self::Rollback { .. }, Moment::Before) => HookEvent::PreRollback,
            (Self::Rollback { .. }, Moment::After) => HookEvent::PostRollback,
        }
    }
}

/// The hooks of an event in the order in which they run: by weight, then by name; where both are equal as the
/// record has them.
pub(crate) fn in_order<'a>(
    hooks: &'a [Hook],
    event: &HookEvent,
) -> impl Iterator<Item = (usize, &'a Hook)> {
    let mut found: Vec<(usize, &Hook)> =
        hooks.iter().enumerate().filter(|(_, hook)| hook.events.contains(event)).collect();
    found.sort_by(|(_, a), (_, b)| a.weight.cmp(&b.weight).then_with(|| a.name.cmp(&b.name)));
    found.into_iter()
}

/// Runs the hooks that a release's new revision has for this moment. The revision was recorded as pending; its
/// record holds the hooks.
///
/// May be repeated from any point for the same owner. The failure of a hook is an outcome; an error means that it is not known how a hook went.
pub async fn run_hooks(
    execution: Execution<'_>,
    plan: &Plan,
    new: &NewRevision,
    event: HookEvent,
    options: &HookOptions,
) -> Result<HooksOutcome, RolloutError> {
    let records = Records::open(execution, &plan.namespace, &plan.release).await?;
    let history = records.read().await?;
    let own = history.recorded(&new.owner, &plan.release)?;
    if !own.release.info.status.is_pending() {
        let (release, revision) = (plan.release.clone(), own.revision());
        return Err(RecordError::Changed { release, revision }.into());
    }
    run(execution, &mut Ledger::open(&records, own.clone(), event), options).await
}
