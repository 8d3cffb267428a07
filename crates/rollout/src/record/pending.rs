//! Recording a new revision as pending, before anything else is touched.

use std::collections::BTreeMap;
use std::time::Duration;

use helm::release::{ApplyMethod, Hook, Info, Release, Status};
use jiff::Timestamp;
use serde_json::json;

use super::history::{History, StoredRevision};
use super::{AtWork, NewRevision, Owner, RecordError, Recorded, Records};
use crate::cluster::ApplyMode;
use crate::namespace::namespace_key;
use crate::plan::{Method, Operation, Plan};
use crate::report::Level;
use crate::{Execution, RolloutError};

/// Records the new revision as pending, as Helm does before it touches anything else; creates the
/// namespace where the plan says so.
///
/// Repeated for the same owner it finds its revision and returns it: there are never two revisions
/// for one owner. A pending revision of someone else is refused while it may be at work, and marked
/// failed once it is known or old enough to be the remains of a crash.
pub async fn record_pending(
    execution: Execution<'_>,
    plan: &Plan,
    new: &NewRevision,
) -> Result<Recorded, RolloutError> {
    let records = Records::open(execution, &plan.namespace, &plan.release).await?;
    record_pending_after(execution, plan, new, &records.read().await?).await
}

/// The same after revisions that were read just now. If others have made one since, that is found out: the number of the
/// new one is taken then.
pub async fn record_pending_after(
    execution: Execution<'_>,
    plan: &Plan,
    new: &NewRevision,
    history: &History,
) -> Result<Recorded, RolloutError> {
    if plan.creates_namespace {
        create_namespace(execution, &plan.namespace).await?;
    }
    let records = Records::open(execution, &plan.namespace, &plan.release).await?;
    if let Some(own) = history.of(&new.owner) {
        return Ok(Recorded { revision: own.revision(), current: None });
    }
    make_way(execution, &records, history, new).await?;
    prune(&records, history, new.history_max).await?;
    let (release, labels) = pending(plan, history, new, Timestamp::now());
    match records.create(&release, &new.reference, &labels).await {
        Ok(own) => {
            let current = own.map(|own| history.current_with(own));
            Ok(Recorded { revision: release.version, current })
        }
        Err(RolloutError::Cluster(error)) if error.is_conflict() => {
            found_after_conflict(&records, new, release.version).await
        }
        Err(error) => Err(error),
    }
}

/// As `helm install --create-namespace`: the label `name`, and nothing else.
async fn create_namespace(execution: Execution<'_>, namespace: &str) -> Result<(), RolloutError> {
    let key = namespace_key(namespace);
    let resource = execution.cluster.resource(&key).await?;
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": namespace, "labels": { "name": namespace } },
    });
    execution.before_write().await?;
    execution.cluster.apply(&resource, &key, &object, ApplyMode::default()).await?;
    execution.say(Level::Info, Some(&key), format!("created namespace {namespace}")).await;
    Ok(())
}

/// Sees to it that no other revision is pending, and that an uninstalled release can come back.
async fn make_way(
    execution: Execution<'_>,
    records: &Records<'_>,
    history: &History,
    new: &NewRevision,
) -> Result<(), RolloutError> {
    let Some(last) = history.last() else { return Ok(()) };
    if last.status() == Status::Uninstalled {
        let mut release = last.release.clone();
        release.info.status = Status::Superseded;
        "superseded by new release".clone_into(&mut release.info.description);
        records.update(last, &release).await?;
        return Ok(());
    }
    for pending in history.revisions().iter().filter(|r| r.status().is_pending()) {
        let (own, now) = (&new.owner.key, Timestamp::now());
        let work = history.work_on(pending, own, new.abandoned_after, now);
        if let Some(work) = work.filter(|work| new.abandoned != Some(work.revision)) {
            return Err(RecordError::InProgress {
                release: records.release.to_owned(),
                revision: work.revision,
                status: work.status.to_string(),
                since: work.since,
            }
            .into());
        }
        let status = pending.status();
        let mut release = pending.release.clone();
        // Not `superseded`: it never ran, and Helm takes superseded revisions for good ones.
        release.info.status = Status::Failed;
        release.info.description = format!("Abandoned while {status}");
        records.update(pending, &release).await?;
        let text = format!(
            "revision {} was left {status} by an operation that ended early; marked as failed",
            pending.revision(),
        );
        execution.say(Level::Warning, None, text).await;
    }
    Ok(())
}

impl History {
    /// The pending revision of someone else that may still be worked on; `own` is the key of the caller's labels.
    pub fn at_work(&self, own: &str, abandoned_after: Duration, now: Timestamp) -> Option<AtWork> {
        let mut pending = self.revisions().iter().filter(|it| it.status().is_pending());
        pending.find_map(|pending| self.work_on(pending, own, abandoned_after, now))
    }

    /// One of the caller's own kind is not worked on: the caller runs one operation per release at a time, and this is
    /// the one. But Helm hands labels on to the revisions it makes, so the label says that only where no earlier
    /// revision has the same value.
    fn work_on(
        &self,
        pending: &StoredRevision,
        own: &str,
        abandoned_after: Duration,
        now: Timestamp,
    ) -> Option<AtWork> {
        if let Some(value) = pending.labels.get(own) {
            let owner = Owner { key: own.to_owned(), value: value.clone() };
            if self.of(&owner).is_some_and(|first| first.revision() == pending.revision()) {
                return None;
            }
        }
        let since = pending.release.info.last_deployed.unwrap_or_default();
        let until = since.saturating_add(abandoned_after).unwrap_or(Timestamp::MAX);
        let (revision, status) = (pending.revision(), pending.status());
        (now < until).then_some(AtWork { revision, status, since, until })
    }
}

/// Deletes the oldest revisions, so that with the new one `max` are left; never the deployed one.
async fn prune(records: &Records<'_>, history: &History, max: u32) -> Result<(), RolloutError> {
    for revision in surplus(history, max) {
        records.delete(revision).await?;
    }
    Ok(())
}

fn surplus(history: &History, max: u32) -> Vec<u32> {
    if max == 0 {
        return Vec::new();
    }
    let keep = usize::try_from(max - 1).unwrap_or(usize::MAX);
    let excess = history.revisions().len().saturating_sub(keep);
    let deployed = history.deployed().map(StoredRevision::revision);
    let revisions = history.revisions().iter().map(StoredRevision::revision);
    revisions.filter(|revision| Some(*revision) != deployed).take(excess).collect()
}

/// The record and the labels besides Helm's.
fn pending(
    plan: &Plan,
    history: &History,
    new: &NewRevision,
    now: Timestamp,
) -> (Release, BTreeMap<String, String>) {
    let last = history.last();
    let base = history.base(matches!(plan.operation, Operation::Rollback { .. }));
    let (status, description, rollback_revision, before) = match plan.operation {
        Operation::Install => {
            (Status::PendingInstall, "Initial install underway".to_owned(), None, None)
        }
        Operation::Upgrade => (Status::PendingUpgrade, "Preparing upgrade".to_owned(), None, base),
        Operation::Rollback { to } => {
            let description =
                new.description.clone().unwrap_or_else(|| format!("Rollback to {to}"));
            (Status::PendingRollback, description, Some(to), last)
        }
    };
    let first_deployed = before.and_then(|before| before.release.info.first_deployed).or(Some(now));
    let release = Release {
        name: plan.release.clone(),
        namespace: plan.namespace.clone(),
        version: last.map_or(1, |last| last.revision() + 1),
        apply_method: Some(match plan.method {
            Method::ServerSide | Method::Migrate => ApplyMethod::ServerSide,
            Method::ClientSide => ApplyMethod::ClientSide,
        }),
        info: Info {
            first_deployed,
            last_deployed: Some(now),
            deleted: None,
            description,
            status,
            rollback_revision,
            notes: new.content.info.notes.clone(),
        },
        hooks: hooks(plan, history, new),
        ..new.content.clone()
    };
    // Labels of a release go from revision to revision, as Helm has it.
    let inherited = last.filter(|_| plan.operation != Operation::Install).map(|last| &last.labels);
    let mut labels = inherited.map(helm::release::storage::user_labels_only).unwrap_or_default();
    labels.insert(new.owner.key.clone(), new.owner.value.clone());
    (release, labels)
}

/// The hooks; in a rollback with what the record of the revision that is repeated tells of their runs, since Helm copies
/// that record.
fn hooks(plan: &Plan, history: &History, new: &NewRevision) -> Vec<Hook> {
    let own = &new.content.hooks;
    let Operation::Rollback { to } = plan.operation else { return own.clone() };
    let manifests = |hooks: &[Hook]| -> Vec<String> {
        hooks.iter().map(|hook| hook.manifest.clone()).collect()
    };
    let repeated = history.revisions().iter().find(|revision| revision.revision() == to);
    match repeated.map(|revision| &revision.release.hooks) {
        Some(hooks) if manifests(hooks) == manifests(own) => hooks.clone(),
        _ => own.clone(),
    }
}

/// Someone made a revision of that number first: this owner itself, by a try whose answer was lost, or
/// another.
async fn found_after_conflict(
    records: &Records<'_>,
    new: &NewRevision,
    revision: u32,
) -> Result<Recorded, RolloutError> {
    let history = records.read().await?;
    if let Some(own) = history.of(&new.owner) {
        return Ok(Recorded { revision: own.revision(), current: None });
    }
    let other = history.revisions().iter().find(|found| found.revision() == revision);
    Err(RecordError::InProgress {
        release: records.release.to_owned(),
        revision,
        status: other
            .map_or_else(|| "being written".to_owned(), |other| other.status().to_string()),
        since: other.and_then(|other| other.release.info.last_deployed).unwrap_or_default(),
    }
    .into())
}
