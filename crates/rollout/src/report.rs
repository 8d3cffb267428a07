//! What a rollout tells while it runs: log lines, progress, states of objects, culprits.
//!
//! Everything that comes from a source that could be read twice (Kubernetes events, container logs)
//! carries a [`Mark`]. Who stores a report stores `cursor.advance(mark)` with it; a wait that is
//! resumed with that [`Cursor`] does not repeat what was already stored.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{ObjectKey, culprit::Culprit, wait::State};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it happened; for events and log lines the time their source gave.
    pub time: Timestamp,
    /// What happened.
    pub event: RolloutEvent,
    /// Where in its source this stands; absent for what the engine itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

/// The kinds of things a rollout tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RolloutEvent {
    /// A line for the log.
    Log(LogLine),
    /// How far the running step is.
    Progress {
        /// Objects that are done (applied, deleted, ready).
        done: u32,
        /// Objects there are.
        total: u32,
        /// The objects not yet done, as [`ObjectKey`] prints them; at most 20.
        waiting: Vec<String>,
    },
    /// The state of one object changed.
    Object {
        /// Which object.
        key: ObjectKey,
        /// Its readiness now.
        state: State,
        /// What it still misses, in Helm's words: `Available: 0/1`.
        message: String,
    },
    /// Why the rollout does not get on; told once per object and cause.
    Culprit(Culprit),
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How grave it is.
    pub level: Level,
    /// Who said it.
    pub source: LogSource,
    /// The object it is about, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectKey>,
    /// The line, without its newline.
    pub text: String,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The normal course.
    Info,
    /// Something to look at; Kubernetes' events of type Warning.
    Warning,
    /// Something failed.
    Error,
}

/// Who said a log line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum LogSource {
    /// This crate.
    Engine,
    /// A Kubernetes Event.
    Event {
        /// Its reason: `FailedScheduling`.
        reason: String,
    },
    /// A container's output.
    Container {
        /// The pod's name.
        pod: String,
        /// The container's name.
        container: String,
    },
}

/// A position in one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The source: an event's uid, or pod uid and container.
    pub source: String,
    /// The time of the last line or occurrence taken from it.
    pub time: Timestamp,
    /// How many of that very time were taken (log lines), or the occurrences seen (events).
    pub count: u32,
}

/// How far each source has been told. Serialisable; the default has told nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor {
    marks: BTreeMap<String, (Timestamp, u32)>,
}

impl Cursor {
    /// Moves the position of the mark's source forward; an older mark changes nothing.
    pub fn advance(&mut self, mark: &Mark) {
        let position = (mark.time, mark.count);
        self.marks
            .entry(mark.source.clone())
            .and_modify(|known| *known = (*known).max(position))
            .or_insert(position);
    }

    /// Whether what stands at `mark` has been told already.
    pub fn covers(&self, mark: &Mark) -> bool {
        self.marks.get(&mark.source).is_some_and(|known| *known >= (mark.time, mark.count))
    }

    /// The last position told of `source`.
    pub fn position(&self, source: &str) -> Option<(Timestamp, u32)> {
        self.marks.get(source).copied()
    }
}

/// Takes reports. Implemented for a channel's sender; tests collect into a vector.
pub trait Reporter: Send + Sync {
    /// Takes one report. May wait (back-pressure); must not fail: a reporter that can no longer
    /// store what it is given should let the write guard refuse.
    fn report(&self, report: Report) -> BoxFuture<'_, ()>;

    /// Waits until everything reported so far is kept. Asked before something is written into the cluster that keeps
    /// whoever goes on after a crash from telling it again. Nothing to wait for where nothing is kept.
    fn kept(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Reporter for mpsc::Sender<Report> {
    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // A closed channel means that nobody listens any more; the rollout itself goes on.
            let _ = self.send(report).await;
        })
    }
}

impl Report {
    /// A line the engine itself says, now.
    pub(crate) fn engine(level: Level, object: Option<ObjectKey>, text: String) -> Self {
        Self::now(RolloutEvent::Log(LogLine { level, source: LogSource::Engine, object, text }))
    }

    /// An event of this moment, without a mark.
    pub(crate) fn now(event: RolloutEvent) -> Self {
        Self { time: Timestamp::now(), event, mark: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(time: &str, count: u32) -> Mark {
        Mark { source: "log/a/main".to_owned(), time: time.parse().unwrap(), count }
    }

    /// A cursor covers what stands before it in the same source, and nothing else.
    #[test]
    fn cursor() {
        let mut cursor = Cursor::default();
        let (one, two) = (mark("2026-01-01T00:00:00Z", 1), mark("2026-01-01T00:00:00Z", 2));
        assert!(!cursor.covers(&one));
        cursor.advance(&two);
        cursor.advance(&one);
        assert!(cursor.covers(&one) && cursor.covers(&two));
        assert!(!cursor.covers(&mark("2026-01-01T00:00:00.1Z", 1)));
        assert!(!cursor.covers(&Mark { source: "log/b/main".to_owned(), ..one }));
        let stored = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<Cursor>(&stored).unwrap(), cursor);
    }
}
