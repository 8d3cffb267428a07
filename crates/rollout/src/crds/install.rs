//! Installing definitions, before anything that may need them.

use std::time::Duration;

use jiff::Timestamp;

use super::{CrdPolicy, Crds};
use crate::apply::{Applied, apply_object, refusal_text};
use crate::cluster::ApplyMode;
use crate::manifest::{DesiredObject, in_namespace};
use crate::report::{Cursor, Level};
use crate::wait::{Rule, WaitOptions, WaitOutcome, wait_for};
use crate::{ClusterError, Execution, ObjectKey, RolloutError};

/// How long definitions may take to be established (Helm's number).
const PATIENCE: Duration = Duration::from_mins(1);
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
    for wanted in &crds.objects {
        let left = done.left;
        keys.push(install_one(execution, crds.policy, wanted, namespace, &mut done).await?);
        if done.left == left {
            sent.objects.push(wanted.clone());
        }
    }
    let now = Timestamp::now();
    let deadline = now.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
    let options = WaitOptions {
        deadline,
        since: now,
        jobs: false,
        end_when_hopeless: false,
        cursor: Cursor::default(),
    };
    let rule = Rule::Release { jobs: false };
    if let WaitOutcome::NotReady { text, .. } =
        wait_for(execution, keys, Applied::default(), rule, options).await?
    {
        return Err(RolloutError::Crd { text, source: None });
    }
    until_served(execution, &sent, deadline).await?;
    Ok(done)
}

async fn install_one(
    execution: Execution<'_>,
    policy: CrdPolicy,
    wanted: &DesiredObject,
    namespace: &str,
    done: &mut Installed,
) -> Result<ObjectKey, RolloutError> {
    let path = wanted.source.as_deref().unwrap_or_default();
    let failed = |text: String, source| RolloutError::Crd {
        text: format!("failed to install CRD {path}: {text}"),
        source,
    };
    let resource = match execution.cluster.resource(&wanted.key).await {
        Ok(resource) => resource,
        Err(error @ ClusterError::NoSuchKind { .. }) => {
            return Err(failed(error.to_string(), None));
        }
        Err(error) => return Err(error.into()),
    };
    let key = resource.locate(&wanted.key, namespace);
    let exists = execution.cluster.get(&resource, &key).await?.is_some();
    if exists && policy != CrdPolicy::CreateAndUpgrade {
        done.left += 1;
        return Ok(key);
    }
    // A definition that is to be the chart's is taken over from whoever applied it before.
    let mode = ApplyMode { force: exists, dry_run: false };
    let object = in_namespace(&wanted.object, &key);
    if let Err((error, sent)) = apply_object(execution, &resource, &key, &object, mode).await? {
        return Err(failed(refusal_text(&key, &error, sent), Some(error)));
    }
    let word = if exists { "brought up to the chart's" } else { "created" };
    execution.say(Level::Info, Some(&key), format!("{key} {word}")).await;
    *(if exists { &mut done.upgraded } else { &mut done.created }) += 1;
    Ok(key)
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
