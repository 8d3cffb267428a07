//! How a cluster is reached: simulated ones through whoever runs the simulator, others by address.

use std::future::Future;
use std::pin::Pin;

use crate::error::Cause;
use crate::names::ClusterName;
use crate::store::ids::ClusterId;

/// What [`SimulatedClusters::access`] returns.
pub type AccessFuture<'a> =
    Pin<Box<dyn Future<Output = Result<rollout::ClusterConfig, Cause>> + Send + 'a>>;

/// Runs simulated clusters. Given by the binary, because this crate does not know the simulator.
pub trait SimulatedClusters: Send + Sync {
    /// How to reach the simulated cluster; starts it if it does not run yet. The same id gets the
    /// same cluster with its objects, again after a restart if it is kept in a file.
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a>;
}
