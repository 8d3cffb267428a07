//! A Secret or `ConfigMap` that a pod's volumes or containers need is not there.

use super::container::Container;
use super::scene::{PodScene, first_seen, message, newest, told};
use super::{Finding, Lines, short};

/// The longest part of a message that the one line quotes.
const QUOTED: usize = 160;

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    let failing = Container::all(scene.pod).find_map(|container| {
        let (reason, message) = container.waiting()?;
        (reason == "CreateContainerConfigError").then_some((container.name, message))
    });
    if let Some((container, message)) = failing {
        let event = scene
            .events
            .iter()
            .filter(|event| event["reason"] == "Failed")
            .find(|event| super::scene::message(event).contains(message));
        return Some(Finding {
            pod: None,
            container: Some(container.to_owned()),
            text: format!("container \"{container}\" cannot be made: {}", short(message, QUOTED)),
            evidence: Some(event.map_or_else(|| message.to_owned(), |event| told(event))),
            since: event.and_then(|event| first_seen(event)),
            lines: Lines::None,
            remedy: remedy(message),
            hopeless: false,
        });
    }
    let waits = Container::all(scene.pod).any(|container| {
        container.waiting().is_some_and(|(reason, _)| reason == "ContainerCreating")
    });
    let event = newest(&scene.events, &["FailedMount", "FailedAttachVolume"]).filter(|_| waits)?;
    let said = message(event);
    let volume = said.split('"').nth(1).unwrap_or_default();
    let why = said.rsplit_once(" : ").map_or(said, |(_, why)| why);
    Some(Finding {
        pod: None,
        container: None,
        text: format!("volume \"{volume}\" cannot be mounted: {}", short(why, QUOTED)),
        evidence: Some(told(event)),
        since: first_seen(event),
        lines: Lines::None,
        remedy: remedy(why),
        hopeless: false,
    })
}

fn remedy(message: &str) -> String {
    let quoted = message.split('"').nth(1);
    match (message.split_whitespace().next(), quoted) {
        (Some(kind @ ("secret" | "configmap")), Some(name)) if message.contains("not found") => {
            let kind = if kind == "secret" { "Secret" } else { "ConfigMap" };
            format!("Create the {kind} \"{name}\", or correct its name in the values.")
        }
        _ => "Correct what the pod refers to, in the values or in the cluster.".to_owned(),
    }
}
