//! Sending the objects of a release.
//!
//! Field manager, force and conflict rules are Helm 4's. What is sent was decided by the plan, and how: by server-side
//! apply ([`migrate`] hands over to it what the client side has left), or as releases of Helm 3 are, by patches
//! ([`client_side`]).

mod client_side;
pub(crate) mod migrate;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

pub(crate) use client_side::Change;

use crate::base::Base;
use crate::cluster::{ApplyMode, Effect, Resource};
use crate::manifest::{Desired, read_objects};
use crate::plan::{Action, Method, Operation, Plan, PlannedObject};
use crate::record::{RecordError, read_history};
use crate::report::{Level, RolloutEvent};
use crate::{ClusterError, Execution, ObjectKey, RolloutError, execution::ObjectFailure};

/// How many objects of one kind are sent at once.
const AT_ONCE: usize = 8;
/// How often an object is sent anew after the quota's accounting or a write of someone else collided with it (Helm's
/// number).
const TRIES: u32 = 5;
/// The pause between those (Helm's number).
const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// How an object was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// By server-side apply.
    Applied,
    /// As a new object.
    Created,
    /// As a patch.
    Patched,
}

/// What the cluster made of the objects that were sent: as they were right after.
#[derive(Clone, Default)]
pub struct Applied {
    pub(crate) objects: Vec<(ObjectKey, Value)>,
}

impl std::fmt::Debug for Applied {
    /// Without the contents, which may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applied").field("objects", &self.objects.len()).finish()
    }
}

/// Applies every object of the plan, kind after kind in install order, objects of one kind
/// concurrently.
///
/// Repeating it changes nothing that is already as desired; what the plan has just seen to be so is not sent at all, which
/// nobody can tell from Helm's way: applying it would leave even its version as it is. Where objects are refused, the others of
/// the same kind are still sent; later kinds only in an upgrade or rollback whose refused objects
/// exist already (as Helm goes on there).
pub async fn apply(
    execution: Execution<'_>,
    desired: &Desired,
    plan: &Plan,
) -> Result<Applied, RolloutError> {
    let planned: Vec<&PlannedObject> = plan.objects.iter().filter(|o| o.is_applied()).collect();
    let pairs: Vec<(&PlannedObject, Value)> = planned
        .into_iter()
        .zip(&desired.objects)
        .map(|(planned, wanted)| (planned, desired.marks().marked(&wanted.object, &planned.key)))
        .collect();
    let base = read_base(execution, plan).await?;
    let total = pairs.len();
    let mut applied = Applied::default();
    let mut done = 0;
    let mut failures = Vec::new();
    for batch in pairs.chunk_by(|(a, _), (b, _)| a.key.kind == b.key.kind) {
        let sends =
            batch.iter().map(|(planned, object)| send(execution, plan, &base, planned, object));
        let sends: Vec<_> = sends.collect();
        let mut results = std::pin::pin!(stream::iter(sends).buffered(AT_ONCE));
        let mut stop = false;
        while let Some(result) = results.next().await {
            match result? {
                Ok(made) => {
                    done += 1;
                    applied.objects.extend(made);
                }
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
    if failures.is_empty() { Ok(applied) } else { Err(RolloutError::Objects { failures }) }
}

fn progress(done: usize, total: usize) -> RolloutEvent {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RolloutEvent::Progress { done: number(done), total: number(total), waiting: Vec::new() }
}

/// What client-side apply compares with: the objects of the revision that ran before.
async fn read_base(execution: Execution<'_>, plan: &Plan) -> Result<Base, RolloutError> {
    let (Method::ClientSide, Some(number)) = (plan.method, plan.base_revision) else {
        return Ok(Base::default());
    };
    let (cluster, kept) = (execution.cluster, execution.kept);
    let history = read_history(cluster, kept, &plan.namespace, &plan.release).await?;
    let before = history.revisions().iter().find(|revision| revision.revision() == number);
    let release = plan.release.clone();
    let Some(before) = before else {
        return Err(RecordError::Gone { release, revision: number }.into());
    };
    let objects = read_objects(before.manifest()?)
        .map_err(|source| RecordError::Manifest { release, source })?;
    Ok(Base::locate(execution.cluster, &plan.namespace, objects).await?)
}

/// Sends one object unless it surely is as it should be; what the cluster made of it. The outer error ends the step, the
/// inner one is the object's.
async fn send(
    execution: Execution<'_>,
    plan: &Plan,
    base: &Base,
    planned: &PlannedObject,
    object: &Value,
) -> Result<Result<Option<(ObjectKey, Value)>, (Action, ObjectFailure)>, RolloutError> {
    let key = &planned.key;
    if planned.stays {
        execution.say(Level::Info, Some(key), format!("{key} unchanged")).await;
        return Ok(Ok(None));
    }
    let resource = execution.cluster.resource(key).await?;
    let mode = ApplyMode { force: plan.force_conflicts, dry_run: false };
    let sent = match plan.method {
        Method::ServerSide => apply_object(execution, &resource, key, object, mode).await?,
        Method::Migrate => match hand_over(execution, &resource, key).await? {
            Ok(()) => apply_object(execution, &resource, key, object, mode).await?,
            Err(refused) => Err(refused),
        },
        Method::ClientSide => {
            let original = base.get(key);
            change_object(execution, &resource, key, original, object).await?
        }
    };
    let (error, sent) = match sent {
        Ok(mut made) => {
            let word = match planned.action {
                Action::Create => "created",
                Action::Change => "changed",
                _ => "unchanged",
            };
            execution.say(Level::Info, Some(key), format!("{key} {word}")).await;
            // Who owns what is the larger part of many objects, and tells nothing of how they are.
            if let Some(metadata) = made["metadata"].as_object_mut() {
                metadata.remove("managedFields");
            }
            return Ok(Ok(Some((key.clone(), made))));
        }
        Err(refused) => refused,
    };
    let text = refusal_text(key, &error, sent);
    execution.say(Level::Error, Some(key), text.clone()).await;
    Ok(Err((planned.action, ObjectFailure { key: key.clone(), text, source: error })))
}

/// What the server refused, and how it was sent.
pub(crate) type Refused = (ClusterError, Sent);

/// Applies one object on the server side: as it is then. The inner error is the server's refusal.
pub(crate) async fn apply_object(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
    object: &Value,
    mode: ApplyMode,
) -> Result<Result<Value, Refused>, RolloutError> {
    let cluster = execution.cluster;
    let sent = write(execution, || cluster.apply(resource, key, object, mode)).await?;
    Ok(sent.map_err(|error| (error, Sent::Applied)))
}

/// Creates one object that must not be there yet.
pub(crate) async fn create_object(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
    object: &Value,
) -> Result<Result<Value, Refused>, RolloutError> {
    let cluster = execution.cluster;
    let create = || cluster.create(resource, key, object, Effect::Lasting);
    let sent = write(execution, create).await?;
    Ok(sent.map_err(|error| (error, Sent::Created)))
}

/// Creates one object, or patches what is there.
async fn change_object(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
    original: Option<&Value>,
    target: &Value,
) -> Result<Result<Value, Refused>, RolloutError> {
    let live = execution.cluster.get(resource, key).await?;
    let change = Change { resource, key, original, live: live.as_ref(), target };
    let sent = write(execution, || change.send(execution.cluster, Effect::Lasting)).await?;
    Ok(sent.map_err(|error| (error, change.sent())))
}

/// Has the object's fields that Helm's client-side apply owns handed over to its server-side apply.
async fn hand_over(
    execution: Execution<'_>,
    resource: &Resource,
    key: &ObjectKey,
) -> Result<Result<(), Refused>, RolloutError> {
    let cluster = execution.cluster;
    let mut tries = 1;
    loop {
        let live = cluster.get(resource, key).await?;
        let Some(patch) = live.as_ref().and_then(migrate::patch) else { return Ok(Ok(())) };
        let content_type = "application/json-patch+json";
        let send = || cluster.patch(resource, key, content_type, &patch, Effect::Lasting);
        match write(execution, send).await? {
            Err(error) if tries < TRIES && error.is_conflict() => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            sent => return Ok(sent.map(|_| ()).map_err(|error| (error, Sent::Patched))),
        }
    }
}

/// Sends one write, again where only the quota's accounting stood against it. The inner error is the server's refusal.
async fn write<Answer>(
    execution: Execution<'_>,
    send: impl Fn() -> Answer,
) -> Result<Result<Value, ClusterError>, RolloutError>
where
    Answer: Future<Output = Result<Value, ClusterError>>,
{
    let mut tries = 1;
    loop {
        execution.before_write().await?;
        match send().await {
            Ok(made) => return Ok(Ok(made)),
            Err(error) if tries < TRIES && is_quota_collision(&error) => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
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
pub(crate) fn refusal_text(key: &ObjectKey, error: &ClusterError, sent: Sent) -> String {
    let message = error.server_message();
    let what = match sent {
        Sent::Created => return format!("failed to create resource: {message}"),
        Sent::Patched => {
            return format!("cannot patch \"{}\" with kind {}: {message}", key.name, key.kind);
        }
        Sent::Applied if error.is_conflict() => "conflict occurred while applying object",
        Sent::Applied => "server-side apply failed for object",
    };
    let place = match &key.namespace {
        Some(namespace) => format!("{namespace}/{}", key.name),
        None => format!("/{}", key.name),
    };
    let (group, version, kind) = (key.group(), key.version(), &key.kind);
    format!("{what} {place} {group}/{version}, Kind={kind}: {message}")
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
        insta::assert_snapshot!(refusal_text(&key, &conflict, Sent::Applied), @r#"conflict occurred while applying object prod/a /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.k"#);
        let unknown =
            refused(500, "failed to create typed patch object: .foo: field not declared in schema");
        insta::assert_snapshot!(refusal_text(&key, &unknown, Sent::Applied), @"server-side apply failed for object prod/a /v1, Kind=ConfigMap: failed to create typed patch object: .foo: field not declared in schema");
        let invalid = refused(422, "ConfigMap \"a\" is invalid: data[a b]: Invalid value");
        insta::assert_snapshot!(refusal_text(&key, &invalid, Sent::Patched), @r#"cannot patch "a" with kind ConfigMap: ConfigMap "a" is invalid: data[a b]: Invalid value"#);
        insta::assert_snapshot!(refusal_text(&key, &invalid, Sent::Created), @r#"failed to create resource: ConfigMap "a" is invalid: data[a b]: Invalid value"#);
    }
}
