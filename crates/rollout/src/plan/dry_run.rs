//! What the cluster would make of an object, asked by the very request that will be sent.

use serde_json::Value;

use super::{Method, PlanOptions, Refusal};
use crate::apply::{Change, Sent, migrate, refusal_text};
use crate::cluster::{ApplyMode, Effect};
use crate::manifest::Desired;
use crate::namespace::namespace_key;
use crate::{Cluster, ClusterError, ObjectKey};

/// What a server-side dry run said.
#[derive(Clone)]
pub(crate) enum DryRun {
    /// The object as it would be.
    Result(Value),
    /// Nothing was asked, since the object surely stays as it is.
    Unchanged,
    /// The server would refuse it.
    Refused(Refusal),
    /// Nothing could be asked: the namespace does not exist yet, or a webhook knows no dry run.
    Unknown,
}

/// Asks for one object.
pub(super) async fn dry_run(
    cluster: &Cluster,
    desired: &Desired,
    method: Method,
    change: Change<'_>,
    options: &PlanOptions,
) -> Result<DryRun, ClusterError> {
    let Change { resource, key, live, target, .. } = change;
    let mode = ApplyMode { force: options.force_conflicts, dry_run: true };
    let migrates = method == Method::Migrate && live.and_then(migrate::patch).is_some();
    if method != Method::ClientSide {
        let applied = cluster.apply(resource, key, target, mode).await;
        let is_own_conflict = applied.as_ref().is_err_and(migrate::is_own_conflict);
        if !(migrates && (applied.is_ok() || is_own_conflict)) {
            return judged(desired, key, applied, Sent::Applied);
        }
        // The server would keep what the manifest no longer has, since it does not know yet that it will have been
        // handed over. What comes of it is what client-side apply makes of it.
    }
    let sent = change.send(cluster, Effect::DryRun).await;
    judged(desired, key, sent, change.sent())
}

/// What an answer means.
pub(super) fn judged(
    desired: &Desired,
    key: &ObjectKey,
    answer: Result<Value, ClusterError>,
    sent: Sent,
) -> Result<DryRun, ClusterError> {
    let error = match answer {
        Ok(result) => return Ok(DryRun::Result(result)),
        Err(error) => error,
    };
    let (code, reason, message) = match &error {
        ClusterError::Refused { code, reason, message, .. } if !error.is_transient() => {
            (*code, reason.clone(), message.clone())
        }
        ClusterError::Forbidden { message, .. } => (403, "Forbidden".to_owned(), message.clone()),
        _ => return Err(error),
    };
    let comes_with_release = key.namespace.as_ref().is_some_and(|namespace| {
        desired.objects.iter().any(|o| o.key.same_object(&namespace_key(namespace)))
    });
    if message.contains("does not support dry run") || (code == 404 && comes_with_release) {
        return Ok(DryRun::Unknown);
    }
    Ok(DryRun::Refused(Refusal { code, reason, message: refusal_text(key, &error, sent) }))
}
