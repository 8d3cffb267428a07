//! Patches as a table of cases, and as properties: each is applied by the simulator's own code, which is held to a
//! real API server.

use proptest::prelude::*;
use serde_json::{Value, json};
use simulator::patched;

use super::Patch;
use crate::ObjectKey;

fn key(api_version: &str, kind: &str) -> ObjectKey {
    ObjectKey {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: "x".to_owned(),
    }
}

/// The patch, and what a server makes of the live object by it.
fn change(
    kind: &ObjectKey,
    original: Option<&Value>,
    live: &Value,
    target: &Value,
) -> (Value, Value) {
    let Patch { content_type, body } = Patch::three_way(kind, original, live, target);
    let patch = Value::Object(body);
    let after = patched(&kind.api_version, &kind.kind, content_type, live, &patch);
    (patch, after)
}

/// A case of a Deployment's pod template.
struct Case {
    what: &'static str,
    original: Value,
    live: Value,
    target: Value,
    patch: Value,
}

fn pod_cases() -> Vec<Case> {
    let case = |what, [original, live, target, patch]: [Value; 4]| Case {
        what,
        original,
        live,
        target,
        patch,
    };
    let containers = |names: &[&str]| -> Value {
        json!({ "containers": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>() })
    };
    vec![
        case(
            "nothing to do",
            [json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), json!({ "a": 1 }), json!({})],
        ),
        case(
            "a changed field",
            [json!({ "a": 1 }), json!({ "a": 1 }), json!({ "a": 2 }), json!({ "a": 2 })],
        ),
        case(
            "a change by hand is overruled",
            [json!({ "a": 1 }), json!({ "a": 7 }), json!({ "a": 1 }), json!({ "a": 1 })],
        ),
        case(
            "a removed field",
            [
                json!({ "a": 1, "b": 1 }),
                json!({ "a": 1, "b": 1 }),
                json!({ "a": 1 }),
                json!({ "b": null }),
            ],
        ),
        case(
            "a removed field that is gone already",
            [json!({ "b": 1 }), json!({ "a": 1 }), json!({}), json!({})],
        ),
        case(
            "null removes",
            [json!({}), json!({ "a": 1 }), json!({ "a": null }), json!({ "a": null })],
        ),
        case(
            "another type replaces",
            [
                json!({ "a": 1 }),
                json!({ "a": 1 }),
                json!({ "a": { "b": 1 } }),
                json!({ "a": { "b": 1 } }),
            ],
        ),
        case(
            "a list that does not merge",
            [
                json!({ "tolerations": [{ "key": "a" }] }),
                json!({ "tolerations": [{ "key": "a" }, { "key": "b" }] }),
                json!({ "tolerations": [{ "key": "a" }] }),
                json!({ "tolerations": [{ "key": "a" }] }),
            ],
        ),
        case(
            "a container more",
            [
                containers(&["a"]),
                containers(&["a"]),
                containers(&["b", "a"]),
                json!({
                    "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }], "containers": [{ "name": "b" }],
                }),
            ],
        ),
        case(
            "a container less",
            [
                containers(&["a", "b"]),
                containers(&["a", "b"]),
                containers(&["a"]),
                json!({
                    "$setElementOrder/containers": [{ "name": "a" }], "containers": [{ "name": "b", "$patch": "delete" }],
                }),
            ],
        ),
        case(
            "a container that others have put there stays",
            [
                containers(&["a"]),
                containers(&["a", "injected"]),
                containers(&["a"]),
                json!({
                    "$setElementOrder/containers": [{ "name": "a" }],
                }),
            ],
        ),
        case(
            "another order",
            [
                containers(&["a", "b"]),
                containers(&["a", "b"]),
                containers(&["b", "a"]),
                json!({
                    "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }],
                }),
            ],
        ),
        case(
            "deep in a list",
            [
                json!({ "containers": [{ "name": "a", "env": [{ "name": "X", "value": "1" }, { "name": "Y", "value": "1" }] }] }),
                json!({ "containers": [{ "name": "a", "env": [{ "name": "X", "value": "1" }, { "name": "Y", "value": "1" }], "image": "set" }] }),
                json!({ "containers": [{ "name": "a", "env": [{ "name": "X", "value": "2" }] }] }),
                json!({ "$setElementOrder/containers": [{ "name": "a" }], "containers": [{
                    "name": "a", "$setElementOrder/env": [{ "name": "X" }],
                    "env": [{ "name": "X", "value": "2" }, { "name": "Y", "$patch": "delete" }],
                }] }),
            ],
        ),
        case(
            "ports with the same number",
            [
                json!({}),
                json!({ "containers": [{ "name": "a", "ports": [{ "containerPort": 53, "protocol": "TCP" }, { "containerPort": 53, "protocol": "UDP" }] }] }),
                json!({ "containers": [{ "name": "a", "ports": [{ "containerPort": 53, "protocol": "TCP" }, { "containerPort": 53, "protocol": "UDP" }] }] }),
                json!({}),
            ],
        ),
        case(
            "a volume of another source",
            [
                json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }),
                json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }),
                json!({ "volumes": [{ "name": "v", "configMap": { "name": "c" } }] }),
                json!({ "$setElementOrder/volumes": [{ "name": "v" }], "volumes": [{
                    "name": "v", "configMap": { "name": "c" }, "emptyDir": null, "$retainKeys": ["configMap", "name"],
                }] }),
            ],
        ),
        case(
            "an item without its key",
            [
                json!({}),
                json!({ "hostAliases": [{ "ip": "1" }] }),
                json!({ "hostAliases": [{}] }),
                json!({ "hostAliases": [{}] }),
            ],
        ),
    ]
}

/// What is patched in a pod template, case by case.
#[test]
fn pod_templates() {
    let inside = |pod: &Value| json!({ "spec": { "template": { "spec": pod } } });
    for Case { what, original, live, target, patch } in pod_cases() {
        let (original, live, target) = (inside(&original), inside(&live), inside(&target));
        let (made, _) = change(&key("apps/v1", "Deployment"), Some(&original), &live, &target);
        let expected = if patch == json!({}) { patch } else { inside(&patch) };
        assert_eq!(made, expected, "{what}");
    }
}

/// A strategy keeps only what the manifest says of it, whoever set the rest: the server's defaults of the old one would
/// not fit the new one.
#[test]
fn strategy_of_a_deployment() {
    let of = |strategy: Value| json!({ "spec": { "strategy": strategy } });
    let live = of(json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%" } }));
    let target = of(json!({ "type": "Recreate" }));
    let (patch, after) = change(&key("apps/v1", "Deployment"), None, &live, &target);
    assert_eq!(patch, of(json!({ "type": "Recreate", "$retainKeys": ["type"] })));
    assert_eq!(after, target);
}

/// Finalizers are a set: ours come and go, those of others stay.
#[test]
fn finalizers() {
    let with = |finalizers: &[&str]| json!({ "metadata": { "finalizers": finalizers } });
    let (patch, after) = change(
        &key("v1", "ConfigMap"),
        Some(&with(&["a", "b"])),
        &with(&["a", "b", "others"]),
        &with(&["c", "b"]),
    );
    assert_eq!(
        patch,
        json!({ "metadata": {
            "finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"],
        } }),
    );
    let mut left: Vec<&str> = after["metadata"]["finalizers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["b", "c", "others"]);
}

/// A selector of a disruption budget is replaced as a whole.
#[test]
fn replaced_map() {
    let with = |labels: Value| json!({ "spec": { "selector": { "matchLabels": labels } } });
    let budget = key("policy/v1", "PodDisruptionBudget");
    let (patch, after) =
        change(&budget, None, &with(json!({ "a": "1", "b": "1" })), &with(json!({ "a": "1" })));
    assert_eq!(patch, with(json!({ "a": "1" })));
    assert_eq!(after, with(json!({ "a": "1" })));
    let same = with(json!({ "a": "1" }));
    assert!(Patch::three_way(&budget, Some(&same), &same, &same).is_empty());
}

/// Custom resources: from the original to the target, and nobody looks at what is there. One that has no original is
/// brought to the target without taking anything away.
#[test]
fn custom_resources() {
    let order = key("example.org/v1", "Order");
    let original = json!({ "spec": { "a": 1, "b": 1, "list": [1, 2] } });
    let live = json!({ "spec": { "a": 7, "b": 7, "c": 7, "list": [1, 2, 3] } });
    let target = json!({ "spec": { "a": 1, "d": 1, "list": [1, 2] } });
    let (patch, after) = change(&order, Some(&original), &live, &target);
    assert_eq!(patch, json!({ "spec": { "b": null, "d": 1 } }));
    assert_eq!(after, json!({ "spec": { "a": 7, "c": 7, "d": 1, "list": [1, 2, 3] } }));
    let (patch, _) = change(&order, None, &live, &target);
    assert_eq!(patch, json!({ "spec": { "a": 1, "d": 1, "list": [1, 2] } }));
}

/// Everything in an object by its path, items of merging lists by their keys. Lists that are replaced are one thing.
fn nodes(value: &Value, path: &[String], all: &mut std::collections::BTreeMap<Vec<String>, Value>) {
    let below = |name: &str| [path, &[name.to_owned()]].concat();
    match (value, path.last().map(String::as_str)) {
        (Value::Object(map), _) => {
            all.insert(path.to_vec(), json!("a map"));
            for (name, value) in map {
                nodes(value, &below(name), all);
            }
        }
        (Value::Array(items), Some("containers" | "env")) => {
            all.insert(path.to_vec(), json!("a list"));
            for item in items {
                nodes(item, &below(item["name"].as_str().unwrap()), all);
            }
        }
        (Value::Array(items), Some("finalizers")) => {
            all.insert(path.to_vec(), json!("a list"));
            for item in items {
                nodes(item, &below(item.as_str().unwrap()), all);
            }
        }
        (other, _) => {
            all.insert(path.to_vec(), other.clone());
        }
    }
}

fn all_nodes(value: &Value) -> std::collections::BTreeMap<Vec<String>, Value> {
    let mut all = std::collections::BTreeMap::new();
    nodes(value, &[], &mut all);
    all
}

/// The rule in one sentence: what the target has; and of what is there everything but what the original had and the target
/// has not, with all that is in it.
fn expected(
    original: &Value,
    live: &Value,
    target: &Value,
) -> std::collections::BTreeMap<Vec<String>, Value> {
    let (original, target) = (all_nodes(original), all_nodes(target));
    let is_dropped = |path: &Vec<String>| {
        (1..=path.len())
            .map(|depth| path[..depth].to_vec())
            .any(|above| original.contains_key(&above) && !target.contains_key(&above))
    };
    let mut all = all_nodes(live);
    all.retain(|path, _| !is_dropped(path));
    all.extend(target);
    all
}

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4).prop_shuffle()
}

fn env() -> impl Strategy<Value = Value> {
    names().prop_flat_map(|names| {
        let values = proptest::collection::vec(0..3, names.len());
        values.prop_map(move |values| {
            names
                .iter()
                .zip(values)
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect()
        })
    })
}

fn container() -> impl Strategy<Value = Value> {
    let args = proptest::option::of(proptest::collection::vec(0..3, 0..3));
    (proptest::option::of(0..3), args, proptest::option::of(env())).prop_map(
        |(image, args, env)| {
            let fields = [("image", json!(image)), ("args", json!(args)), ("env", json!(env))];
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        },
    )
}

fn object() -> impl Strategy<Value = Value> {
    let containers = names().prop_flat_map(|names| {
        proptest::collection::vec(container(), names.len()).prop_map(move |mut containers| {
            for (container, name) in containers.iter_mut().zip(&names) {
                container["name"] = json!(name);
            }
            containers
        })
    });
    let labels = proptest::collection::btree_map("[a-c]", 0..3, 0..3);
    (proptest::option::of(containers), proptest::option::of(labels), proptest::option::of(names()))
        .prop_map(|(containers, labels, finalizers)| {
            let mut object = json!({ "metadata": {}, "spec": { "template": { "spec": {} } } });
            if let Some(containers) = containers {
                object["spec"]["template"]["spec"]["containers"] = json!(containers);
            }
            if let Some(labels) = labels {
                object["metadata"]["labels"] = json!(labels);
            }
            if let Some(finalizers) = finalizers {
                object["metadata"]["finalizers"] = json!(finalizers);
            }
            object
        })
}

proptest! {
    /// Whatever the three states are, the server makes of them what the rule says; once more changes nothing.
    #[test]
    fn the_rule_holds(original in object(), live in object(), target in object()) {
        let deployment = key("apps/v1", "Deployment");
        let (patch, after) = change(&deployment, Some(&original), &live, &target);
        prop_assert_eq!(all_nodes(&after), expected(&original, &live, &target), "{}", patch);
        let order = |object: &Value| -> Vec<Value> {
            let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
            containers.into_iter().flatten().map(|container| container["name"].clone()).collect()
        };
        let wanted = order(&target);
        let ordered: Vec<Value> = order(&after).into_iter().filter(|name| wanted.contains(name)).collect();
        prop_assert_eq!(ordered, wanted);
        let (_, again) = change(&deployment, Some(&target), &after, &target);
        prop_assert_eq!(again, after);
    }
}
