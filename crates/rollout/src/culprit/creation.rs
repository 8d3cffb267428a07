//! A controller cannot create an object's pods: quota, missing service account, admission.

use jiff::SignedDuration;

use super::scene::{ObjectScene, condition, first_seen, message, newest, since, told};
use super::{Cause, Finding, Lines, refusal};

/// How long a complaint has to stand before it is told: a new namespace gets its service account a moment later, and a
/// quota's accounting collides with itself.
const STANDS: SignedDuration = SignedDuration::from_secs(2);
/// How long before nothing better is expected.
const STAYS: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn find(scene: &ObjectScene<'_>) -> Option<(Cause, Finding)> {
    // Events stay for an hour: one that is followed by a pod's creation is past.
    let event = newest(&scene.events, &["FailedCreate", "SuccessfulCreate"])
        .filter(|event| event["reason"] == "FailedCreate");
    let failure = condition(scene.maker, "ReplicaFailure").filter(|c| c["status"] == "True");
    let said = match (event, failure) {
        (Some(event), _) => message(event),
        (None, Some(failure)) => failure["message"].as_str().unwrap_or_default(),
        (None, None) => return None,
    };
    let since = event.and_then(first_seen).or_else(|| failure.and_then(since));
    let stood = since.map_or(SignedDuration::ZERO, |since| scene.now.duration_since(since));
    if stood < STANDS {
        return None;
    }
    let refused = refusal::of_pods(said);
    let finding = Finding {
        pod: None,
        container: None,
        text: refused.text,
        evidence: Some(event.map_or_else(|| said.to_owned(), told)),
        since,
        lines: Lines::None,
        remedy: refused.remedy,
        hopeless: refused.hopeless && stood >= STAYS,
    };
    Some((refused.cause, finding))
}
