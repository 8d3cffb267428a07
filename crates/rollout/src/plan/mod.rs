//! What a release would change in a cluster.
//!
//! [`read_live`] looks, [`plan`] decides and talks to nothing: equal inputs give equal plans, so a
//! stored plan is exactly what was reviewed. A plan holds no secret: diffs are masked, and its
//! hash is keyed.

pub mod compare;
mod consequence;
mod dry_run;
mod hash;
mod hooks;
mod listed;
mod live;
mod planner;
#[cfg(test)]
mod tests;
mod unchanged;

pub(crate) use dry_run::DryRun;
use helm::release::{HookDeletePolicy, HookEvent};
pub(crate) use live::{LiveObject, read_live_telling};
pub use live::{LiveState, read_live};
pub(crate) use planner::laid_over;
pub use planner::plan;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{ClusterError, ObjectKey, culprit::Foreign, diff::ObjectDiff, manifest::ManifestError};

/// What kind of change to the release a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// The release does not exist yet, or is uninstalled.
    Install,
    /// The release exists.
    Upgrade,
    /// A stored revision is repeated.
    Rollback {
        /// The Helm revision that is repeated.
        to: u32,
    },
}

/// How the objects of a release are sent. A release stays with what it was made by, as Helm has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By server-side apply.
    #[default]
    ServerSide,
    /// The same, after Helm's client-side apply has handed its fields over to it.
    Migrate,
    /// By patches that are made of the manifests, as Helm 3 does, which wrote the release (or
    /// `--server-side=false`).
    ClientSide,
}

/// What will change, in the order in which it is carried out. Immutable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Helm's release name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// Install, upgrade or rollback.
    pub operation: Operation,
    /// The Helm revision whose manifest counts as what runs now.
    pub base_revision: Option<u32>,
    /// Whether the namespace does not exist yet and is created.
    pub creates_namespace: bool,
    /// Whether fields that other managers own are taken over.
    pub force_conflicts: bool,
    /// How the objects are sent.
    #[serde(default, skip_serializing_if = "Method::is_server_side")]
    pub method: Method,
    /// The definitions of custom resources from the chart's `crds/` folders, installed before everything else; none
    /// where the policy leaves them to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crds: Vec<PlannedObject>,
    /// The objects: first those applied, in install order, then those deleted or kept.
    pub objects: Vec<PlannedObject>,
    /// The hooks, in the order in which they run: those before the objects, those after them, and the tests where
    /// they are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<PlannedHook>,
    /// HMAC-SHA256, hex, over what the plan does, with contents: equal if and only if the plan does
    /// the same.
    pub hash: String,
}

/// One object of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedObject {
    /// Which object.
    pub key: ObjectKey,
    /// What happens to it.
    pub action: Action,
    /// The template it comes from; absent for what is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The change, with secrets masked; for creations the whole object. Absent where nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<ObjectDiff>,
    /// What the change does to what runs.
    pub consequence: Consequence,
    /// Why the cluster will not accept the object, as its dry run said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The object was looked at just now and surely stays as it is: it need not be sent. Not kept with a plan, since
    /// later it may no longer be so.
    #[serde(skip)]
    pub stays: bool,
}

/// One run of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHook {
    /// When it runs.
    pub event: HookEvent,
    /// Its object's kind.
    pub kind: String,
    /// Its object's name.
    pub name: String,
    /// The template it comes from.
    pub source: String,
    /// Hooks of one event run by weight, then by name.
    pub weight: i64,
    /// When its object is deleted.
    pub delete_policies: Vec<HookDeletePolicy>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It does not exist yet.
    Create,
    /// It exists and changes.
    Change,
    /// It exists and stays as it is.
    Same,
    /// It is no longer part of the release and is deleted.
    Delete,
    /// It is no longer part of the release but is kept (`helm.sh/resource-policy: keep`).
    Keep,
}

/// What a change does to what runs. Prints as a phrase for lists: `restarts 3 pods, one after another`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Consequence {
    /// Nothing beyond the object itself.
    None,
    /// Pods are started.
    Starts {
        /// How many.
        pods: u32,
    },
    /// A pod is started on each node that fits.
    StartsOnEachNode,
    /// Pods are replaced step by step.
    Rolls {
        /// How many.
        pods: u32,
    },
    /// All pods are stopped before new ones start.
    Recreates {
        /// How many.
        pods: u32,
    },
    /// The number of pods changes.
    Scales {
        /// How many ran.
        from: u32,
        /// How many will run.
        to: u32,
    },
    /// Pods are stopped for good.
    Stops {
        /// How many.
        pods: u32,
    },
    /// A Job runs.
    RunsJob,
    /// The template of new pods changes, but running ones stay until they are deleted by hand.
    OnDelete,
    /// Pods that use this configuration see it only after a restart, and nothing restarts them.
    ReadOnRestart,
    /// The object's data is deleted with it.
    DeletesData,
    /// Everything in the namespace is deleted with it.
    DeletesNamespace,
    /// All objects of the custom kind are deleted with it.
    DeletesCustomObjects,
}

/// An object the cluster would not accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// HTTP status of the answer.
    pub code: u16,
    /// Kubernetes' reason: `Invalid`, `Conflict`, `Forbidden`.
    pub reason: String,
    /// The message, in Helm's words.
    pub message: String,
}

/// How to plan.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// Adopt existing objects that belong to no release or to another (Helm's `--take-ownership`).
    pub take_ownership: bool,
    /// Take over fields that other managers own (Helm's `--force-conflicts`).
    pub force_conflicts: bool,
    /// Whether the chart's tests (`helm test`) belong to it, after everything else.
    pub tests: bool,
    /// Texts that diffs must not show, wherever they stand: what `lookup` read from Secrets, values
    /// marked as sensitive. What is in Secrets themselves is always hidden.
    pub sensitive: Vec<SecretString>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A hook cannot be read. Helm's words.
    #[error("unable to build kubernetes object for {event} hook {path}")]
    HookManifest {
        /// Its event.
        event: String,
        /// Its template.
        path: String,
        /// Why.
        source: ManifestError,
    },
    /// Objects exist that belong to someone else. Helm's words.
    #[error("unable to continue with {operation}: {}", objects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    NotOwned {
        /// `install` or `update`.
        operation: &'static str,
        /// These.
        objects: Vec<Foreign>,
    },
    /// The manifest of the revision that runs cannot be read.
    #[error("the manifest of revision {revision}, which runs now, cannot be read")]
    BaseManifest {
        /// The revision.
        revision: u32,
        /// Why.
        source: ManifestError,
    },
    /// The manifest of the revision that runs had no room in its record, and is not to be had.
    #[error(transparent)]
    NotKept(#[from] crate::record::RecordError),
    /// The cluster could not be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl Method {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_server_side(&self) -> bool {
        *self == Self::ServerSide
    }
}

impl PlannedObject {
    /// Whether the object is part of the release: sent to the cluster unless it surely is as it should be, and waited for.
    pub fn is_applied(&self) -> bool {
        matches!(self.action, Action::Create | Action::Change | Action::Same)
    }
}

impl PlannedHook {
    /// Whether it runs before the objects are applied.
    pub fn is_before(&self) -> bool {
        matches!(self.event, HookEvent::PreInstall | HookEvent::PreUpgrade | HookEvent::PreRollback)
    }
}

impl Plan {
    /// What the cluster would not accept, definitions of `crds/` first; carrying out the plan would fail there.
    pub fn refusals(&self) -> impl Iterator<Item = (&ObjectKey, &Refusal)> {
        let all = self.crds.iter().chain(&self.objects);
        all.filter_map(|o| o.refusal.as_ref().map(|refusal| (&o.key, refusal)))
    }

    /// How many objects a given thing happens to.
    pub fn count(&self, action: Action) -> usize {
        self.objects.iter().filter(|object| object.action == action).count()
    }
}

impl std::fmt::Display for Consequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pods = |n: &u32| if *n == 1 { "1 pod".to_owned() } else { format!("{n} pods") };
        match self {
            Self::None => Ok(()),
            Self::Starts { pods: n } => write!(f, "starts {}", pods(n)),
            Self::StartsOnEachNode => f.write_str("starts a pod on each node"),
            // Nobody has counted them: a manifest does not say on how many nodes a `DaemonSet` runs.
            Self::Rolls { pods: 0 } => f.write_str("replaces its pods, step by step"),
            Self::Stops { pods: 0 } => f.write_str("stops its pods"),
            Self::Rolls { pods: 1 } => f.write_str("replaces 1 pod"),
            Self::Rolls { pods: n } => write!(f, "replaces {}, step by step", pods(n)),
            Self::Recreates { pods: n } => {
                write!(f, "stops {} before new ones start", pods(n))
            }
            Self::Scales { from, to } => write!(f, "scales from {from} to {}", pods(to)),
            Self::Stops { pods: n } => write!(f, "stops {}", pods(n)),
            Self::RunsJob => f.write_str("runs the job"),
            Self::OnDelete => f.write_str("pods change only when they are deleted by hand"),
            Self::ReadOnRestart => {
                f.write_str("pods that use it see the change only after a restart")
            }
            Self::DeletesData => f.write_str("deletes its data"),
            Self::DeletesNamespace => f.write_str("deletes everything in the namespace"),
            Self::DeletesCustomObjects => f.write_str("deletes all objects of this kind"),
        }
    }
}
