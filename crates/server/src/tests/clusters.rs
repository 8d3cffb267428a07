//! Clusters on the pages and in the API: the forms, what they never send back, and who may do what.

use http::{Method, StatusCode};
use serde_json::json;

use super::site::Site;

const KUBECONFIG: &str = "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
    clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: a, user: {token: s3cret}}]\n";

/// A cluster that does not answer is not added: the form says why, keeps what was typed and sends no secret back.
#[tokio::test]
async fn adding_by_a_form() {
    let (_site, ada) = Site::set_up().await;
    let fields = [
        ("name", "eu-central"),
        ("admits", "sandbox"),
        ("kubeconfig", KUBECONFIG),
        ("namespaces", "a, b"),
    ];
    let again = ada.form("/new/kubernetes-cluster", &fields).await.expect(StatusCode::BAD_GATEWAY);
    assert!(again.words().contains("was not reached"), "{}", again.words());
    assert!(again.text.contains(r#"value="eu-central""#) && again.text.contains(r#"value="a, b""#));
    assert!(!again.text.contains("s3cret"), "a kubeconfig is never sent back");
    let by_exec = KUBECONFIG.replace("{token: s3cret}", "{exec: {command: sh}}");
    let fields = [("name", "eu-central"), ("admits", "both"), ("kubeconfig", by_exec.as_str())];
    let refused =
        ada.form("/new/kubernetes-cluster", &fields).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"id="kubeconfig-errors""#), "{}", refused.words());
    assert!(
        !refused.text.contains("The cluster that this server runs in"),
        "not offered outside of one"
    );
    let answer =
        ada.post("/api/v1/clusters", &json!({ "name": "eu", "kubeconfig": KUBECONFIG })).await;
    assert!(!answer.expect(StatusCode::BAD_GATEWAY).text.contains("s3cret"));
}

/// Settings are changed by form and call; the page shows the last check and looks again.
#[tokio::test]
async fn changing_and_checking() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let fields = [("admits", "sandbox"), ("namespaces", "one two")];
    ada.form("/clusters/demo/change", &fields).await.expect(StatusCode::SEE_OTHER);
    let page = ada.get("/clusters/demo").await.expect(StatusCode::OK).words();
    assert!(page.contains("admits sandbox") && page.contains("one, two"), "{page}");
    assert!(page.contains("it answers, and nothing is missing"), "{page}");
    ada.form("/clusters/demo/check", &[]).await.expect(StatusCode::SEE_OTHER);

    let change = json!({ "namespaces": [] });
    let path = "/api/v1/clusters/demo";
    let changed = ada.json(Method::PATCH, path, &change).await.expect(StatusCode::OK).json();
    assert_eq!((&changed["namespaces"], &changed["admits"]), (&json!([]), &json!("sandbox")));
    let qa = site.token("qa").await;
    qa.get(path).await.expect(StatusCode::OK);
    qa.json(Method::PATCH, path, &change).await.expect(StatusCode::FORBIDDEN);
    qa.post("/api/v1/clusters/demo/check", &json!({})).await.expect(StatusCode::FORBIDDEN);
    let rights = qa.get("/api/v1/cluster-rights?namespaces=shop").await.expect(StatusCode::OK);
    assert!(rights.text.contains("kind: RoleBinding"), "{}", rights.text);
}

/// The account that an environment acts as is set by form and call.
#[tokio::test]
async fn accounts() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let new = json!({ "name": "dev", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
    let wrong = [("service_account", "a/b/c")];
    let refused = ada.form("/environments/dev/account", &wrong).await;
    refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("service_account", "deployer")];
    ada.form("/environments/dev/account", &right).await.expect(StatusCode::SEE_OTHER);
    let page = ada.get("/environments/dev").await.words();
    assert!(page.contains("acts as service account parcel-dev/deployer"), "{page}");
    let none = json!({ "service_account": "" });
    let changed = ada.json(Method::PATCH, "/api/v1/environments/dev", &none).await;
    assert_eq!(changed.expect(StatusCode::OK).json()["service_account"], json!(null));
}
