//! Set-up, signing in and out, what other sites may send, headers. `rights` walks the table of routes.

use control::account::PersonFilter;
use control::store::paging::PageRequest;
use http::StatusCode;
use http::header::{COOKIE, SET_COOKIE};

use super::site::Site;
use crate::ServerConfig;
use crate::routes::table;

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

/// A sign-in link works once, by its button: looking at it uses nothing up, and sending it again is refused.
#[tokio::test]
async fn replayed_links() {
    let (site, _) = Site::set_up().await;
    let system = control::Actor::system();
    let people =
        site.control.person_list(&system, &PersonFilter::default(), &PageRequest::default()).await;
    let person = people.unwrap().items[0].brief.id;
    let new = control::account::NewSigninLink { person };
    let link = site.control.signin_link_create(&system, new).await.unwrap();
    let path = format!("/sign-in/link/{}", secrecy::ExposeSecret::expose_secret(&link.token));
    for _ in 0..2 {
        site.nobody().get(&path).await.expect(StatusCode::OK);
    }
    let done = site.nobody().form(&path, &[]).await.expect(StatusCode::SEE_OTHER);
    assert!(done.headers.contains_key(SET_COOKIE));
    let again = site.nobody().form(&path, &[]).await.expect(StatusCode::UNAUTHORIZED);
    assert!(!again.headers.contains_key(SET_COOKIE));
    site.nobody().get(&path).await.expect(StatusCode::UNAUTHORIZED);
}

/// What another site's page sends is refused, every form and every call that changes something.
#[tokio::test]
async fn other_sites_are_refused() {
    let (_site, ada) = Site::set_up().await;
    let elsewhere = ada.with("sec-fetch-site", "cross-site").with("origin", "https://example.net");
    // Browsers that do not tell where a page is from tell at least whose it is.
    let older = ada.with("origin", "https://example.net");
    for route in table().iter().filter(|route| route.method != http::Method::GET) {
        for asking in [&elsewhere, &older] {
            let path = route.path.replace(['{', '}'], "");
            let answer = asking.json(route.method.clone(), &path, &serde_json::json!({})).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path}", route.method);
        }
    }
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
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["referrer-policy"], "same-origin");
    assert!(!page.headers.contains_key("strict-transport-security"), "it is plain http");
    assert!(page.headers.contains_key("x-request-id"));
    assert!(!page.text.contains(" style="), "the policy would drop inline styles");
    assert!(!page.text.contains("<script>"), "the policy would drop inline scripts");
}

/// Behind https browsers are told to stay there, and the cookie is for this host and https alone.
#[tokio::test]
async fn https() {
    let public_url = url::Url::parse("https://landfall.example.com").ok();
    let config = ServerConfig { public_url, ..ServerConfig::default() };
    let (site, _) = Site::set_up().await;
    let site = site.serving(config);
    let form = [("email", "ada@example.com"), ("password", "correct horse battery")];
    let done = site.nobody().form("/sign-in", &form).await.expect(StatusCode::SEE_OTHER);
    assert!(done.headers["strict-transport-security"].to_str().unwrap().contains("max-age="));
    let cookie = done.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-landfall=") && cookie.contains("; Secure"), "{cookie}");
}

/// A proxy's word on addresses counts if it is trusted, and nobody else's.
#[tokio::test]
async fn forwarded_addresses() {
    let (site, _) = Site::set_up().await;
    let address = async |site: &Site| {
        let form = [("email", "ada@example.com"), ("password", "correct horse battery")];
        let asking = site.nobody().with("x-forwarded-for", "203.0.113.7");
        let done = asking.form("/sign-in", &form).await.expect(StatusCode::SEE_OTHER);
        let ada = site.nobody().with(COOKIE.as_str(), &done.cookie());
        ada.get("/api/v1/sessions").await.json()["items"][0]["remote_address"].clone()
    };
    assert_eq!(address(&site).await, "127.0.0.1");
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let site = site.serving(ServerConfig { trusted_proxies, ..ServerConfig::default() });
    assert_eq!(address(&site).await, "203.0.113.7");
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
    // Only production is there: every count that covers it is nothing to QA, and something to others.
    let counts: [(&str, &[&str]); 5] = [
        ("/apps", &["/items/0/environments/production", "/items/0/values_use/follow"]),
        (
            "/releases",
            &["/items/0/runs_in/production", "/items/0/deploying_in", "/items/0/app_environments"],
        ),
        ("/clusters", &["/items/0/environments/production"]),
        ("/environment-totals", &["/all/exact", "/queued/exact"]),
        ("/deployments", &["/count/exact"]),
    ];
    for (path, places) in counts {
        let path = format!("/api/v1{path}");
        let (to_ada, to_qa) = (ada.get(&path).await.json(), qa.get(&path).await.json());
        let sum = |told: &serde_json::Value| -> i64 {
            places.iter().map(|place| told.pointer(place).unwrap().as_i64().unwrap()).sum()
        };
        assert!(sum(&to_ada) > 0 && sum(&to_qa) == 0, "{path}: {to_ada} {to_qa}");
    }
    qa.get("/api/v1/audit").await.expect(StatusCode::NOT_FOUND);
}

/// Whoever asks hears whether the process can work, part by part, and which part fails when one does; nothing of where
/// things are.
#[tokio::test]
async fn readiness() {
    let (site, _) = Site::set_up().await;
    assert_eq!(site.nobody().get("/healthz").await.expect(StatusCode::OK).text, "ok");
    let ready = site.nobody().get("/readyz").await.expect(StatusCode::OK).json();
    let parts = serde_json::json!({ "database": "ok", "schema": "ok", "objects": "ok" });
    assert_eq!(ready, serde_json::json!({ "status": "ready", "parts": parts }));
    std::fs::remove_dir_all(site.folder().join("objects")).unwrap();
    // An answer counts for a second.
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
    let unready = loop {
        pace.tick().await;
        let answer = site.nobody().get("/readyz").await;
        if answer.status != StatusCode::OK {
            break answer.expect(StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    assert_eq!(
        unready.json()["parts"]["objects"],
        "cannot be used; the server's log has the cause"
    );
    assert!(!unready.text.contains("objects/"), "{}", unready.text);
}
