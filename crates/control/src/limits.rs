//! Limits of charts and renderings as they are told to whoever meets one: which, where, and what to do.

use std::time::Duration;

use helm::chart::ChartLimit;
use helm::render::Exceeded;

use crate::config::Limits;

/// A limit that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    /// What is too much, without a full stop: a clause that goes on from the chart.
    pub(crate) what: String,
    /// What to do, as a sentence.
    pub(crate) remedy: String,
}

/// A chart's archive is too large.
pub(crate) fn archive(limits: &Limits) -> Met {
    Met {
        what: format!("its archive is larger than {}", bytes(limits.chart_archive as u64)),
        remedy: format!("Leave large files out with .helmignore, {}.", or("chart-archive")),
    }
}

/// A chart does not unpack within its limits.
pub(crate) fn chart(limit: ChartLimit) -> Met {
    match limit {
        ChartLimit::Unpacked(limit) => Met {
            what: format!("its files take more than {} unpacked", bytes(limit)),
            remedy: format!("Leave large files out with .helmignore, {}.", or("chart-unpacked")),
        },
        ChartLimit::Files(limit) => Met {
            what: format!("it has more than {limit} files"),
            remedy: format!("Leave files out with .helmignore, {}.", or("chart-files")),
        },
        ChartLimit::Depth(limit) => Met {
            what: format!("more than {limit} charts lie inside each other"),
            remedy: "Put sub-charts beside each other.".to_owned(),
        },
    }
}

/// Templates were not allowed to go on.
pub(crate) fn render(exceeded: Exceeded, limits: &Limits) -> Met {
    match exceeded {
        Exceeded::Output => Met {
            what: format!("its templates write more than {}", bytes(limits.render_output as u64)),
            remedy: format!("Look for what repeats itself there, {}.", or("render-output")),
        },
        Exceeded::Made => Met {
            what: format!(
                "the functions in one of its templates make more than {}",
                bytes(limits.render_memory as u64)
            ),
            remedy: format!("Look for what grows there, {}.", or("render-memory")),
        },
        Exceeded::Stopped => Met {
            what: format!("its templates take longer than {}", time(limits.render_time)),
            remedy: format!("Look for a loop or recursion there, {}.", or("render-time")),
        },
    }
}

fn or(flag: &str) -> String {
    format!("or have the server started with a larger --max-{flag}")
}

/// Bytes as people set them.
fn bytes(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let told = [32 << 20, 1 << 30, 1536 << 10, 1000].map(bytes);
        assert_eq!(told, ["32 MiB", "1 GiB", "1536 KiB", "1000 bytes"]);
    }
}
