//! What every executor function is given, and how it fails.

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::{
    Cluster, ClusterError, ObjectKey,
    hooks::HookFailure,
    record::{KeptManifests, RecordError},
    report::{Level, Report, Reporter, RolloutEvent},
};

/// Whether writing is still allowed: asked before each write to the cluster.
///
/// The caller's lease may have been lost to another worker meanwhile; whoever lost it must not write.
pub trait WriteGuard: Send + Sync {
    /// Agrees to one write that starts now.
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>>;
}

/// The guard did not agree to a write.
#[derive(Debug, thiserror::Error)]
#[error("writing to the cluster is no longer allowed: {reason}")]
pub struct GuardError {
    /// Why, as the guard says it: `the lease was lost`.
    pub reason: String,
}

/// Where and under whose eyes a rollout is carried out.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    /// The cluster that is written to.
    pub cluster: &'a Cluster,
    /// Asked before each write.
    pub guard: &'a dyn WriteGuard,
    /// Told what happens.
    pub reporter: &'a dyn Reporter,
    /// Has the manifests that release records have no room for.
    pub kept: &'a dyn KeptManifests,
    /// Once cancelled, the running function ends at the next safe point with
    /// [`RolloutError::Cancelled`].
    pub cancel: &'a CancellationToken,
}

impl Execution<'_> {
    /// A safe point before a write: neither cancelled nor without the lease.
    pub(crate) async fn before_write(&self) -> Result<(), RolloutError> {
        if self.cancel.is_cancelled() {
            return Err(RolloutError::Cancelled);
        }
        Ok(self.guard.check().await?)
    }

    pub(crate) async fn say(&self, level: Level, object: Option<&ObjectKey>, text: String) {
        self.reporter.report(Report::engine(level, object.cloned(), text)).await;
    }

    pub(crate) async fn tell(&self, event: RolloutEvent) {
        self.reporter.report(Report::now(event)).await;
    }
}

/// Why a step of a rollout stopped.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The cluster was not reached, or did not accept a request.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The cluster did not accept objects of the release; one entry per object.
    #[error("{}", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Objects {
        /// What happened to each; never empty.
        failures: Vec<ObjectFailure>,
    },
    /// The release record could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A definition of custom resources could not be installed, or was not established. Helm's words.
    #[error("{text}")]
    Crd {
        /// Which, and why.
        text: String,
        /// The request's own failure, if one failed.
        source: Option<ClusterError>,
    },
    /// A hook failed that had to succeed before anything else.
    #[error("{0}")]
    Hook(Box<HookFailure>),
    /// The write guard refused.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The execution was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// One object that was not accepted.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct ObjectFailure {
    /// The object.
    pub key: ObjectKey,
    /// What failed, in Helm's words.
    pub text: String,
    /// The request's own failure.
    pub source: ClusterError,
}

impl RolloutError {
    /// Whether the same step may succeed later with nobody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cluster(error) => error.is_transient(),
            Self::Objects { failures } => failures.iter().all(|f| f.source.is_transient()),
            Self::Record(error) => error.is_transient(),
            Self::Crd { source, .. } => source.as_ref().is_some_and(ClusterError::is_transient),
            Self::Guard(_) | Self::Cancelled | Self::Hook(_) => false,
        }
    }
}
