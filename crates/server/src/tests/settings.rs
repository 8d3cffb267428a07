//! Settings of an App: the API with its `ETag`, and the page as it is without JavaScript.

use http::{Method, StatusCode};
use serde_json::json;

use super::site::Site;

const CALL: &str = "/api/v1/apps/Parcel/settings";
const PAGE: &str = "/apps/Parcel/settings";

/// Settings carry their revision as an `ETag`; a change names only what changes, and one on a stale
/// revision changes nothing.
#[tokio::test]
async fn api() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let before = ada.get(CALL).await.expect(StatusCode::OK);
    assert_eq!(before.headers["etag"], "\"0\"");
    insta::assert_snapshot!(serde_json::to_string_pretty(&before.json()).unwrap(), @r#"
    {
      "revision": 0,
      "helm_mode": "4",
      "masked_values": [],
      "wait_seconds": 300,
      "wait_for_jobs": false,
      "run_tests": false,
      "crds": "create",
      "end_when_hopeless": false,
      "provenance": "off",
      "trusted_keys": [],
      "domains": {
        "template": "",
        "default_host": "",
        "issuer": "",
        "issuer_kind": "cluster_issuer",
        "address": ""
      }
    }
    "#);
    let held = ada.with("if-match", "\"0\"");
    let change = json!({ "wait_seconds": 20, "masked_values": ["**.password"] });
    let changed = held.json(Method::PATCH, CALL, &change).await.expect(StatusCode::OK);
    assert_eq!(changed.headers["etag"], "\"1\"");
    assert_eq!(changed.json()["wait_seconds"], 20);
    assert_eq!(ada.get("/api/v1/apps/Parcel").await.json()["settings"]["wait_seconds"], 20);

    let stale = held.json(Method::PATCH, CALL, &json!({ "wait_seconds": 30 })).await;
    stale.expect(StatusCode::PRECONDITION_FAILED);
    let wrong = json!({ "wait_seconds": 0, "provenance": "required" });
    let refused = ada.json(Method::PATCH, CALL, &wrong).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY).json();
    assert_eq!(refused["errors"][0]["pointer"], "/wait_seconds");
    let unknown = ada.json(Method::PATCH, CALL, &json!({ "wait_second": 30 })).await;
    let unknown = unknown.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("wait_second"), "{}", unknown.text);
    assert_eq!(ada.get(CALL).await.json()["wait_seconds"], 20);

    let qa = site.token("qa").await;
    qa.get(CALL).await.expect(StatusCode::OK);
    qa.json(Method::PATCH, CALL, &change).await.expect(StatusCode::FORBIDDEN);
    let logged = ada.get("/api/v1/audit?action=app.change_settings").await.json();
    assert_eq!(logged["items"][0]["old"], json!({ "masked_values": [], "wait_seconds": 300 }));
}

/// The form: errors on top and at the field with what was typed kept, then what was saved and that it
/// was; another save in between is told, and a second press saves over it.
#[tokio::test]
async fn page() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let form = ada.get(PAGE).await.expect(StatusCode::OK);
    assert!(form.text.contains(r#"name="wait_seconds" value="300""#), "{}", form.text);
    let fields = |wait: &'static str, masked: &'static str| {
        let rest = [("helm_mode", "3"), ("provenance", "off"), ("based_on", "0")];
        [&[("wait_seconds", wait), ("masked_values", masked)][..], &rest].concat()
    };
    let refused = ada.form(PAGE, &fields("soon", "db.password\r\na..b")).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"id="wait_seconds-errors""#), "{}", refused.words());
    assert!(refused.text.contains(r#"id="masked_values-errors""#), "{}", refused.words());
    assert!(refused.text.contains("db.password\na..b</textarea>"), "{}", refused.text);
    assert!(refused.text.contains(r#"value="soon""#), "{}", refused.text);

    let saved =
        ada.form(PAGE, &fields("45", "db.password\r\n")).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(saved.location(), "/apps/Parcel/settings?saved=1");
    let shown = ada.get(saved.location()).await.expect(StatusCode::OK);
    assert!(shown.words().contains("The settings are saved."), "{}", shown.words());
    assert!(shown.text.contains(r#"value="3" checked"#), "{}", shown.text);

    let overtaken = ada.form(PAGE, &fields("50", "")).await.expect(StatusCode::CONFLICT);
    assert!(overtaken.words().contains("Someone else has changed"), "{}", overtaken.words());
    assert!(overtaken.text.contains(r#"name="based_on" value="1""#), "{}", overtaken.text);
    assert!(overtaken.text.contains(r#"value="50""#), "{}", overtaken.text);
    assert!(!ada.get("/apps/Parcel/settings?saved=0").await.words().contains("are saved"));
}
