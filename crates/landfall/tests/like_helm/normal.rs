//! What two who do the same leave different: times, uids, addresses, their namespaces' names. All that is taken out here,
//! and nothing else.

use serde_json::{Map, Value, json};

/// An object as far as whoever applied it decides; `None` for those that the cluster makes by itself.
pub(crate) fn object(mut object: Value) -> Option<Value> {
    let by_itself = [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")];
    let is = |(kind, name): &(&str, &str)| {
        object["kind"] == *kind && object["metadata"]["name"] == *name
    };
    if by_itself.iter().any(is) || object["metadata"]["ownerReferences"].is_array() {
        return None;
    }
    let whole = object.as_object_mut()?;
    whole.remove("status");
    let metadata = whole.get_mut("metadata")?.as_object_mut()?;
    for key in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(key);
    }
    if let Some(owners) = metadata.remove("managedFields") {
        metadata.insert("managedFields".to_owned(), field_owners(&owners));
    }
    if let Some(spec) = whole.get_mut("spec").and_then(Value::as_object_mut) {
        for given_by_the_cluster in ["clusterIP", "clusterIPs", "volumeName", "nodeName"] {
            spec.remove(given_by_the_cluster);
        }
    }
    Some(sorted(object))
}

/// Who owns which fields. Statuses belong to controllers, and when something was written is of no interest.
fn field_owners(owners: &Value) -> Value {
    let entries = owners.as_array().into_iter().flatten();
    let mut entries: Vec<Value> = entries
        .filter(|entry| {
            entry["subresource"] != "status" && entry["manager"] != "kube-controller-manager"
        })
        .map(|entry| {
            json!({
                "manager": entry["manager"], "operation": entry["operation"],
                "apiVersion": entry["apiVersion"], "fields": entry["fieldsV1"],
            })
        })
        .collect();
    entries.sort_by_key(Value::to_string);
    Value::Array(entries)
}

/// A release record without its times; hooks tell in which order they ran.
pub(crate) fn record(mut record: Value) -> Value {
    let mut ran: Vec<(String, String)> = Vec::new();
    for hook in record["hooks"].as_array_mut().into_iter().flatten() {
        let name = hook["name"].as_str().unwrap_or_default().to_owned();
        let last = &mut hook["last_run"];
        if let Some(started) = last["started_at"].as_str().filter(|at| !at.is_empty()) {
            ran.push((started.to_owned(), name));
        }
        *last = json!({ "phase": last["phase"] });
    }
    ran.sort();
    record["hooks_ran"] = ran.into_iter().map(|(_, name)| name).collect();
    if let Some(info) = record["info"].as_object_mut() {
        for when in ["first_deployed", "last_deployed", "deleted"] {
            let there = info.remove(when).is_some_and(|at| at != "");
            info.insert(when.to_owned(), json!(there));
        }
    }
    remove_times(&mut record["chart"]);
    sorted(record)
}

fn remove_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("modtime");
            map.values_mut().for_each(remove_times);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_times),
        _ => {}
    }
}

/// The same with all keys in order.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(entries))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// A text without the namespace's name and without what is drawn at random: uids and the names made from them.
pub(crate) fn text(text: &str, namespace: &str) -> String {
    let text = text.replace(namespace, "NAMESPACE");
    let uid = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let token = regex::Regex::new("kube-api-access-[a-z0-9]{5}").unwrap();
    let text = uid.replace_all(&text, "UID");
    token.replace_all(&text, "kube-api-access-RANDOM").into_owned()
}
