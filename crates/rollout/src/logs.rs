//! Container logs of the pods being rolled out, followed line by line.
//!
//! One task per container, which goes through the container's instances one after another: a
//! container that crashes and comes back loses no line between two looks.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::AsyncBufReadExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::Cluster;
use crate::cluster::LogOptions;
use crate::report::{Cursor, Level, LogLine, LogSource, Mark, Report, RolloutEvent};
use crate::wait::{Seen, WaitOptions, World, uid};
use crate::{ClusterError, ObjectKey};

/// The pause before a log that broke off, or could not be opened, is asked for again.
const PAUSE: Duration = Duration::from_millis(500);
/// Longer lines are cut.
const LONGEST_LINE: usize = 16 * 1024;

/// The followers of all containers.
#[derive(Debug)]
pub(crate) struct LogFollowers {
    cluster: Cluster,
    since: Timestamp,
    cursor: Cursor,
    /// Gone once the wait is over, so that the channel can close.
    seen: Option<mpsc::Sender<Seen>>,
    running: HashMap<String, watch::Sender<Instances>>,
    tasks: JoinSet<()>,
}

/// How often a container was started, and what it does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Instances {
    started: u64,
    runs: bool,
    /// No more is wanted than what there is.
    over: bool,
}

impl LogFollowers {
    pub(crate) fn new(cluster: Cluster, options: &WaitOptions, seen: mpsc::Sender<Seen>) -> Self {
        Self {
            cluster,
            since: options.since,
            cursor: options.cursor.clone(),
            seen: Some(seen),
            running: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Follows every container of the new pods that has started, and tells those followed already how
    /// their container is.
    pub(crate) fn follow_pods(&mut self, world: &World) {
        let Some(seen) = &self.seen else { return };
        for (_, pod) in world.new_pods() {
            let Some(pod_uid) = uid(pod) else { continue };
            for status in container_statuses(pod) {
                let Some(container) = status["name"].as_str() else { continue };
                let now = instances(status);
                if now.started == 0 {
                    continue;
                }
                let source = format!("log/{pod_uid}/{container}");
                if let Some(follower) = self.running.get(&source) {
                    follower.send_if_modified(|known| std::mem::replace(known, now) != now);
                    continue;
                }
                let (sender, receiver) = watch::channel(now);
                let follower = Follower {
                    cluster: self.cluster.clone(),
                    pod: ObjectKey::of(pod),
                    container: container.to_owned(),
                    position: self.cursor.position(&source),
                    since: self.since,
                    source: source.clone(),
                    seen: seen.clone(),
                };
                self.tasks.spawn(follower.run(receiver));
                self.running.insert(source, sender);
            }
        }
    }

    /// Lets every follower deliver what there is and end; the channel closes once they have.
    pub(crate) fn finish(&mut self) {
        self.seen = None;
        for follower in self.running.values() {
            follower.send_modify(|known| known.over = true);
        }
    }
}

fn container_statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|pointer| pod.pointer(pointer)?.as_array())
        .flatten()
}

fn instances(status: &Value) -> Instances {
    let is = |state: &str| status["state"].get(state).is_some_and(|state| !state.is_null());
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    // While it waits to be started again, the instance before is the newest one.
    let newest = u64::from(is("running") || is("terminated"));
    Instances { started: restarts + newest, runs: is("running"), over: false }
}

struct Follower {
    cluster: Cluster,
    pod: ObjectKey,
    container: String,
    source: String,
    since: Timestamp,
    position: Option<(Timestamp, u32)>,
    seen: mpsc::Sender<Seen>,
}

/// Why reading a log ended.
#[derive(PartialEq, Eq)]
enum End {
    /// It is read to its end.
    Whole,
    /// It broke off.
    Broken,
    /// Nobody listens any more.
    Closed,
}

impl Follower {
    async fn run(mut self, mut instances: watch::Receiver<Instances>) {
        let mut done = 0;
        loop {
            let now = *instances.borrow_and_update();
            if now.over {
                self.read(LogOptions::default()).await;
                return;
            }
            if now.started > done {
                // The instance before the newest, if nobody read it to its end.
                let missed = now.started - done > 1 && done > 0;
                if missed && self.read_previous().await == End::Closed {
                    return;
                }
                let follow = self.read(LogOptions { follow: true, ..LogOptions::default() });
                let end = tokio::select! {
                    end = follow => Some(end),
                    () = over(&mut instances) => None,
                };
                match end {
                    Some(End::Closed) => return,
                    Some(End::Whole) => done = now.started,
                    Some(End::Broken) => {}
                    None => continue,
                }
            }
            // A log may also end while its container runs on (the node's agent was restarted).
            let pause = tokio::time::timeout(PAUSE, instances.changed()).await;
            if matches!(pause, Ok(Err(_))) {
                return;
            }
            let known = *instances.borrow();
            if known.runs && known.started == done {
                done = known.started - 1;
            }
        }
    }

    async fn read_previous(&mut self) -> End {
        self.read(LogOptions { previous: true, ..LogOptions::default() }).await
    }

    /// Reads from the position on, telling each line; the position moves along.
    async fn read(&mut self, options: LogOptions) -> End {
        let since = self.position.map_or(self.since, |(time, _)| time);
        let opened = self.cluster.container_log(
            self.pod.namespace.as_deref().unwrap_or_default(),
            &self.pod.name,
            &self.container,
            LogOptions { since: Some(since), ..options },
        );
        let stream = match opened.await {
            Ok(stream) => stream,
            // The container is not there (yet, or any more).
            Err(ClusterError::Refused { code: 400 | 404, .. }) => return End::Whole,
            Err(error) => {
                tracing::debug!(%error, source = self.source, "a container's log cannot be read");
                return End::Broken;
            }
        };
        let mut stream = std::pin::pin!(stream);
        let start = self.position;
        let (mut last, mut line) = ((Timestamp::UNIX_EPOCH, 0), Vec::new());
        loop {
            line.clear();
            match stream.read_until(b'\n', &mut line).await {
                Ok(0) => return End::Whole,
                Ok(_) => {}
                Err(_) => return End::Broken,
            }
            let (time, text) = split_line(&line);
            let time = time.unwrap_or(last.0);
            last = if time == last.0 { (time, last.1 + 1) } else { (time, 1) };
            if start.is_some_and(|start| last <= start) {
                continue;
            }
            self.position = self.position.max(Some(last));
            if self.seen.send(Seen::Log(self.report(last, text))).await.is_err() {
                return End::Closed;
            }
        }
    }

    fn report(&self, (time, count): (Timestamp, u32), text: String) -> Report {
        let line = LogLine {
            level: Level::Info,
            source: LogSource::Container {
                pod: self.pod.name.clone(),
                container: self.container.clone(),
            },
            object: Some(self.pod.clone()),
            text,
        };
        let mark = Mark { source: self.source.clone(), time, count };
        Report { time, event: RolloutEvent::Log(line), mark: Some(mark) }
    }
}

async fn over(instances: &mut watch::Receiver<Instances>) {
    // A sender that is gone means the same.
    let _ = instances.wait_for(|known| known.over).await;
}

/// The time a line is led by, and its text without the newline.
pub(crate) fn split_line(line: &[u8]) -> (Option<Timestamp>, String) {
    let line = &line[..line.len().min(LONGEST_LINE)];
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    match text.split_once(' ') {
        Some((time, rest)) if time.parse::<Timestamp>().is_ok() => {
            (time.parse().ok(), rest.to_owned())
        }
        _ => match text.parse() {
            Ok(time) => (Some(time), String::new()),
            Err(_) => (None, text.to_owned()),
        },
    }
}

/// The last lines of a container, oldest first.
pub(crate) async fn last_lines(
    cluster: &Cluster,
    pod: &ObjectKey,
    container: &str,
    previous: bool,
    count: u32,
) -> Result<Vec<String>, ClusterError> {
    let options = LogOptions { previous, tail: Some(count), ..LogOptions::default() };
    let namespace = pod.namespace.as_deref().unwrap_or_default();
    let stream = cluster.container_log(namespace, &pod.name, container, options).await?;
    let mut stream = std::pin::pin!(stream);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        match stream.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Ok(lines),
            Ok(_) => lines.push(split_line(&line).1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The server leads each line by its time; what has none is text all through.
    #[test]
    fn lines() {
        let time = Some("2026-01-01T00:00:00.5Z".parse().unwrap());
        assert_eq!(
            split_line(b"2026-01-01T00:00:00.5Z  two blanks \r\n"),
            (time, " two blanks ".to_owned())
        );
        assert_eq!(split_line(b"2026-01-01T00:00:00.5Z\n"), (time, String::new()));
        assert_eq!(split_line(b"no time\n"), (None, "no time".to_owned()));
        assert_eq!(split_line(b"\xff\n").1, "\u{fffd}");
        assert_eq!(split_line(&b"a".repeat(100_000)).1.len(), LONGEST_LINE);
    }

    /// A container counts as started once it runs or has run, and once more for every restart.
    #[test]
    fn starts() {
        let started = |state: &str, restarts: u32| {
            let now = instances(&json!({ "state": { state: {} }, "restartCount": restarts }));
            (now.started, now.runs)
        };
        assert_eq!(started("waiting", 0), (0, false));
        assert_eq!(started("running", 0), (1, true));
        assert_eq!(started("terminated", 0), (1, false));
        assert_eq!(started("waiting", 1), (1, false));
        assert_eq!(started("running", 2), (3, true));
    }
}
