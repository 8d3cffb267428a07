//! A volume claim is not bound: one of the release, or one that a pod waits for.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::scene::{
    Claimed, ObjectScene, PodScene, condition, first_seen, message, newest, since, told,
};
use super::{Cause, Finding, Lines};

/// Reasons of events that tell why a claim has no volume.
const REASONS: [&str; 4] =
    ["ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ExternalProvisioning"];

/// How long a complaint has to stand before nothing better is expected.
const STAYS: SignedDuration = SignedDuration::from_secs(5);

/// A pod that the scheduler holds back because of its claims.
pub(super) fn of_pod(scene: &PodScene<'_>) -> Option<Finding> {
    let scheduled = condition(scene.pod, "PodScheduled")?;
    let message = scheduled["message"].as_str().unwrap_or_default();
    if scheduled["status"] != "False" || !message.to_lowercase().contains("persistentvolumeclaim") {
        return None;
    }
    if let Some(claimed) = scene.claims.iter().find(|claimed| !is_bound(claimed.claim)) {
        return Some(unbound(claimed, scene.now));
    }
    let name = message.split('"').nth(1).filter(|_| message.contains("not found"))?;
    Some(Finding {
        pod: None,
        container: None,
        text: format!("volume claim \"{name}\" does not exist"),
        evidence: Some(message.trim().to_owned()),
        since: since(scheduled),
        lines: Lines::None,
        remedy: format!("Create the volume claim \"{name}\", or correct the name in the values."),
        hopeless: true,
    })
}

/// A claim of the release itself.
pub(super) fn of_object(scene: &ObjectScene<'_>) -> Option<(Cause, Finding)> {
    if scene.key.kind != "PersistentVolumeClaim" || is_bound(scene.object) {
        return None;
    }
    let claimed = Claimed { claim: scene.object, events: scene.events.clone() };
    // A claim that nobody has looked at yet, or that waits for its first pod, is in its normal course.
    newest(&claimed.events, &REASONS)?;
    Some((Cause::UnboundClaim, unbound(&claimed, scene.now)))
}

fn unbound(claimed: &Claimed<'_>, now: Timestamp) -> Finding {
    let claim = claimed.claim;
    let name = claim["metadata"]["name"].as_str().unwrap_or_default();
    let class = claim["spec"]["storageClassName"].as_str();
    let event = newest(&claimed.events, &REASONS);
    let said = event.map(message).unwrap_or_default();
    let (why, remedy, hopeless) = why(said, class);
    let since = event
        .and_then(first_seen)
        .or_else(|| claim["metadata"]["creationTimestamp"].as_str()?.parse().ok());
    let stood = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
    Finding {
        pod: None,
        container: None,
        text: format!("volume claim \"{name}\" is not bound{why}"),
        evidence: event.map(told),
        since,
        lines: Lines::None,
        remedy,
        hopeless: hopeless && stood >= STAYS,
    }
}

/// The short reason, what to do, and whether waiting does not help.
fn why(said: &str, class: Option<&str>) -> (String, String, bool) {
    let class = class.unwrap_or_default();
    if said.contains("storageclass") && said.contains("not found") {
        return (
            format!(": there is no storage class \"{class}\""),
            format!(
                "Create the storage class \"{class}\", or choose one that exists in the values."
            ),
            true,
        );
    }
    if said.contains("no storage class is set") {
        return (
            ": it names no storage class, and no volume fits".to_owned(),
            "Name a storage class in the values, or make one the cluster's default.".to_owned(),
            true,
        );
    }
    if said.contains("external provisioner") {
        return (
            format!(": the provisioner of storage class \"{class}\" has not made a volume"),
            format!(
                "See whether the provisioner of storage class \"{class}\" runs, or choose another class."
            ),
            false,
        );
    }
    (
        String::new(),
        "See what the cluster's storage says of the claim: kubectl describe pvc.".to_owned(),
        false,
    )
}

fn is_bound(claim: &Value) -> bool {
    claim.pointer("/status/phase").is_some_and(|phase| phase == "Bound")
}
