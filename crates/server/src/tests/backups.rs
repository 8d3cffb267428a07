//! Backups through the pages: where they can be restored to, and what a refused form keeps.

use http::StatusCode;
use serde_json::json;

use super::site::{Asking, Site, ended};

/// An environment that runs.
async fn running(site: &Site, ada: &Asking, name: &str) {
    let body = json!({ "name": name, "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    let made = ada.post("/api/v1/environments", &body).await.expect(StatusCode::CREATED).json();
    ended(site, &made["op"]).await;
}

/// The own environment needs no list: it is meant where nothing else is typed. Others are offered by name, and any may be
/// typed; what is none is told at the field.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_backup_goes() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    for name in ["zurich", "athens"] {
        running(&site, &ada, name).await;
    }
    let made = ada.post("/api/v1/environments/zurich/backups", &json!({})).await;
    ended(&site, &made.expect(StatusCode::CREATED).json()["op"]).await;

    let path = "/environments/zurich/backups/1/restore";
    let page = ada.get(path).await.expect(StatusCode::OK);
    assert!(page.text.contains(r#"placeholder="zurich""#), "{}", page.text);
    assert!(page.text.contains(r#"<option value="athens">"#), "{}", page.text);
    assert!(!page.text.contains(r#"<option value="zurich">"#), "{}", page.text);

    // The name of where it goes is that of the environment that was chosen, and of no other.
    let unmeant = ada.form(path, &[("to", "athens"), ("name", "zurich")]).await;
    let unmeant = unmeant.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unmeant.words().contains("which is `athens`."), "{}", unmeant.words());
    assert!(unmeant.text.contains(r#"name="to" value="athens""#), "{}", unmeant.text);
    ada.form(path, &[("to", "nowhere"), ("name", "nowhere")]).await.expect(StatusCode::NOT_FOUND);
    let own = ada.form(path, &[("to", ""), ("name", "zurich")]).await;
    assert_eq!(own.expect(StatusCode::SEE_OTHER).location(), "/environments/zurich/deployments/2");
    let other = ada.form(path, &[("to", "athens"), ("name", "athens")]).await;
    assert_eq!(
        other.expect(StatusCode::SEE_OTHER).location(),
        "/environments/athens/deployments/2"
    );
}

/// A refused form shows what was typed, each problem at its field.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    running(&site, &ada, "dev").await;
    let note = "much to remember ".repeat(60);
    let refused = ada.form("/environments/dev/backups", &[("note", &note)]).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("This note is too long."), "{}", refused.words());
    assert!(refused.text.contains(&note), "{}", refused.text);

    let typed = [("every_hours", "often"), ("keep", "many"), ("before_deployments", "true")];
    let refused = ada.form("/environments/dev/backups/schedule", &typed).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["This is no interval.", "So many backups cannot be kept."] {
        assert!(refused.text.contains(told), "{}", refused.words());
    }
    for (name, value) in typed {
        assert!(refused.text.contains(&format!(r#"name="{name}" value="{value}""#)), "{name}");
    }
}
