//! People over HTTP: invitations, passwords, sessions, tokens of others, the audit log and its export.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE};
use http::{Method, StatusCode};
use serde_json::json;

use super::site::{Answer, Site};

const PASSWORD: &str = "correct horse battery";

/// The one-time link that a page shows, as a path.
fn link(page: &Answer, what: &str) -> String {
    let start =
        page.text.find(&format!("http://localhost/{what}/")).expect("the page shows a link");
    let link = page.text[start..].split(['<', '"']).next().unwrap();
    link.trim_start_matches("http://localhost").to_owned()
}

/// The way of an invitation: the link is shown once, opens a form, makes an account, and is used up.
#[tokio::test]
async fn an_invitation() {
    let (site, ada) = Site::set_up().await;
    let form = [("email", "olga@example.com"), ("role", "developer")];
    let made = ada.form("/new/invitation", &form).await.expect(StatusCode::OK);
    let link = link(&made, "invitation");
    let team = ada.get("/team").await.expect(StatusCode::OK);
    assert!(team.words().contains("olga@example.com Developer"), "{}", team.words());
    assert!(!team.text.contains(&link), "it is shown once");

    let nobody = site.nobody();
    let page = nobody.get(&link).await.expect(StatusCode::OK);
    assert!(page.words().contains("ada invites you as Developer"), "{}", page.words());
    let short = [("name", "Olga"), ("password", "short")];
    let refused = nobody.form(&link, &short).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"value="Olga""#), "what was typed is kept");
    let right = [("name", "Olga"), ("password", PASSWORD)];
    let done = nobody.form(&link, &right).await.expect(StatusCode::SEE_OTHER);
    let olga = nobody.with(COOKIE.as_str(), &done.cookie());
    let me = olga.get("/api/v1/self").await.expect(StatusCode::OK).json();
    assert_eq!((&me["name"], &me["role"]), (&json!("Olga"), &json!("developer")));

    nobody.get(&link).await.expect(StatusCode::GONE);
    let again = nobody.form(&link, &right).await.expect(StatusCode::GONE);
    assert!(again.words().contains("ask an Administrator"), "{}", again.words());
    olga.get("/team").await.expect(StatusCode::NOT_FOUND);
    assert!(!olga.get("/").await.text.contains("/team"), "no link to what is not there");
}

/// A withdrawn invitation, and one that was replaced by another, lead nowhere.
#[tokio::test]
async fn invitations_end() {
    let (site, ada) = Site::set_up().await;
    let new = json!({ "email": "olga@example.com", "role": "qa" });
    let path = |made: &Answer| {
        let url = made.json()["url"].as_str().unwrap().to_owned();
        url.trim_start_matches("http://localhost").to_owned()
    };
    let first = ada.post("/api/v1/invitations", &new).await.expect(StatusCode::CREATED);
    let second = ada.post("/api/v1/invitations", &new).await.expect(StatusCode::CREATED);
    site.nobody().get(&path(&first)).await.expect(StatusCode::GONE);
    site.nobody().get(&path(&second)).await.expect(StatusCode::OK);
    assert_eq!(ada.get("/api/v1/invitations").await.json()["count"]["exact"], 1);
    let withdraw = second.location().to_owned();
    ada.delete(&withdraw).await.expect(StatusCode::NO_CONTENT);
    ada.delete(&withdraw).await.expect(StatusCode::NOT_FOUND);
    site.nobody().get(&path(&second)).await.expect(StatusCode::GONE);
}

/// A link to set a password: shown once, works once, ends the sessions that were there.
#[tokio::test]
async fn a_password_link() {
    let (site, ada) = Site::set_up().await;
    let olga = site.person_named("developer", "olga").await;
    let me = olga.get("/api/v1/self").await.json();
    let page = format!("/team/{}", me["person"]["id"].as_str().unwrap());
    let made = ada.form(&format!("{page}/reset-password"), &[]).await.expect(StatusCode::OK);
    let link = link(&made, "set-password");
    assert!(!ada.get(&page).await.text.contains(&link), "it is shown once");
    olga.get("/").await.expect(StatusCode::SEE_OTHER);

    let form = [("password", "another horse battery")];
    let done = site.nobody().form(&link, &form).await.expect(StatusCode::SEE_OTHER);
    let anew = site.nobody().with(COOKIE.as_str(), &done.cookie());
    anew.get("/api/v1/self").await.expect(StatusCode::OK);
    olga.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
    site.nobody().form(&link, &form).await.expect(StatusCode::GONE);
    site.signed_in("olga@example.com", "another horse battery").await;
    let old = [("email", "olga@example.com"), ("password", PASSWORD)];
    site.nobody().form("/sign-in", &old).await.expect(StatusCode::UNAUTHORIZED);
}

/// One's own sessions: listed with browser and address, this one marked, ended one by one or all others.
#[tokio::test]
async fn sessions() {
    let (site, _) = Site::set_up().await;
    let here = site.person_named("qa", "olga").await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let form = [("email", "olga@example.com"), ("password", PASSWORD)];
    let other = site.nobody().with("user-agent", firefox).form("/sign-in", &form).await;
    let there = site.nobody().with(COOKIE.as_str(), &other.cookie());
    site.signed_in("olga@example.com", PASSWORD).await;

    let page = here.get("/settings/sessions").await.expect(StatusCode::OK);
    assert!(page.words().contains("Firefox on Linux 127.0.0.1"), "{}", page.words());
    assert_eq!(page.text.matches("this one").count(), 1);
    let list = here.get("/api/v1/sessions").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let firefox = items.iter().find(|one| one["user_agent"] == firefox).unwrap();
    let end = format!("/settings/sessions/{}/end", firefox["id"].as_str().unwrap());
    here.form(&end, &[]).await.expect(StatusCode::SEE_OTHER);
    there.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
    here.form("/settings/sessions/end-others", &[]).await.expect(StatusCode::SEE_OTHER);
    let left = here.get("/api/v1/sessions").await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["current"], true);
}

/// Changing one's own password asks for the one there is, and ends one's other sessions.
#[tokio::test]
async fn own_password() {
    let (site, _) = Site::set_up().await;
    let here = site.person_named("qa", "olga").await;
    let there = site.signed_in("olga@example.com", PASSWORD).await;
    let wrong = [("current", "wrong"), ("password", "another horse battery")];
    let refused = here.form("/settings/password", &wrong).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(r#"id="current-errors""#), "{}", refused.words());
    there.get("/api/v1/self").await.expect(StatusCode::OK);
    let right = [("current", PASSWORD), ("password", "another horse battery")];
    here.form("/settings/password", &right).await.expect(StatusCode::SEE_OTHER);
    here.get("/api/v1/self").await.expect(StatusCode::OK);
    there.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
}

/// Who is shut out is out at once, with their tokens, and is not let in again by them.
#[tokio::test]
async fn shut_out() {
    let (site, ada) = Site::set_up().await;
    let olga = site.person_named("operations", "olga").await;
    let token = olga.post("/api/v1/tokens", &json!({ "name": "bot" })).await.json();
    let bearer = format!("Bearer {}", token["secret"].as_str().unwrap());
    let bot = site.nobody().with("authorization", &bearer);
    bot.get("/api/v1/self").await.expect(StatusCode::OK);
    let person = "/api/v1/people/olga@example.com";
    let tokens = ada.get(&format!("{person}/tokens")).await.expect(StatusCode::OK).json();
    assert_eq!(tokens["items"][0]["name"], "bot");

    ada.json(Method::PATCH, person, &json!({ "active": false })).await.expect(StatusCode::OK);
    olga.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
    bot.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
    let form = [("email", "olga@example.com"), ("password", PASSWORD)];
    site.nobody().form("/sign-in", &form).await.expect(StatusCode::UNAUTHORIZED);
    ada.json(Method::PATCH, person, &json!({ "active": true })).await.expect(StatusCode::OK);
    bot.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
    site.signed_in("olga@example.com", PASSWORD).await;

    ada.delete(person).await.expect(StatusCode::NO_CONTENT);
    ada.get(person).await.expect(StatusCode::NOT_FOUND);
    site.nobody().form("/sign-in", &form).await.expect(StatusCode::UNAUTHORIZED);
    let log = ada.get("/api/v1/audit?action=token.create").await.json();
    assert_eq!(log["items"][0]["by"]["name"], "olga", "what they did keeps their name");
}

/// Failed sign-ins are limited and say until when; the right password then does not help either.
#[tokio::test]
async fn too_many_sign_ins() {
    let (site, _) = Site::set_up().await;
    site.token("qa").await;
    let guesser = site.nobody();
    let wrong = [("email", "nobody@example.com"), ("password", "wrong")];
    for _ in 0..10 {
        guesser.form("/sign-in", &wrong).await.expect(StatusCode::UNAUTHORIZED);
    }
    let refused = guesser.form("/sign-in", &wrong).await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.words().contains("Try again then, in 15 minutes"), "{}", refused.words());
    let call = json!({ "email": "nobody@example.com", "password": "x", "token": { "name": "x" } });
    let refused = guesser.post("/api/v1/sign-in", &call).await;
    let refused = refused.expect(StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    site.signed_in("qa@example.com", PASSWORD).await;
}

/// The command line's way in: a token by password, with a role of at most one's own; it ends itself.
#[tokio::test]
async fn sign_in_for_a_token() {
    let (site, _) = Site::set_up().await;
    site.person_named("developer", "olga").await;
    let given = |role: &str| {
        json!({
            "email": "olga@example.com", "password": PASSWORD,
            "token": { "name": "laptop", "role": role, "expires_in_days": 1 },
        })
    };
    let nobody = site.nobody();
    let refused = nobody.post("/api/v1/sign-in", &given("operations")).await;
    refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let made = nobody.post("/api/v1/sign-in", &given("qa")).await.expect(StatusCode::CREATED);
    let bearer = format!("Bearer {}", made.json()["secret"].as_str().unwrap());
    let bot = nobody.with("authorization", &bearer);
    assert_eq!(bot.get("/api/v1/self").await.json()["role"], "qa");
    bot.post("/api/v1/sign-out", &json!({})).await.expect(StatusCode::NO_CONTENT);
    bot.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
}

/// The audit log as a page: filters stand in the address, what changed is told, exports follow the filters.
#[tokio::test]
async fn audit_log() {
    let (site, ada) = Site::set_up().await;
    site.person_named("qa", "=olga").await;
    let person = "/api/v1/people/=olga@example.com";
    ada.json(Method::PATCH, person, &json!({ "role": "developer" })).await.expect(StatusCode::OK);
    let page = ada.get("/audit?action=person.change").await.expect(StatusCode::OK);
    assert!(page.words().contains("role qa → developer"), "{}", page.words());
    assert!(page.words().contains("1 change, newest first"), "{}", page.words());
    assert!(
        page.text.contains("/audit/export?action=person.change&#38;format=csv"),
        "{}",
        page.text
    );
    let found = ada.get("/api/v1/audit?search=olga").await.expect(StatusCode::OK).json();
    assert!(found["count"]["exact"].as_i64().unwrap() >= 2, "{found}");
    let later = ada.get("/api/v1/audit?since=2999-01-01").await.expect(StatusCode::OK).json();
    assert_eq!(later["count"]["exact"], 0);
    ada.get("/api/v1/audit?until=yesterday").await.expect(StatusCode::UNPROCESSABLE_ENTITY);

    let csv = ada.get("/audit/export?action=person.change&format=csv").await.expect(StatusCode::OK);
    assert_eq!(csv.headers[CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(csv.headers[CONTENT_DISPOSITION].to_str().unwrap().contains("landfall-audit.csv"));
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert_eq!(lines.len(), 3, "{}", csv.text);
    assert!(lines[0].starts_with("at,by_kind,") && lines[1].contains(",'=olga@example.com,"));
    let all = ada.get("/api/v1/audit").await.json()["count"]["exact"].as_i64().unwrap();
    let whole = ada.get("/api/v1/audit/export?format=ndjson").await.expect(StatusCode::OK);
    let entries = whole.text.lines().map(|line| serde_json::from_str(line).unwrap());
    let entries: Vec<serde_json::Value> = entries.collect();
    assert_eq!(i64::try_from(entries.len()).unwrap(), all);
}

/// An export is read in pieces, each entry once.
#[tokio::test]
async fn long_exports() {
    let (site, ada) = Site::set_up().await;
    let system = control::Actor::system();
    for n in 0..230 {
        let new = control::account::NewInvitation {
            email: format!("p{n}@example.com"),
            role: "qa".to_owned(),
        };
        site.control.invitation_create(&system, new).await.unwrap();
    }
    let whole = ada.get("/api/v1/audit/export?format=ndjson&action=invitation.create").await;
    let whole = whole.expect(StatusCode::OK);
    let ids: std::collections::BTreeSet<String> = whole
        .text
        .lines()
        .map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((ids.len(), whole.text.lines().count()), (230, 230));
}
