//! Cells that take more than reading a field.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object;

/// A text, or `<none>` for the empty one.
pub(super) fn or_none(text: &str) -> Value {
    json!(if text.is_empty() { "<none>" } else { text })
}

/// A number that is zero where it is missing.
pub(super) fn count(object: &Value, path: &[&str]) -> Value {
    json!(object::integer(object, path).unwrap_or(0))
}

/// How long ago the object was created.
pub(super) fn age(object: &Value) -> Value {
    since(&object["metadata"]["creationTimestamp"])
}

/// How long ago a time was.
pub(super) fn since(time: &Value) -> Value {
    match time.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(time) => json!(human(Timestamp::now().as_second() - time.as_second())),
        None => json!("<unknown>"),
    }
}

/// A duration as `kubectl` shows it: two units at most, fewer the longer it is.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |major: i64, unit: &str, minor: i64, minor_unit: &str| {
        if minor == 0 {
            format!("{major}{unit}")
        } else {
            format!("{major}{unit}{minor}{minor_unit}")
        }
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// `ready/wanted`: pods of a workload, or completions of a Job.
pub(super) fn ready_of(object: &Value, wanted: &str) -> Value {
    let ready = match wanted {
        "completions" => object::integer(object, &["status", "succeeded"]),
        _ => object::integer(object, &["status", "readyReplicas"]),
    };
    let wanted = object::integer(object, &["spec", wanted]).unwrap_or(1);
    json!(format!("{}/{wanted}", ready.unwrap_or(0)))
}

fn pod_containers(object: &Value) -> &[Value] {
    object::list(object, &["spec", "template", "spec", "containers"])
}

/// The names of a workload's containers.
pub(super) fn containers(object: &Value) -> Value {
    let names = pod_containers(object).iter().map(|it| object::text(it, &["name"]));
    json!(names.collect::<Vec<_>>().join(","))
}

/// The images of a workload's containers.
pub(super) fn images(object: &Value) -> Value {
    let images = pod_containers(object).iter().map(|it| object::text(it, &["image"]));
    json!(images.collect::<Vec<_>>().join(","))
}

/// A workload's selector.
pub(super) fn selector(object: &Value) -> Value {
    let selector = &object["spec"]["selector"];
    labels(selector.get("matchLabels").unwrap_or(selector))
}

/// Labels as `key=value,…`.
pub(super) fn labels(labels: &Value) -> Value {
    let labels = labels.as_object().into_iter().flatten();
    let shown = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    or_none(&shown.collect::<Vec<_>>().join(","))
}

/// The ports of a Service.
pub(super) fn port_list(service: &Value) -> Value {
    let ports = object::list(service, &["spec", "ports"]).iter().map(|port| {
        let protocol = object::text(port, &["protocol"]);
        match port.get("nodePort").and_then(Value::as_i64) {
            Some(node_port) => format!("{}:{node_port}/{protocol}", port["port"]),
            None => format!("{}/{protocol}", port["port"]),
        }
    });
    or_none(&ports.collect::<Vec<_>>().join(","))
}

/// The address of a Service as seen from outside.
pub(super) fn external_address(service: &Value) -> Value {
    match object::text(service, &["spec", "type"]) {
        "ExternalName" => json!(object::text(service, &["spec", "externalName"])),
        "LoadBalancer" => match ingress_address(service) {
            Value::String(address) if !address.is_empty() => json!(address),
            _ => json!("<pending>"),
        },
        _ => or_none(&texts(&service["spec"]["externalIPs"]).join(",")),
    }
}

/// The addresses that a load balancer gave.
pub(super) fn ingress_address(object: &Value) -> Value {
    let points = object::list(object, &["status", "loadBalancer", "ingress"]).iter();
    let addresses = points.map(|point| match object::text(point, &["ip"]) {
        "" => object::text(point, &["hostname"]),
        ip => ip,
    });
    json!(addresses.collect::<Vec<_>>().join(","))
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The access modes of a volume, short.
pub(super) fn access_modes(modes: &Value) -> Value {
    let short = texts(modes).into_iter().map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    json!(short.collect::<Vec<_>>().join(","))
}

/// Addresses and ports of an Endpoints object.
pub(super) fn endpoints(object: &Value) -> Value {
    let mut shown = Vec::new();
    for subset in object::list(object, &["subsets"]) {
        for port in object::list(subset, &["ports"]) {
            for address in object::list(subset, &["addresses"]) {
                shown.push(format!("{}:{}", object::text(address, &["ip"]), port["port"]));
            }
        }
    }
    let more = shown.len().saturating_sub(3);
    shown.truncate(3);
    let mut text = shown.join(",");
    if more > 0 {
        text = format!("{text} + {more} more...");
    }
    or_none(&text)
}

/// Where a Job stands.
pub(super) fn job_status(job: &Value) -> &'static str {
    let has = |condition: &str| object::condition(job, condition) == "True";
    if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if object::is_deleting(job) {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else {
        "Running"
    }
}

/// How long a Job ran, or has been running.
pub(super) fn job_duration(job: &Value) -> Value {
    let time = |key: &str| object::text(job, &["status", key]).parse::<Timestamp>().ok();
    match (time("startTime"), time("completionTime")) {
        (None, _) => json!(""),
        (Some(start), end) => {
            let end = end.unwrap_or_else(Timestamp::now);
            json!(human(end.as_second() - start.as_second()))
        }
    }
}

/// The row of a pod.
pub(super) fn pod_row(pod: &Value) -> Vec<Value> {
    let statuses = object::list(pod, &["status", "containerStatuses"]);
    let ready = statuses.iter().filter(|status| status["ready"] == json!(true)).count();
    let total = object::list(pod, &["spec", "containers"]).len();
    let restarts: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    let last_end = statuses
        .iter()
        .filter_map(|status| object::at(status, &["lastState", "terminated", "finishedAt"]))
        .filter_map(Value::as_str)
        .max();
    let restarts = match last_end {
        Some(end) if restarts > 0 => {
            json!(format!("{restarts} ({} ago)", since(&json!(end)).as_str().unwrap_or_default()))
        }
        _ => json!(restarts.to_string()),
    };
    vec![
        json!(object::name(pod)),
        json!(format!("{ready}/{total}")),
        json!(pod_status(pod)),
        restarts,
        age(pod),
        or_none(object::text(pod, &["status", "podIP"])),
        or_none(object::text(pod, &["spec", "nodeName"])),
        json!("<none>"),
        json!("<none>"),
    ]
}

/// The one word for a pod's state: the most telling reason among its containers.
fn pod_status(pod: &Value) -> String {
    if object::is_deleting(pod) {
        return "Terminating".to_owned();
    }
    let phase = match object::text(pod, &["status", "reason"]) {
        "" => object::text(pod, &["status", "phase"]),
        reason => reason,
    };
    let init = object::list(pod, &["status", "initContainerStatuses"]);
    let init_total = object::list(pod, &["spec", "initContainers"]).len();
    for (index, status) in init.iter().enumerate() {
        let state = &status["state"];
        if state["terminated"]["exitCode"] == json!(0) {
            continue;
        }
        return match reason(state) {
            Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{index}/{init_total}"),
        };
    }
    let statuses = object::list(pod, &["status", "containerStatuses"]);
    let reasons: Vec<String> = statuses.iter().filter_map(|it| reason(&it["state"])).collect();
    let running = statuses.iter().any(|it| it["state"].get("running").is_some());
    match reasons.first() {
        Some(reason) if reason == "Completed" && running => "Running".to_owned(),
        Some(reason) => reason.clone(),
        None => phase.to_owned(),
    }
}

fn reason(state: &Value) -> Option<String> {
    let told = |kind: &str| object::at(state, &[kind, "reason"]).and_then(Value::as_str);
    if let Some(reason) = told("waiting").or_else(|| told("terminated")) {
        return Some(reason.to_owned());
    }
    let code = object::integer(state, &["terminated", "exitCode"])?;
    Some(format!("ExitCode:{code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ages are as short as `kubectl` shows them.
    #[test]
    fn ages() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (121, "2m1s"),
            (540, "9m"),
            (3_599, "59m"),
            (10_860, "3h1m"),
            (100_000, "27h"),
            (180_000, "2d2h"),
            (700_000, "8d"),
            (70_000_000, "2y80d"),
        ];
        for (seconds, wanted) in cases {
            assert_eq!(human(seconds), wanted, "{seconds}");
        }
    }

    /// A pod is called after what keeps it from running.
    #[test]
    fn pod_states() {
        let waiting = json!({ "state": { "waiting": { "reason": "ImagePullBackOff" } } });
        let running = json!({ "state": { "running": {} } });
        let done = json!({ "state": { "terminated": { "exitCode": 0, "reason": "Completed" } } });
        let failed = json!({ "state": { "terminated": { "exitCode": 3 } } });
        let cases = [
            (json!({ "status": { "phase": "Pending" } }), "Pending"),
            (
                json!({ "status": { "phase": "Pending", "containerStatuses": [waiting] } }),
                "ImagePullBackOff",
            ),
            (
                json!({ "status": { "phase": "Running", "containerStatuses": [done, running] } }),
                "Running",
            ),
            (
                json!({ "status": { "phase": "Failed", "containerStatuses": [failed] } }),
                "ExitCode:3",
            ),
            (
                json!({
                    "spec": { "initContainers": [{}, {}] },
                    "status": { "phase": "Pending", "initContainerStatuses": [done, running] },
                }),
                "Init:1/2",
            ),
            (json!({ "metadata": { "deletionTimestamp": "x" } }), "Terminating"),
        ];
        for (pod, wanted) in cases {
            assert_eq!(pod_status(&pod), wanted);
        }
    }
}
