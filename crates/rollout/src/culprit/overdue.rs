//! A hook was still at work when its time was over.

use serde_json::Value;

use super::container::Container;
use super::scene::{ObjectScene, newest, told};
use super::{Finding, Lines};
use crate::ObjectKey;

const REMEDY: &str = "Read its last lines and see what it waits for; correct that, or give deployments of the App more time.";

/// What its pod was doing. Asked only once nothing else explains it.
pub(super) fn find(scene: &ObjectScene<'_>) -> Finding {
    let pod = match scene.key.kind.as_str() {
        "Pod" => Some(scene.object),
        // A Job's last try is what it was at.
        _ => scene.pods.iter().copied().max_by_key(|pod| {
            (pod["metadata"]["creationTimestamp"].as_str(), pod["metadata"]["name"].as_str())
        }),
    };
    let Some(pod) = pod else {
        return Finding {
            pod: None,
            container: None,
            text: "its time was over before it had a pod".to_owned(),
            evidence: newest_of_any(&scene.events),
            since: None,
            lines: Lines::None,
            remedy: "See why it gets no pod; correct the values or the chart, then deploy again."
                .to_owned(),
            hopeless: true,
        };
    };
    let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
    let running = Container::all(pod)
        .find_map(|container| container.running_since().map(|since| (container, since)));
    let waiting = Container::all(pod)
        .find_map(|container| container.waiting().map(|(reason, _)| (container, reason)));
    let doing = match (running, waiting) {
        (Some((container, _)), _) => format!(", container \"{}\" still runs", container.name),
        (None, Some((container, reason))) if !reason.is_empty() => {
            format!(", container \"{}\" waits: {reason}", container.name)
        }
        _ => String::new(),
    };
    Finding {
        pod: Some(ObjectKey::of(pod)),
        container: running.map(|(container, _)| container.name.to_owned()),
        text: format!("its time was over while its pod was {phase}{doing}"),
        evidence: None,
        since: running.map(|(_, since)| since),
        lines: if running.is_some() { Lines::Running } else { Lines::None },
        remedy: REMEDY.to_owned(),
        hopeless: true,
    }
}

/// The newest event, whatever it is about.
fn newest_of_any(events: &[&Value]) -> Option<String> {
    let reasons: Vec<&str> = events.iter().filter_map(|event| event["reason"].as_str()).collect();
    newest(events, &reasons).map(told)
}
