//! Who reaches what: set-up, signing in and out, the walk over the table of routes, what other sites
//! may send, headers.

use http::StatusCode;
use http::header::{COOKIE, SET_COOKIE};

use super::site::Site;
use crate::routes::{Rule, Surface, table};

/// A path of the table with its places filled.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "7" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Signed out, every page leads to the sign-in page and every call answers 401, but for the open ones.
#[tokio::test]
async fn signed_out_nothing_answers() {
    let (site, _) = Site::set_up().await;
    for route in table() {
        let path = filled(&route.path);
        let asking = site.nobody().with("content-type", "application/json");
        let answer = asking.json(route.method.clone(), &path, &serde_json::json!({})).await;
        let place = format!("{} {path}: {}", route.method, answer.status);
        match (route.rule, route.surface) {
            (Rule::SignedIn, Surface::Page) => {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{place}");
                assert!(answer.location().starts_with("/sign-in"), "{place}");
            }
            (Rule::SignedIn, Surface::Api) => {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
                assert_eq!(answer.headers["www-authenticate"], "Bearer", "{place}");
            }
            (Rule::Anyone, _) => {
                assert!(
                    answer.status != StatusCode::UNAUTHORIZED || path.contains("/link/"),
                    "{place}"
                );
                assert!(!answer.location().starts_with("/sign-in?"), "{place}");
            }
        }
    }
}

/// Until someone is set up every page leads to the set-up page, which the printed code opens once.
#[tokio::test]
async fn set_up_once() {
    let site = Site::fresh().await;
    assert_eq!(site.nobody().get("/environments").await.location(), "/set-up");
    assert_eq!(site.nobody().get("/sign-in").await.location(), "/set-up");

    let fields = |code: &str| {
        [
            ("code", code),
            ("email", "ada@example.com"),
            ("name", "Ada"),
            ("password", "correct horse battery"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |code: &str| {
        let fields = fields(code);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        site.nobody().form("/set-up", &fields).await
    };
    let refused = send("wrong").await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"value="ada@example.com""#), "what was typed is kept");
    assert!(!refused.text.contains("correct horse"), "a password is never sent back");
    assert!(refused.text.contains(r#"id="code-errors""#), "{}", refused.words());

    let code = site.setup_code().await;
    let done = send(&code).await.expect(StatusCode::SEE_OTHER);
    let ada = site.nobody().with(COOKIE.as_str(), &done.cookie());
    ada.get("/environments").await.expect(StatusCode::OK);
    assert_eq!(site.nobody().get("/set-up").await.location(), "/sign-in");
}

/// A session begins with the right password, leads back to where one wanted to go, and ends for good.
#[tokio::test]
async fn sign_in_and_out() {
    let (site, _) = Site::set_up().await;
    let back = site.nobody().get("/releases?search=a").await;
    assert_eq!(back.location(), "/sign-in?next=%2Freleases%3Fsearch%3Da");

    let wrong = [("email", "ada@example.com"), ("password", "wrong")];
    let refused = site.nobody().form("/sign-in", &wrong).await.expect(StatusCode::UNAUTHORIZED);
    assert!(refused.text.contains(r#"value="ada@example.com""#));
    assert!(!refused.headers.contains_key(SET_COOKIE));

    let right = [
        ("email", "ada@example.com"),
        ("password", "correct horse battery"),
        ("next", "/releases?search=a"),
    ];
    let done = site.nobody().form("/sign-in", &right).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(done.location(), "/releases?search=a");
    let cookie = done.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");

    let ada = site.nobody().with(COOKIE.as_str(), &done.cookie());
    ada.get("/releases").await.expect(StatusCode::OK);
    ada.form("/sign-out", &[]).await.expect(StatusCode::SEE_OTHER);
    assert!(ada.get("/releases").await.location().starts_with("/sign-in"));
}

/// Guessing is slowed: after so many tries from an address not even the right password is looked at.
#[tokio::test]
async fn guessing_is_slowed() {
    let site = Site::fresh().await;
    let wrong = [("code", "wrong"), ("email", "a@example.com"), ("password", "x")];
    let mut last = StatusCode::OK;
    for _ in 0..21 {
        last = site.nobody().form("/set-up", &wrong).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

/// What another site's page sends is refused, form and call alike.
#[tokio::test]
async fn other_sites_are_refused() {
    let (_site, ada) = Site::set_up().await;
    let elsewhere = ada.with("sec-fetch-site", "cross-site").with("origin", "https://example.net");
    elsewhere.form("/sign-out", &[]).await.expect(StatusCode::FORBIDDEN);
    let cluster = serde_json::json!({ "name": "demo", "admits": "both" });
    elsewhere.post("/api/v1/clusters/simulated", &cluster).await.expect(StatusCode::FORBIDDEN);
    ada.get("/environments").await.expect(StatusCode::OK);
}

/// Every answer says what browsers may do with it; the policy lets no foreign or inline script in.
#[tokio::test]
async fn headers() {
    let (_site, ada) = Site::set_up().await;
    let page = ada.get("/environments").await.expect(StatusCode::OK);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.headers.contains_key("x-request-id"));
    assert!(!page.text.contains(" style="), "the policy would drop inline styles");
    assert!(!page.text.contains("<script>"), "the policy would drop inline scripts");
}

/// A role sees what it may: missing and forbidden are told apart, in pages and API alike.
#[tokio::test]
async fn roles() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let production = serde_json::json!({
        "name": "northwind-prod", "app": "Parcel", "kind": "production", "cluster": "demo"
    });
    ada.post("/api/v1/environments", &production).await.expect(StatusCode::CREATED);

    let developer = site.token("developer").await;
    developer.get("/api/v1/environments/northwind-prod").await.expect(StatusCode::OK);
    let previews = "/api/v1/environments/northwind-prod/previews";
    let refused =
        developer.post(previews, &serde_json::json!({})).await.expect(StatusCode::FORBIDDEN);
    insta::assert_snapshot!(
        refused.json()["detail"].as_str().unwrap(),
        @"Your role developer does not allow you to deploy to production environments. Administrator or Operations can."
    );

    let qa = site.token("qa").await;
    let missing = qa.get("/api/v1/environments/northwind-prod").await.expect(StatusCode::NOT_FOUND);
    insta::assert_snapshot!(
        missing.json()["detail"].as_str().unwrap(),
        @"There is no environment `northwind-prod`."
    );
    assert_eq!(qa.get("/api/v1/environments").await.json()["count"]["exact"], 0);
    qa.get("/api/v1/audit").await.expect(StatusCode::NOT_FOUND);
}
