//! What controllers of pods share: which pods count, making one from a template, which to delete first, template hashes.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::{
    cluster::{Cluster, DeleteOptions, EventSource, Propagation, WriteOptions},
    object,
    status::StatusError,
    store::StoredObject,
};

/// The owner's pods that have not ended and are not being deleted.
pub(super) fn active(cluster: &Cluster, owner: &StoredObject) -> Vec<Value> {
    let mut pods = cluster.controlled_by("pods", &owner.uid);
    pods.retain(is_active);
    pods
}

/// Whether a pod has not ended and is not being deleted.
pub(super) fn is_active(pod: &Value) -> bool {
    !object::is_deleting(pod) && !matches!(phase(pod), "Succeeded" | "Failed")
}

/// `status.phase`.
pub(super) fn phase(pod: &Value) -> &str {
    object::text(pod, &["status", "phase"])
}

/// Whether the pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    object::condition(pod, "Ready") == "True"
}

/// Counts as Kubernetes' JSON has them.
pub(super) fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}

/// A pod of `owner` from the template in its spec; the caller adds its name.
pub(super) fn from_template(owner: &Value) -> Value {
    let template = object::at(owner, &["spec", "template"]).cloned().unwrap_or_else(|| json!({}));
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    object::remove(&mut metadata, "creationTimestamp");
    metadata["namespace"] = json!(object::namespace(owner));
    metadata["ownerReferences"] = json!([object::controller_reference(owner)]);
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] })
}

/// Sets a label of an object to be created.
pub(super) fn set_label(value: &mut Value, key: &str, text: &str) {
    let labels =
        object::metadata_mut(value).entry("labels").or_insert_with(|| Value::Object(Map::new()));
    if !labels.is_object() {
        *labels = json!({});
    }
    labels[key] = json!(text);
}

/// Creates a pod and says so on the owner.
pub(super) fn create(
    cluster: &Cluster,
    source: EventSource,
    owner: &Value,
    pod: Value,
) -> Result<(), StatusError> {
    let created = cluster.create("pods", pod, &WriteOptions::manager("kube-controller-manager"));
    match created {
        Ok(pod) => {
            cluster.emit(
                source,
                owner,
                "",
                "Normal",
                "SuccessfulCreate",
                &format!("Created pod: {}", pod.name),
            );
            Ok(())
        }
        Err(error) => {
            cluster.emit(
                source,
                owner,
                "",
                "Warning",
                "FailedCreate",
                &format!("Error creating: {error}"),
            );
            Err(error)
        }
    }
}

/// Deletes a pod and says so on the owner.
pub(super) fn delete(
    cluster: &Cluster,
    source: EventSource,
    owner: &Value,
    pod: &Value,
) -> Result<(), StatusError> {
    let name = object::name(pod);
    let options = DeleteOptions::propagation(Propagation::Background);
    cluster.delete("pods", object::namespace(pod), name, &options)?;
    cluster.emit(source, owner, "", "Normal", "SuccessfulDelete", &format!("Deleted pod: {name}"));
    Ok(())
}

/// Orders pods by how little is lost with them: not yet on a node, not ready, youngest first.
pub(super) fn least_loss_first(pods: &mut [Value]) {
    pods.sort_by_key(|pod| {
        let placed = !object::text(pod, &["spec", "nodeName"]).is_empty();
        let created = object::text(pod, &["metadata", "creationTimestamp"]).to_owned();
        (placed, is_ready(pod), std::cmp::Reverse(created))
    });
}

/// A short text that is the same for equal templates, from Kubernetes' alphabet of safe letters.
pub(super) fn template_hash(owner: &Value) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut template = object::at(owner, &["spec", "template"]).cloned().unwrap_or(Value::Null);
    if let Some(metadata) = template.get_mut("metadata") {
        object::remove(metadata, "creationTimestamp");
    }
    let mut hasher = DefaultHasher::new();
    // Maps that differ only in their order are the same template.
    canonical(&template).hash(&mut hasher);
    let mut rest = hasher.finish();
    (0..10)
        .map(|_| {
            let letter = ALPHABET[usize::try_from(rest % 27).unwrap_or(0)];
            rest /= 27;
            char::from(letter)
        })
        .collect()
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.into_iter().fold(String::new(), |text, (key, value)| {
                format!("{text}{key:?}:{};", canonical(value))
            })
        }
        Value::Array(items) => {
            items.iter().fold(String::new(), |text, item| format!("{text}[{}]", canonical(item)))
        }
        plain => plain.to_string(),
    }
}

/// A number or a percentage of `total` (`maxSurge`, `maxUnavailable`), rounded as Kubernetes does.
pub(super) fn number_or_percent(
    value: Option<&Value>,
    total: i64,
    default_percent: i64,
    round_up: bool,
) -> i64 {
    let percent = match value {
        Some(Value::Number(number)) => return number.as_i64().unwrap_or(0).max(0),
        Some(Value::String(text)) => text.trim_end_matches('%').parse().unwrap_or(default_percent),
        _ => default_percent,
    };
    let share = total.saturating_mul(percent);
    if round_up { (share + 99) / 100 } else { share / 100 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Templates with the same content in another order have the same hash, others have not.
    #[test]
    fn hashes() {
        let owner = |template: Value| json!({ "spec": { "template": template } });
        let one = template_hash(&owner(json!({ "a": 1, "b": [1, 2] })));
        assert_eq!(one, template_hash(&owner(json!({ "b": [1, 2], "a": 1 }))));
        assert_ne!(one, template_hash(&owner(json!({ "a": 1, "b": [2, 1] }))));
        assert_eq!(one.len(), 10);
    }

    /// Surge is rounded up, unavailability down, as Kubernetes documents it.
    #[test]
    fn percentages() {
        let quarter = json!("25%");
        assert_eq!(number_or_percent(Some(&quarter), 3, 25, true), 1);
        assert_eq!(number_or_percent(Some(&quarter), 3, 25, false), 0);
        assert_eq!(number_or_percent(Some(&json!(2)), 10, 25, false), 2);
        assert_eq!(number_or_percent(None, 8, 25, false), 2);
    }
}
