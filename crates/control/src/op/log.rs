//! The log of an Op: numbered lines, stored encrypted as they happen, readable from any number.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::OpId;

closed_set! {
    /// How grave a line is.
    pub enum LogLevel {
        /// The normal course.
        Info = "info",
        /// Something to look at.
        Warning = "warning",
        /// Something failed.
        Error = "error",
    }
}

/// Who said a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum LogSource {
    /// Landfall itself.
    Landfall,
    /// A Kubernetes event.
    Event {
        /// Its reason: `BackOff`.
        reason: String,
        /// The object it is about: `Pod/shop/worker-6c9f7-x2x8q`.
        object: String,
    },
    /// The output of a container.
    Container {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number in the Op, from 1, without gaps.
    pub sequence: i64,
    /// When it happened; for events and containers the time that their source gave.
    pub at: Timestamp,
    /// How grave it is.
    pub level: LogLevel,
    /// Who said it.
    pub source: LogSource,
    /// Without its newline; may have ANSI colours.
    pub text: String,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogFilter {
    /// Only these sources: `landfall`, `event`, `container`; empty: all.
    pub sources: Vec<String>,
    /// This level and graver ones.
    pub level: Option<LogLevel>,
    /// Text that the line has, without regard to case.
    pub text: String,
}

/// Lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogPage {
    /// In order.
    pub lines: Vec<LogLine>,
    /// The last number looked at: pass it as `after` to go on. With a filter it may lie beyond the
    /// last line returned.
    pub seen: i64,
    /// Whether there are lines beyond `seen`.
    pub more: bool,
}

impl Control {
    /// Lines after number `after` (0: from the first), at most `limit` (up to 10,000).
    pub async fn op_log(
        &self,
        actor: &Actor,
        op: OpId,
        after: i64,
        limit: u32,
        filter: &LogFilter,
    ) -> Result<LogPage, Error> {
        self.unfinished(actor, &(op, after, limit, filter))
    }
}
