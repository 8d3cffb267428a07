//! Carries a rendered Helm release into a Kubernetes cluster, as Helm 4 would, and says what it does.
//!
//! The way of a release through this crate, each step a function that can be repeated without harm:
//!
//! 1. [`manifest::Desired::parse`]: the rendered manifest becomes a list of objects.
//! 2. [`record::read_history`]: what Helm's own records in the cluster say about the release.
//! 3. [`plan::read_live`]: the live objects, and what a server-side dry run makes of the desired ones.
//! 4. [`plan::plan`]: pure; creations, changes as masked diffs, deletions, consequences, a keyed hash.
//! 5. [`crds::install`]: the chart's definitions of custom resources, before the rest is rendered or planned.
//! 6. [`record::record_pending`] → [`hooks::run_hooks`] → [`apply::apply`] → [`prune::prune`] → [`wait::wait`] →
//!    [`hooks::run_hooks`] → [`record::record_finish`]: carry the plan out. The executor decides nothing.
//!
//! Beside a release, [`ingress`] tells where its Ingresses are reached, and [`certificate`] keeps the certificates that Landfall was given for
//! them. [`exec`] runs commands in its containers, for backups; [`volumes`] snapshots volumes and puts them back. [`drift::drift`] tells what is no longer as it was deployed; [`uninstall::uninstall`] is the way back. What happens meanwhile (progress, Kubernetes events,
//! container logs, the culprit of a stuck rollout) goes to a [`report::Reporter`].
//!
//! The cluster-side record is Helm's own, so that `helm list`, `status`, `history`, `get`, `rollback`
//! and `uninstall` go on working.
//!
//! What this crate does not do: render charts (crate `helm`), or know Landfall's environments
//! and deployments.

pub mod apply;
mod base;
pub mod certificate;
pub mod cluster;
pub mod crds;
pub mod culprit;
pub mod diff;
pub mod drift;
mod events;
pub mod exec;
pub mod execution;
pub mod hooks;
pub mod ingress;
mod key;
mod logs;
pub mod manifest;
mod namespace;
pub mod plan;
pub mod prune;
pub mod record;
pub mod report;
pub mod rights;
#[cfg(test)]
mod testing;
mod three_way;
pub mod uninstall;
pub mod volumes;
pub mod wait;

pub use cluster::{Cluster, ClusterConfig, ClusterError};
pub use execution::{Execution, GuardError, RolloutError, WriteGuard};
pub use key::ObjectKey;

#[cfg(test)]
mod tests {
    /// Every step can be run by a worker that moves between threads.
    #[test]
    fn steps_are_send() {
        fn is_send<T: Send>(_: impl FnOnce() -> T) {}
        fn never<T>() -> T {
            unreachable!("only the types count")
        }
        is_send(|| {
            let (cluster, desired, history, options): (_, _, _, _) = never();
            super::plan::read_live(cluster, desired, history, options)
        });
        is_send(|| {
            let (cluster, desired, history): (_, _, _) = never();
            super::drift::drift(cluster, desired, history, &|_, _| ())
        });
        is_send(|| {
            let (execution, plan, new, history): (_, _, _, _) = never();
            super::record::record_pending_after(execution, plan, new, history)
        });
        is_send(|| {
            let (execution, plan, new, finish): (_, _, _, _) = never();
            super::record::record_finish(execution, plan, new, finish)
        });
        is_send(|| {
            let (execution, plan, new, event, options): (_, _, _, _, _) = never();
            super::hooks::run_hooks(execution, plan, new, event, options)
        });
        is_send(|| {
            let (execution, crds, namespace): (_, _, &str) = never();
            super::crds::install(execution, crds, namespace)
        });
        is_send(|| {
            let (execution, desired, plan): (_, _, _) = never();
            super::apply::apply(execution, desired, plan)
        });
        is_send(|| {
            let (execution, secret): (_, &super::certificate::TlsSecret<'_>) = never();
            super::certificate::apply(execution, secret)
        });
        is_send(|| {
            let (execution, namespace, label, keep): (_, &str, (&str, &str), _) = never();
            super::certificate::remove_others(execution, namespace, label, keep)
        });
        is_send(|| {
            let (execution, wanted, how): (_, &[super::volumes::Wanted<'_>], _) = never();
            super::volumes::snapshot(execution, wanted, how)
        });
        is_send(|| {
            let restore: super::volumes::Restore<'_> = never();
            async move {
                restore.check().await?;
                restore.clear_leftovers().await?;
                restore.run().await?;
                restore.resume().await
            }
        });
        is_send(|| {
            let (execution, plan): (_, _) = never();
            super::prune::prune(execution, plan)
        });
        is_send(|| {
            let (execution, plan, applied, options): (_, _, _, _) = never();
            super::wait::wait(execution, plan, applied, options)
        });
        is_send(|| {
            let (execution, namespace, release, options): (_, &str, &str, _) = never();
            super::uninstall::uninstall(execution, namespace, release, options)
        });
        is_send(|| {
            let (steps, attempt, hooks): (super::uninstall::Uninstall<'_>, &str, _) = never();
            async move {
                steps.look().await?;
                steps.begin(Some(attempt), Some(hooks)).await?;
                steps.wait(jiff::Timestamp::MAX).await?;
                steps.post_hooks(hooks).await
            }
        });
    }
}
