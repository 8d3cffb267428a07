//! Sending the objects of a release, by server-side apply.
//!
//! Field manager, force and conflict rules are Helm 4's. What is sent was decided by the plan.

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use crate::cluster::{ApplyMode, Resource};
use crate::manifest::Desired;
use crate::plan::{Action, Operation, Plan, PlannedObject};
use crate::report::{Level, RolloutEvent};
use crate::{ClusterError, Execution, ObjectKey, RolloutError, execution::ObjectFailure};

/// How many objects of one kind are sent at once.
const AT_ONCE: usize = 8;
/// How often an object is sent anew after the quota's accounting collided (Helm's number).
const QUOTA_TRIES: u32 = 5;
/// The pause between those (Helm's number).
const QUOTA_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Applies every object of the plan, kind after kind in install order, objects of one kind
/// concurrently.
///
/// Repeating it changes nothing that is already as desired. Where objects are refused, the others of
/// the same kind are still sent; later kinds only in an upgrade or rollback whose refused objects
/// exist already (as Helm goes on there).
pub async fn apply(
    execution: Execution<'_>,
    desired: &Desired,
    plan: &Plan,
) -> Result<(), RolloutError> {
    let planned: Vec<&PlannedObject> = plan.objects.iter().filter(|o| o.is_applied()).collect();
    let pairs: Vec<(&PlannedObject, Value)> = planned
        .into_iter()
        .zip(&desired.objects)
        .map(|(planned, wanted)| (planned, desired.marks().marked(&wanted.object, &planned.key)))
        .collect();
    let total = pairs.len();
    let mut done = 0;
    let mut failures = Vec::new();
    for batch in pairs.chunk_by(|(a, _), (b, _)| a.key.kind == b.key.kind) {
        let sends = batch.iter().map(|(planned, object)| send(execution, plan, planned, object));
        let sends: Vec<_> = sends.collect();
        let mut results = std::pin::pin!(stream::iter(sends).buffered(AT_ONCE));
        let mut stop = false;
        while let Some(result) = results.next().await {
            match result? {
                Ok(()) => done += 1,
                Err((action, failure)) => {
                    stop |= action == Action::Create || plan.operation == Operation::Install;
                    failures.push(failure);
                }
            }
            execution.tell(progress(done, total)).await;
        }
        if stop {
            break;
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(RolloutError::Objects { failures }) }
}

fn progress(done: usize, total: usize) -> RolloutEvent {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RolloutEvent::Progress { done: number(done), total: number(total), waiting: Vec::new() }
}

/// Sends one object. The outer error ends the step, the inner one is the object's.
async fn send(
    execution: Execution<'_>,
    plan: &Plan,
    planned: &PlannedObject,
    object: &Value,
) -> Result<Result<(), (Action, ObjectFailure)>, RolloutError> {
    let key = &planned.key;
    let resource = execution.cluster.resource(key).await?;
    let mode = ApplyMode { force: plan.force_conflicts, dry_run: false };
    let Err(error) = send_object(execution, &resource, key, object, mode).await? else {
        let word = match planned.action {
            Action::Create => "created",
            Action::Change => "changed",
            _ => "unchanged",
        };
        execution.say(Level::Info, Some(key), format!("{key} {word}")).await;
        return Ok(Ok(()));
    };
    let text = refusal_text(key, &error);
    execution.say(Level::Error, Some(key), text.clone()).await;
    Ok(Err((planned.action, ObjectFailure { key: key.clone(), text, source: error })))
}

/// Sends one object. The inner error is the server's refusal.
pub(crate) async fn send_object(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
    object: &Value,
    mode: ApplyMode,
) -> Result<Result<(), ClusterError>, RolloutError> {
    let mut tries = 1;
    loop {
        execution.before_write().await?;
        match execution.cluster.apply(resource, key, object, mode).await {
            Ok(_) => return Ok(Ok(())),
            Err(error) if tries < QUOTA_TRIES && is_quota_collision(&error) => {
                tries += 1;
                tokio::time::sleep(QUOTA_PAUSE).await;
            }
            Err(error @ (ClusterError::Refused { .. } | ClusterError::Forbidden { .. })) => {
                return Ok(Err(error));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_quota_collision(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Refused { code: 409, message, .. }
        if message.contains("Operation cannot be fulfilled on resourcequota"))
}

/// Why the cluster does not accept an object, in Helm's words.
pub(crate) fn refusal_text(key: &ObjectKey, error: &ClusterError) -> String {
    let what = if error.is_conflict() {
        "conflict occurred while applying object"
    } else {
        "server-side apply failed for object"
    };
    let place = match &key.namespace {
        Some(namespace) => format!("{namespace}/{}", key.name),
        None => format!("/{}", key.name),
    };
    format!(
        "{what} {place} {}/{}, Kind={}: {}",
        key.group(),
        key.version(),
        key.kind,
        error.server_message()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, message: &str) -> ClusterError {
        ClusterError::Refused {
            cluster: "demo".to_owned(),
            doing: "applying".to_owned(),
            code,
            reason: String::new(),
            message: message.to_owned(),
        }
    }

    /// Refusals read as Helm prints them.
    #[test]
    fn helms_words() {
        let key = ObjectKey {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("prod".to_owned()),
            name: "a".to_owned(),
        };
        let conflict = refused(
            409,
            "Apply failed with 1 conflict: conflict with \"kubectl-patch\" using v1: .data.k",
        );
        insta::assert_snapshot!(refusal_text(&key, &conflict), @r#"conflict occurred while applying object prod/a /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.k"#);
        let unknown =
            refused(500, "failed to create typed patch object: .foo: field not declared in schema");
        insta::assert_snapshot!(refusal_text(&key, &unknown), @"server-side apply failed for object prod/a /v1, Kind=ConfigMap: failed to create typed patch object: .foo: field not declared in schema");
    }
}
