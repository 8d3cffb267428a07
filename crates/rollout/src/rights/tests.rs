//! The manifest in full, and what a cluster that allows a part of it is told to lack.

use serde_json::json;

use super::*;
use crate::testing::FakeServer;

fn options(namespaces: &[&str], impersonation: Impersonation) -> ManifestOptions {
    ManifestOptions {
        account: "landfall".to_owned(),
        account_namespace: "landfall".to_owned(),
        namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
        impersonation,
    }
}

/// An account that only lends itself to those of environments needs one rule.
#[test]
fn only_impersonation() {
    insta::assert_snapshot!(manifest(&options(&["shop"], Impersonation::Only)));
}

/// The whole cluster.
#[test]
fn whole_cluster() {
    insta::assert_snapshot!(manifest(&options(&[], Impersonation::Also)));
}

/// A namespace has the same rights inside, and none beyond it.
#[test]
fn one_namespace() {
    let text = manifest(&options(&["shop"], Impersonation::No));
    assert!(!text.contains("ClusterRole") && !text.contains("customresourcedefinitions"), "{text}");
    assert!(text.contains("resourceNames: [shop]"), "{text}");
}

const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

/// What is on the cluster's list is not asked for again; what is missing is told with what it is for.
#[tokio::test]
async fn missing_rights() {
    let server = FakeServer::default();
    let all = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    server.answer_posts(
        RULES,
        json!({ "status": { "incomplete": false, "resourceRules": [
            all("", &["*", "*/log"], &["get", "list", "watch", "create", "update", "patch", "delete"]),
            all("apps", &["*"], &["get", "list", "watch"]),
            all("batch", &["*"], &["*"]),
            all("*", &["horizontalpodautoscalers", "ingresses", "networkpolicies", "poddisruptionbudgets"], &["*"]),
        ] } }),
    );
    // What is not on the list is asked for by itself.
    let access = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    server.answer_posts(access, json!({ "status": { "allowed": false } }));
    let who = json!({ "status": { "userInfo": { "username": "system:serviceaccount:landfall:landfall" } } });
    server.answer_posts("/apis/authentication.k8s.io/v1/selfsubjectreviews", who);
    let namespaces = ["shop".to_owned()];
    let standing = check(&server.cluster(), &namespaces, Impersonation::Also).await.unwrap();
    let line = |m: &Missing| {
        format!("{} {} in {:?} to {}", m.verbs.join(", "), m.resource, m.namespace, m.purpose)
    };
    insta::assert_snapshot!(standing.missing.iter().map(line).collect::<Vec<_>>().join("\n"), @r#"
    create, patch, delete daemonsets.apps in Some("shop") to deploy workloads and wait for them
    create, patch, delete deployments.apps in Some("shop") to deploy workloads and wait for them
    create, patch, delete replicasets.apps in Some("shop") to deploy workloads and wait for them
    create, patch, delete statefulsets.apps in Some("shop") to deploy workloads and wait for them
    get, list certificates.cert-manager.io in Some("shop") to tell how the certificates of custom domains stand
    get, list, watch, create, patch, delete rolebindings.rbac.authorization.k8s.io in Some("shop") to deploy what charts have
    get, list, watch, create, patch, delete roles.rbac.authorization.k8s.io in Some("shop") to deploy what charts have
    impersonate serviceaccounts in Some("shop") to act as the service accounts of environments
    "#);
    assert_eq!(standing.user.as_deref(), Some("system:serviceaccount:landfall:landfall"));
}
