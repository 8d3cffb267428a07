//! A container ends again and again.

use super::container::Container;
use super::scene::{PodScene, message, newest};
use super::{Finding, Lines};

/// Restarts after which nothing is expected of a further one.
pub(super) const ENOUGH: u64 = 3;

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    let container = Container::all(scene.pod).find(is_crashing)?;
    let exit = container.ended().and_then(|ended| ended["exitCode"].as_i64());
    let restarts = restarted(container.restarts());
    let how = match exit {
        Some(exit) => format!("exit code {exit}, {restarts}"),
        None => restarts,
    };
    let text = format!("container \"{}\" ends again and again ({how})", container.name);
    let remedy = "Read its last lines; correct the values, or roll back.";
    Some(ended(scene, &container, text, remedy.to_owned()))
}

/// What is told of a container that has ended and is started again.
pub(super) fn ended(
    scene: &PodScene<'_>,
    container: &Container<'_>,
    text: String,
    remedy: String,
) -> Finding {
    let ended = container.ended();
    let reason = ended.and_then(|ended| ended["reason"].as_str());
    // While it runs for a moment its status does not say that it is held back in between.
    let event = newest(&scene.events, &["BackOff"]);
    let waiting = container.waiting().map(|(_, message)| message);
    let message = event.map(message).or(waiting).unwrap_or_default();
    let evidence = match reason {
        Some(reason) if !message.is_empty() => format!("{reason}: {message}"),
        Some(reason) => reason.to_owned(),
        None => message.to_owned(),
    };
    // A waiting container's newest log is that of the instance before; which one the server calls
    // `previous` only once the next has started.
    let waits = container.waiting().is_some();
    Finding {
        pod: None,
        container: Some(container.name.to_owned()),
        text,
        evidence: Some(evidence).filter(|evidence| !evidence.is_empty()),
        since: ended.and_then(|ended| ended["startedAt"].as_str()?.parse().ok()),
        lines: if waits { Lines::Running } else { Lines::Ended },
        remedy,
        hopeless: container.restarts() >= ENOUGH,
    }
}

/// How often, in words.
pub(super) fn restarted(times: u64) -> String {
    match times {
        1 => "restarted once".to_owned(),
        times => format!("restarted {times} times"),
    }
}

fn is_crashing(container: &Container<'_>) -> bool {
    let backs_off = container.waiting().is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
    // Between two waits it runs for a moment; ended twice is no longer chance.
    backs_off || (container.restarts() >= 2 && !container.is_ready() && container.ended().is_some())
}
