//! Taking a release out of a cluster, as `helm uninstall` does.

use std::time::Duration;

use helm::release::{HookEvent, Status};
use helm::render::{UNINSTALL_ORDER, compare_kinds};
use jiff::Timestamp;

use crate::cluster::Resource;
use crate::hooks::{self, HookFailure, HookOptions, HooksOutcome, Ledger};
use crate::manifest::{DesiredObject, ManifestError, Marks, read_objects, resource_policy};
use crate::record::{History, RecordError, Records, StoredRevision};
use crate::report::{Level, RolloutEvent};
use crate::wait::State;
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// The pause between two looks at whether everything is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// Annotation on a record's Secret: the attempt to uninstall whose hooks' runs it tells.
const ATTEMPT: &str = "landfall.dev/uninstall";

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

/// A release to be uninstalled, step by step: look, [`begin`](Uninstall::begin), [`delete`](Uninstall::delete),
/// [`wait`](Uninstall::wait), [`post_hooks`](Uninstall::post_hooks), [`finish`](Uninstall::finish).
///
/// Every step reads the records anew and may be repeated; where there are none any more there is nothing to do.
#[derive(Clone, Copy)]
pub struct Uninstall<'a> {
    /// The cluster, and who may write to it.
    pub execution: Execution<'a>,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The release.
    pub release: &'a str,
}

/// A release as it stands before it is uninstalled.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its last revision: its objects and hooks count.
    pub revision: u32,
    /// What that revision's record says.
    pub status: Status,
    /// The objects that go, in the order in which they are deleted; those that are kept are left out.
    pub objects: Vec<ObjectKey>,
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
    let steps = Uninstall { execution, namespace, release };
    let Some(found) = steps.look().await? else {
        return Err(RecordError::NotFound { release: release.to_owned() }.into());
    };
    let mut left = Uninstalled::default();
    if found.status != Status::Uninstalled {
        if let HooksOutcome::Failed(failure) = steps.begin(None, options.hooks.as_ref()).await? {
            return Err(RolloutError::Hook(failure));
        }
        left = steps.delete().await?;
        left.still_there = steps.wait(options.deadline).await?;
        if let Some(hooks) = &options.hooks
            && let HooksOutcome::Failed(failure) = steps.post_hooks(hooks).await?
        {
            left.failed_hook = Some(*failure);
        }
    }
    steps.finish(options.keep_history).await?;
    Ok(left)
}

/// The objects of a manifest in the order in which an uninstall deletes them, each with whether it is kept.
/// Nothing is asked of a cluster.
pub fn outline(manifest: &str) -> Result<Vec<(ObjectKey, bool)>, ManifestError> {
    let objects = in_order(manifest)?.into_iter().map(|object| {
        let kept = resource_policy(&object.object).is_some();
        (object.key, kept)
    });
    Ok(objects.collect())
}

/// The objects of a manifest in the order in which they are deleted.
fn in_order(manifest: &str) -> Result<Vec<DesiredObject>, ManifestError> {
    let mut objects = read_objects(manifest)?;
    objects.sort_by(|a, b| compare_kinds(&UNINSTALL_ORDER, &a.key.kind, &b.key.kind));
    Ok(objects)
}

impl<'a> Uninstall<'a> {
    async fn records(&self) -> Result<Records<'a>, RolloutError> {
        Records::open(self.execution, self.namespace, self.release).await
    }

    /// Reads what there is; nothing is changed. `None`: there is no such release.
    pub async fn look(&self) -> Result<Option<Found>, RolloutError> {
        let history = self.records().await?.read().await?;
        let Some(last) = history.last() else { return Ok(None) };
        let mut found = Vec::new();
        for object in self.objects(&history)? {
            if resource_policy(&object.object).is_none() {
                found.push(match self.execution.cluster.resource(&object.key).await {
                    Ok(resource) => resource.locate(&object.key, self.namespace),
                    Err(ClusterError::NoSuchKind { .. }) => object.key,
                    Err(error) => return Err(error.into()),
                });
            }
        }
        Ok(Some(Found {
            revision: last.revision(),
            status: last.release.info.status,
            objects: found,
        }))
    }

    /// Marks the release as being uninstalled and runs its pre-delete hooks; without `hooks` only the former.
    ///
    /// `attempt` names the attempt: hooks that ran in it do not run again when the call is repeated, those of an
    /// earlier attempt do, unless that one had come as far as the post-delete hooks.
    pub async fn begin(
        &self,
        attempt: Option<&str>,
        hooks: Option<&HookOptions>,
    ) -> Result<HooksOutcome, RolloutError> {
        let records = self.records().await?;
        let history = records.read().await?;
        let Some(last) = history.last() else { return Ok(HooksOutcome::Done { hooks: 0 }) };
        let behind = hooks::has_begun(last, &HookEvent::PostDelete);
        let known = last.annotations.get(ATTEMPT).map(String::as_str);
        let mut last = last.clone();
        if last.release.info.status != Status::Uninstalling || known != attempt {
            if let Some(attempt) = attempt {
                last.annotations.insert(ATTEMPT.to_owned(), attempt.to_owned());
            }
            if !behind && known != attempt {
                hooks::forget_runs(&mut last);
            }
            last = mark(&records, &last, Status::Uninstalling).await?;
        }
        match hooks {
            // An earlier call came so far that they are behind it.
            Some(options) if !behind => {
                run_hooks(&records, last, HookEvent::PreDelete, options).await
            }
            _ => Ok(HooksOutcome::Done { hooks: 0 }),
        }
    }

    /// Deletes the objects in Helm's order; what is kept, and what was left alone.
    pub async fn delete(&self) -> Result<Uninstalled, RolloutError> {
        let history = self.records().await?.read().await?;
        let objects = self.objects(&history)?;
        let marks = Marks { release: self.release, namespace: self.namespace };
        let mut left = Uninstalled::default();
        let total = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        for (done, object) in (1..).zip(&objects) {
            delete_object(self.execution, object, marks, &mut left).await?;
            self.execution.tell(RolloutEvent::Progress { done, total, waiting: Vec::new() }).await;
        }
        Ok(left)
    }

    /// Waits until the objects are gone; those that are still there at the deadline.
    pub async fn wait(&self, deadline: Timestamp) -> Result<Vec<ObjectKey>, RolloutError> {
        let history = self.records().await?.read().await?;
        let marks = Marks { release: self.release, namespace: self.namespace };
        let mut going = Vec::new();
        for object in self.objects(&history)? {
            match target(self.execution, &object, marks).await? {
                Target::Ours { resource, key, .. } => going.push((resource, key)),
                Target::Gone => {
                    tell_state(self.execution, &object.key, marks, State::NotFound).await;
                }
                Target::Kept { .. } | Target::NotOurs { .. } => {}
            }
        }
        wait_until_gone(self.execution, going, deadline).await
    }

    /// What an object that is being deleted waits for; empty once it is gone.
    pub async fn finalizers(&self, key: &ObjectKey) -> Result<Vec<String>, RolloutError> {
        let resource = self.execution.cluster.resource(key).await?;
        let live = self.execution.cluster.get(&resource, key).await?.unwrap_or_default();
        let finalizers = live["metadata"]["finalizers"].as_array().into_iter().flatten();
        Ok(finalizers.filter_map(|name| name.as_str()).map(str::to_owned).collect())
    }

    /// Runs the post-delete hooks. The release is gone whatever comes of them.
    pub async fn post_hooks(&self, options: &HookOptions) -> Result<HooksOutcome, RolloutError> {
        let records = self.records().await?;
        match records.read().await?.last() {
            None => Ok(HooksOutcome::Done { hooks: 0 }),
            Some(last) => run_hooks(&records, last.clone(), HookEvent::PostDelete, options).await,
        }
    }

    /// Removes the records, or marks the last one (Helm's `--keep-history`).
    pub async fn finish(&self, keep_history: bool) -> Result<(), RolloutError> {
        let records = self.records().await?;
        let history = records.read().await?;
        finish(&records, &history, keep_history).await
    }

    /// The objects of the last revision in the order in which they are deleted.
    fn objects(&self, history: &History) -> Result<Vec<DesiredObject>, RecordError> {
        let manifest = history.last().map_or(Ok(""), StoredRevision::manifest)?;
        let release = || self.release.to_owned();
        in_order(manifest).map_err(|source| RecordError::Manifest { release: release(), source })
    }
}

async fn run_hooks(
    records: &Records<'_>,
    last: StoredRevision,
    event: HookEvent,
    options: &HookOptions,
) -> Result<HooksOutcome, RolloutError> {
    let mut ledger = Ledger::open(records, last, event);
    let outcome = hooks::run(records.execution, &mut ledger, options).await?;
    if let HooksOutcome::Failed(failure) = &outcome {
        records.execution.say(Level::Error, None, failure.to_string()).await;
    }
    Ok(outcome)
}

async fn mark(
    records: &Records<'_>,
    revision: &StoredRevision,
    status: Status,
) -> Result<StoredRevision, RolloutError> {
    let mut release = revision.release.clone();
    release.info.status = status;
    release.info.deleted.get_or_insert_with(Timestamp::now);
    let description = match status {
        Status::Uninstalling => "Deletion in progress (or silently failed)",
        _ => "Uninstallation complete",
    };
    description.clone_into(&mut release.info.description);
    records.update(revision, &release).await
}

/// What an object of the manifest is to an uninstall.
enum Target {
    /// It is deleted. `uid`: as which it is there; `going`: whether it is on its way out already.
    Ours { resource: Resource, key: ObjectKey, uid: Option<String>, going: bool },
    /// A resource policy keeps it; the policy is `keep`, the one that Helm tells of.
    Kept { key: ObjectKey, told: bool },
    /// It belongs to someone else, or cannot be read: why.
    NotOurs { key: ObjectKey, why: String },
    /// There is no such object.
    Gone,
}

async fn target(
    execution: Execution<'_>,
    object: &DesiredObject,
    marks: Marks<'_>,
) -> Result<Target, RolloutError> {
    let resource = match execution.cluster.resource(&object.key).await {
        Ok(resource) => resource,
        Err(ClusterError::NoSuchKind { .. }) => return Ok(Target::Gone),
        Err(error) => return Err(error.into()),
    };
    let key = resource.locate(&object.key, marks.namespace);
    // Helm: any value keeps the object, though only `keep` is reported.
    if let Some(policy) = resource_policy(&object.object) {
        let told = policy.trim().eq_ignore_ascii_case("keep");
        return Ok(Target::Kept { key, told });
    }
    let live = match execution.cluster.get(&resource, &key).await {
        Ok(Some(live)) => live,
        Ok(None) => return Ok(Target::Gone),
        // Helm passes over what it may not read.
        Err(error @ (ClusterError::Forbidden { .. } | ClusterError::Refused { .. }))
            if !error.is_transient() =>
        {
            let why = format!("it cannot be read: {}", error.server_message());
            return Ok(Target::NotOurs { key, why });
        }
        Err(error) => return Err(error.into()),
    };
    if marks.foreign(&live).is_some() {
        let why = "it does not belong to this release".to_owned();
        return Ok(Target::NotOurs { key, why });
    }
    let uid = live["metadata"]["uid"].as_str().map(str::to_owned);
    let going = live["metadata"]["deletionTimestamp"].is_string();
    Ok(Target::Ours { resource, key, uid, going })
}

/// Deletes one object, unless it is kept or not ours.
async fn delete_object(
    execution: Execution<'_>,
    object: &DesiredObject,
    marks: Marks<'_>,
    left: &mut Uninstalled,
) -> Result<(), RolloutError> {
    match target(execution, object, marks).await? {
        Target::Gone => tell_state(execution, &object.key, marks, State::NotFound).await,
        Target::Kept { told: false, .. } => {}
        Target::Kept { key, told: true } => {
            execution.say(Level::Info, Some(&key), format!("{key} kept")).await;
            left.kept.push(key);
        }
        Target::NotOurs { key, why } => {
            let text = format!("{key} left alone: {why}");
            execution.say(Level::Warning, Some(&key), text).await;
            left.not_owned.push(key);
        }
        Target::Ours { resource, key, uid, going } => {
            if !going {
                execution.before_write().await?;
                execution.cluster.delete(&resource, &key, uid.as_deref()).await?;
                execution.say(Level::Info, Some(&key), format!("{key} deleted")).await;
            }
            tell_state(execution, &key, marks, State::Terminating).await;
        }
    }
    Ok(())
}

/// Tells how an object stands.
async fn tell_state(execution: Execution<'_>, key: &ObjectKey, marks: Marks<'_>, state: State) {
    let key = match execution.cluster.resource(key).await {
        Ok(resource) => resource.locate(key, marks.namespace),
        Err(_) => key.clone(),
    };
    execution.tell(RolloutEvent::Object { key, state, message: String::new() }).await;
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
            } else {
                let (state, message) = (State::NotFound, String::new());
                execution.tell(RolloutEvent::Object { key, state, message }).await;
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
    keep_history: bool,
) -> Result<(), RolloutError> {
    if !keep_history {
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
            mark(records, last, Status::Uninstalled).await.map(drop)
        }
        _ => Ok(()),
    }
}
