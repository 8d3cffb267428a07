//! Waiting until the objects of a release are ready.
//!
//! When an object is ready is Helm's rule (kstatus, as `helm --wait` uses it): a pure function per
//! kind, each in its file, joined by [`readiness`]. [`wait`] follows the objects, their pods, events and
//! logs, and tells what it sees; it reads only.

mod condition;
mod custom;
mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod fields;
mod follow;
mod generic;
mod hook;
mod job;
mod persistent_volume_claim;
mod pod;
mod replica_set;
mod service;
mod stateful_set;
#[cfg(test)]
mod tests;
mod world;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use follow::wait;
pub(crate) use follow::{Seen, wait_for};
pub(crate) use world::{Tracked, World, uid};

use crate::{ObjectKey, culprit::Culprit, report::Cursor};

/// How ready an object is; kstatus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ready.
    Current,
    /// On the way.
    InProgress,
    /// Will not become ready by itself.
    Failed,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
}

/// An object's state, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The state.
    pub state: State,
    /// What it misses, or that nothing is missing, in Helm's words: `Available: 0/1`.
    pub message: String,
}

/// How to wait.
#[derive(Clone, Debug)]
pub struct WaitOptions {
    /// When to give up. Absolute, so that a wait that is taken up again does not start anew.
    pub deadline: Timestamp,
    /// When the rollout began, by the cluster's clock or a little before: what events and logs said
    /// earlier is not told.
    pub since: Timestamp,
    /// Also wait for Jobs to complete (Helm's `--wait-for-jobs`), not only to start.
    pub jobs: bool,
    /// End before the deadline if an object cannot become ready any more: it has failed, or has a culprit that waiting
    /// does not cure.
    pub end_when_hopeless: bool,
    /// How far events and logs have been told already.
    pub cursor: Cursor,
}

/// By which rule objects are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Objects of a release: [`readiness`].
    Release {
        /// Whether Jobs must have completed.
        jobs: bool,
    },
    /// Objects of a hook: Jobs and Pods must have run to their end.
    Hook,
}

impl Rule {
    fn readiness(self, object: &Value, now: Timestamp) -> Readiness {
        match self {
            Self::Release { jobs } => readiness(object, jobs, now),
            Self::Hook => hook::readiness(object),
        }
    }
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum WaitOutcome {
    /// Every object is ready.
    Ready,
    /// Some are not.
    NotReady {
        /// Those that are not, in manifest order.
        objects: Vec<NotReady>,
        /// What holds them up, as far as known.
        culprits: Vec<Culprit>,
        /// Whether the deadline ended the wait (else these had failed, or could not become ready any more).
        deadline_exceeded: bool,
        /// The failure as Helm would print it.
        text: String,
    },
}

/// An object that was not ready when the wait ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReady {
    /// Which object.
    pub key: ObjectKey,
    /// Its state.
    pub state: State,
    /// What it missed: `Available: 0/1`.
    pub message: String,
}

impl Readiness {
    fn current(message: impl Into<String>) -> Self {
        Self { state: State::Current, message: message.into() }
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self { state: State::InProgress, message: message.into() }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { state: State::Failed, message: message.into() }
    }

    pub(crate) fn not_found() -> Self {
        Self { state: State::NotFound, message: "Resource not found".to_owned() }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
        })
    }
}

/// How ready an object is at `now`. With `jobs`, a Job is ready once it is complete; without, once it
/// has started.
pub fn readiness(object: &Value, jobs: bool, now: Timestamp) -> Readiness {
    if let Some(decided) = generic::readiness(object) {
        return decided;
    }
    let key = ObjectKey::of(object);
    match (key.group(), key.kind.as_str()) {
        ("apps" | "extensions", "Deployment") => deployment::readiness(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set::readiness(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set::readiness(object),
        ("apps", "StatefulSet") => stateful_set::readiness(object),
        ("", "Pod") => pod::readiness(object, now),
        ("", "Service") => service::readiness(object),
        ("", "PersistentVolumeClaim") => persistent_volume_claim::readiness(object),
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => {
            Readiness::current("Resource is always ready")
        }
        ("policy", "PodDisruptionBudget") => {
            Readiness::current("AllowedDisruptions has been computed.")
        }
        ("batch", "Job") => job::readiness(object, jobs),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            custom_resource_definition::readiness(object)
        }
        _ => custom::readiness(object),
    }
}
