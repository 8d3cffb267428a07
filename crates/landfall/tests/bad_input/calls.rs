//! Calls that cannot be read, are too large, or come from somebody unknown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use harness::Api;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::{World, shop, told, world};

/// A call as bytes; status, content type and answer.
async fn call(world: &World, token: &str, content_type: &str, body: String) -> String {
    let before = world.records().await;
    let client = reqwest::Client::new();
    let mut request = client.post(format!("{}/api/v1/releases", world.api.url)).body(body);
    if !token.is_empty() {
        request = request.header(AUTHORIZATION, token);
    }
    let answer = request.header(CONTENT_TYPE, content_type).send().await.unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/problem+json", "{status} {}", answer.text().await.unwrap());
    let body: Value = answer.json().await.unwrap();
    assert_eq!(world.records().await, before);
    told(&(status, body))
}

/// Nobody gets in without a token that lasts, and nobody does more than its role may.
#[tokio::test(flavor = "multi_thread")]
async fn tokens() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let right = world.api.token.clone();
    let body = r#"{"app": "Shop", "tag": "v1", "chart_version": "1.0.0"}"#;
    let mut answers = Vec::new();
    for token in ["", "Bearer lf_wrong", "Bearer ", "Basic YWRhOmFkYQ==", &right] {
        answers.push(call(&world, token, "application/json", body.to_owned()).await);
    }
    insta::assert_snapshot!(answers.join("\n"), @r"
    401 signed_out: Not signed in
    Send a token as `Authorization: Bearer lf_…`; tokens are made on the page API tokens.

    401 signed_out: Not signed in
    This token is not known here, or it has ended. Make another one on the page API tokens.

    401 signed_out: Not signed in
    Send a token as `Authorization: Bearer lf_…`; tokens are made on the page API tokens.

    401 signed_out: Not signed in
    Send a token as `Authorization: Bearer lf_…`; tokens are made on the page API tokens.

    401 signed_out: Not signed in
    Send a token as `Authorization: Bearer lf_…`; tokens are made on the page API tokens.
    ");
    insta::assert_snapshot!(world.refused("/tokens", json!({ "name": "more" })).await, @r"
    403 forbidden: Not allowed
    Your role administrator does not allow you to make tokens with a token. Sign in and do it there.
    ");
    let stranger = Api::new(&world.api.url, "lf_wrong");
    insta::assert_snapshot!(told(&stranger.try_get("/nowhere").await), @r"
    404 not_found: Not found
    The API has nothing at `/api/v1/nowhere`. /api/v1/openapi.json lists what it has.
    ");
}

/// Bodies that cannot be read say where.
#[tokio::test(flavor = "multi_thread")]
async fn unreadable() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let bearer = format!("Bearer {}", world.api.token);
    let mut answers = Vec::new();
    for (kind, body) in [
        ("application/json", "{\"app\": \"Shop\",\n \"tag\" \"v1\"}"),
        ("application/json", "{\"app\": \"Shop\", \"tag\": 1}"),
        ("application/json", "[]"),
        ("application/json", ""),
        ("text/plain", "{}"),
    ] {
        answers.push(call(&world, &bearer, kind, body.to_owned()).await);
    }
    insta::assert_snapshot!(answers.join("\n"), @r"
    400 unreadable: The request could not be read
    The body is not JSON: expected `:` at line 2 column 8.

    422 unreadable: The request could not be read
    The body is not what this call takes: tag: invalid type: integer `1`, expected a string at line 1 column 24.

    422 invalid: Not acceptable as given
    /app
      No App is chosen.
      -> Choose one of the list.
    /tag
      This is empty; it must be a release tag.
      -> Use 1 to 128 characters.

    400 unreadable: The request could not be read
    The body is not JSON: EOF while parsing a value at line 1 column 0.

    415 unreadable: The request could not be read
    Expected request with `Content-Type: application/json`.
    ");
    insta::assert_snapshot!(told(&world.api.try_get("/nowhere").await), @r"
    404 not_found: Not found
    The API has nothing at `/api/v1/nowhere`. /api/v1/openapi.json lists what it has.
    ");
    insta::assert_snapshot!(told(&world.api.try_get("/releases/rel_x").await), @r"
    404 not_found: Not found
    `rel_x` is not an id that starts with `rel_`.
    ");
    insta::assert_snapshot!(told(&world.api.try_get("/apps?cursor=x").await), @r"
    422 invalid: Not acceptable as given
    /cursor
      This cursor is damaged.
      -> Start again from the first page.
    ");
    insta::assert_snapshot!(told(&world.api.try_get("/apps?limit=many").await), @r"
    422 invalid: Not acceptable as given
    /limit
      `many` is not a number.
      -> Give 1 to 200.
    ");
    insta::assert_snapshot!(told(&world.api.try_get("/environments?kind=staging").await), @r"
    422 invalid: Not acceptable as given
    /kind
      `staging` is not known here.
      -> Give one of production, sandbox.
    ");
    insta::assert_snapshot!(told(&world.api.try_put("/apps", json!({})).await), @r"
    405 method_not_allowed: Method not allowed
    `/api/v1/apps` does not take PUT. /api/v1/openapi.json says what it takes.
    ");
}

/// What is too large is refused with the limit.
#[tokio::test(flavor = "multi_thread")]
async fn oversized() {
    let world = world(vec![shop("1.0.0", &[])]).await;
    let bearer = format!("Bearer {}", world.api.token);
    let body = json!({ "app": "Shop", "tag": "v1", "chart_version": "1.0.0" });
    let with = |field: &str, size: usize| {
        let mut body = body.clone();
        body[field] = "#".repeat(size).into();
        body
    };
    insta::assert_snapshot!(world.refused("/releases", with("values", 1024 * 1024 + 1)).await, @r"
    422 invalid: Not acceptable as given
    /values
      These values are too long.
      -> Use at most 1 MiB: Helm's release record has no room for more.
    ");
    insta::assert_snapshot!(world.refused("/releases", with("changelog", 256 * 1024 + 1)).await, @r"
    422 invalid: Not acceptable as given
    /changelog
      This changelog is too long.
      -> Use at most 256 KiB.
    ");
    let whole = with("archive", 48 * 1024 * 1024).to_string();
    insta::assert_snapshot!(call(&world, &bearer, "application/json", whole).await, @r"
    413 too_large: Too large
    The request is larger than is taken here, so nothing was done. Values may have 1 MiB, chart archives 32 MiB.
    ");
    let values = json!({ "values": "#".repeat(4 * 1024 * 1024) });
    insta::assert_snapshot!(told(&world.api.try_put("/apps/Shop/values", values).await), @r"
    413 too_large: Too large
    The request is larger than is taken here, so nothing was done. Values may have 1 MiB, chart archives 32 MiB.
    ");
    // A chart of several megabytes is nothing unusual.
    let noise: String = (0..400_000_u64)
        .map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let archive = BASE64.encode(shop("2.0.0", &[("files/noise", &noise)]));
    assert!(archive.len() > 4 * 1024 * 1024, "{}", archive.len());
    world
        .api
        .post("/apps", json!({ "name": "Other", "chart_kind": "upload", "chart_name": "shop" }))
        .await;
    world.api.post("/releases", json!({ "app": "Other", "tag": "v1", "archive": archive })).await;
    world.release("v1", "1.0.0").await;
}
