//! Manifests in, changes and likeness out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::plan::Consequence;

const KEY: [u8; 32] = [7; 32];

fn manifest(objects: &[Value]) -> String {
    objects
        .iter()
        .map(|object| format!("---\n# Source: shop/templates/a.yaml\n{object}\n"))
        .collect()
}

fn config(release: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": release }, "data": data })
}

fn workload(kind: &str, release: &str, replicas: u32, level: &str, checksum: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": format!("{release}-web") },
        "spec": { "replicas": replicas, "template": {
            "metadata": { "annotations": { "checksum/config": checksum } },
            "spec": { "containers": [{ "name": "web", "image": "web:1", "env": [
                { "name": "LOG_LEVEL", "value": level },
                { "name": "PEER", "value": format!("http://{release}-db.{release}-ns.svc") },
            ] }] },
        } },
    })
}

fn compared(release: &str, before: &[Value], after: &[Value]) -> Compared {
    let (before, after) = (manifest(before), manifest(after));
    let namespace = format!("{release}-ns");
    compare(&Comparison {
        release,
        namespace: &namespace,
        before: &before,
        after: &after,
        again: None,
        sensitive: &[],
        key: &KEY,
    })
    .unwrap()
}

/// The same change in environments of other names, with other checksums and numbers of pods, is alike; the fields tell what
/// it is about.
#[test]
fn alike_relative_to_the_release() {
    let one = |release: &str, replicas, sums: (&str, &str)| {
        let old = workload("Deployment", release, replicas, "info", sums.0);
        let new = workload("Deployment", release, replicas, "warn", sums.1);
        compared(release, &[old], &[new])
    };
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let eu = one("eu", 2, (&a, &b));
    let us = one("us-prod", 5, (&b, &a));
    assert_eq!(eu.likeness, us.likeness);
    assert_eq!(eu.fields, ["LOG_LEVEL"]);
    assert_eq!(eu.objects[0].consequence, Consequence::Rolls { pods: 2 });
    assert_eq!(eu.likeness, one("eu", 1, (&a, &b)).likeness);
    // The only pod of a StatefulSet is down meanwhile; one of several is not.
    let stateful = |replicas| {
        let set = |level: &str| workload("StatefulSet", "eu", replicas, level, "x");
        compared("eu", &[set("info")], &[set("warn")]).likeness
    };
    assert_eq!(stateful(2), stateful(3));
    assert_ne!(stateful(1), stateful(2));
    assert!(!eu.drawn);
}

/// Another field, another value before or after, another object: not alike.
#[test]
fn what_is_not_alike() {
    let change = |old: Value, new: Value| {
        compared("eu", &[config("eu", &old)], &[config("eu", &new)]).likeness
    };
    let changes = [
        change(json!({ "a": "1" }), json!({ "a": "2" })),
        change(json!({ "a": "0" }), json!({ "a": "2" })),
        change(json!({ "a": "1" }), json!({ "a": "3" })),
        change(json!({ "b": "1" }), json!({ "b": "2" })),
        change(json!({ "a": "1" }), json!({})),
        compared("eu", &[config("eu", &json!({}))], &[]).likeness,
        compared("eu", &[], &[config("eu", &json!({}))]).likeness,
        compared(
            "eu",
            &[config("other", &json!({ "a": "1" }))],
            &[config("other", &json!({ "a": "2" }))],
        )
        .likeness,
    ];
    let different: HashSet<&String> = changes.iter().collect();
    assert_eq!(different.len(), changes.len());
}

/// What is drawn anew with every rendering is no change; what changes beside it is.
#[test]
fn drawn_anew() {
    let secret = |password: &str, level: &str| {
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "eu" },
                "data": { "password": password, "level": level } })
    };
    let job = |suffix: &str| json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": format!("eu-{suffix}") } });
    let texts = [("YWFh", "aW5mbw==", "x"), ("YmJi", "d2Fybg==", "y"), ("Y2Nj", "d2Fybg==", "z")]
        .map(|(password, level, suffix)| {
            manifest(&[secret(password, level)])
                + &manifest(&[job(suffix)]).replace("a.yaml", "job.yaml")
        });
    let compared = compare(&Comparison {
        release: "eu",
        namespace: "eu",
        before: &texts[0],
        after: &texts[1],
        again: Some(&texts[2]),
        sensitive: &[],
        key: &KEY,
    })
    .unwrap();
    assert!(compared.drawn);
    assert_eq!(compared.fields, ["level"]);
    assert_eq!(compared.objects.len(), 1);
    let diff = compared.objects[0].diff.as_ref().unwrap().to_string();
    assert!(!diff.contains("YmJi") && !diff.contains("Fybg"), "{diff}");
}

/// Secrets are compared by what they hold, relative to the release, and never shown.
#[test]
fn secrets_relative_to_the_release() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let url = |release: &str, pool: u32| {
        let text = STANDARD.encode(format!("pg://{release}-db/shop?pool={pool}"));
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": release }, "data": { "url": text } })
    };
    let (eu, us) = ("eu", "us");
    let alike = compared(eu, &[url(eu, 1)], &[url(eu, 2)]);
    assert_eq!(alike.likeness, compared(us, &[url(us, 1)], &[url(us, 2)]).likeness);
    assert_ne!(alike.likeness, compared(us, &[url(us, 1)], &[url(us, 3)]).likeness);
    assert!(!serde_json::to_string(&alike.objects).unwrap().contains("cGc6"));
}

/// Where nothing changes there is nothing, and it is the same nothing everywhere.
#[test]
fn nothing_changes() {
    let same = |release: &str| {
        let objects = [workload("Deployment", release, 1, "info", "x")];
        compared(release, &objects, &objects)
    };
    assert_eq!(same("eu").objects, Vec::new());
    assert_eq!(same("eu").likeness, same("us").likeness);
}

/// A new manifest that is no set of objects is refused as a deployment would.
#[test]
fn no_objects() {
    let what = Comparison {
        release: "eu",
        namespace: "eu",
        before: "",
        after: "---\n# Source: shop/templates/a.yaml\na: 1\n",
        again: None,
        sensitive: &[],
        key: &KEY,
    };
    assert!(compare(&what).unwrap_err().to_string().contains("shop/templates/a.yaml"));
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9]{0,6}(-[a-z0-9]{1,4}){0,2})?"
}

proptest! {
    /// Whatever two environments are called, the same change of the same objects is alike, and neither order of keys nor
    /// of documents matters; another value is not alike.
    #[test]
    fn likeness_depends_on_the_change_alone(
        first in name(), second in name(), old in "[A-Z]{1,6}", new in "[A-Z]{1,6}", other in "[A-Z]{1,6}",
    ) {
        prop_assume!(old != new && other != new && old != other);
        // Names that stand for something in the objects themselves are not these of a release.
        prop_assume!(![&first, &second].iter().any(|it| ["web", "db", "name", "svc", "http", "pg", "value", "env", "level"].contains(&it.as_str())));
        let change = |release: &str, new: &str, turned: bool| {
            let web = |level: &str| workload("Deployment", release, 2, level, "x");
            let map = |level: &str| config(release, &if turned {
                json!({ "level": level, "peer": format!("{release}-db") })
            } else {
                json!({ "peer": format!("{release}-db"), "level": level })
            });
            let objects = |level: &str| if turned { [map(level), web(level)] } else { [web(level), map(level)] };
            compared(release, &objects(&old), &objects(new)).likeness
        };
        prop_assert_eq!(change(&first, &new, false), change(&second, &new, true));
        prop_assert_ne!(change(&first, &new, false), change(&second, &other, false));
    }

    /// Text relative to its release has no trace of the name as a word, and what stands inside other words stays.
    #[test]
    fn relative_texts(release in "[a-z]{2,8}", word in "[A-Z]{1,5}") {
        let relative = Relative::to(&release, &format!("{release}-ns"));
        let text = format!("{release}-{word}.{release}-ns.svc/{word}{release}");
        let made = relative.text(&text);
        prop_assert_eq!(made, format!("\u{1}r-{word}.\u{1}n.svc/{word}{release}"));
    }
}
