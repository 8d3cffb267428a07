//! Ending a revision: deployed, or failed.

use helm::release::{HookPhase, Release, Status};

use super::history::{History, StoredRevision};
use super::{Finish, NewRevision, RecordError, Recorded, Records};
use crate::plan::{Operation, Plan};
use crate::{Execution, RolloutError};

/// Ends the revision: deployed (and the one before superseded), or failed.
///
/// Repeating it is safe: what has been written is not written again.
pub async fn record_finish(
    execution: Execution<'_>,
    plan: &Plan,
    new: &NewRevision,
    finish: &Finish,
) -> Result<Recorded, RolloutError> {
    let records = Records::open(execution, &plan.namespace, &plan.release).await?;
    let mut history = records.read_current().await?;
    if history.of(&new.owner).is_none() {
        history = records.read().await?;
    }
    end(&records, &history, plan, new, finish).await
}

/// The same where its revision was recorded just now and no hook has been noted in it since. If others have touched it
/// meanwhile, that is found out and everything is read.
pub async fn record_finish_after(
    execution: Execution<'_>,
    plan: &Plan,
    new: &NewRevision,
    finish: &Finish,
    current: &History,
) -> Result<Recorded, RolloutError> {
    let records = Records::open(execution, &plan.namespace, &plan.release).await?;
    match end(&records, current, plan, new, finish).await {
        Err(RolloutError::Record(RecordError::Changed { .. } | RecordError::Gone { .. })) => {
            record_finish(execution, plan, new, finish).await
        }
        other => other,
    }
}

async fn end(
    records: &Records<'_>,
    history: &History,
    plan: &Plan,
    new: &NewRevision,
    finish: &Finish,
) -> Result<Recorded, RolloutError> {
    let own = history.recorded(&new.owner, &plan.release)?;
    let wanted = finished(own, plan, new, finish);
    if own.status() == wanted.info.status {
        return Ok(Recorded { revision: own.revision(), current: None });
    }
    if !own.status().is_pending() {
        // Somebody has rolled back or uninstalled meanwhile; their word stands.
        let (release, revision) = (plan.release.clone(), own.revision());
        return Err(RecordError::Changed { release, revision }.into());
    }
    for before in superseded(history, own, plan, finish) {
        let mut release = before.release.clone();
        release.info.status = Status::Superseded;
        records.update(before, &release).await?;
    }
    records.update(own, &wanted).await?;
    Ok(Recorded { revision: own.revision(), current: None })
}

/// The own record as it will be, with Helm's descriptions.
fn finished(own: &StoredRevision, plan: &Plan, new: &NewRevision, finish: &Finish) -> Release {
    let mut release = own.release.clone();
    // A hook that was left running by an end that came from elsewhere: nobody knows how it went.
    for hook in &mut release.hooks {
        if hook.last_run.phase == HookPhase::Running {
            hook.last_run.phase = HookPhase::Unknown;
        }
    }
    let name = &plan.release;
    let info = &mut release.info;
    match finish {
        Finish::Deployed => {
            info.status = Status::Deployed;
            match (&new.description, plan.operation) {
                (Some(description), _) => description.clone_into(&mut info.description),
                (None, Operation::Install) => "Install complete".clone_into(&mut info.description),
                (None, Operation::Upgrade) => "Upgrade complete".clone_into(&mut info.description),
                // A rollback keeps what it was begun with.
                (None, Operation::Rollback { .. }) => {}
            }
        }
        Finish::Failed { error, applying } => {
            info.status = Status::Failed;
            let what = match plan.operation {
                Operation::Upgrade => "Upgrade",
                Operation::Rollback { .. } if *applying => "Rollback",
                Operation::Install | Operation::Rollback { .. } => "Release",
            };
            info.description = format!("{what} \"{name}\" failed: {error}");
        }
    }
    release
}

/// The revisions that the end of this one makes superseded.
fn superseded<'a>(
    history: &'a History,
    own: &StoredRevision,
    plan: &Plan,
    finish: &Finish,
) -> Vec<&'a StoredRevision> {
    let mut earlier = history.revisions().iter().filter(|r| r.revision() < own.revision());
    match (finish, plan.operation) {
        // Helm takes a failed revision for the current one where none is deployed.
        (Finish::Deployed, Operation::Upgrade) => {
            let current = |r: &&StoredRevision| {
                r.status() == Status::Deployed
                    || r.status() == Status::Failed && Some(r.revision()) == plan.base_revision
            };
            earlier.filter(current).collect()
        }
        (Finish::Deployed, _) => earlier.filter(|r| r.status() == Status::Deployed).collect(),
        // A rollback that fails while it applies has already undone what the last one deployed.
        (Finish::Failed { applying: true, .. }, Operation::Rollback { .. }) => {
            earlier.next_back().filter(|r| r.status() == Status::Deployed).into_iter().collect()
        }
        (Finish::Failed { .. }, _) => Vec::new(),
    }
}
