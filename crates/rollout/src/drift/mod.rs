//! What of a release's objects is no longer as it was deployed.
//!
//! The live objects are held against what a dry run of the same request that deployed them makes of them: what that
//! would change back is drift. What it would leave alone is not, whoever set it: autoscalers, webhooks, other people's
//! annotations, defaults. Nothing is changed.

mod own;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use crate::diff::{self, Mask, ObjectDiff, cleaned};
use crate::manifest::{Desired, DesiredObject};
use crate::plan::{DryRun, LiveObject, PlanError, PlanOptions, laid_over, read_live_telling};
use crate::record::History;
use crate::{Cluster, ClusterError, ObjectKey};

/// What became of an object since it was deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is gone.
    Missing,
    /// It is there, and otherwise.
    Changed,
    /// It was not deployed, but stands in the manifest of the revision that others made since.
    Added,
}

/// An object that is not as it was deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectDrift {
    /// Which object.
    pub key: ObjectKey,
    /// What became of it.
    pub found: Found,
    /// The template it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// From what was deployed to what is there, secrets masked; where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<ObjectDiff>,
    /// Why the cluster would not accept it as it was deployed, as its dry run said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// What is no longer as it was deployed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The objects that differ, in install order, then those that were added.
    pub objects: Vec<ObjectDrift>,
    /// How many are as they were deployed.
    pub same: u32,
}

/// Compares what runs with `desired`, which is what was deployed. Reads and dry runs only.
///
/// `looked` is told how many of all objects were looked at, in any order.
pub async fn drift(
    cluster: &Cluster,
    desired: &Desired,
    history: &History,
    looked: &(dyn Fn(u32, u32) + Sync),
) -> Result<Drift, PlanError> {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (done, total) = (AtomicU32::new(0), number(desired.objects.len()));
    looked(0, total);
    let (known, mut objects) = without_lost_kinds(cluster, desired).await?;
    // What others own of our fields counts: the dry run takes it back.
    let options = PlanOptions { force_conflicts: true, ..PlanOptions::default() };
    let one_more = || looked(done.fetch_add(1, Ordering::Relaxed).saturating_add(1), total);
    let live = read_live_telling(cluster, &known, history, &options, &one_more).await?;
    let pairs = known.objects.iter().zip(&live.desired);
    objects.extend(pairs.filter_map(|(wanted, found)| compared(&known, wanted, found)));
    let differ = objects.len();
    let same = number(desired.objects.len() - differ);
    objects.extend(live.dropped.iter().map(|(key, _)| of(key, Found::Added, None)));
    Ok(Drift { objects, same })
}

/// The objects whose kind the cluster still has; those of others went with their kind.
async fn without_lost_kinds(
    cluster: &Cluster,
    desired: &Desired,
) -> Result<(Desired, Vec<ObjectDrift>), ClusterError> {
    let mut known = desired.clone();
    let mut lost = Vec::new();
    known.objects.clear();
    for wanted in &desired.objects {
        match cluster.resource(&wanted.key).await {
            Ok(_) => known.objects.push(wanted.clone()),
            Err(ClusterError::NoSuchKind { .. }) => {
                lost.push(of(&wanted.key, Found::Missing, wanted.source.as_deref()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((known, lost))
}

/// What became of one object; nothing if it is as it was deployed.
fn compared(desired: &Desired, wanted: &DesiredObject, found: &LiveObject) -> Option<ObjectDrift> {
    let (key, source) = (&found.key, wanted.source.as_deref());
    let Some(live) = &found.live else { return Some(of(key, Found::Missing, source)) };
    let live = cleaned(live);
    let sent = desired.marks().marked(&wanted.object, key);
    let deployed = match &found.dry_run {
        DryRun::Result(applied) => own::as_deployed(&live, &cleaned(applied), &sent),
        DryRun::Unchanged => return None,
        DryRun::Refused(_) | DryRun::Unknown => laid_over(&live, &sent),
    };
    if deployed == live {
        return None;
    }
    let refusal = match &found.dry_run {
        DryRun::Refused(refusal) => Some(refusal.message.clone()),
        DryRun::Result(_) | DryRun::Unchanged | DryRun::Unknown => None,
    };
    let diff = diff::diff(Some(&deployed), Some(&live), &Mask::default());
    Some(ObjectDrift { diff, refusal, ..of(key, Found::Changed, source) })
}

fn of(key: &ObjectKey, found: Found, source: Option<&str>) -> ObjectDrift {
    let source = source.map(str::to_owned);
    ObjectDrift { key: key.clone(), found, source, diff: None, refusal: None }
}
