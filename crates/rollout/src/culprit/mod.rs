//! Why a rollout does not get on: the object, the cause, since when, the event, the last lines, what to do.
//!
//! A file per cause. What shows in pods ([`POD_CAUSES`]) and in what controllers and claims say of themselves
//! ([`OBJECT_CAUSES`]) is found while waiting, by pure functions over what the watches brought; a further cause is
//! a further file beside them and a line in one of the two tables. What the API server answers instead of accepting
//! an object ([`refusal`]) is known before anything waits. `track` remembers what was found and told.

mod claim;
mod configuration;
mod container;
mod crash_loop;
mod creation;
mod image_pull;
mod job;
mod never_ready;
mod out_of_memory;
mod overdue;
mod ownership;
mod refusal;
mod scene;
#[cfg(test)]
mod tests;
mod track;
mod unschedulable;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use ownership::Foreign;
use scene::{ObjectScene, PodScene};
pub(crate) use track::Culprits;

use crate::plan::{Plan, PlanError};
use crate::{ClusterError, ObjectKey, RolloutError};

/// What keeps an object from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// The object of the release that is held up.
    pub key: ObjectKey,
    /// The pod in which it shows, if it shows in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The container in which it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The cause.
    pub cause: Cause,
    /// One line for lists: `Deployment/shop/web: image "…" cannot be pulled: not found`.
    pub text: String,
    /// The Kubernetes event, status message or answer it was concluded from, after its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The last lines of the failing container, oldest first; empty if it never ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
    /// Since when, if the cluster says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What to do about it, as a sentence.
    #[serde(default)]
    pub remedy: String,
    /// Whether waiting does not help: the object cannot become ready unless someone acts.
    #[serde(default)]
    pub hopeless: bool,
}

/// Causes that are told apart; what keeps things from starting at all before what started and fails, since the latter
/// is often a consequence of the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The object exists and belongs to another Helm release, or to none.
    NameTaken,
    /// The cluster does not know the object's kind.
    KindMissing,
    /// A field is changed that cannot be.
    Immutable,
    /// Another field manager owns a field.
    FieldConflict,
    /// A quota is used up.
    Quota,
    /// The pods' service account does not exist.
    ServiceAccount,
    /// An admission rule refuses the object or its pods.
    Admission,
    /// The API server refuses the object for another reason.
    Refused,
    /// A volume claim is not bound.
    UnboundClaim,
    /// No node takes the pod.
    Unschedulable,
    /// A container's image cannot be pulled.
    ImagePull,
    /// A Secret or `ConfigMap` that a pod needs is not there.
    Configuration,
    /// A container needs more memory than it may use.
    OutOfMemory,
    /// A Job failed.
    JobFailed,
    /// A container ends again and again.
    CrashLoop,
    /// A hook ran and failed, or could not be run.
    HookFailed,
    /// A hook was still at work when its time was over.
    HookOverdue,
    /// A container runs, but its readiness probe never passes.
    NeverReady,
}

/// What a cause's file finds.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The pod in which it shows; files that look at one pod leave it to `track`.
    pod: Option<ObjectKey>,
    /// The container in which it shows.
    container: Option<String>,
    /// What follows the object's name in the one-line text.
    text: String,
    evidence: Option<String>,
    since: Option<Timestamp>,
    lines: Lines,
    remedy: String,
    hopeless: bool,
}

/// Which lines of the container explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// It never ran.
    None,
    /// Those of the running instance.
    Running,
    /// Those of the instance that ended last.
    Ended,
}

type FindInPod = fn(&PodScene<'_>) -> Option<Finding>;
type FindInObject = fn(&ObjectScene<'_>) -> Option<(Cause, Finding)>;

/// The causes that show in a pod, the most telling first.
const POD_CAUSES: [(Cause, FindInPod); 7] = [
    (Cause::UnboundClaim, claim::of_pod),
    (Cause::Unschedulable, unschedulable::find),
    (Cause::ImagePull, image_pull::find),
    (Cause::Configuration, configuration::find),
    (Cause::OutOfMemory, out_of_memory::find),
    (Cause::CrashLoop, crash_loop::find),
    (Cause::NeverReady, never_ready::find),
];

/// The causes that show in an object of the release itself, or in what its controller says.
const OBJECT_CAUSES: [FindInObject; 3] = [creation::find, claim::of_object, job::find];

/// Whom the cluster's dry run blames for a plan that it would not accept.
pub fn of_plan(plan: &Plan) -> Vec<Culprit> {
    let refused = plan.refusals().map(|(key, refusal)| refusal::answered(key, refusal));
    ranked(refused.collect())
}

/// Whom to blame if there is no plan; nobody if it is not an object's fault.
pub fn of_plan_error(error: &PlanError) -> Vec<Culprit> {
    match error {
        PlanError::NotOwned { objects, .. } => objects.iter().map(ownership::culprit).collect(),
        PlanError::Cluster(ClusterError::NoSuchKind { key, .. }) => {
            vec![refusal::no_such_kind(key)]
        }
        _ => Vec::new(),
    }
}

/// Whom to blame for a step that failed; nobody if it is not an object's fault.
pub fn of_error(error: &RolloutError) -> Vec<Culprit> {
    match error {
        RolloutError::Objects { failures } => {
            ranked(failures.iter().map(refusal::failed).collect())
        }
        RolloutError::Cluster(ClusterError::NoSuchKind { key, .. }) => {
            vec![refusal::no_such_kind(key)]
        }
        _ => Vec::new(),
    }
}

/// The culprit of a hook of which only this is known: it could not be created, or its object is gone.
pub(crate) fn of_hook(key: ObjectKey, text: &str) -> Culprit {
    Culprit {
        text: format!("{key}: {}", short(text, QUOTED)),
        key,
        pod: None,
        container: None,
        cause: Cause::HookFailed,
        evidence: None,
        last_lines: Vec::new(),
        since: None,
        remedy: "Correct the hook or the values, then deploy again.".to_owned(),
        hopeless: true,
    }
}

/// What explains the most first.
fn ranked(mut culprits: Vec<Culprit>) -> Vec<Culprit> {
    culprits.sort_by_key(|culprit| culprit.cause);
    culprits
}

/// The longest part of an answer that the one line quotes.
const QUOTED: usize = 200;

/// A text in one line of at most so many characters.
fn short(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((cut, _)) => format!("{}…", line[..cut].trim_end()),
        None => line,
    }
}
