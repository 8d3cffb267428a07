//! Pods as a kubelet reports them, and what is concluded.

use super::*;
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:10:00Z";

fn pod(status: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "web-1", "namespace": "prod", "uid": "p" },
        "spec": { "containers": [{
            "name": "web",
            "image": "example.org/web:2",
            "readinessProbe": { "httpGet": { "path": "/ready" }, "periodSeconds": 5 },
        }] },
        "status": { "containerStatuses": [status] },
    })
}

fn status(fields: &Value) -> Value {
    let mut status = json!({ "name": "web", "ready": false, "restartCount": 0 });
    status.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    status
}

/// What all causes together find first.
fn found(pod: &Value, events: &[Value]) -> Option<(Cause, Finding)> {
    let events = events.iter().collect();
    let scene = PodScene { pod, events, claims: Vec::new(), now: NOW.parse().unwrap() };
    POD_CAUSES.iter().find_map(|(cause, find)| find(&scene).map(|found| (*cause, found)))
}

fn text(pod: &Value, events: &[Value]) -> String {
    match found(pod, events) {
        Some((cause, found)) => format!("{cause:?}: {} {:?}", found.text, found.lines),
        None => "nothing".to_owned(),
    }
}

/// The registry's answer stands in the event; the sentence says what it means.
#[test]
fn image_pull() {
    let backing_off = pod(&status(&json!({ "state": { "waiting": {
        "reason": "ImagePullBackOff",
        "message": "Back-off pulling image \"example.org/web:2\"",
    } } })));
    insta::assert_snapshot!(text(&backing_off, &[]), @r#"ImagePull: image "example.org/web:2" cannot be pulled None"#);
    let event = json!({
        "reason": "Failed",
        "lastTimestamp": "2026-01-01T00:09:00Z",
        "firstTimestamp": "2026-01-01T00:08:00Z",
        "message": "Failed to pull image \"example.org/web:2\": rpc error: code = NotFound desc = failed to pull and unpack image \"example.org/web:2\": not found",
    });
    insta::assert_snapshot!(text(&backing_off, std::slice::from_ref(&event)), @r#"ImagePull: image "example.org/web:2" cannot be pulled: there is no such image None"#);
    let (_, found) = found(&backing_off, &[event]).unwrap();
    assert_eq!(found.since, Some("2026-01-01T00:08:00Z".parse().unwrap()));
}

/// A crash loop names the exit code; the lines are those of the instance that ended.
#[test]
fn crash_loop() {
    let ended = json!({ "terminated": {
        "exitCode": 1, "reason": "Error", "startedAt": "2026-01-01T00:09:00Z",
    } });
    let backing_off = pod(&status(&json!({
        "restartCount": 3,
        "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
        "lastState": ended,
    })));
    insta::assert_snapshot!(text(&backing_off, &[]), @r#"CrashLoop: container "web" ends again and again (exit code 1, restarted 3 times) Running"#);
    let running = pod(&status(&json!({
        "restartCount": 2,
        "state": { "running": { "startedAt": "2026-01-01T00:09:59Z" } },
        "lastState": ended,
    })));
    insta::assert_snapshot!(text(&running, &[]), @r#"CrashLoop: container "web" ends again and again (exit code 1, restarted 2 times) Ended"#);
    let once = pod(&status(&json!({
        "restartCount": 1,
        "state": { "running": { "startedAt": "2026-01-01T00:09:59Z" } },
        "lastState": ended,
    })));
    assert_eq!(text(&once, &[]), "nothing");
}

/// A probe that fails is one once it has failed as often as it may.
#[test]
fn never_ready() {
    let running_since =
        |time: &str| pod(&status(&json!({ "state": { "running": { "startedAt": time } } })));
    let failures = |count: u32| {
        json!({
            "reason": "Unhealthy",
            "count": count,
            "involvedObject": { "fieldPath": "spec.containers{web}" },
            "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
        })
    };
    let young = running_since("2026-01-01T00:09:50Z");
    assert_eq!(text(&young, &[failures(2)]), "nothing");
    insta::assert_snapshot!(text(&young, &[failures(3)]), @r#"NeverReady: container "web" runs but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503 Running"#);
    let old = running_since("2026-01-01T00:09:45Z");
    insta::assert_snapshot!(text(&old, &[]), @r#"NeverReady: container "web" runs but is not ready Running"#);
}

/// Ready and finished containers are nobody's culprit.
#[test]
fn all_is_well() {
    let ready = pod(&status(&json!({
        "ready": true,
        "restartCount": 5,
        "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
    })));
    assert_eq!(text(&ready, &[]), "nothing");
    assert_eq!(
        text(
            &pod(&status(&json!({ "state": { "waiting": { "reason": "ContainerCreating" } } }))),
            &[]
        ),
        "nothing"
    );
}
