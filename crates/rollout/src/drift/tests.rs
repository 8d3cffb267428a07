//! What counts as drift of one object, on plain data.

use serde_json::{Value, json};

use super::own::as_deployed;

/// Whether an object differs from what was deployed.
fn drifts(live: &Value, applied: &Value, sent: &Value) -> bool {
    as_deployed(live, applied, sent) != *live
}

fn deployment(replicas: u32, containers: &Value) -> Value {
    json!({ "kind": "Deployment", "spec": {
        "replicas": replicas, "template": { "spec": { "containers": containers } },
    }})
}

/// A field of ours that the dry run would set back is drift; so is one that it would take away.
#[test]
fn own_fields() {
    let sent = deployment(2, &json!([{ "name": "web", "image": "web:1" }]));
    let scaled = deployment(5, &json!([{ "name": "web", "image": "web:1" }]));
    assert_eq!(as_deployed(&scaled, &sent, &sent), sent);
    let edited = deployment(2, &json!([{ "name": "web", "image": "web:2" }]));
    assert_eq!(as_deployed(&edited, &sent, &sent), sent);
    let more = deployment(2, &json!([{ "name": "web", "image": "web:1", "args": ["-v"] }]));
    assert!(drifts(&more, &sent, &sent));
    let lost = deployment(2, &json!([]));
    assert_eq!(as_deployed(&lost, &sent, &sent), sent);
    assert!(!drifts(&sent, &sent, &sent));
}

/// What a webhook sets otherwise at every request, and containers that it brings, are none of ours.
#[test]
fn fields_of_webhooks() {
    let sent = json!({ "metadata": { "annotations": { "a": "1" } }, "spec": { "containers": [{ "name": "web" }] } });
    let at = |time: &str| {
        json!({
            "metadata": { "annotations": { "a": "1", "injected-at": time } },
            "spec": { "containers": [{ "name": "proxy", "env": [{ "name": "AT", "value": time }] }, { "name": "web" }] },
        })
    };
    assert!(!drifts(&at("1"), &at("2"), &sent));
    // One that comes only now was not there when it was deployed.
    let before = json!({ "metadata": { "annotations": { "a": "1" } }, "spec": { "containers": [{ "name": "web" }] } });
    assert!(!drifts(&before, &at("1"), &sent));
}

/// Items are told apart by their names whatever their order; lists without names are compared whole.
#[test]
fn lists() {
    let env = |names: &[&str]| -> Value {
        json!({ "env": names.iter().map(|name| json!({ "name": name, "value": "x" })).collect::<Vec<_>>() })
    };
    assert!(!drifts(&env(&["b", "a"]), &env(&["a", "b"]), &env(&["a", "b"])));
    assert!(drifts(&env(&["a"]), &env(&["a", "b"]), &env(&["a", "b"])));
    let args = |args: &[&str]| json!({ "args": args });
    assert!(drifts(&args(&["-q"]), &args(&["-v"]), &args(&["-v"])));
    assert!(!drifts(&args(&["-q"]), &args(&["-v"]), &json!({})));
}

/// Texts of a Secret are sent in another field than they are kept in.
#[test]
fn secret_texts() {
    let sent = json!({ "kind": "Secret", "stringData": { "token": "new" } });
    let kept = |token: &str| json!({ "kind": "Secret", "data": { "token": token } });
    assert!(drifts(&kept("b2xk"), &kept("bmV3"), &sent));
    assert!(!drifts(&kept("bmV3"), &kept("bmV3"), &sent));
}
