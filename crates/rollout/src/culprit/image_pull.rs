//! A container's image cannot be pulled.

use jiff::Timestamp;
use serde_json::Value;

use super::container::Container;
use super::{Finding, Lines};
use crate::events::last_seen;

/// Reasons of a waiting container that mean so.
const REASONS: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
];

pub(super) fn find(pod: &Value, events: &[&Value], _now: Timestamp) -> Option<Finding> {
    let (container, message) = Container::all(pod).find_map(|container| {
        let (reason, message) = container.waiting()?;
        REASONS.contains(&reason).then_some((container, message))
    })?;
    // The event tells what the registry said, the status often only that it is tried again later.
    let failed = events
        .iter()
        .filter(|event| event["reason"] == "Failed")
        .filter(|event| {
            let message = event["message"].as_str().unwrap_or_default();
            message.contains("pull") && message.contains(container.image())
        })
        .max_by_key(|event| last_seen(event));
    let told = failed.and_then(|event| event["message"].as_str()).unwrap_or(message).trim();
    let since = events
        .iter()
        .filter_map(|event| event["firstTimestamp"].as_str()?.parse::<Timestamp>().ok())
        .min()
        .filter(|_| failed.is_some());
    Some(Finding {
        text: format!(
            "image \"{}\" cannot be pulled{}",
            container.image(),
            why(told, container.image())
        ),
        container: container.name.to_owned(),
        evidence: Some(told.to_owned()).filter(|told| !told.is_empty()),
        since,
        lines: Lines::None,
    })
}

/// The short reason within the runtime's long sentence.
fn why(message: &str, image: &str) -> String {
    const KNOWN: [(&str, &str); 7] = [
        ("not found", "there is no such image"),
        ("manifest unknown", "there is no such image"),
        ("unauthorized", "the registry did not accept the credentials"),
        ("authentication required", "the registry asks for credentials"),
        ("denied", "the registry denies access"),
        ("no such host", "the registry's host is not known"),
        ("invalid reference format", "this is not the name of an image"),
    ];
    let rest = message.replace(image, "").to_lowercase();
    let known = KNOWN.iter().find(|(sign, _)| rest.contains(sign));
    known.map(|(_, words)| format!(": {words}")).unwrap_or_default()
}
