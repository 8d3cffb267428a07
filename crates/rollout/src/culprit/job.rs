//! A Job, or a hook's Pod, has failed.

use serde_json::Value;

use super::container::Container;
use super::scene::{ObjectScene, condition, since};
use super::{Cause, Finding, Lines};
use crate::ObjectKey;

pub(super) fn find(scene: &ObjectScene<'_>) -> Option<(Cause, Finding)> {
    let cause = if scene.hook { Cause::HookFailed } else { Cause::JobFailed };
    match scene.key.kind.as_str() {
        "Job" => Some((cause, of_job(scene)?)),
        "Pod" if scene.hook => Some((cause, of_pod(scene)?)),
        _ => None,
    }
}

fn of_job(scene: &ObjectScene<'_>) -> Option<Finding> {
    let failed = condition(scene.object, "Failed").filter(|c| c["status"] == "True");
    // The newest pod tells why no further one was started.
    let ended =
        scene.pods.iter().filter_map(|pod| Some((*pod, ended(pod)?))).max_by_key(|(pod, _)| {
            (pod["metadata"]["creationTimestamp"].as_str(), pod["metadata"]["name"].as_str())
        });
    let how = ended.map(|(_, (container, code))| {
        format!("container \"{}\" ended with exit code {code}", container.name)
    });
    let text = match (failed, how) {
        (None, None) => return None,
        (None, Some(how)) => {
            let tries = scene.object.pointer("/status/failed").and_then(Value::as_u64).unwrap_or(1);
            format!("{how} and is tried again (failed {})", times(tries))
        }
        // That the hook failed is said of it already.
        (Some(_), Some(how)) if scene.hook => how,
        (Some(failed), how) => {
            let why = match failed["reason"].as_str() {
                Some("DeadlineExceeded") => "it ran longer than its deadline",
                Some("BackoffLimitExceeded") => "it failed as often as it may",
                Some("PodFailurePolicy") => "its pod failure policy ends it",
                _ => "it will not be tried again",
            };
            let how = how.map_or_else(String::new, |how| format!(": {how}"));
            format!("the Job has failed, {why}{how}")
        }
    };
    let mut finding = told(ended, text, failed.is_some());
    if let Some(failed) = failed {
        let word = |field: &str| failed[field].as_str().unwrap_or_default();
        finding.evidence = Some(format!("{}: {}", word("reason"), word("message")));
        finding.since = since(failed);
    }
    Some(finding)
}

fn of_pod(scene: &ObjectScene<'_>) -> Option<Finding> {
    if scene.object.pointer("/status/phase").is_none_or(|phase| phase != "Failed") {
        return None;
    }
    let (container, code) = ended(scene.object)?;
    let text = format!("container \"{}\" ended with exit code {code}", container.name);
    Some(told(Some((scene.object, (container, code))), text, true))
}

fn told(ended: Option<(&Value, (Container<'_>, i64))>, text: String, hopeless: bool) -> Finding {
    Finding {
        pod: ended.map(|(pod, _)| ObjectKey::of(pod)),
        container: ended.map(|(_, (container, _))| container.name.to_owned()),
        text,
        evidence: None,
        since: ended.and_then(|(_, (container, _))| {
            container.ended()?["finishedAt"].as_str()?.parse().ok()
        }),
        lines: if ended.is_some() { Lines::Running } else { Lines::None },
        remedy: "Read its last lines; correct the values or the chart, then deploy again."
            .to_owned(),
        hopeless,
    }
}

/// The container of a pod that ended with another code than 0, and the code.
fn ended(pod: &Value) -> Option<(Container<'_>, i64)> {
    Container::all(pod).find_map(|container| {
        let code = container.ended()?["exitCode"].as_i64()?;
        (code != 0).then_some((container, code))
    })
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
