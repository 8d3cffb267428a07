//! Whether the one node has room for a pod: what the pod asks for alone, since nothing runs.

use serde_json::Value;

use crate::object;

/// What the node lacks, in the scheduler's words; nothing if the pod fits.
pub(super) fn lacks(pod: &Value, node: &Value) -> Option<String> {
    let lacking: Vec<String> = ["cpu", "memory"]
        .into_iter()
        .filter(|resource| {
            let containers = object::list(pod, &["spec", "containers"]).iter();
            let asked: f64 = containers
                .filter_map(|it| amount(object::at(it, &["resources", "requests", resource])?))
                .sum();
            let has = object::at(node, &["status", "allocatable", resource]).and_then(amount);
            has.is_some_and(|has| asked > has)
        })
        .map(|resource| format!("1 Insufficient {resource}"))
        .collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "0/1 nodes are available: {}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
            lacking.join(", ")
        )
    })
}

/// A quantity as a number: `500m`, `64Gi`, `2`.
fn amount(quantity: &Value) -> Option<f64> {
    let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..unit].parse().ok()?;
    let factor = match &text[unit..] {
        "" => 1.0,
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A pod that asks for more than the node has is told what is missing.
    #[test]
    fn room() {
        let node = json!({ "status": { "allocatable": { "cpu": "2", "memory": "1Gi" } } });
        let pod = |cpu: &str, memory: &str| {
            json!({ "spec": { "containers": [
                { "resources": { "requests": { "cpu": cpu, "memory": memory } } },
                { "resources": { "requests": { "cpu": "500m" } } },
            ] } })
        };
        assert_eq!(lacks(&pod("1500m", "1024Mi"), &node), None);
        assert_eq!(lacks(&json!({}), &node), None);
        insta::assert_snapshot!(lacks(&pod("1600m", "2G"), &node).unwrap(), @"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
    }
}
