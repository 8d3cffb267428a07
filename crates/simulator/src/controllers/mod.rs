//! Controllers: they make what the API stores come to life. A file per kind.
//!
//! A controller is an endless future over a [`Cluster`]. It lists and watches, works from the
//! objects alone (after a restart of the process it finds its way from them), and writes through
//! the same functions as a client does. [`start`] is the list of them.

mod address;
mod api_service;
pub(crate) mod cron_job;
mod daemon_set;
mod definition;
mod deployment;
mod disruption_budget;
mod endpoint_slice;
mod job;
mod namespaces;
mod pod;
mod pods_of;
mod reconcile;
mod replica_set;
mod stateful_set;
#[cfg(test)]
mod tests;
mod volume_claim;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{cluster::Cluster, garbage::GarbageQueue};

/// Starts every controller of a cluster. They stop when `stop` is cancelled.
pub(crate) fn start(
    cluster: &Cluster,
    ca_pem: &str,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let spawn = |controller: futures_util::future::BoxFuture<'static, ()>| {
        let stop = stop.clone();
        tasks.spawn(async move { stop.run_until_cancelled(controller).await });
    };
    cluster.garbage().sweep(cluster);
    spawn(Box::pin(GarbageQueue::run(cluster.clone())));
    spawn(Box::pin(namespaces::run(cluster.clone(), ca_pem.to_owned())));
    spawn(Box::pin(pod::run(cluster.clone())));
    for reconciler in [
        definition::controller(),
        deployment::controller(),
        replica_set::controller(),
        stateful_set::controller(),
        daemon_set::controller(),
        job::controller(),
        cron_job::controller(),
        volume_claim::controller(),
        address::services(),
        address::ingresses(),
        api_service::controller(),
        disruption_budget::controller(),
        endpoint_slice::controller(),
    ] {
        spawn(Box::pin(reconciler.run(cluster.clone())));
    }
}
