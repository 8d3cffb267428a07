//! Deleting what is no longer part of a release.

use futures_util::{StreamExt as _, stream};

use crate::execution::ObjectFailure;
use crate::manifest::resource_policy;
use crate::plan::{Action, Plan, PlannedObject};
use crate::report::{Level, RolloutEvent};
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// How many objects of one kind are deleted at once.
const AT_ONCE: usize = 8;

/// Deletes the objects the plan deletes, unless they are kept by `helm.sh/resource-policy: keep`
/// on the live object. What is already gone is fine.
pub async fn prune(execution: Execution<'_>, plan: &Plan) -> Result<(), RolloutError> {
    let objects: Vec<&PlannedObject> =
        plan.objects.iter().filter(|object| object.action == Action::Delete).collect();
    let total = u32::try_from(objects.len()).unwrap_or(u32::MAX);
    let mut done = 0;
    let mut failures = Vec::new();
    for batch in objects.chunk_by(|a, b| a.key.kind == b.key.kind) {
        let deletions: Vec<_> = batch.iter().map(|o| delete(execution, &o.key)).collect();
        let mut results = std::pin::pin!(stream::iter(deletions).buffered(AT_ONCE));
        while let Some(result) = results.next().await {
            match result? {
                Ok(()) => done += 1,
                Err(failure) => failures.push(failure),
            }
            execution.tell(RolloutEvent::Progress { done, total, waiting: Vec::new() }).await;
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(RolloutError::Objects { failures }) }
}

async fn delete(
    execution: Execution<'_>,
    key: &ObjectKey,
) -> Result<Result<(), ObjectFailure>, RolloutError> {
    let resource = match execution.cluster.resource(key).await {
        Ok(resource) => resource,
        Err(ClusterError::NoSuchKind { .. }) => return Ok(Ok(())),
        Err(error) => return Err(error.into()),
    };
    let Some(live) = execution.cluster.get(&resource, key).await? else {
        return Ok(Ok(()));
    };
    if resource_policy(&live) == Some("keep") {
        let text = format!("{key} kept, as its annotation helm.sh/resource-policy says");
        execution.say(Level::Info, Some(key), text).await;
        return Ok(Ok(()));
    }
    execution.before_write().await?;
    let uid = live["metadata"]["uid"].as_str();
    match execution.cluster.delete(&resource, key, uid).await {
        Ok(_) => {
            execution.say(Level::Info, Some(key), format!("{key} deleted")).await;
            Ok(Ok(()))
        }
        Err(source @ (ClusterError::Refused { .. } | ClusterError::Forbidden { .. })) => {
            let message = source.server_message();
            let text = format!(
                "failed to delete resource namespace={}, name={}, kind={}: {message}",
                key.namespace.as_deref().unwrap_or_default(),
                key.name,
                key.kind,
            );
            execution.say(Level::Error, Some(key), text.clone()).await;
            Ok(Err(ObjectFailure { key: key.clone(), text, source }))
        }
        Err(error) => Err(error.into()),
    }
}
