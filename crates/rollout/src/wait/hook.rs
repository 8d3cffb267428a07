//! When the object of a hook is done: a Job or a Pod once it has run to its end, anything else at once.

use serde_json::Value;

use super::{Readiness, job};
use crate::ObjectKey;
use crate::wait::fields::text;

pub(super) fn readiness(object: &Value) -> Readiness {
    let key = ObjectKey::of(object);
    match (key.group(), key.kind.as_str()) {
        ("batch", "Job") => job::readiness(object, true),
        ("", "Pod") => match text(object, "/status/phase", "") {
            "Succeeded" => Readiness::current(format!("pod {} succeeded", key.name)),
            "Failed" => Readiness::failed(format!("pod {} failed", key.name)),
            _ => Readiness::in_progress("Pod in progress"),
        },
        _ => Readiness::current("Resource is current"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::State;
    use serde_json::json;

    /// Jobs and Pods are waited for to their end, in Helm's words; nothing else is.
    #[test]
    fn helms_rules() {
        let judged = |api_version: &str, kind: &str, status: &Value| {
            let object = json!({
                "apiVersion": api_version, "kind": kind, "metadata": { "name": "m" }, "status": status,
            });
            let Readiness { state, message } = readiness(&object);
            (state, message)
        };
        let condition =
            |kind: &str| json!({ "failed": 1, "conditions": [{ "type": kind, "status": "True" }] });
        let text = |text: &str| text.to_owned();
        let table = [
            (
                judged("batch/v1", "Job", &json!({ "startTime": "now" })),
                State::InProgress,
                text("Job in progress"),
            ),
            (
                judged("batch/v1", "Job", &condition("Failed")),
                State::Failed,
                text("Job Failed. failed: 1/1"),
            ),
            (
                judged("batch/v1", "Job", &condition("Complete")),
                State::Current,
                text("Job Completed. succeeded: 0/1"),
            ),
            (
                judged("v1", "Pod", &json!({ "phase": "Running" })),
                State::InProgress,
                text("Pod in progress"),
            ),
            (
                judged("v1", "Pod", &json!({ "phase": "Failed" })),
                State::Failed,
                text("pod m failed"),
            ),
            (
                judged("v1", "Pod", &json!({ "phase": "Succeeded" })),
                State::Current,
                text("pod m succeeded"),
            ),
            (
                judged("apps/v1", "Deployment", &json!({})),
                State::Current,
                text("Resource is current"),
            ),
        ];
        for (judged, state, message) in table {
            assert_eq!(judged, (state, message));
        }
    }
}
