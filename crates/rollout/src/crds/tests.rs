//! Definitions against a server: what each policy sends, and what is told of files that cannot be installed.

use serde_json::json;

use super::*;
use crate::RolloutError;
use crate::testing::{FakeServer, Fault};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "orders.example.org" },
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": { "kind": "Order", "plural": "orders" },
            "versions": [{ "name": "v1", "served": true }, { "name": "v1alpha1", "served": false }],
        },
    })
}

fn crds(policy: CrdPolicy) -> Crds {
    let file = ("shop/crds/order.yaml".to_owned(), definition().to_string());
    Crds::parse([file], policy).unwrap()
}

/// A server on which a definition takes effect as soon as it is there.
fn server() -> FakeServer {
    let server = FakeServer::default();
    let conditions = json!([{ "type": "Established", "status": "True" }]);
    server.on_create("CustomResourceDefinition", json!({ "status": { "conditions": conditions } }));
    server
}

async fn installed(server: &FakeServer, policy: CrdPolicy) -> Result<Installed, RolloutError> {
    let cluster = server.cluster();
    install(server.execution(&cluster), &crds(policy), "prod").await
}

/// What is missing is created under either policy; what exists is sent only to be upgraded; what is skipped is nothing.
#[tokio::test]
async fn policies() {
    let one = format!("PATCH {CRDS}/orders.example.org");
    let (created, upgraded, left) = (
        Installed { created: 1, ..Installed::default() },
        Installed { upgraded: 1, ..Installed::default() },
        Installed { left: 1, ..Installed::default() },
    );
    let server = server();
    assert_eq!(installed(&server, CrdPolicy::Skip).await.unwrap(), Installed::default());
    assert_eq!(server.take_writes(), [""; 0]);
    assert_eq!(installed(&server, CrdPolicy::Create).await.unwrap(), created);
    assert_eq!(server.take_writes(), std::slice::from_ref(&one));
    assert_eq!(installed(&server, CrdPolicy::Create).await.unwrap(), left);
    assert_eq!(server.take_writes(), [""; 0]);
    assert_eq!(installed(&server, CrdPolicy::CreateAndUpgrade).await.unwrap(), upgraded);
    assert_eq!(server.take_writes(), [one]);
    let stored = server.get(&format!("{CRDS}/orders.example.org")).unwrap();
    assert_eq!(stored["metadata"].get("labels"), None, "it belongs to no release");
}

/// What a definition adds for charts to see; versions that are not served add nothing.
#[test]
fn kinds() {
    assert_eq!(crds(CrdPolicy::Create).api_versions(), ["example.org/v1", "example.org/v1/Order"]);
}

/// A refused or broken file is told by its path, in Helm's words.
#[tokio::test]
async fn failures() {
    let server = server();
    server.fail(&format!("PATCH {CRDS}"), Fault::Refuse(422));
    let refused = installed(&server, CrdPolicy::Create).await.unwrap_err();
    insta::assert_snapshot!(refused, @"failed to install CRD shop/crds/order.yaml: server-side apply failed for object /orders.example.org apiextensions.k8s.io/v1, Kind=CustomResourceDefinition: told to fail");
    let read = |text: &str| {
        Crds::parse([("c/crds/a.yaml".to_owned(), text.to_owned())], CrdPolicy::Create)
    };
    insta::assert_snapshot!(read("# nothing\n").unwrap_err(), @"failed to install CRD c/crds/a.yaml: resources are empty");
    insta::assert_snapshot!(read("a: [").unwrap_err(), @"failed to install CRD c/crds/a.yaml");
}
