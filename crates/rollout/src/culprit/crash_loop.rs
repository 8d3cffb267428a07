//! A container ends again and again.

use jiff::Timestamp;
use serde_json::Value;

use super::container::Container;
use super::{Finding, Lines};

pub(super) fn find(pod: &Value, _events: &[&Value], _now: Timestamp) -> Option<Finding> {
    let container = Container::all(pod).find(is_crashing)?;
    let ended = container.ended();
    let exit = ended.and_then(|ended| ended["exitCode"].as_i64());
    let reason = ended.and_then(|ended| ended["reason"].as_str());
    let how = match (exit, container.restarts()) {
        (Some(exit), 1) => format!("exit code {exit}, restarted once"),
        (Some(exit), times) => format!("exit code {exit}, restarted {times} times"),
        (None, times) => format!("restarted {times} times"),
    };
    let message = container.waiting().map(|(_, message)| message).unwrap_or_default();
    let evidence = match reason {
        Some(reason) if !message.is_empty() => format!("{reason}: {message}"),
        Some(reason) => reason.to_owned(),
        None => message.to_owned(),
    };
    let since = ended.and_then(|ended| ended["startedAt"].as_str()?.parse().ok());
    // A waiting container's newest log is that of the instance before; which one the server calls
    // `previous` only once the next has started.
    let waits = container.waiting().is_some();
    Some(Finding {
        text: format!("container \"{}\" ends again and again ({how})", container.name),
        container: container.name.to_owned(),
        evidence: Some(evidence).filter(|evidence| !evidence.is_empty()),
        since,
        lines: if waits { Lines::Running } else { Lines::Ended },
    })
}

fn is_crashing(container: &Container<'_>) -> bool {
    let backs_off = container.waiting().is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
    // Between two waits it runs for a moment; ended twice is no longer chance.
    backs_off || (container.restarts() >= 2 && !container.is_ready() && container.ended().is_some())
}
