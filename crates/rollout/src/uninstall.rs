//! Taking a release out of a cluster, as `helm uninstall` does.

use std::time::Duration;

use helm::release::{HookEvent, Status};
use helm::render::{UNINSTALL_ORDER, compare_kinds};
use jiff::Timestamp;

use crate::cluster::Resource;
use crate::hooks::{self, HookFailure, HookOptions, HooksOutcome, Ledger};
use crate::manifest::{DesiredObject, Marks, read_objects, resource_policy};
use crate::record::{History, RecordError, Records, StoredRevision};
use crate::report::{Level, RolloutEvent};
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// The pause between two looks at whether everything is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// How to uninstall.
#[derive(Clone, Debug)]
pub struct UninstallOptions {
    /// Keep the records, marked uninstalled (Helm's `--keep-history`).
    pub keep_history: bool,
    /// When to stop waiting for objects to be gone; the records are removed even so, as Helm does.
    pub deadline: Timestamp,
    /// How to run the delete hooks; none are run without (Helm's `--no-hooks`).
    pub hooks: Option<HookOptions>,
}

/// What was left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uninstalled {
    /// Objects kept because of `helm.sh/resource-policy`.
    pub kept: Vec<ObjectKey>,
    /// Objects that carry other marks than this release's, and were left alone.
    pub not_owned: Vec<ObjectKey>,
    /// Objects that were still being deleted at the deadline.
    pub still_there: Vec<ObjectKey>,
    /// The post-delete hook that failed; the release is gone nevertheless, as Helm has it.
    pub failed_hook: Option<HookFailure>,
}

/// Deletes the objects of the release's last revision in Helm's uninstall order, waits until they are
/// gone, and removes the records; its pre-delete hooks run before that, its post-delete hooks after it.
///
/// Repeating it goes on where it stopped; a release without records is
/// [`RecordError::NotFound`]. A pre-delete hook that fails is [`RolloutError::Hook`]: nothing was deleted then,
/// and the release stands as `uninstalling`.
pub async fn uninstall(
    execution: Execution<'_>,
    namespace: &str,
    release: &str,
    options: &UninstallOptions,
) -> Result<Uninstalled, RolloutError> {
    let records = Records::open(execution, namespace, release).await?;
    let mut history = records.read().await?;
    let Some(last) = history.last() else {
        return Err(RecordError::NotFound { release: release.to_owned() }.into());
    };
    let mut left = Uninstalled::default();
    if last.release.info.status != Status::Uninstalled {
        if last.release.info.status != Status::Uninstalling {
            mark(&records, last, Status::Uninstalling).await?;
            history = records.read().await?;
        }
        if let Some(failure) = run_hooks(&records, &history, HookEvent::PreDelete, options).await? {
            return Err(RolloutError::Hook(failure));
        }
        history = records.read().await?;
        left = delete_objects(execution, &history, namespace, release, options).await?;
        let failed = run_hooks(&records, &history, HookEvent::PostDelete, options).await?;
        left.failed_hook = failed.map(|failure| *failure);
        history = records.read().await?;
    }
    finish(&records, &history, options).await?;
    Ok(left)
}

/// Runs the delete hooks of the last revision; the one that failed.
async fn run_hooks(
    records: &Records<'_>,
    history: &History,
    event: HookEvent,
    options: &UninstallOptions,
) -> Result<Option<Box<HookFailure>>, RolloutError> {
    let (Some(options), Some(last)) = (&options.hooks, history.last()) else { return Ok(None) };
    if event == HookEvent::PreDelete && hooks::has_begun(last, &HookEvent::PostDelete) {
        // An earlier call came so far that they are behind it.
        return Ok(None);
    }
    let mut ledger = Ledger::open(records, last.clone(), event);
    match hooks::run(records.execution, &mut ledger, options).await? {
        HooksOutcome::Done { .. } => Ok(None),
        HooksOutcome::Failed(failure) => {
            records.execution.say(Level::Error, None, failure.to_string()).await;
            Ok(Some(failure))
        }
    }
}

async fn mark(
    records: &Records<'_>,
    revision: &StoredRevision,
    status: Status,
) -> Result<(), RolloutError> {
    let mut release = revision.release.clone();
    release.info.status = status;
    release.info.deleted.get_or_insert_with(Timestamp::now);
    let description = match status {
        Status::Uninstalling => "Deletion in progress (or silently failed)",
        _ => "Uninstallation complete",
    };
    description.clone_into(&mut release.info.description);
    records.update(revision, &release).await?;
    Ok(())
}

async fn delete_objects(
    execution: Execution<'_>,
    history: &History,
    namespace: &str,
    release: &str,
    options: &UninstallOptions,
) -> Result<Uninstalled, RolloutError> {
    let manifest = history.last().map_or("", |last| &last.release.manifest);
    let mut objects = read_objects(manifest)
        .map_err(|source| RecordError::Manifest { release: release.to_owned(), source })?;
    objects.sort_by(|a, b| compare_kinds(&UNINSTALL_ORDER, &a.key.kind, &b.key.kind));
    let marks = Marks { release, namespace };
    let mut left = Uninstalled::default();
    let mut going = Vec::new();
    let total = u32::try_from(objects.len()).unwrap_or(u32::MAX);
    for (done, object) in (1..).zip(&objects) {
        if let Some(deleted) = delete_object(execution, object, marks, &mut left).await? {
            going.push(deleted);
        }
        execution.tell(RolloutEvent::Progress { done, total, waiting: Vec::new() }).await;
    }
    left.still_there = wait_until_gone(execution, going, options.deadline).await?;
    Ok(left)
}

/// Deletes one object, unless it is kept or not ours; what is then on its way out.
async fn delete_object(
    execution: Execution<'_>,
    object: &DesiredObject,
    marks: Marks<'_>,
    left: &mut Uninstalled,
) -> Result<Option<(Resource, ObjectKey)>, RolloutError> {
    let resource = match execution.cluster.resource(&object.key).await {
        Ok(resource) => resource,
        Err(ClusterError::NoSuchKind { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let key = resource.locate(&object.key, marks.namespace);
    // Helm: any value keeps the object, though only `keep` is reported.
    if let Some(policy) = resource_policy(&object.object) {
        if policy.trim().eq_ignore_ascii_case("keep") {
            execution.say(Level::Info, Some(&key), format!("{key} kept")).await;
            left.kept.push(key);
        }
        return Ok(None);
    }
    let Some(live) = execution.cluster.get(&resource, &key).await? else { return Ok(None) };
    if marks.foreign(&live).is_some() {
        let text = format!("{key} left alone: it does not belong to this release");
        execution.say(Level::Warning, Some(&key), text).await;
        left.not_owned.push(key);
        return Ok(None);
    }
    execution.before_write().await?;
    execution.cluster.delete(&resource, &key, live["metadata"]["uid"].as_str()).await?;
    execution.say(Level::Info, Some(&key), format!("{key} deleted")).await;
    Ok(Some((resource, key)))
}

/// Waits until objects are gone; those that are still there at the deadline.
pub(crate) async fn wait_until_gone(
    execution: Execution<'_>,
    mut going: Vec<(Resource, ObjectKey)>,
    deadline: Timestamp,
) -> Result<Vec<ObjectKey>, RolloutError> {
    loop {
        let mut still = Vec::new();
        for (resource, key) in going {
            if execution.cluster.get(&resource, &key).await?.is_some() {
                still.push((resource, key));
            }
        }
        if still.is_empty() || Timestamp::now() >= deadline {
            return Ok(still.into_iter().map(|(_, key)| key).collect());
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = execution.cancel.cancelled() => return Err(RolloutError::Cancelled),
        }
        going = still;
    }
}

/// Removes the records, or marks the last one.
async fn finish(
    records: &Records<'_>,
    history: &History,
    options: &UninstallOptions,
) -> Result<(), RolloutError> {
    if !options.keep_history {
        // The newest last: until it is gone, a repeated call finds what is still to do.
        for revision in history.revisions() {
            records.delete(revision.revision()).await?;
        }
        return Ok(());
    }
    let earlier = history.revisions().split_last().map_or(&[][..], |(_, earlier)| earlier);
    for revision in earlier.iter().filter(|r| r.release.info.status == Status::Deployed) {
        let mut release = revision.release.clone();
        release.info.status = Status::Superseded;
        records.update(revision, &release).await?;
    }
    match history.last() {
        Some(last) if last.release.info.status != Status::Uninstalled => {
            mark(records, last, Status::Uninstalled).await
        }
        _ => Ok(()),
    }
}
