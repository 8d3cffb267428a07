//! A container's image cannot be pulled.

use jiff::Timestamp;

use super::container::Container;
use super::scene::{PodScene, told};
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

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    let (container, reason, message) = Container::all(scene.pod).find_map(|container| {
        let (reason, message) = container.waiting()?;
        REASONS.contains(&reason).then_some((container, reason, message))
    })?;
    let image = container.image();
    // The event tells what the registry said, the status often only that it is tried again later.
    let failed = scene
        .events
        .iter()
        .filter(|event| event["reason"] == "Failed")
        .filter(|event| {
            let message = event["message"].as_str().unwrap_or_default();
            message.contains("pull") && message.contains(image)
        })
        .max_by_key(|event| last_seen(event));
    let said = failed.and_then(|event| event["message"].as_str()).unwrap_or(message).trim();
    let events = scene.events.iter();
    let since = events
        .filter_map(|event| event["firstTimestamp"].as_str()?.parse::<Timestamp>().ok())
        .min()
        .filter(|_| failed.is_some());
    let known = why(reason, said, image);
    Some(Finding {
        pod: None,
        container: Some(container.name.to_owned()),
        text: match known {
            Some((words, _)) => format!("image \"{image}\" cannot be pulled: {words}"),
            None => format!("image \"{image}\" cannot be pulled"),
        },
        evidence: failed
            .map(|event| told(event))
            .or_else(|| Some(format!("{reason}: {said}")))
            .filter(|told| !told.is_empty()),
        since,
        lines: Lines::None,
        remedy: known
            .map_or("See whether the nodes reach the registry.", |(_, remedy)| remedy)
            .to_owned(),
        // It was tried more than once, and the answer will be the same.
        hopeless: reason != "ErrImagePull" && known.is_some_and(|(words, _)| words != NO_HOST),
    })
}

const NO_HOST: &str = "the registry's host is not known";

/// The short reason within the runtime's long sentence, and what to do.
fn why(reason: &str, message: &str, image: &str) -> Option<(&'static str, &'static str)> {
    const CREDENTIALS: &str = "Name an image pull secret in the values that the registry accepts, or correct the one there is.";
    const NAME: &str = "Push the image, or correct its name or tag in the values.";
    const KNOWN: [(&str, &str, &str); 7] = [
        ("not found", "there is no such image", NAME),
        ("manifest unknown", "there is no such image", NAME),
        ("unauthorized", "the registry did not accept the credentials", CREDENTIALS),
        ("authentication required", "the registry asks for credentials", CREDENTIALS),
        ("denied", "the registry denies access", CREDENTIALS),
        ("no such host", NO_HOST, "Correct the registry's name in the values."),
        ("invalid reference format", "this is not the name of an image", NAME),
    ];
    match reason {
        "InvalidImageName" => return Some(("this is not the name of an image", NAME)),
        "ErrImageNeverPull" => {
            let remedy = "Put the image on the nodes, or let them pull it (imagePullPolicy).";
            return Some(("it is not on the node, and its policy is never to pull", remedy));
        }
        _ => {}
    }
    let rest = message.replace(image, "").to_lowercase();
    let known = KNOWN.iter().find(|(sign, ..)| rest.contains(sign));
    known.map(|(_, words, remedy)| (*words, *remedy))
}
