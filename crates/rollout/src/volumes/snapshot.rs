//! Snapshots of claims: made, waited for, looked at, deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::claim::{Claim, kept};
use super::{API, MANAGER, VolumeError, content_key, left, served, snapshot_key, text};
use crate::cluster::{ApplyMode, Change, Followed, Resource};
use crate::report::{Level, RolloutEvent};
use crate::{Cluster, ClusterError, Execution, ObjectKey, RolloutError};

use super::quantity;

/// A claim to be snapshotted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The snapshot's name. Whoever goes on after a crash gives the same, and finds what is there.
    pub name: String,
}

/// How snapshots are made.
#[derive(Clone, Debug)]
pub struct How<'a> {
    /// Their `VolumeSnapshotClass`; none: the default of the volume's driver.
    pub class: Option<&'a str>,
    /// What they are marked with, and found by.
    pub labels: BTreeMap<String, String>,
    /// How long they may take, all together.
    pub timeout: Duration,
    /// How long an error that the cluster tells of may stand before it counts: its controllers try again by themselves.
    pub patience: Duration,
}

/// A snapshot that is ready, and what its claim was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The namespace, of the snapshot and of its claim.
    pub namespace: String,
    /// The `VolumeSnapshot`'s name.
    pub name: String,
    /// The claim's name.
    pub claim: String,
    /// Bytes that a volume made of it has at least, else those of the claim's volume.
    pub bytes: i64,
    /// The driver that has it; empty where it could not be read.
    pub driver: String,
    /// What the driver calls it; empty where it could not be read.
    pub handle: String,
    /// What the claim is to be made of again, but for the snapshot.
    pub made_of: Value,
}

/// Makes a snapshot of each claim and waits until all are ready. May be repeated.
pub async fn snapshot(
    execution: Execution<'_>,
    wanted: &[Wanted<'_>],
    how: &How<'_>,
) -> Result<Vec<Snapshot>, VolumeError> {
    let resource = served(execution.cluster, &snapshot_key("", "")).await?;
    let began = Timestamp::now();
    let deadline = began.saturating_add(how.timeout).unwrap_or(Timestamp::MAX);
    // All are begun before the first one is waited for: they are to be of one moment, as far as the cluster can.
    for Wanted { claim, name } in wanted {
        let key = snapshot_key(&claim.namespace, name);
        let mut object = json!({
            "apiVersion": API, "kind": "VolumeSnapshot",
            "metadata": { "name": name, "namespace": claim.namespace, "labels": how.labels },
            "spec": { "source": { "persistentVolumeClaimName": claim.name } },
        });
        if let Some(class) = how.class {
            object["spec"]["volumeSnapshotClassName"] = json!(class);
        }
        execution.before_write().await?;
        let mode = ApplyMode { force: true, dry_run: false };
        execution.cluster.apply_as(MANAGER, &resource, &key, &object, mode).await?;
        let text = format!("{key} asked for, of PersistentVolumeClaim {}", claim.name);
        execution.say(Level::Info, Some(&key), text).await;
    }
    let total = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    let mut made = Vec::new();
    for (done, Wanted { claim, name }) in (1..).zip(wanted) {
        let key = snapshot_key(&claim.namespace, name);
        let waited = Waiting { execution, resource: &resource, key: &key, of: &claim.name };
        let ready = waited.until_ready(deadline, how).await?;
        let snapshot = taken(execution, claim, &key, &ready).await?;
        execution.say(Level::Info, Some(&key), format!("{key} is ready")).await;
        execution.tell(RolloutEvent::Progress { done, total, waiting: Vec::new() }).await;
        made.push(snapshot);
    }
    Ok(made)
}

/// Why a snapshot that was taken cannot be restored any more; none where it can.
pub async fn standing(cluster: &Cluster, of: &Snapshot) -> Result<Option<String>, VolumeError> {
    let key = snapshot_key(&of.namespace, &of.name);
    let resource = served(cluster, &key).await?;
    Ok(match cluster.get(&resource, &key).await? {
        None => Some(format!("{key} is gone from cluster `{}`", cluster.name())),
        Some(live) if live["metadata"]["deletionTimestamp"].is_string() => {
            Some(format!("{key} is being deleted"))
        }
        Some(live) => match Standing::of(&live) {
            Standing::Ready => None,
            Standing::Failing(message) => Some(format!("{key} is not ready any more: {message}")),
            Standing::Waiting => Some(format!("{key} is not ready any more")),
        },
    })
}

/// Deletes the snapshots with a label, those that are not ready, too; how many there were. Nothing to do where the cluster
/// has no such API.
pub async fn delete(
    cluster: &Cluster,
    namespace: &str,
    (label, value): (&str, &str),
) -> Result<usize, ClusterError> {
    let resource = match cluster.resource(&snapshot_key(namespace, "")).await {
        Err(ClusterError::NoSuchKind { .. }) => return Ok(0),
        other => other?,
    };
    let selector = format!("{label}={value}");
    let listed = cluster.list_metadata(&resource, Some(namespace), Some(&selector)).await?;
    for snapshot in &listed.items {
        let key = snapshot_key(namespace, text(snapshot, "/metadata/name"));
        let uid = snapshot["metadata"]["uid"].as_str();
        cluster.delete(&resource, &key, uid).await?;
    }
    Ok(listed.items.len())
}

/// How a snapshot stands, as its status tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Ready,
    /// What its controllers say is wrong. They go on trying.
    Failing(String),
    Waiting,
}

impl Standing {
    pub(super) fn of(snapshot: &Value) -> Self {
        if snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true)) {
            return Self::Ready;
        }
        match snapshot.pointer("/status/error") {
            Some(Value::Object(error)) => {
                let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
                let message =
                    if message.is_empty() { "the cluster does not say why" } else { message };
                Self::Failing(message.to_owned())
            }
            _ => Self::Waiting,
        }
    }
}

/// A snapshot that is waited for.
pub(super) struct Waiting<'a> {
    pub(super) execution: Execution<'a>,
    pub(super) resource: &'a Resource,
    pub(super) key: &'a ObjectKey,
    /// The claim.
    pub(super) of: &'a str,
}

impl Waiting<'_> {
    /// The snapshot once it is ready.
    pub(super) async fn until_ready(
        &self,
        deadline: Timestamp,
        how: &How<'_>,
    ) -> Result<Value, VolumeError> {
        let Self { execution, resource, key, of } = *self;
        let (seen, mut changes) = mpsc::channel(16);
        let followed = Followed::One { name: key.name.clone(), version: None };
        let namespace = key.namespace.as_deref();
        let following =
            execution.cluster.follow(resource, namespace, followed, &seen, |change| change);
        let mut following = std::pin::pin!(following);
        let mut failing: Option<(Timestamp, String)> = None;
        loop {
            let until = match &failing {
                Some((since, _)) => {
                    deadline.min(since.saturating_add(how.patience).unwrap_or(Timestamp::MAX))
                }
                None => deadline,
            };
            let change = tokio::select! {
                ended = &mut following => {
                    ended?;
                    None
                }
                change = changes.recv() => change,
                () = tokio::time::sleep(left(until)) => None,
                () = execution.cancel.cancelled() => return Err(RolloutError::Cancelled.into()),
            };
            match change {
                Some(Change::Is(live)) => match Standing::of(&live) {
                    Standing::Ready => return Ok(live),
                    Standing::Failing(message) => {
                        if failing.as_ref().is_none_or(|(_, known)| *known != message) {
                            let text = format!("{key} is not ready: {message}");
                            execution.say(Level::Warning, Some(key), text).await;
                        }
                        let since = failing.map_or_else(Timestamp::now, |(since, _)| since);
                        failing = Some((since, message));
                    }
                    Standing::Waiting => failing = None,
                },
                Some(Change::Gone(_) | Change::All(_)) => {
                    let message = "someone deleted it meanwhile".to_owned();
                    return Err(failed(key, of, message));
                }
                None => {
                    return Err(match failing {
                        Some((_, message)) => failed(key, of, message),
                        None => VolumeError::Late {
                            what: format!("{key} of PersistentVolumeClaim {of} is not ready"),
                            since: "it was asked for",
                            waited: how.timeout,
                        },
                    });
                }
            }
        }
    }
}

fn failed(key: &ObjectKey, claim: &str, message: String) -> VolumeError {
    let claim = format!("PersistentVolumeClaim {claim}");
    VolumeError::Failed { snapshot: key.clone(), claim, message }
}

/// What is kept of a snapshot that is ready.
async fn taken(
    execution: Execution<'_>,
    claim: &Claim,
    key: &ObjectKey,
    ready: &Value,
) -> Result<Snapshot, VolumeError> {
    let content = content_key(text(ready, "/status/boundVolumeSnapshotContentName"));
    let content = match served(execution.cluster, &content).await {
        Ok(resource) => match execution.cluster.get(&resource, &content).await {
            // An account of single namespaces may not look at what belongs to the cluster. It can restore in place.
            Err(ClusterError::Forbidden { message, .. }) => {
                let text = format!(
                    "The driver's own name of {key} cannot be read, so that it can only be restored in its namespace: {message}"
                );
                execution.say(Level::Warning, Some(key), text).await;
                None
            }
            other => other?,
        },
        Err(VolumeError::NoApi { .. }) => None,
        Err(error) => return Err(error),
    };
    let content = content.unwrap_or_default();
    let size =
        [text(ready, "/status/restoreSize"), text(&claim.object, "/status/capacity/storage")];
    Ok(Snapshot {
        namespace: claim.namespace.clone(),
        name: key.name.clone(),
        claim: claim.name.clone(),
        bytes: size.into_iter().find_map(quantity::bytes).unwrap_or_default(),
        driver: text(&content, "/spec/driver").to_owned(),
        handle: text(&content, "/status/snapshotHandle").to_owned(),
        made_of: kept(&claim.object, text(ready, "/status/restoreSize")),
    })
}
