//! A container runs, but its readiness probe never passes.

use jiff::SignedDuration;
use serde_json::Value;

use super::container::Container;
use super::scene::{PodScene, told};
use super::{Finding, Lines};
use crate::events::{last_seen, occurrences};

/// Failures after which Kubernetes itself calls a container unready, where a probe does not say.
const THRESHOLD: i64 = 3;
/// Seconds between two probes, where a probe does not say.
const PERIOD: i64 = 10;

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    Container::all(scene.pod).find_map(|container| {
        let since = container.running_since().filter(|_| !container.is_ready())?;
        let threshold = container.readiness_probe("failureThreshold", THRESHOLD);
        let failures = scene
            .events
            .iter()
            .filter(|event| event["reason"] == "Unhealthy" && is_about(event, container.name))
            .max_by_key(|event| last_seen(event));
        let counted = failures
            .is_some_and(|event| i64::from(occurrences(event)) >= threshold.unwrap_or(THRESHOLD));
        let runs = scene.now.duration_since(since);
        let waited = threshold.is_some_and(|threshold| runs >= probed_by(&container, threshold));
        if !counted && !waited {
            return None;
        }
        let message = failures.and_then(|event| event["message"].as_str()).map(str::trim);
        let last = message.map(|message| format!(": {message}")).unwrap_or_default();
        Some(Finding {
            pod: None,
            text: format!("container \"{}\" runs but is not ready{last}", container.name),
            container: Some(container.name.to_owned()),
            evidence: failures.map(|event| told(event)),
            since: Some(since),
            lines: Lines::Running,
            remedy: "Read its last lines; correct what it needs to answer its readiness probe, or the probe."
                .to_owned(),
            // It may answer yet.
            hopeless: false,
        })
    })
}

/// How long after its start a container has had every probe that it may fail.
fn probed_by(container: &Container<'_>, threshold: i64) -> SignedDuration {
    let seconds = |field, default| container.readiness_probe(field, default).unwrap_or(default);
    let delay = seconds("initialDelaySeconds", 0);
    SignedDuration::from_secs(
        delay.saturating_add(seconds("periodSeconds", PERIOD).saturating_mul(threshold)),
    )
}

/// Whether an event of the pod is about this container's readiness.
fn is_about(event: &Value, container: &str) -> bool {
    let field = event.pointer("/involvedObject/fieldPath").and_then(Value::as_str);
    let message = event["message"].as_str().unwrap_or_default();
    (message.starts_with("Readiness probe") || message.starts_with("Startup probe"))
        && field.is_none_or(|field| field.contains(&format!("{{{container}}}")))
}
