//! Server-side apply and strategic merge as tables of cases.

use serde_json::{Value, json};

use super::{Apply, record_update, strategic_merge};
use crate::{
    cluster::{Part, WriteOptions},
    kinds::{Kind, Kinds},
    status::StatusError,
};

fn kind(resource: &str) -> std::sync::Arc<Kind> {
    Kinds::builtin().stored(resource).unwrap().clone()
}

fn apply(
    kind: &Kind,
    live: Option<&Value>,
    manager: &str,
    config: &Value,
    force: bool,
) -> Result<Value, StatusError> {
    Apply { config, manager, force, api_version: "", part: Part::Main }.to(kind, live)
}

/// A Deployment with the given `spec`.
fn deployment(spec: &Value) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec })
}

fn containers(list: &Value) -> Value {
    deployment(&json!({ "template": { "spec": { "containers": list } } }))
}

/// Applying a second configuration over a first by the same manager leaves what the second says:
/// what it no longer says is gone, whatever else is there stays.
#[test]
fn reapply_removes_what_was_dropped() {
    let cases = [
        (
            "a scalar",
            deployment(&json!({ "replicas": 2, "paused": true })),
            deployment(&json!({ "replicas": 3 })),
            json!({ "replicas": 3 }),
        ),
        (
            "a label, among others",
            deployment(
                &json!({ "template": { "metadata": { "labels": { "a": "1", "b": "2" } } } }),
            ),
            deployment(&json!({ "template": { "metadata": { "labels": { "b": "2" } } } })),
            json!({ "template": { "metadata": { "labels": { "b": "2" } } } }),
        ),
        (
            "a whole struct",
            deployment(
                &json!({ "replicas": 1, "strategy": { "rollingUpdate": { "maxSurge": 1 } } }),
            ),
            deployment(&json!({ "replicas": 1 })),
            json!({ "replicas": 1 }),
        ),
        (
            "a container",
            containers(&json!([{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b:1" }])),
            containers(&json!([{ "name": "b", "image": "b:2" }])),
            json!({ "template": { "spec": { "containers": [{ "name": "b", "image": "b:2" }] } } }),
        ),
        (
            "a port, by number and protocol",
            containers(
                &json!([{ "name": "a", "ports": [{ "containerPort": 80 }, { "containerPort": 80, "protocol": "UDP" }] }]),
            ),
            containers(&json!([{ "name": "a", "ports": [{ "containerPort": 80 }] }])),
            json!({ "template": { "spec": { "containers": [{ "name": "a", "ports": [{ "containerPort": 80 }] }] } } }),
        ),
        (
            "the order of containers is the configuration's",
            containers(&json!([{ "name": "a" }, { "name": "b" }])),
            containers(&json!([{ "name": "b" }, { "name": "c" }, { "name": "a" }])),
            json!({ "template": { "spec": { "containers": [{ "name": "b" }, { "name": "c" }, { "name": "a" }] } } }),
        ),
        (
            "an atomic list as a whole",
            containers(&json!([{ "name": "a", "args": ["x", "y"] }])),
            containers(&json!([{ "name": "a", "args": ["y"] }])),
            json!({ "template": { "spec": { "containers": [{ "name": "a", "args": ["y"] }] } } }),
        ),
        (
            "an atomic map as a whole",
            deployment(
                &json!({ "template": { "spec": { "nodeSelector": { "a": "1", "b": "2" } } } }),
            ),
            deployment(&json!({ "template": { "spec": { "nodeSelector": { "c": "3" } } } })),
            json!({ "template": { "spec": { "nodeSelector": { "c": "3" } } } }),
        ),
    ];
    let kind = kind("deployments.apps");
    for (what, first, second, wanted) in cases {
        let live = apply(&kind, None, "helm", &first, false).unwrap();
        let merged = apply(&kind, Some(&live), "helm", &second, false).unwrap();
        assert_eq!(merged["spec"], wanted, "{what}");
    }
}

/// What another manager set is kept when the applier drops or never mentioned it.
#[test]
fn others_keep_their_fields() {
    let kind = kind("deployments.apps");
    let mine = containers(
        &json!([{ "name": "web", "image": "web:1", "env": [{ "name": "A", "value": "1" }] }]),
    );
    let live = apply(&kind, None, "helm", &mine, false).unwrap();
    let theirs = containers(&json!([{ "name": "web", "env": [{ "name": "B", "value": "2" }] }]));
    let live = apply(&kind, Some(&live), "operator", &theirs, false).unwrap();
    let without_env = containers(&json!([{ "name": "web", "image": "web:2" }]));
    let live = apply(&kind, Some(&live), "helm", &without_env, false).unwrap();
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"],
        json!([{ "name": "web", "image": "web:2", "env": [{ "name": "B", "value": "2" }] }])
    );
}

/// A field both managers apply with the same value is shared: dropping it by one leaves it.
#[test]
fn shared_fields_stay_until_the_last_owner_drops_them() {
    let kind = kind("deployments.apps");
    let with = deployment(&json!({ "replicas": 3, "paused": false }));
    let without = deployment(&json!({ "paused": false }));
    let live = apply(&kind, None, "helm", &with, false).unwrap();
    let live = apply(&kind, Some(&live), "operator", &with, false).unwrap();
    let live = apply(&kind, Some(&live), "helm", &without, false).unwrap();
    assert_eq!(live["spec"]["replicas"], 3);
    let live = apply(&kind, Some(&live), "operator", &without, false).unwrap();
    assert_eq!(live["spec"].get("replicas"), None);
}

/// A changed field of another manager is refused, with all conflicts named; forcing takes it over.
#[test]
fn conflicts() {
    let kind = kind("deployments.apps");
    let mut live = containers(&json!([{ "name": "web", "image": "web:1" }]));
    live["spec"]["replicas"] = json!(1);
    record_update(&kind, None, &mut live, &WriteOptions::manager("kubectl-create"), Part::Main);
    let one = deployment(&json!({ "replicas": 2 }));
    let error = apply(&kind, Some(&live), "helm", &one, false).unwrap_err();
    insta::assert_snapshot!(error, @r#"Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas"#);

    let mut two = containers(&json!([{ "name": "web", "image": "web:2" }]));
    two["spec"]["replicas"] = json!(2);
    let error = apply(&kind, Some(&live), "helm", &two, false).unwrap_err();
    assert_eq!((error.code, error.reason), (409, "Conflict"));
    insta::assert_snapshot!(error, @r#"
    Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:
    - .spec.replicas
    - .spec.template.spec.containers[name="web"].image
    "#);
    assert_eq!(
        error.details["causes"][1],
        json!({
            "reason": "FieldManagerConflict",
            "message": "conflict with \"kubectl-create\" using apps/v1",
            "field": ".spec.template.spec.containers[name=\"web\"].image",
        })
    );

    let forced = apply(&kind, Some(&live), "helm", &two, true).unwrap();
    assert_eq!(forced["spec"]["replicas"], 2);
    let again = apply(&kind, Some(&forced), "helm", &deployment(&json!({ "replicas": 4 })), false);
    assert_eq!(again.unwrap()["spec"]["replicas"], 4);
}

/// Setting a field to what it is already makes a second owner and no conflict.
#[test]
fn equal_values_are_no_conflict() {
    let kind = kind("deployments.apps");
    let mut live = deployment(&json!({ "replicas": 2 }));
    record_update(&kind, None, &mut live, &WriteOptions::manager("kubectl"), Part::Main);
    assert!(
        apply(&kind, Some(&live), "helm", &deployment(&json!({ "replicas": 2 })), false).is_ok()
    );
}

/// Applying the same configuration again changes not a byte.
#[test]
fn reapply_is_no_change() {
    let kind = kind("deployments.apps");
    let config = containers(&json!([{ "name": "web", "image": "web:1" }]));
    let live = apply(&kind, None, "helm", &config, false).unwrap();
    assert_eq!(apply(&kind, Some(&live), "helm", &config, false).unwrap(), live);
}

/// What was there before ownership was recorded belongs to somebody, so it is not taken silently.
#[test]
fn before_first_apply() {
    let kind = kind("configmaps");
    let live = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "a" }, "data": { "k": "1" },
    });
    let mut config = live.clone();
    config["data"]["k"] = json!("2");
    let error = apply(&kind, Some(&live), "helm", &config, false).unwrap_err();
    insta::assert_snapshot!(error, @r#"Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k"#);
}

/// A configuration that does not fit the kind is refused with the path of each mistake.
#[test]
fn broken_configurations() {
    let kind = kind("deployments.apps");
    let texts: Vec<String> = [
        deployment(&json!({ "replica": 2 })),
        deployment(&json!({ "replicas": "two" })),
        containers(&json!([{ "name": "a" }, { "name": "a" }])),
        containers(&json!([{ "image": "a" }])),
        containers(&json!({ "name": "a" })),
        deployment(&json!({ "paused": "yes", "replicas": true })),
    ]
    .iter()
    .map(|config| apply(&kind, None, "helm", config, false).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: expected list, got map
    failed to create typed patch object (/web; apps/v1, Kind=Deployment): errors:
      .spec.paused: expected boolean, got string
      .spec.replicas: expected numeric (int or float), got &value.valueUnstructured{Value:true}
    "#);
}

/// Ownership as Kubernetes records it for a create, an update and an apply.
#[test]
fn managed_fields() {
    let kind = kind("services");
    let mut live = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "web", "labels": { "app": "web" }, "uid": "u" },
        "spec": { "ports": [{ "port": 80, "protocol": "TCP" }], "selector": { "app": "web" } },
    });
    record_update(&kind, None, &mut live, &WriteOptions::manager("kubectl-create"), Part::Main);
    let mut edited = live.clone();
    edited["spec"]["ports"][0]["name"] = json!("http");
    record_update(
        &kind,
        Some(&live),
        &mut edited,
        &WriteOptions::manager("kubectl-edit"),
        Part::Main,
    );
    let config = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "web" },
        "spec": { "ports": [{ "port": 443, "name": "https" }] },
    });
    let mut applied = apply(&kind, Some(&edited), "helm", &config, false).unwrap();
    for entry in applied["metadata"]["managedFields"].as_array_mut().unwrap() {
        entry["time"] = json!("T");
    }
    let entries = applied["metadata"]["managedFields"].as_array().unwrap();
    let lines: Vec<String> = entries
        .iter()
        .map(|it| format!("{} {} {}", it["operation"], it["manager"], it["fieldsV1"]))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    "Apply" "helm" {"f:spec":{"f:ports":{"k:{\"port\":443,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}}}}
    "Update" "kubectl-create" {"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}}},"f:selector":{}}}
    "Update" "kubectl-edit" {"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:name":{}}}}}
    "#);
}

/// Strategic merge joins lists by their keys and knows its directives.
#[test]
fn strategic_merges() {
    let target = containers(&json!([
        { "name": "a", "image": "a:1", "args": ["x"], "env": [{ "name": "E", "value": "1" }] },
        { "name": "b", "image": "b:1" },
    ]));
    let cases = [
        (
            "an item by its key",
            containers(&json!([{ "name": "b", "image": "b:2" }])),
            json!([
                { "name": "a", "image": "a:1", "args": ["x"], "env": [{ "name": "E", "value": "1" }] },
                { "name": "b", "image": "b:2" },
            ]),
        ),
        (
            "an item deleted",
            containers(&json!([{ "name": "a", "$patch": "delete" }])),
            json!([{ "name": "b", "image": "b:1" }]),
        ),
        (
            "a nested item added, an atomic list replaced, a field removed",
            containers(
                &json!([{ "name": "a", "image": null, "args": ["y"], "env": [{ "name": "F", "value": "2" }] }]),
            ),
            json!([
                { "name": "a", "args": ["y"], "env": [{ "name": "E", "value": "1" }, { "name": "F", "value": "2" }] },
                { "name": "b", "image": "b:1" },
            ]),
        ),
        (
            "a list replaced",
            containers(&json!([{ "name": "c" }, { "$patch": "replace" }])),
            json!([{ "name": "c" }]),
        ),
        (
            "items ordered",
            deployment(&json!({ "template": { "spec": {
                "containers": [{ "name": "c" }],
                "$setElementOrder/containers": [{ "name": "b" }, { "name": "c" }, { "name": "a" }],
            } } })),
            json!([
                { "name": "b", "image": "b:1" },
                { "name": "c" },
                { "name": "a", "image": "a:1", "args": ["x"], "env": [{ "name": "E", "value": "1" }] },
            ]),
        ),
    ];
    let shape = kind("deployments.apps").shape();
    for (what, patch, wanted) in cases {
        let mut patched = target.clone();
        strategic_merge(&mut patched, &patch, &shape);
        assert_eq!(patched["spec"]["template"]["spec"]["containers"], wanted, "{what}");
    }
}

/// Strategic merge of scalars in a set, and of a strategy that keeps only named keys.
#[test]
fn strategic_merge_directives() {
    let shape = kind("deployments.apps").shape();
    let mut target = deployment(
        &json!({ "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } } }),
    );
    target["metadata"]["finalizers"] = json!(["a", "b"]);
    let mut patch =
        deployment(&json!({ "strategy": { "$retainKeys": ["type"], "type": "Recreate" } }));
    patch["metadata"] = json!({
        "finalizers": ["c"],
        "$deleteFromPrimitiveList/finalizers": ["a"],
        "$setElementOrder/finalizers": ["c", "b"],
    });
    strategic_merge(&mut target, &patch, &shape);
    assert_eq!(target["spec"]["strategy"], json!({ "type": "Recreate" }));
    assert_eq!(target["metadata"]["finalizers"], json!(["c", "b"]));
}
