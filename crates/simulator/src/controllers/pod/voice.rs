//! What containers of a simulated cluster say: lines that fit their image, so that a log is worth following.

use serde_json::Value;

use crate::{faults, object};

/// Lines right after a container's start.
pub(super) fn starting(pod: &Value, container: &Value) -> Vec<String> {
    let image = object::text(container, &["image"]);
    let name = object::text(container, &["name"]);
    let mut lines = vec![format!("simulated container {name} of {image} starts; no program runs")];
    let own = faults::log_lines(pod);
    if own.is_empty() {
        lines.extend(usual(image, container));
    } else {
        lines.extend(own.into_iter().map(str::to_owned));
    }
    lines
}

/// The line that says it is ready.
pub(super) fn ready(container: &Value) -> String {
    match ports(container).first() {
        Some(port) => format!("ready, accepting connections on port {port}"),
        None => "ready".to_owned(),
    }
}

/// The last line before it exits badly.
pub(super) fn failing(container: &Value, exit_code: i64) -> String {
    let wanted = object::list(container, &["env"])
        .first()
        .map_or("CONFIG", |env| object::text(env, &["name"]));
    format!("fatal: {wanted} is not usable, giving up (exit code {exit_code})")
}

/// Lines of a container that does its work and ends.
pub(super) fn finishing(container: &Value) -> String {
    format!("{} finished (exit code 0)", object::text(container, &["name"]))
}

fn usual(image: &str, container: &Value) -> Vec<String> {
    let has = |word: &str| image.contains(word);
    if has("postgres") {
        return [
            "PostgreSQL Database directory appears to contain a database; Skipping initialization",
            "LOG:  starting PostgreSQL on x86_64-pc-linux-gnu",
            "LOG:  database system is ready to accept connections",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    if has("nginx") {
        return [
            "/docker-entrypoint.sh: Configuration complete; ready for start up",
            "[notice] 1#1: start worker processes",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    let mut lines = vec!["configuration read".to_owned()];
    lines.extend(ports(container).iter().map(|port| format!("listening on 0.0.0.0:{port}")));
    lines
}

fn ports(container: &Value) -> Vec<i64> {
    let ports = object::list(container, &["ports"]).iter();
    ports.filter_map(|port| object::integer(port, &["containerPort"])).collect()
}
