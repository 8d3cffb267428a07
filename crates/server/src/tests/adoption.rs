//! Adopting a Helm release and checking for drift: calls and pages, without JavaScript.

use http::StatusCode;
use serde_json::{Value, json};

use super::site::{Asking, Site, ended};

/// Leaves Helm release `qa` in the cluster, which no environment has.
async fn left_behind(site: &Site, ada: &Asking) {
    site.ground(ada).await;
    let new = json!({ "name": "qa", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    let made = ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED).json();
    ended(site, &made["op"]).await;
    let op = ada.delete("/api/v1/environments/qa?forget=true").await.expect(StatusCode::OK).json();
    ended(site, &op).await;
}

/// From the link where environments are made to the adopted environment, its history and a drift check.
#[tokio::test]
async fn pages() {
    let (site, ada) = Site::at_work().await;
    left_behind(&site, &ada).await;
    let new = ada.get("/new/environment").await.expect(StatusCode::OK);
    assert!(new.text.contains(r#"href="/new/adoption""#), "{}", new.words());
    let form = ada.get("/new/adoption").await.expect(StatusCode::OK);
    assert!(form.words().contains("Show its Helm releases"), "{}", form.words());
    let form = ada.get("/new/adoption?cluster=demo").await.expect(StatusCode::OK);
    assert!(form.text.contains(r#"value="parcel-qa/qa" required checked"#), "{}", form.text);
    let none = ada.get("/new/adoption?cluster=demo&within=empty").await.expect(StatusCode::OK);
    assert!(none.words().contains("No Helm release to adopt"), "{}", none.words());

    let wrong = [("cluster", "demo"), ("pick", "parcel-qa/qa"), ("app", "Parcel"), ("name", "Q A")];
    let refused = ada.form("/new/adoption", &wrong).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"value="Q A""#), "what was typed is kept: {}", refused.text);
    let right = [("cluster", "demo"), ("pick", "parcel-qa/qa"), ("app", "Parcel"), ("name", "")];
    let made = ada.form("/new/adoption", &right).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(made.location(), "/environments/qa");
    let page = ada.get("/environments/qa").await.expect(StatusCode::OK);
    for said in ["Running", "Helm revision 1", "adopted", "Install complete", "Check now"] {
        assert!(page.words().contains(said), "{said}: {}", page.words());
    }
    assert!(page.words().contains("Deploy new version"), "{}", page.words());
    let history = ada.get("/environments/qa/deployments").await.expect(StatusCode::OK);
    assert!(history.words().contains("Helm revision 1"), "{}", history.words());
    ada.get("/environments/qa/values").await.expect(StatusCode::OK);
    ada.get("/environments/qa/deploy").await.expect(StatusCode::OK);
    let remove = ada.get("/environments/qa/remove").await.expect(StatusCode::OK);
    assert!(remove.words().contains("By its revision 1 it has"), "{}", remove.words());
    ada.get("/environments").await.expect(StatusCode::OK);

    let checked = ada.form("/environments/qa/drift", &[]).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(checked.location(), "/environments/qa#drift");
    let page = ada.get("/environments/qa").await.expect(StatusCode::OK);
    for said in ["As deployed", "Check again"] {
        assert!(page.words().contains(said), "{said}: {}", page.words());
    }
}

/// An adoption is made once for a key; what is observed and what drifted is read by whoever sees the environment.
#[tokio::test]
async fn calls() {
    let (site, ada) = Site::at_work().await;
    left_behind(&site, &ada).await;
    let list = "/api/v1/clusters/demo/adoptable-releases";
    let found = ada.get(list).await.expect(StatusCode::OK).json();
    assert_eq!((&found["releases"][0]["name"], &found["more"]), (&json!("qa"), &json!(false)));
    let new = json!({
        "cluster": "demo", "namespace": "parcel-qa", "release_name": "qa", "app": "Parcel", "kind": "production",
    });
    let developer = site.token("developer").await;
    developer.get(list).await.expect(StatusCode::FORBIDDEN);
    developer.post("/api/v1/adoptions", &new).await.expect(StatusCode::FORBIDDEN);
    let keyed = ada.with("idempotency-key", "k-1");
    let made = keyed.post("/api/v1/adoptions", &new).await.expect(StatusCode::CREATED);
    assert_eq!(keyed.post("/api/v1/adoptions", &new).await.text, made.text);
    let made = made.json();
    assert_eq!((&made["environment"]["state"], &made["warnings"]), (&json!("active"), &json!([])));

    let path = "/api/v1/environments/qa";
    let seen = developer.get(&format!("{path}/observed-revisions")).await.expect(StatusCode::OK);
    assert_eq!(seen.json()["items"][0]["cause"], "adopted");
    let drift = format!("{path}/drift");
    assert_eq!(developer.get(&drift).await.expect(StatusCode::OK).json(), Value::Null);
    developer.post(&drift, &json!({})).await.expect(StatusCode::FORBIDDEN);
    let check = ada.post(&drift, &json!({})).await.expect(StatusCode::OK).json();
    assert_eq!(check["objects"], json!([]), "{check:#}");
    assert_eq!(developer.get(&drift).await.expect(StatusCode::OK).json(), check);
    let qa = site.token("qa").await;
    qa.get(&drift).await.expect(StatusCode::NOT_FOUND);
    qa.get(&format!("{path}/observed-revisions")).await.expect(StatusCode::NOT_FOUND);
}
