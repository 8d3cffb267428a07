//! How a pod's life is written into its status: phase, conditions, container statuses.

use serde_json::{Value, json};

use crate::object;

/// What a container exits with that is killed because it needs too much memory.
pub(super) const OUT_OF_MEMORY: i64 = 137;

/// What a container is doing; becomes `containerStatuses[].state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContainerState {
    /// It has not started.
    Waiting { reason: &'static str, message: String },
    /// It runs.
    Running { ready: bool },
    /// It has ended and will not start again.
    Terminated { exit_code: i64 },
    /// It has ended and starts again after a while.
    BackingOff { exit_code: i64, message: String },
}

/// The containers of a pod's spec, by list (`containers` or `initContainers`).
pub(super) fn containers<'a>(pod: &'a Value, list: &str) -> &'a [Value] {
    object::list(pod, &["spec", list])
}

/// Whether all containers are ready, as the pod's own condition says.
pub(super) fn is_ready(pod: &Value) -> bool {
    object::condition(pod, "Ready") == "True"
}

/// `status.phase`.
pub(super) fn phase(pod: &Value) -> &str {
    object::text(pod, &["status", "phase"])
}

/// Marks the pod as scheduled, its containers as about to be made.
pub(super) fn scheduled(pod: &mut Value) {
    let start = object::now();
    let status = object::map_mut(pod, "status");
    status.insert("phase".to_owned(), json!("Pending"));
    status.entry("startTime").or_insert_with(|| json!(start));
    status.insert("hostIP".to_owned(), json!("10.0.0.1"));
    status.entry("qosClass").or_insert_with(|| json!("Burstable"));
    object::set_condition(pod, "PodScheduled", "True", "", "");
    object::set_condition(pod, "Initialized", "True", "", "");
    let making = ContainerState::Waiting { reason: "ContainerCreating", message: String::new() };
    set_containers(pod, &making);
}

/// Gives the pod its address.
pub(super) fn addressed(pod: &mut Value, ip: &str) {
    let status = object::map_mut(pod, "status");
    status.insert("podIP".to_owned(), json!(ip));
    status.insert("podIPs".to_owned(), json!([{ "ip": ip }]));
}

/// Init containers have all done their work.
pub(super) fn initialised(pod: &mut Value) {
    let now = object::now();
    let statuses: Vec<Value> = containers(pod, "initContainers")
        .iter()
        .map(|container| {
            let image = object::text(container, &["image"]);
            json!({
                "name": container["name"],
                "image": image,
                "imageID": image_id(image),
                "ready": true,
                "restartCount": 0,
                "state": { "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now } },
            })
        })
        .collect();
    if !statuses.is_empty() {
        object::map_mut(pod, "status").insert("initContainerStatuses".to_owned(), json!(statuses));
    }
    object::set_condition(pod, "Initialized", "True", "", "");
}

/// Sets all containers to one state, and phase and conditions with them.
pub(super) fn set_containers(pod: &mut Value, state: &ContainerState) {
    let now = object::now();
    let before = object::list(pod, &["status", "containerStatuses"]).to_vec();
    let statuses: Vec<Value> = containers(pod, "containers")
        .iter()
        .map(|container| {
            let old = before.iter().find(|status| status["name"] == container["name"]);
            container_status(container, old, state, &now)
        })
        .collect();
    let names: Vec<&str> =
        containers(pod, "containers").iter().map(|it| object::text(it, &["name"])).collect();
    let unready = format!("containers with unready status: [{}]", names.join(" "));
    let ready = matches!(state, ContainerState::Running { ready: true });
    let ended = matches!(state, ContainerState::Terminated { exit_code: 0 });
    let new_phase = match state {
        ContainerState::Waiting { .. } => None,
        ContainerState::Running { .. } | ContainerState::BackingOff { .. } => Some("Running"),
        ContainerState::Terminated { exit_code: 0 } => Some("Succeeded"),
        ContainerState::Terminated { .. } => Some("Failed"),
    };
    let status = object::map_mut(pod, "status");
    status.insert("containerStatuses".to_owned(), json!(statuses));
    if let Some(phase) = new_phase {
        status.insert("phase".to_owned(), json!(phase));
    }
    for condition in ["Ready", "ContainersReady"] {
        match (ready, ended) {
            (true, _) => object::set_condition(pod, condition, "True", "", ""),
            (false, true) => object::set_condition(pod, condition, "False", "PodCompleted", ""),
            (false, false) => {
                object::set_condition(pod, condition, "False", "ContainersNotReady", &unready)
            }
        };
    }
}

fn container_status(
    container: &Value,
    old: Option<&Value>,
    state: &ContainerState,
    now: &str,
) -> Value {
    let image = object::text(container, &["image"]);
    let restarts = old.and_then(|old| object::integer(old, &["restartCount"])).unwrap_or(0);
    let old_state = |kind: &str| old.and_then(|old| object::at(old, &["state", kind]));
    let started_at = old_state("running")
        .map_or_else(|| now.to_owned(), |run| object::text(run, &["startedAt"]).to_owned());
    let was_backing_off =
        old_state("waiting").is_some_and(|waiting| waiting["reason"] == "CrashLoopBackOff");
    let mut status = json!({ "name": container["name"], "image": image });
    let (state_json, ready, started, restarts) = match state {
        ContainerState::Waiting { reason, message } => {
            let mut waiting = json!({ "reason": reason });
            if !message.is_empty() {
                waiting["message"] = json!(message);
            }
            (json!({ "waiting": waiting }), false, false, restarts)
        }
        ContainerState::Running { ready } => {
            let restarts = if was_backing_off { restarts + 1 } else { restarts };
            (json!({ "running": { "startedAt": started_at } }), *ready, true, restarts)
        }
        ContainerState::Terminated { exit_code } => {
            (json!({ "terminated": ended(*exit_code, &started_at, now) }), false, false, restarts)
        }
        ContainerState::BackingOff { exit_code, message } => {
            status["lastState"] = json!({ "terminated": ended(*exit_code, &started_at, now) });
            (
                json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } }),
                false,
                false,
                restarts,
            )
        }
    };
    if status.get("lastState").is_none() {
        status["lastState"] = old.map_or_else(|| json!({}), |old| old["lastState"].clone());
    }
    status["imageID"] = if started {
        json!(image_id(image))
    } else {
        old.map_or(json!(""), |old| old["imageID"].clone())
    };
    status["ready"] = json!(ready);
    status["restartCount"] = json!(restarts);
    status["started"] = json!(started);
    status["state"] = state_json;
    status
}

fn ended(exit_code: i64, started_at: &str, finished_at: &str) -> Value {
    let reason = match exit_code {
        0 => "Completed",
        OUT_OF_MEMORY => "OOMKilled",
        _ => "Error",
    };
    json!({ "exitCode": exit_code, "reason": reason, "startedAt": started_at, "finishedAt": finished_at })
}

/// The name of an image as a node reports it: with a digest made from the name, since there is no image.
fn image_id(image: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let digest = (0_u8..4).fold(String::new(), |digest, part| {
        let mut hasher = DefaultHasher::new();
        (part, image).hash(&mut hasher);
        format!("{digest}{:016x}", hasher.finish())
    });
    let name = image.split('@').next().unwrap_or(image);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    format!("{name}@sha256:{digest}")
}
