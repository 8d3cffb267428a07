//! Telling without asking the cluster that applying an object would leave it as it is. Pure.
//!
//! Server-side apply writes what it is sent and takes away what the same manager had applied before and sends no more. So
//! nothing changes if the live object has every value that is sent, and Helm's field manager owns exactly those fields.
//! Who owns what is in `metadata.managedFields`, in the form that Kubernetes calls `FieldsV1`.
//!
//! Whatever is not certain counts as a change, and the cluster is asked: values that the server writes in another way
//! (`0.5` and `500m`), nulls, fields that others have taken over. What webhooks would do is not known here.

use serde_json::{Map, Value};

use crate::cluster::FIELD_MANAGER;

/// Whether applying `sent` would surely leave `live` as it is.
pub(super) fn surely_unchanged(live: &Value, sent: &Value) -> bool {
    let (Value::Object(live_fields), Value::Object(sent_fields)) = (live, sent) else {
        return false;
    };
    let Some(owned) = owned_by_helm(live, &sent["apiVersion"]) else { return false };
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return false;
    }
    // What says which object it is, is no field that anyone owns.
    let (mut live_fields, mut sent_fields) = (live_fields.clone(), sent_fields.clone());
    for fields in [&mut live_fields, &mut sent_fields] {
        fields.remove("apiVersion");
        fields.remove("kind");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.remove("name");
            metadata.remove("namespace");
        }
    }
    same_map(owned, &live_fields, &sent_fields)
}

/// The fields that Helm's manager has applied, if in this version of the kind and no other.
fn owned_by_helm<'a>(live: &'a Value, api_version: &Value) -> Option<&'a Map<String, Value>> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let mut applied = entries.iter().filter(|entry| {
        entry["manager"] == FIELD_MANAGER
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().is_none_or(str::is_empty)
    });
    let entry = applied.next()?;
    if applied.next().is_some() || entry["apiVersion"] != *api_version {
        return None;
    }
    entry["fieldsV1"].as_object()
}

fn same(owned: &Map<String, Value>, live: &Value, sent: &Value) -> bool {
    // Owned as a whole: a scalar, an atomic list or map, an empty one.
    if owned.keys().all(|path| path == ITSELF) {
        return !sent.is_null() && live == sent;
    }
    match (live, sent) {
        (Value::Object(live), Value::Object(sent)) => same_map(owned, live, sent),
        (Value::Array(live), Value::Array(sent)) => same_list(owned, live, sent),
        _ => false,
    }
}

fn same_map(
    owned: &Map<String, Value>,
    live: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> bool {
    let fields = owned.keys().filter(|path| *path != ITSELF).count();
    fields == sent.len()
        && sent.iter().all(|(name, sent)| {
            let owned = owned.get(&format!("f:{name}")).and_then(Value::as_object);
            owned.zip(live.get(name)).is_some_and(|(owned, live)| same(owned, live, sent))
        })
}

/// Lists whose items are told apart, by some of their fields (`k:`) or by themselves (`v:`). Items of others may stand
/// between; the order of those that are sent must be the live one.
fn same_list(owned: &Map<String, Value>, live: &[Value], sent: &[Value]) -> bool {
    let items: Vec<(&String, &Value)> = owned.iter().filter(|(path, _)| *path != ITSELF).collect();
    if items.len() != sent.len() {
        return false;
    }
    let mut places = Vec::with_capacity(items.len());
    for (path, owned) in items {
        let Some(owned) = owned.as_object() else { return false };
        let Some(wanted) = Item::of(path) else { return false };
        let (Some(in_live), Some(in_sent)) =
            (only(live, |item| wanted.is(item)), only(sent, |item| wanted.may_be(item)))
        else {
            return false;
        };
        if !same(owned, &live[in_live], &sent[in_sent]) {
            return false;
        }
        places.push((in_sent, in_live));
    }
    places.sort_unstable();
    places.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1)
}

/// The entry for an item or map itself, beside those for what is in it.
const ITSELF: &str = ".";

/// Which item of a list a path names.
enum Item {
    Keyed(Map<String, Value>),
    Value(Value),
}

impl Item {
    fn of(path: &str) -> Option<Self> {
        let (kind, text) = path.split_once(':')?;
        let value = serde_json::from_str(text).ok()?;
        match (kind, value) {
            ("k", Value::Object(keys)) => Some(Self::Keyed(keys)),
            ("v", value) => Some(Self::Value(value)),
            _ => None,
        }
    }

    fn is(&self, item: &Value) -> bool {
        match self {
            Self::Keyed(keys) => keys.iter().all(|(name, value)| item.get(name) == Some(value)),
            Self::Value(value) => item == value,
        }
    }

    /// The same where the server may have filled in keys that were not sent, such as a port's protocol.
    fn may_be(&self, item: &Value) -> bool {
        match self {
            Self::Keyed(keys) => {
                keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| own == value))
            }
            Self::Value(value) => item == value,
        }
    }
}

/// The place of the one item that fits.
fn only(items: &[Value], fits: impl Fn(&Value) -> bool) -> Option<usize> {
    let mut fitting = items.iter().enumerate().filter(|(_, item)| fits(item));
    let (place, _) = fitting.next()?;
    fitting.next().is_none().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "prod", "labels": { "app": "web" } },
            "spec": {
                "replicas": 2,
                "template": { "spec": { "containers": [
                    { "name": "web", "image": "web:1", "args": ["a", "b"], "ports": [{ "containerPort": 80 }] },
                ] } },
            },
        })
    }

    /// As a cluster has it: with defaults, with a container of others, and with who owns what.
    fn live() -> Value {
        let port = r#"k:{"containerPort":80,"protocol":"TCP"}"#;
        let container = r#"k:{"name":"web"}"#;
        let mut live = sent();
        live["spec"]["strategy"] = json!({ "type": "RollingUpdate" });
        live["spec"]["template"]["spec"]["containers"] = json!([
            { "name": "sidecar", "image": "side:1" },
            {
                "name": "web", "image": "web:1", "args": ["a", "b"], "imagePullPolicy": "Always",
                "ports": [{ "containerPort": 80, "protocol": "TCP" }],
            },
        ]);
        live["metadata"]["managedFields"] = json!([
            { "manager": "controller", "operation": "Update", "subresource": "status", "apiVersion": "apps/v1", "fieldsV1": { "f:status": {} } },
            { "manager": "helm", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {
                "f:metadata": { "f:labels": { "f:app": {} } },
                "f:spec": {
                    "f:replicas": {},
                    "f:template": { "f:spec": { "f:containers": { container: {
                        ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                        "f:ports": { port: { ".": {}, "f:containerPort": {} } },
                    } } } },
                },
            } },
        ]);
        live
    }

    fn helm(live: &mut Value) -> &mut Value {
        &mut live["metadata"]["managedFields"][1]
    }

    #[test]
    fn nothing_would_change() {
        assert!(surely_unchanged(&live(), &sent()));
    }

    /// Each of these would change something, or might.
    #[test]
    fn something_may_change() {
        /// Changes what is live, or what is sent.
        type Change = fn(&mut Value, &mut Value);
        let cases: [(&str, Change); 12] = [
            ("another value is sent", |_, sent| sent["spec"]["replicas"] = json!(3)),
            ("another value is live", |live, _| live["spec"]["replicas"] = json!(3)),
            ("a field more is sent", |_, sent| sent["spec"]["paused"] = json!(true)),
            ("a field less is sent", |_, sent| {
                sent["metadata"]["labels"].as_object_mut().unwrap().clear();
            }),
            ("a field was taken over", |live, _| {
                let fields = &mut helm(live)["fieldsV1"]["f:spec"];
                fields.as_object_mut().unwrap().remove("f:replicas");
            }),
            ("a failed revision had more", |live, _| {
                helm(live)["fieldsV1"]["f:spec"]["f:paused"] = json!({});
            }),
            ("an atomic list differs", |_, sent| {
                sent["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["b", "a"]);
            }),
            ("null is sent", |live, sent| {
                (live["spec"]["replicas"], sent["spec"]["replicas"]) = (Value::Null, Value::Null);
            }),
            ("it was applied in another version", |live, _| {
                helm(live)["apiVersion"] = json!("apps/v1beta1");
            }),
            ("it was written on the client side", |live, _| {
                helm(live)["operation"] = json!("Update");
            }),
            ("nobody knows who owns what", |live, _| {
                live["metadata"].as_object_mut().unwrap().remove("managedFields");
            }),
            ("it is on its way out", |live, _| {
                live["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            }),
        ];
        for (what, change) in cases {
            let (mut live, mut sent) = (live(), sent());
            change(&mut live, &mut sent);
            assert!(!surely_unchanged(&live, &sent), "{what}");
        }
    }

    /// Items in another order may change the order of the live ones.
    #[test]
    fn order_of_items() {
        let owned = json!({ r#"v:"a""#: {}, r#"v:"b""#: {} });
        let same = |live: Value, sent: Value| {
            same_list(
                owned.as_object().unwrap(),
                live.as_array().unwrap(),
                sent.as_array().unwrap(),
            )
        };
        assert!(same(json!(["a", "x", "b"]), json!(["a", "b"])));
        assert!(!same(json!(["b", "a"]), json!(["a", "b"])));
        assert!(!same(json!(["a"]), json!(["a", "b"])));
    }
}
