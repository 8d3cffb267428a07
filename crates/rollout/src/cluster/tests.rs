//! Requests, retries, discovery and the words of errors, against a scripted API server.

use super::*;
use crate::testing::{FakeServer, Fault};
use serde_json::json;

fn key(kind: &str) -> ObjectKey {
    ObjectKey {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: Some("prod".to_owned()),
        name: "a".to_owned(),
    }
}

const CONFIG_MAP: &str = "/api/v1/namespaces/prod/configmaps/a";

async fn get(server: &FakeServer) -> Result<Option<serde_json::Value>, ClusterError> {
    let cluster = server.cluster();
    let resource = cluster.resource(&key("ConfigMap")).await.unwrap();
    cluster.get(&resource, &key("ConfigMap")).await
}

/// What may pass is tried again; nobody notices.
#[tokio::test]
async fn transient_failures_are_tried_again() {
    let server = FakeServer::default();
    server.put(CONFIG_MAP, json!({ "metadata": { "name": "a" } }));
    for code in [429, 500, 503, 504] {
        server.fail(&format!("GET {CONFIG_MAP}"), Fault::Refuse(code));
    }
    assert_eq!(get(&server).await.unwrap().unwrap()["metadata"]["name"], "a");
}

/// What does not pass ends in an error that says so.
#[tokio::test]
async fn lasting_failures_end() {
    let server = FakeServer::default();
    for _ in 0..5 {
        server.fail(&format!("GET {CONFIG_MAP}"), Fault::Refuse(503));
    }
    let error = get(&server).await.unwrap_err();
    assert!(error.is_transient());
    insta::assert_snapshot!(error, @"cluster `demo` refused reading ConfigMap/prod/a: told to fail");
}

/// A refusal for good is not tried again; not there is no error.
#[tokio::test]
async fn refusals_are_final() {
    let server = FakeServer::default();
    assert_eq!(get(&server).await.unwrap(), None);
    server.fail(&format!("GET {CONFIG_MAP}"), Fault::Refuse(401));
    insta::assert_snapshot!(get(&server).await.unwrap_err(), @"cluster `demo` did not accept the credentials while reading ConfigMap/prod/a; give it a valid token");
}

/// One dead API group spoils nothing; what charts are told is sorted and has the kinds too.
#[tokio::test]
async fn discovery_survives_a_dead_group() {
    let capabilities = FakeServer::default().cluster().capabilities().await.unwrap();
    assert_eq!(capabilities.kube_version.version, "v1.37.1");
    insta::assert_snapshot!(capabilities.api_versions.join(" "), @"apiextensions.k8s.io/v1 apiextensions.k8s.io/v1/CustomResourceDefinition apps/v1 apps/v1/Deployment apps/v1/ReplicaSet batch/v1 batch/v1/Job v1 v1/ConfigMap v1/Event v1/Namespace v1/Pod v1/Secret v1/Service");
}

/// A kind nobody knows is asked for once more, then refused in Helm's words.
#[tokio::test]
async fn unknown_kinds() {
    let error = FakeServer::default().cluster().resource(&key("Nope")).await.unwrap_err();
    insta::assert_snapshot!(error, @r#"
    resource mapping not found for name: "a" namespace: "prod" from "": no matches for kind "Nope" in version "v1"
    ensure CRDs are installed first
    "#);
}

/// Addresses and certificates that cannot be used are refused before anything is sent.
#[tokio::test]
async fn bad_configurations() {
    let refused = |server: &str, ca: Option<&str>| {
        let config = ClusterConfig::with_token("demo", server, ca.map(str::to_owned), "t");
        Cluster::connect(config).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("10.0.0.1:6443", None), @"cluster `demo` cannot be used as configured: `10.0.0.1:6443` must begin with https://");
    insta::assert_snapshot!(refused("https://10.0.0.1:6443", Some("hello")), @"cluster `demo` cannot be used as configured: the CA certificate holds no certificate; give it as PEM");
}

/// A server that is not there is named, with the reason and what to look at.
#[tokio::test]
async fn unreachable() {
    let config = ClusterConfig::with_token("demo", "https://127.0.0.1:1", None, "t");
    let error = Cluster::connect(config).unwrap().version().await.unwrap_err();
    assert!(error.is_transient());
    insta::assert_snapshot!(error, @"cluster `demo` was not reached while asking for its version: Connection refused (os error 111); check that its address is right and that it can be reached from here");
}

/// Server-side apply answers 500 to what will never fit; that is not tried again.
#[test]
fn misfits_are_final() {
    let refused = |code, message: &str| ClusterError::Refused {
        cluster: "demo".to_owned(),
        doing: "applying ConfigMap/prod/a".to_owned(),
        code,
        reason: String::new(),
        message: message.to_owned(),
    };
    let misfit = "failed to create typed patch object (prod/a; v1, Kind=ConfigMap): .data.k: expected string";
    assert!(!refused(500, misfit).is_transient());
    assert!(refused(500, "etcdserver: leader changed").is_transient());
    assert!(!refused(422, "field is immutable").is_transient());
}
