//! What is told of a hook that failed.

use std::time::Duration;

use helm::release::{Hook, HookEvent};
use serde_json::Value;

use crate::culprit::{Cause, Culprit};
use crate::logs::last_lines;
use crate::{Cluster, ClusterError, ObjectKey};

/// Log lines told with a failed hook.
const LINES: u32 = 20;
/// How long they may take to be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A hook that failed. Prints its event, its name and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct HookFailure {
    /// The event.
    pub event: HookEvent,
    /// Its object's kind.
    pub kind: String,
    /// Its object's name.
    pub name: String,
    /// The template it comes from.
    pub path: String,
    /// Why, in Helm's words.
    pub text: String,
    /// What held it up, or how its container ended, as far as known.
    pub culprits: Vec<Culprit>,
}

impl std::fmt::Display for HookFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { event, kind, name, text, .. } = self;
        write!(f, "{event} hook {kind} {name} failed: {text}")
    }
}

impl HookFailure {
    /// The failure as Helm's description of a failed revision has it.
    pub fn in_helms_words(&self) -> String {
        match &self.event {
            HookEvent::PreInstall | HookEvent::PostInstall => {
                format!("failed {}: {}", self.event, self.text)
            }
            event => format!("{event} hooks failed: {}", self.text),
        }
    }

    pub(super) fn new(hook: &Hook, event: &HookEvent, text: String) -> Self {
        Self {
            event: event.clone(),
            kind: hook.kind.clone(),
            name: hook.name.clone(),
            path: hook.path.clone(),
            text,
            culprits: Vec::new(),
        }
    }
}

/// The container that made a Job or Pod fail, with what it said last.
pub(super) async fn ended_container(cluster: &Cluster, key: &ObjectKey) -> Option<Culprit> {
    let pods = pods_of(cluster, key).await.ok()?;
    // The newest one tells why no further one was started.
    let (pod, container, code) = pods
        .iter()
        .filter_map(|pod| failed_container(pod).map(|(name, code)| (pod, name, code)))
        .max_by_key(|(pod, ..)| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned))?;
    let pod = ObjectKey::of(pod);
    let read = last_lines(cluster, &pod, container, false, LINES);
    let lines = tokio::time::timeout(PATIENCE, read).await;
    Some(Culprit {
        key: key.clone(),
        pod: Some(pod.name.clone()),
        container: Some(container.to_owned()),
        cause: Cause::HookFailed,
        text: format!("{key}: container \"{container}\" ended with exit code {code}"),
        evidence: None,
        last_lines: lines.ok().and_then(Result::ok).unwrap_or_default(),
        since: None,
    })
}

async fn pods_of(cluster: &Cluster, key: &ObjectKey) -> Result<Vec<Value>, ClusterError> {
    let pods = ObjectKey { api_version: "v1".to_owned(), kind: "Pod".to_owned(), ..key.clone() };
    let resource = cluster.resource(&pods).await?;
    if key.kind == "Pod" {
        return Ok(cluster.get(&resource, key).await?.into_iter().collect());
    }
    let selector = format!("job-name={}", key.name);
    Ok(cluster.list(&resource, key.namespace.as_deref(), Some(&selector)).await?.items)
}

/// The container of a pod that ended with another code than 0, and the code.
fn failed_container(pod: &Value) -> Option<(&str, i64)> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|pointer| pod.pointer(pointer)?.as_array())
        .flatten()
        .find_map(|status| {
            let ended = ["/state/terminated/exitCode", "/lastState/terminated/exitCode"];
            let code = ended.into_iter().find_map(|pointer| status.pointer(pointer)?.as_i64());
            Some((status["name"].as_str()?, code.filter(|code| *code != 0)?))
        })
}
