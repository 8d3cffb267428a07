//! The pages as they are without JavaScript: forms, links, what empty and wrong states say.

use http::{Method, StatusCode};
use serde_json::json;

use super::site::{Asking, Site};
use crate::routes::{Surface, table};

async fn environment(ada: &Asking, name: &str) {
    let new = json!({ "name": name, "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
}

/// The tests in Chromium look at every page of the table: they read which there are from this list.
/// `LANDFALL_WRITE_PAGES=1` writes it anew.
#[test]
fn the_browser_tests_know_every_page() {
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/browser/support/pages.json");
    let pages = table().into_iter().filter(|it| it.surface == Surface::Page);
    let mut shown: Vec<String> =
        pages.filter(|it| it.method == Method::GET).map(|it| it.path).collect();
    shown.sort();
    let shown = serde_json::to_string_pretty(&shown).unwrap() + "\n";
    if std::env::var_os("LANDFALL_WRITE_PAGES").is_some() {
        std::fs::write(list, &shown).unwrap();
    }
    let known = std::fs::read_to_string(list).unwrap();
    assert_eq!(known, shown, "run this test once with LANDFALL_WRITE_PAGES=1");
}

/// Every page that needs nothing answers, in an empty installation and in one with a product.
#[tokio::test]
async fn every_page_answers() {
    let (site, ada) = Site::set_up().await;
    let plain = [
        "/environments",
        "/deployments",
        "/releases",
        "/apps",
        "/clusters",
        "/tokens",
        "/find",
        "/find?q=par",
        "/new/environment",
        "/new/release",
        "/new/app",
        "/new/cluster",
        "/new/kubernetes-cluster",
        "/new/cluster-rights",
        "/new/cluster-rights?namespaces=a,b&impersonation=only",
        "/environments?kind=production&search=x&status=failed&sort=name",
        "/deployments?state=running",
        "/batches",
    ];
    for path in plain {
        ada.get(path).await.expect(StatusCode::OK);
    }
    site.ground(&ada).await;
    environment(&ada, "northwind-dev").await;
    let filled = [
        "/environments/northwind-dev",
        "/environments/northwind-dev/deployments",
        "/environments/northwind-dev/values",
        "/environments/northwind-dev/deploy",
        "/environments/northwind-dev/deployments/1",
        "/environments/northwind-dev/deployments/1/content",
        "/environments/northwind-dev/deployments/1/log",
        "/environments/northwind-dev/deployments/1/roll-back",
        "/releases/Parcel/2.4.0",
        "/apps/Parcel",
        "/apps/Parcel/values",
        "/apps/Parcel/settings",
        "/environments/northwind-dev/account",
        "/clusters/demo",
        "/clusters/demo/change",
        "/find?q=northwind-dev%231",
    ];
    for path in plain.iter().chain(&filled) {
        let page = ada.get(path).await.expect(StatusCode::OK);
        assert!(!page.text.contains(" style="), "{path}: the policy would drop inline styles");
    }
    for simulated in [
        "/clusters",
        "/clusters/demo",
        "/environments",
        "/environments/northwind-dev",
        "/environments/northwind-dev/deploy",
    ] {
        assert!(ada.get(simulated).await.text.contains("simulated"), "{simulated}");
    }
}

/// An empty installation says what to do first, step by step.
#[tokio::test]
async fn what_to_do_first() {
    let (_site, ada) = Site::set_up().await;
    for (page, first) in [
        ("/environments", "/new/app"),
        ("/releases", "/new/app"),
        ("/apps", "/new/app"),
        ("/clusters", "/new/kubernetes-cluster"),
        ("/new/environment", "/new/app"),
    ] {
        let page = ada.get(page).await;
        assert!(
            page.text.contains(&format!(r#"class="button main" href="{first}""#)),
            "{}",
            page.words()
        );
    }
}

/// `Add release` by form: what is wrong stands on top and at its field, what was typed is kept, and
/// the right form leads to the release.
#[tokio::test]
async fn add_release() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let form = ada.get("/new/release?app=Parcel").await.expect(StatusCode::OK);
    assert!(
        form.text.contains(r#"name="chart_version" value="0.31.2" checked"#),
        "the newest is chosen"
    );
    assert!(form.words().contains("used by 2.4.0"), "{}", form.words());

    let wrong = [
        ("app", "Parcel"),
        ("tag", "2.4.0"),
        ("changelog", "Fixes **double** charging"),
        ("chart_version", "0.31.2"),
        ("values", "a: [1\r\n"),
    ];
    let refused = ada.form("/new/release", &wrong).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Fixes **double** charging"));
    assert!(
        refused.text.contains(r#"id="tag-errors""#)
            || refused.text.contains(r#"id="values-errors""#),
        "{}",
        refused.words()
    );
    assert!(refused.text.contains(r#"role="alert""#));

    let right = [
        ("app", "Parcel"),
        ("tag", "2.4.1"),
        ("changelog", "Fixes **double** charging"),
        ("chart_version", "0.31.2"),
        ("values", "global:\r\n  returnsV2: true\r\n"),
    ];
    let done = ada.form("/new/release", &right).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(done.location(), "/releases/Parcel/2.4.1");
    let page = ada.get(done.location()).await.expect(StatusCode::OK);
    assert!(page.text.contains("<strong>double</strong>"));
    assert!(page.words().contains("returnsV2"), "{}", page.words());
}

/// A form that is sent twice acts once, without JavaScript.
#[tokio::test]
async fn a_form_sent_twice() {
    let (_site, ada) = Site::set_up().await;
    let fields = [("_key", "once"), ("name", "eu-central"), ("admits", "both")];
    let first = ada.form("/new/cluster", &fields).await.expect(StatusCode::SEE_OTHER);
    let second = ada.form("/new/cluster", &fields).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(first.location(), second.location());
    assert_eq!(ada.get("/api/v1/clusters").await.json()["count"]["exact"], 1);
}

/// Without JavaScript: first the preview, then `Deploy Now` of exactly that; what changed in between
/// is shown anew and asked again.
#[tokio::test]
async fn deploy_without_scripts() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    environment(&ada, "dev").await;
    let path = "/environments/dev/deploy";
    let fields = |preview: &'static str, values: &'static str, action: &'static str| {
        [
            ("release", "2.4.0"),
            ("values", values),
            ("on_failure", "leave"),
            ("preview", preview),
            ("action", action),
        ]
    };
    let shown = ada
        .form(path, &fields("", "web:\r\n  replicas: 3\r\n", "preview"))
        .await
        .expect(StatusCode::OK);
    assert!(shown.words().contains("created"), "{}", shown.words());
    let id =
        shown.text.split(r#"name="preview" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let id: &'static str = id.to_owned().leak();

    let asked_again =
        ada.form(path, &fields(id, "web:\n  replicas: 4\n", "")).await.expect(StatusCode::OK);
    assert!(asked_again.words().contains("press Deploy Now again"), "{}", asked_again.words());

    let done = ada
        .form(path, &fields(id, "web:\r\n  replicas: 3\r\n", ""))
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(done.location(), "/environments/dev/deployments/2");
    let deployment = ada.get("/api/v1/environments/dev/deployments/2").await.json();
    assert_eq!(deployment["plan_policy"], "as_previewed");
}

/// The preview's fragment says what is wrong with the values at their line, for the editor.
#[tokio::test]
async fn preview_fragment() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    environment(&ada, "dev").await;
    let script = ada.with("hx-request", "true");
    let fields = [("release", "2.4.0"), ("values", "web:\n  replicas: [1\n")];
    let fragment = script.form("/environments/dev/preview", &fields).await.expect(StatusCode::OK);
    assert!(fragment.text.contains("data-problem-line="), "{}", fragment.text);
    assert!(fragment.text.contains("data-impossible"), "it cannot be deployed");
    assert!(!fragment.text.contains("<html"), "a fragment, not a page");
    let fields = [("release", "2.4.0"), ("values", "")];
    let fragment = script.form("/environments/dev/preview", &fields).await.expect(StatusCode::OK);
    assert!(fragment.text.contains(r#"name="preview""#), "{}", fragment.text);
}

/// Missing pages and things are told in the frame; the API's in problem details.
#[tokio::test]
async fn errors_in_the_frame() {
    let (_site, ada) = Site::set_up().await;
    for path in [
        "/nothing",
        "/environments/nothing",
        "/releases/Nothing/1",
        "/environments/nothing/deployments/x",
    ] {
        let page = ada.get(path).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
        assert!(page.text.contains("<nav"), "{path} keeps the frame: {}", page.words());
    }
}

/// A token's secret is shown on the page that makes it, and revoking asks for its name.
#[tokio::test]
async fn token_pages() {
    let (_site, ada) = Site::set_up().await;
    let made = ada
        .form("/tokens", &[("name", "laptop"), ("role", "developer"), ("expires_in_days", "90")])
        .await;
    let made = made.expect(StatusCode::OK);
    assert!(made.words().contains("lf_"), "{}", made.words());
    let id = ada.get("/api/v1/tokens").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/tokens/{id}/revoke");
    ada.form(&path, &[("name", "something else")]).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    ada.form(&path, &[("name", "laptop")]).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(ada.get("/api/v1/tokens").await.json()["items"], json!([]));
}

/// A form is taken up to its route's limit, whatever its encoding makes of it, and refused beyond on a page that says so.
/// Nobody who is signed out is read that far.
#[tokio::test]
async fn large_forms() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let path = "/apps/Parcel/values";
    // A megabyte of values; three of a form, since each byte of such letters takes three there.
    let values = format!("# {}\n", "ä".repeat(512 * 1024 - 8));
    let fields = [("values", values.as_str()), ("based_on", "0")];
    let shown = ada.form(path, &fields).await;
    assert!(!shown.text.contains("too_large") && shown.status != StatusCode::PAYLOAD_TOO_LARGE);
    assert!(shown.status != StatusCode::BAD_REQUEST, "{}", shown.words());

    let values = "#".repeat(4 * 1024 * 1024);
    let fields = [("values", values.as_str())];
    let refused = ada.form(path, &fields).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.words().contains("Values may have 1 MiB"), "{}", refused.words());
    let nobody = site.nobody();
    let asked = nobody.form(path, &fields).await.expect(StatusCode::SEE_OTHER);
    assert!(asked.location().starts_with("/sign-in"), "{}", asked.location());
    nobody
        .json(http::Method::PUT, "/api/v1/apps/Parcel/values", &json!({ "values": values }))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let credentials = [("email", values.as_str()), ("password", "x")];
    nobody.form("/sign-in", &credentials).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
}
