//! Faults on request: annotations on a pod (or its template) that make it fail as pods do.
//!
//! They are the simulator's public interface; the crate's documentation lists them. The stand-in kubelet of `tests/cluster`
//! gives them the same meaning on a real control plane (`tests/cluster/kubelet/rules.go`).

use std::time::Duration;

use serde_json::Value;

use crate::object;

const FAULT: &str = "simulator.landfall.dev/fault";
const READY_AFTER: &str = "simulator.landfall.dev/ready-after";
const LOG_LINES: &str = "simulator.landfall.dev/log-lines";

/// How a pod fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its images cannot be pulled.
    ImagePull,
    /// Its containers exit with 1 soon after they start, again and again.
    CrashLoop,
    /// The same, killed because they need more memory than they may use.
    OutOfMemory,
    /// Its containers run, but their readiness probes do not pass.
    NeverReady,
}

/// The fault that a pod asks for.
pub(crate) fn of(pod: &Value) -> Option<Fault> {
    match object::annotation(pod, FAULT)? {
        "image-pull" => Some(Fault::ImagePull),
        "crash-loop" => Some(Fault::CrashLoop),
        "out-of-memory" => Some(Fault::OutOfMemory),
        "never-ready" => Some(Fault::NeverReady),
        _ => None,
    }
}

/// How long after its start a pod becomes ready, where it says so: `10s`, `1m`, `250ms`.
pub(crate) fn ready_after(pod: &Value) -> Option<Duration> {
    let text = object::annotation(pod, READY_AFTER)?.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..unit].parse().ok()?;
    match &text[unit..] {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_secs(count.saturating_mul(60))),
        _ => None,
    }
}

/// Lines that the pod's containers print after their start, one per line of the annotation.
pub(crate) fn log_lines(pod: &Value) -> Vec<&str> {
    object::annotation(pod, LOG_LINES).map(|text| text.lines().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(key: &str, value: &str) -> Value {
        json!({ "metadata": { "annotations": { key: value } } })
    }

    /// Words that are no fault are none, so that a typing error shows as a pod that simply works.
    #[test]
    fn words() {
        assert_eq!(of(&pod(FAULT, "crash-loop")), Some(Fault::CrashLoop));
        assert_eq!(of(&pod(FAULT, "crashloop")), None);
        assert_eq!(of(&json!({})), None);
    }

    /// Times are a number and a unit.
    #[test]
    fn times() {
        assert_eq!(ready_after(&pod(READY_AFTER, "10s")), Some(Duration::from_secs(10)));
        assert_eq!(ready_after(&pod(READY_AFTER, "250ms")), Some(Duration::from_millis(250)));
        for wrong in ["", "10", "s", "1h", "-1s"] {
            assert_eq!(ready_after(&pod(READY_AFTER, wrong)), None, "{wrong}");
        }
    }
}
