//! Installing definitions, before anything that may need them.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{CrdPolicy, Crds};
use crate::apply::{Applied, apply_object, refusal_text};
use crate::cluster::{ApplyMode, Resource};
use crate::manifest::{DesiredObject, in_namespace};
use crate::report::{Cursor, Level};
use crate::wait::{Rule, WaitOptions, WaitOutcome, wait_for};
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// How long definitions may take to be established (Helm's number).
const PATIENCE: Duration = Duration::from_mins(1);
/// How many definitions are looked at at once.
const AT_ONCE: usize = 16;
/// The pause between two looks at whether the server knows the new kinds.
const PAUSE: Duration = Duration::from_millis(200);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Definitions that did not exist.
    pub created: u32,
    /// Definitions that were brought up to the chart's, whether that changed anything or not.
    pub upgraded: u32,
    /// Definitions that exist and were left alone.
    pub left: u32,
}

/// Installs the definitions as their policy says, and waits until the cluster serves their kinds.
///
/// May be repeated. What is refused ends it with [`RolloutError::Crd`].
pub async fn install(
    execution: Execution<'_>,
    crds: &Crds,
    namespace: &str,
) -> Result<Installed, RolloutError> {
    let mut done = Installed::default();
    let mut keys = Vec::new();
    let mut sent = Crds { policy: crds.policy, objects: Vec::new() };
    let now = Timestamp::now();
    for (wanted, there) in crds.objects.iter().zip(look(execution, crds, namespace).await?) {
        if there.exists && crds.policy != CrdPolicy::CreateAndUpgrade {
            done.left += 1;
            // One that was made just now, by an earlier try for example, may not have taken effect yet.
            if there.is_young(now) {
                keys.push(there.key);
            }
            continue;
        }
        install_one(execution, wanted, &there, &mut done).await?;
        keys.push(there.key);
        sent.objects.push(wanted.clone());
    }
    let deadline = now.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
    let options = WaitOptions {
        deadline,
        since: now,
        jobs: false,
        end_when_hopeless: false,
        cursor: Cursor::default(),
    };
    let rule = Rule::Release { jobs: false };
    if !keys.is_empty()
        && let WaitOutcome::NotReady { text, .. } =
            wait_for(execution, keys, Applied::default(), rule, options).await?
    {
        return Err(RolloutError::Crd { text, source: None });
    }
    until_served(execution, &sent, deadline).await?;
    Ok(done)
}

/// A definition as it was found.
struct Found {
    resource: Resource,
    key: ObjectKey,
    exists: bool,
    created: Option<Timestamp>,
}

impl Found {
    /// Whether it may have been made too recently to have taken effect.
    fn is_young(&self, now: Timestamp) -> bool {
        self.created.is_none_or(|created| now.duration_since(created).unsigned_abs() < PATIENCE)
    }
}

/// Looks at all definitions at once. They are large: nothing is asked but whether they are there, and since when.
async fn look(
    execution: Execution<'_>,
    crds: &Crds,
    namespace: &str,
) -> Result<Vec<Found>, RolloutError> {
    let looks = crds.objects.iter().map(|wanted| async move {
        let resource = match execution.cluster.resource(&wanted.key).await {
            Ok(resource) => resource,
            Err(error @ ClusterError::NoSuchKind { .. }) => {
                return Err(failed(wanted, &error.to_string(), None));
            }
            Err(error) => return Err(error.into()),
        };
        let key = resource.locate(&wanted.key, namespace);
        let there = execution.cluster.get_metadata(&resource, &key).await?;
        let created = there
            .as_ref()
            .and_then(|there| there.pointer("/metadata/creationTimestamp")?.as_str()?.parse().ok());
        Ok(Found { resource, key, exists: there.is_some(), created })
    });
    let looks: Vec<_> = looks.collect();
    stream::iter(looks).buffered(AT_ONCE).try_collect().await
}

async fn install_one(
    execution: Execution<'_>,
    wanted: &DesiredObject,
    there: &Found,
    done: &mut Installed,
) -> Result<(), RolloutError> {
    let Found { resource, key, exists, .. } = there;
    // A definition that is to be the chart's is taken over from whoever applied it before.
    let mode = ApplyMode { force: *exists, dry_run: false };
    let object = in_namespace(&wanted.object, key);
    if let Err((error, sent)) = apply_object(execution, resource, key, &object, mode).await? {
        return Err(failed(wanted, &refusal_text(key, &error, sent), Some(error)));
    }
    let word = if *exists { "brought up to the chart's" } else { "created" };
    execution.say(Level::Info, Some(key), format!("{key} {word}")).await;
    *(if *exists { &mut done.upgraded } else { &mut done.created }) += 1;
    Ok(())
}

fn failed(wanted: &DesiredObject, text: &str, source: Option<ClusterError>) -> RolloutError {
    let path = wanted.source.as_deref().unwrap_or_default();
    RolloutError::Crd { text: format!("failed to install CRD {path}: {text}"), source }
}

/// A definition is established a moment before the server tells of its kinds.
async fn until_served(
    execution: Execution<'_>,
    crds: &Crds,
    deadline: Timestamp,
) -> Result<(), RolloutError> {
    for kind in crds.kinds() {
        let key = ObjectKey {
            api_version: kind.api_version,
            kind: kind.kind,
            namespace: None,
            name: String::new(),
        };
        loop {
            match execution.cluster.resource(&key).await {
                Ok(_) => break,
                Err(ClusterError::NoSuchKind { .. }) if Timestamp::now() < deadline => {
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = execution.cancel.cancelled() => return Err(RolloutError::Cancelled),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
