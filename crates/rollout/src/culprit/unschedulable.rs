//! No node takes a pod.

use super::scene::{PodScene, condition, first_seen, message, newest, since, told};
use super::{Finding, Lines, short};

/// The longest part of the scheduler's words that the one line quotes.
const QUOTED: usize = 160;

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    let scheduled = condition(scene.pod, "PodScheduled")?;
    if scheduled["status"] != "False" || scheduled["reason"] != "Unschedulable" {
        return None;
    }
    let event = newest(&scene.events, &["FailedScheduling"]);
    let said = event.map_or_else(|| scheduled["message"].as_str().unwrap_or_default(), message);
    // What preempting other pods would do is the second sentence.
    let why = said.split(" preemption: ").next().unwrap_or_default().trim_end_matches(['.', ' ']);
    Some(Finding {
        pod: None,
        container: None,
        text: format!("no node takes its pod: {}", short(why, QUOTED)),
        evidence: Some(event.map_or_else(|| said.trim().to_owned(), told)),
        since: since(scheduled).or_else(|| event.and_then(first_seen)),
        lines: Lines::None,
        remedy: remedy(why).to_owned(),
        // Nodes may be added, and other pods may end.
        hopeless: false,
    })
}

fn remedy(why: &str) -> &'static str {
    if why.contains("Insufficient") {
        "Ask for less in the pods' resource requests, or add nodes."
    } else if why.contains("taint") {
        "Tolerate the nodes' taint in the values, or add nodes without it."
    } else if why.contains("affinity") || why.contains("selector") {
        "Correct the node selector or affinity in the values, or label a node so that it fits."
    } else {
        "Change what the pods ask of a node, or add one that fits."
    }
}
