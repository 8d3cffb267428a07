//! The log of an Op: numbered lines, stored encrypted as they happen, readable from any number.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::OpId;

use super::log_store;

/// Most lines returned at once.
const MOST: u32 = 10_000;

/// Lines looked at for one call with a filter that few lines match.
const LOOKED_AT: usize = 50_000;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
        let row = self.op_visible(actor, op).await?;
        let limit = limit.clamp(1, MOST) as usize;
        let mut page = LogPage { lines: Vec::new(), seen: after, more: false };
        let mut looked_at = 0;
        while page.lines.len() < limit && looked_at < LOOKED_AT {
            let wanted = limit.max(1_000);
            let read = log_store::read(self.db(), self.objects(), op, page.seen, wanted).await?;
            if read.is_empty() {
                break;
            }
            for line in read {
                if page.lines.len() == limit {
                    break;
                }
                page.seen = line.sequence;
                looked_at += 1;
                if filter.matches(&line) {
                    page.lines.push(line);
                }
            }
        }
        page.more = page.seen < row.last_sequence;
        Ok(page)
    }
}

impl LogSource {
    /// The word that filters know the source by.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Landfall => "landfall",
            Self::Event { .. } => "event",
            Self::Container { .. } => "container",
        }
    }
}

impl LogFilter {
    fn matches(&self, line: &LogLine) -> bool {
        let source = || self.sources.iter().any(|word| word == line.source.word());
        let level = || self.level.is_none_or(|least| line.level >= least);
        let text = || line.text.to_lowercase().contains(&self.text.to_lowercase());
        (self.sources.is_empty() || source()) && level() && (self.text.is_empty() || text())
    }
}
