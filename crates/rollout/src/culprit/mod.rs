//! Why a rollout does not get on: the object, the cause, the last lines.
//!
//! A file per cause; each is a pure function over a pod and its events, so that a further cause is a
//! further file beside them and a line in [`CAUSES`].

mod container;
mod crash_loop;
mod image_pull;
mod never_ready;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::events::Events;
use crate::logs::last_lines;
use crate::report::{Cursor, Mark, Report, RolloutEvent};
use crate::wait::{NotReady, World, uid};
use crate::{Cluster, ObjectKey};

/// Log lines told with a culprit.
const LINES: u32 = 20;
/// How long they may take to be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// What keeps an object from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// The object of the release that is held up.
    pub key: ObjectKey,
    /// The pod in which it shows, if it shows in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The container in which it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The cause.
    pub cause: Cause,
    /// One line for lists: `Deployment/shop/web: image "…" cannot be pulled: not found`.
    pub text: String,
    /// The Kubernetes event or status message it was concluded from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The last lines of the failing container, oldest first; empty if it never ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
    /// Since when, if the cluster says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Causes that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A container's image cannot be pulled.
    ImagePull,
    /// A container ends again and again.
    CrashLoop,
    /// A container runs, but its readiness probe never passes.
    NeverReady,
    /// A hook ran and failed.
    HookFailed,
}

/// What a cause's file finds in a pod.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    container: String,
    /// What follows the object's name in the one-line text.
    text: String,
    evidence: Option<String>,
    since: Option<Timestamp>,
    lines: Lines,
}

/// Which lines of the container explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// It never ran.
    None,
    /// Those of the running instance.
    Running,
    /// Those of the instance that ended last.
    Ended,
}

type Find = fn(pod: &Value, events: &[&Value], now: Timestamp) -> Option<Finding>;

/// The causes, the most telling first.
const CAUSES: [(Cause, Find); 3] = [
    (Cause::ImagePull, image_pull::find),
    (Cause::CrashLoop, crash_loop::find),
    (Cause::NeverReady, never_ready::find),
];

/// The culprits of one wait.
#[derive(Debug)]
pub(crate) struct Culprits {
    cursor: Cursor,
    /// Object, cause and container of those told.
    told: Vec<(ObjectKey, Cause, String)>,
    found: Vec<Culprit>,
}

/// A culprit before its last lines were read.
pub(crate) struct NewCulprit {
    culprit: Culprit,
    pod: ObjectKey,
    lines: Lines,
}

impl Culprits {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self { cursor, told: Vec::new(), found: Vec::new() }
    }

    /// What is found in the pods of objects that are not ready and was not found before.
    pub(crate) fn find(
        &mut self,
        world: &World,
        events: &Events,
        now: Timestamp,
    ) -> Vec<NewCulprit> {
        let mut new = Vec::new();
        for (tracked, pod) in world.new_pods().filter(|(tracked, _)| !tracked.is_ready()) {
            let events = uid(pod).map(|uid| events.about(uid)).unwrap_or_default();
            let found = CAUSES
                .iter()
                .find_map(|(cause, find)| find(pod, &events, now).map(|finding| (*cause, finding)));
            let Some((cause, finding)) = found else { continue };
            let identity = (tracked.key.clone(), cause, finding.container.clone());
            if !self.told.contains(&identity) {
                self.told.push(identity);
                new.push(new_culprit(&tracked.key, pod, cause, finding));
            }
        }
        new
    }

    /// Reads the last lines and makes the report; a mark keeps a resumed wait from telling it again.
    pub(crate) async fn complete(&mut self, cluster: &Cluster, new: NewCulprit) -> Option<Report> {
        let NewCulprit { mut culprit, pod, lines } = new;
        if let (Lines::Running | Lines::Ended, Some(container)) = (lines, &culprit.container) {
            let previous = lines == Lines::Ended;
            let read = last_lines(cluster, &pod, container, previous, LINES);
            // Without lines the culprit still says what it is.
            if let Ok(Ok(lines)) = tokio::time::timeout(PATIENCE, read).await {
                culprit.last_lines = lines;
            }
        }
        let container = culprit.container.as_deref().unwrap_or_default();
        let source = format!("culprit/{}/{:?}/{container}", culprit.key, culprit.cause);
        let mark = Mark { source, time: Timestamp::UNIX_EPOCH, count: 1 };
        self.found.push(culprit.clone());
        if self.cursor.covers(&mark) {
            return None;
        }
        self.cursor.advance(&mark);
        let event = RolloutEvent::Culprit(culprit);
        Some(Report { time: Timestamp::now(), event, mark: Some(mark) })
    }

    /// Those of objects that are still not ready.
    pub(crate) fn of(&self, objects: &[NotReady]) -> Vec<Culprit> {
        let unready = |culprit: &&Culprit| objects.iter().any(|o| o.key == culprit.key);
        self.found.iter().filter(unready).cloned().collect()
    }
}

fn new_culprit(key: &ObjectKey, pod: &Value, cause: Cause, finding: Finding) -> NewCulprit {
    let pod = ObjectKey::of(pod);
    NewCulprit {
        culprit: Culprit {
            key: key.clone(),
            pod: Some(pod.name.clone()),
            text: format!("{key}: {}", finding.text),
            container: Some(finding.container),
            cause,
            evidence: finding.evidence,
            last_lines: Vec::new(),
            since: finding.since,
        },
        pod,
        lines: finding.lines,
    }
}
