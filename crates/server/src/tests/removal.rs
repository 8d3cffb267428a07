//! Removing an environment: calls and pages, without JavaScript.

use http::StatusCode;
use serde_json::json;

use super::site::{Asking, Site, ended};

/// Makes environment `qa` and waits until it runs; its id.
async fn running(site: &Site, ada: &Asking) -> String {
    site.ground(ada).await;
    made(site, ada).await
}

async fn made(site: &Site, ada: &Asking) -> String {
    let new = json!({ "name": "qa", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    let made = ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED).json();
    ended(site, &made["op"]).await;
    made["environment"]["id"].as_str().unwrap().to_owned()
}

/// `DELETE` answers the Op, once for a key; while it runs, and afterwards, what is asked for is a conflict.
#[tokio::test]
async fn calls() {
    let (site, ada) = Site::at_work().await;
    let id = running(&site, &ada).await;
    let outline = ada.get("/api/v1/environments/qa/removal").await.expect(StatusCode::OK).json();
    assert_eq!(outline["number"], 1);
    assert!(outline["objects"].to_string().contains("Deployment/"), "{outline}");

    let keyed = ada.with("idempotency-key", "k-9");
    let path = "/api/v1/environments/qa?reason=over";
    let op = keyed.delete(path).await.expect(StatusCode::OK);
    assert_eq!(keyed.delete(path).await.expect(StatusCode::OK).text, op.text);
    let op = op.json();
    assert_eq!((&op["kind"], &op["reason"]), (&json!("removal"), &json!("over")));
    assert!(op.get("deployment").is_none() && op.get("number").is_none(), "{op}");
    ended(&site, &op).await;
    let op = ada.get(&format!("/api/v1/ops/{}", op["id"].as_str().unwrap())).await.json();
    assert_eq!(op["state"], "succeeded", "{op:#}");

    ada.get("/api/v1/environments/qa").await.expect(StatusCode::NOT_FOUND);
    let by_id = format!("/api/v1/environments/{id}");
    let gone = ada.get(&by_id).await.expect(StatusCode::OK).json();
    assert_eq!((&gone["state"], &gone["status"]), (&json!("deleted"), &json!("deleted")));
    ada.delete(&by_id).await.expect(StatusCode::CONFLICT);
    ada.post(&format!("{by_id}/keep"), &json!({})).await.expect(StatusCode::CONFLICT);
    ada.post(&format!("{by_id}/deployments"), &json!({})).await.expect(StatusCode::CONFLICT);
    assert_eq!(ada.get("/api/v1/environments").await.json()["count"]["exact"], 0);
    let deleted = ada.get("/api/v1/environments?status=deleted").await.json();
    assert_eq!(deleted["items"][0]["id"], id);
}

/// The form says what goes, wants the name, and leads to the Op; from there everything that is left can be read.
#[tokio::test]
async fn pages() {
    let (site, ada) = Site::at_work().await;
    let id = running(&site, &ada).await;
    let page = ada.get("/environments/qa").await.expect(StatusCode::OK);
    assert!(page.text.contains(r#"href="/environments/qa/remove""#), "{}", page.words());
    let form = ada.get("/environments/qa/remove").await.expect(StatusCode::OK);
    assert!(form.text.contains("<code>Deployment/qa-"), "{}", form.words());
    let foot = form.words();
    assert!(foot.contains("Uninstalling qa will delete "), "{foot}");

    let wrong = [("name", "prod"), ("how", "uninstall"), ("reason", "over & out")];
    let refused = ada.form("/environments/qa/remove", &wrong).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("which is `qa`"));
    assert!(refused.text.contains("over &#38; out"), "what was typed is kept");
    let right = [("name", "qa"), ("how", "uninstall"), ("reason", "over & out")];
    let sent = ada.form("/environments/qa/remove", &right).await.expect(StatusCode::SEE_OTHER);
    let op = sent.location().to_owned();
    assert!(op.starts_with("/ops/op_"), "{op}");
    let page = ada.get(&op).await.expect(StatusCode::OK);
    assert!(page.words().contains("Removal of qa"), "{}", page.words());

    ended(&site, &json!({ "id": op.trim_start_matches("/ops/") })).await;
    let page = ada.get(&op).await.expect(StatusCode::OK);
    for said in ["qa was removed", "Wait until gone", "over &#38; out", " gone"] {
        assert!(page.text.contains(said), "{said}: {}", page.words());
    }
    let log = ada.get(&format!("{op}/log")).await.expect(StatusCode::OK);
    assert!(log.text.contains("deleted"), "{}", log.text);

    ada.get("/environments/qa").await.expect(StatusCode::NOT_FOUND);
    for tab in ["", "/deployments", "/values"] {
        let page = ada.get(&format!("/environments/{id}{tab}")).await.expect(StatusCode::OK);
        assert!(page.words().contains("This environment was removed"), "{}", page.words());
        assert!(!page.text.contains("<span>newest</span>"), "nothing runs there: {tab}");
        assert!(!page.text.contains("/deploy\""), "nothing can be deployed there: {tab}");
        assert!(!page.text.contains("/environments/qa"), "its name may be another one's: {tab}");
    }
    let first = ada.get(&format!("/environments/{id}/deployments/1")).await.expect(StatusCode::OK);
    assert!(!first.text.contains("/environments/qa"), "{}", first.text);
    let list = ada.get("/environments?status=deleted").await.expect(StatusCode::OK);
    assert!(list.text.contains(&format!("/environments/{id}")), "{}", list.words());
    let all = ada.get("/deployments").await.expect(StatusCode::OK);
    assert!(all.text.contains(&format!("/environments/{id}/deployments/1")), "{}", all.words());

    // Another one may have the name now; the old address leads to the old one still.
    let new = made(&site, &ada).await;
    let page = ada.get("/environments/qa").await.expect(StatusCode::OK);
    assert!(!page.words().contains("This environment was removed") && new != id);
    assert!(page.text.contains("/environments/qa/deployments/1"));
}

/// A deployment's Op leads to that deployment's page; a role that may not remove is told so.
#[tokio::test]
async fn who_and_where() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let production = json!({
        "name": "northwind-prod", "app": "Parcel", "kind": "production", "cluster": "demo"
    });
    let made = ada.post("/api/v1/environments", &production).await.expect(StatusCode::CREATED);
    let op = made.json()["op"]["id"].as_str().unwrap().to_owned();
    let leads = ada.get(&format!("/ops/{op}")).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(leads.location(), "/environments/northwind-prod/deployments/1");

    let path = "/api/v1/environments/northwind-prod";
    site.token("developer").await.delete(path).await.expect(StatusCode::FORBIDDEN);
    let qa = site.token("qa").await;
    qa.delete(path).await.expect(StatusCode::NOT_FOUND);
    // Nobody carries it out: it waits, can be cancelled, and the environment is as before.
    let asked = ada.delete(path).await.expect(StatusCode::OK).json();
    let op = asked["id"].as_str().unwrap();
    qa.get(&format!("/api/v1/ops/{op}")).await.expect(StatusCode::NOT_FOUND);
    ada.delete(path).await.expect(StatusCode::CONFLICT);
    let waiting = ada.get("/environments/northwind-prod").await.expect(StatusCode::OK);
    assert!(waiting.words().contains("Waits to be removed"), "{}", waiting.words());
    let deploying = ada.post(&format!("{path}/deployments"), &json!({})).await;
    deploying.expect(StatusCode::CONFLICT);
    ada.form(&format!("/ops/{op}/cancel"), &[]).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(ada.get(path).await.json()["state"], "creating");
}
