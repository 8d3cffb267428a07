//! Deleting the objects of hooks.

use std::time::Duration;

use helm::release::{Hook, HookDeletePolicy};
use jiff::Timestamp;

use crate::cluster::Resource;
use crate::report::Level;
use crate::uninstall::wait_until_gone;
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// Whether a hook's object is deleted on this occasion. Definitions of custom resources never are, as all their
/// objects would go with them.
pub(super) fn is_deleted(hook: &Hook, policy: &HookDeletePolicy) -> bool {
    let by_default =
        hook.delete_policies.is_empty() && *policy == HookDeletePolicy::BeforeHookCreation;
    hook.kind != "CustomResourceDefinition" && (by_default || hook.delete_policies.contains(policy))
}

/// Deletes objects, whoever made them, as Helm does, and waits until they are gone.
///
/// The inner error says in Helm's words what is still there, or was refused.
pub(super) async fn delete(
    execution: Execution<'_>,
    objects: &[(Resource, ObjectKey)],
    why: &str,
    timeout: Duration,
) -> Result<Result<(), String>, RolloutError> {
    let mut going = Vec::new();
    for (resource, key) in objects {
        execution.before_write().await?;
        match execution.cluster.delete(resource, key, None).await {
            Ok(true) => {
                execution.say(Level::Info, Some(key), format!("{key} deleted: {why}")).await;
                going.push((resource.clone(), key.clone()));
            }
            Ok(false) => {}
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error @ (ClusterError::Refused { .. } | ClusterError::Forbidden { .. })) => {
                return Ok(Err(error.server_message()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let deadline = Timestamp::now().saturating_add(timeout).unwrap_or(Timestamp::MAX);
    let still = wait_until_gone(execution, going, deadline).await?;
    match still.first() {
        None => Ok(Ok(())),
        Some(key) => Ok(Err(format!(
            "resource {key} still exists. status: Terminating, message: Resource scheduled for deletion\ncontext deadline exceeded"
        ))),
    }
}
