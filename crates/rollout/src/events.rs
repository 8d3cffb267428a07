//! Kubernetes Events of the release's objects and their pods, as log lines.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::ObjectKey;
use crate::cluster::Change;
use crate::report::{Cursor, Level, LogLine, LogSource, Mark, Report, RolloutEvent};
use crate::wait::World;

/// Events whose object is not known yet that are kept at most.
const UNPLACED: usize = 1000;

/// The events seen, and which of them were told.
#[derive(Debug)]
pub(crate) struct Events {
    since: Timestamp,
    cursor: Cursor,
    /// By uid of the event: not told yet, because new or of an object nobody knows (yet).
    unplaced: HashMap<String, Value>,
    /// By uid of the object they are about, newest state of each.
    placed: HashMap<String, HashMap<String, Value>>,
}

impl Events {
    pub(crate) fn new(since: Timestamp, cursor: Cursor) -> Self {
        Self { since, cursor, unplaced: HashMap::new(), placed: HashMap::new() }
    }

    pub(crate) fn observe(&mut self, change: Change) {
        let events = match change {
            Change::Is(event) => vec![event],
            Change::All(events) => events,
            // An event that runs out has been told.
            Change::Gone(_) => return,
        };
        for event in events {
            let recent = last_seen(&event) >= self.since;
            if let Some(uid) = event["metadata"]["uid"].as_str()
                && recent
                && (self.unplaced.len() < UNPLACED || self.unplaced.contains_key(uid))
            {
                self.unplaced.insert(uid.to_owned(), event);
            }
        }
    }

    /// Reports of what is new about objects the world knows by now, in the order of time.
    pub(crate) fn take_reports(&mut self, world: &World) -> Vec<Report> {
        let known: HashSet<String> = self
            .unplaced
            .iter()
            .filter(|(_, event)| about(event).is_some_and(|uid| world.root(uid).is_some()))
            .map(|(uid, _)| uid.clone())
            .collect();
        let mut reports = Vec::new();
        for uid in known {
            let Some(event) = self.unplaced.remove(&uid) else { continue };
            let mark = mark(&uid, &event);
            if !self.cursor.covers(&mark) {
                self.cursor.advance(&mark);
                reports.push(report(&event, mark));
            }
            if let Some(object) = about(&event) {
                self.placed.entry(object.to_owned()).or_default().insert(uid, event);
            }
        }
        reports.sort_by_key(|report| report.time);
        reports
    }

    /// The events about the object with this uid.
    pub(crate) fn about(&self, uid: &str) -> Vec<&Value> {
        self.placed.get(uid).map(|events| events.values().collect()).unwrap_or_default()
    }
}

fn about(event: &Value) -> Option<&str> {
    event["involvedObject"]["uid"].as_str()
}

/// When the event was last seen; sources fill different fields.
pub(crate) fn last_seen(event: &Value) -> Timestamp {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ]
    .iter()
    .find_map(|pointer| event.pointer(pointer)?.as_str()?.parse().ok())
    .unwrap_or_default()
}

/// How often the event was seen.
pub(crate) fn occurrences(event: &Value) -> u32 {
    let count = event.pointer("/series/count").or_else(|| event.get("count"));
    count.and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1)
}

fn mark(uid: &str, event: &Value) -> Mark {
    Mark { source: format!("event/{uid}"), time: last_seen(event), count: occurrences(event) }
}

fn report(event: &Value, mark: Mark) -> Report {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object = ObjectKey {
        api_version: text("/involvedObject/apiVersion").to_owned(),
        kind: text("/involvedObject/kind").to_owned(),
        namespace: Some(text("/involvedObject/namespace").to_owned()).filter(|n| !n.is_empty()),
        name: text("/involvedObject/name").to_owned(),
    };
    let times = match occurrences(event) {
        1 => String::new(),
        count => format!(" ({count} times)"),
    };
    let line = LogLine {
        level: if text("/type") == "Warning" { Level::Warning } else { Level::Info },
        source: LogSource::Event { reason: text("/reason").to_owned() },
        text: format!("{}{times}", text("/message").trim_end()),
        object: Some(object),
    };
    Report { time: mark.time, event: RolloutEvent::Log(line), mark: Some(mark) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Sources count and date their events in different fields.
    #[test]
    fn times_and_counts() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let table = [
            (
                json!({ "lastTimestamp": "2026-01-01T00:00:02Z", "firstTimestamp": "2026-01-01T00:00:01Z", "count": 3 }),
                "2026-01-01T00:00:02Z",
                3,
            ),
            (
                json!({ "lastTimestamp": null, "eventTime": "2026-01-01T00:00:03.5Z" }),
                "2026-01-01T00:00:03.5Z",
                1,
            ),
            (
                json!({ "eventTime": "2026-01-01T00:00:03Z", "series": { "count": 7, "lastObservedTime": "2026-01-01T00:00:09Z" } }),
                "2026-01-01T00:00:09Z",
                7,
            ),
            (
                json!({ "metadata": { "creationTimestamp": "2026-01-01T00:00:04Z" }, "count": 0 }),
                "2026-01-01T00:00:04Z",
                1,
            ),
        ];
        for (event, at, count) in table {
            assert_eq!((last_seen(&event), occurrences(&event)), (time(at), count), "{event}");
        }
    }
}
