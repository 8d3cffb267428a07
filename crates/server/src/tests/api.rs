//! The API: the way of a product to a deployment, and what bad input gets.

use http::{Method, StatusCode};
use serde_json::json;

use super::site::Site;

/// From an App to a deployment under way, each step answering with what was made and where it is.
#[tokio::test]
async fn from_app_to_deployment() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let versions =
        ada.get("/api/v1/apps/Parcel/chart-versions").await.expect(StatusCode::OK).json();
    assert_eq!(versions["versions"][0]["version"], "0.31.2");
    assert_eq!(versions["versions"][1]["used_by"], json!(["2.4.0"]));

    let new =
        json!({ "name": "northwind-dev", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    let made = ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
    let id = made.json()["environment"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.location(), format!("/api/v1/environments/{id}"));
    assert_eq!(made.json()["deployment"]["trigger"], "environment_created");
    assert_eq!(made.json()["op"]["state"], "queued");

    let by_name = ada.get("/api/v1/environments/northwind-dev").await.expect(StatusCode::OK).json();
    assert_eq!(by_name["id"], id.as_str());
    assert_eq!(by_name["status"], "queued");
    let list = ada.get("/api/v1/deployments?environment=northwind-dev").await.json();
    assert_eq!(list["count"], json!({ "exact": 1 }));
    assert_eq!(list["items"][0]["number"], 1);
}

/// A preview is what is deployed: it names release, merged values with origins, and the plan.
#[tokio::test]
async fn preview() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let new =
        json!({ "name": "northwind-dev", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
    let asked = json!({ "release": "2.4.0", "values": "web:\n  replicas: 3\n" });
    let path = "/api/v1/environments/northwind-dev/previews";
    let preview = ada.post(path, &asked).await.expect(StatusCode::CREATED).json();
    assert!(preview["changes"]["create"].as_i64().unwrap() > 3, "{}", preview["changes"]);
    let keys = preview["merged"]["keys"].as_array().unwrap();
    let replicas = keys.iter().find(|key| key["path"] == "web.replicas").unwrap();
    assert_eq!(replicas["layer"], "deployment");
    let again = ada.get(&format!("/api/v1/previews/{}", preview["id"].as_str().unwrap())).await;
    assert_eq!(again.expect(StatusCode::OK).json()["plan_hash"], preview["plan_hash"]);
}

/// Invalid YAML is told with line, column and the line itself, at its field.
#[tokio::test]
async fn invalid_values() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let new = json!({ "name": "dev", "app": "Parcel", "kind": "sandbox", "cluster": "demo" });
    ada.post("/api/v1/environments", &new).await.expect(StatusCode::CREATED);
    let asked = json!({ "values": "api:\n  replicas: 3\n other: [1\n" });
    let refused = ada.post("/api/v1/environments/dev/previews", &asked).await;
    let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    insta::assert_snapshot!(serde_json::to_string_pretty(&refused.json()).unwrap(), @r#"
    {
      "type": "urn:landfall:problem:invalid",
      "title": "Not acceptable as given",
      "status": 422,
      "detail": "This is not valid YAML: did not find expected key (line 3, column 2). Correct the YAML.",
      "errors": [
        {
          "pointer": "/values",
          "detail": "This is not valid YAML: did not find expected key (line 3, column 2).",
          "remedy": "Correct the YAML.",
          "line": 3,
          "column": 2,
          "excerpt": " other: [1"
        }
      ]
    }
    "#);
}

/// A name that Kubernetes would refuse, an unknown version, a duplicate tag, an unreachable
/// registry: each told at its field, and nothing half-made left behind.
#[tokio::test]
async fn bad_input() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let told = async |path: &str, body: serde_json::Value| {
        let answer = ada.post(path, &body).await.json();
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let fields: Vec<String> = errors
            .iter()
            .map(|error| {
                format!(
                    "{}: {}",
                    error["pointer"].as_str().unwrap(),
                    error["detail"].as_str().unwrap()
                )
            })
            .collect();
        let told = if fields.is_empty() {
            answer["detail"].as_str().unwrap().to_owned()
        } else {
            fields.join(" | ")
        };
        format!("{} {}", answer["status"], told.replace(&site.charts, "http://CHARTS"))
    };
    let answers = [
        told("/api/v1/clusters/simulated", json!({ "name": "EU Central", "admits": "some" })).await,
        told("/api/v1/releases", json!({ "app": "Parcel", "tag": "2.4.1", "chart_version": "9.9.9" })).await,
        told("/api/v1/releases", json!({ "app": "Parcel", "tag": "2.4.0", "chart_version": "0.31.2" })).await,
        told("/api/v1/releases", json!({ "app": "Nothing", "tag": "a b", "chart_version": "" })).await,
        told("/api/v1/apps", json!({ "name": "Other", "chart_kind": "repository", "chart_url": "http://127.0.0.1:1", "chart_name": "x" })).await,
        told("/api/v1/environments", json!({ "name": "-x-", "app": "Parcel", "kind": "sandbox", "cluster": "demo" })).await,
        told("/api/v1/releases", json!({ "app": "Parcel", "tag": "2.4.1", "archive": "not base64!" })).await,
    ];
    insta::assert_snapshot!(answers.join("\n"), @r"
    422 /name: `EU Central` is not a cluster name. | /admits: It is not clear what this cluster admits.
    422 /chart_version: The repository has no version `9.9.9` of parcel.
    422 /tag: Parcel has a release with the tag `2.4.0` already.
    422 /app: There is no App `Nothing`. | /tag: `a b` is not a release tag.
    422 /chart_url: The chart repository http://127.0.0.1:1 was not read: could not fetch http://127.0.0.1:1/index.yaml: dial tcp 127.0.0.1:1: connect: connection refused.
    422 /name: `-x-` is not an environment name.
    422 /archive: This is not base64.
    ");
    assert_eq!(ada.get("/api/v1/releases").await.json()["count"]["exact"], 1);
    assert_eq!(ada.get("/api/v1/apps").await.json()["count"]["exact"], 1);
    assert_eq!(ada.get("/api/v1/environments").await.json()["count"]["exact"], 0);
}

/// What cannot be read, found or done is told in problem details, whatever went wrong.
#[tokio::test]
async fn unreadable_requests() {
    let (_site, ada) = Site::set_up().await;
    let answers = [
        ada.get("/api/v1/nothing").await,
        ada.json(Method::PUT, "/api/v1/apps", &json!({})).await,
        ada.post("/api/v1/clusters/simulated", &json!([1])).await,
        ada.get("/api/v1/releases/nonsense").await,
        ada.get("/api/v1/environments?limit=many").await,
        ada.get("/api/v1/environments?kind=staging").await,
        ada.get("/api/v1/environments?cursor=nonsense").await,
        ada.get("/api/v1/environments/nothing").await,
    ];
    let told: Vec<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(
                answer.headers["content-type"], "application/problem+json",
                "{}",
                answer.text
            );
            let problem = answer.json();
            format!(
                "{} {} {}",
                problem["status"],
                problem["type"].as_str().unwrap(),
                problem["detail"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    404 urn:landfall:problem:not_found The API has nothing at `/api/v1/nothing`. /api/v1/openapi.json lists what it has.
    405 urn:landfall:problem:method_not_allowed `/api/v1/apps` does not take PUT. /api/v1/openapi.json says what it takes.
    422 urn:landfall:problem:unreadable The body is not what this call takes: [0]: invalid type: integer `1`, expected a string at line 1 column 2.
    404 urn:landfall:problem:not_found `nonsense` is not an id that starts with `rel_`.
    422 urn:landfall:problem:invalid `many` is not a number. Give 1 to 200.
    422 urn:landfall:problem:invalid `staging` is not known here. Give one of production, sandbox.
    422 urn:landfall:problem:invalid This cursor is damaged. Start again from the first page.
    404 urn:landfall:problem:not_found There is no environment `nothing`.
    ");
}

/// A creating call that is sent twice with the same key acts once and answers the same; another
/// body with the key is refused.
#[tokio::test]
async fn idempotency_keys() {
    let (_site, ada) = Site::set_up().await;
    let keyed = ada.with("idempotency-key", "k-1");
    let new = json!({ "name": "demo", "admits": "both" });
    let first = keyed.post("/api/v1/clusters/simulated", &new).await.expect(StatusCode::CREATED);
    let second = keyed.post("/api/v1/clusters/simulated", &new).await.expect(StatusCode::CREATED);
    assert_eq!(first.text, second.text);
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(first.location(), second.location());
    let other = json!({ "name": "other", "admits": "both" });
    keyed.post("/api/v1/clusters/simulated", &other).await.expect(StatusCode::CONFLICT);
    assert_eq!(ada.get("/api/v1/clusters").await.json()["count"]["exact"], 1);
}

/// App values carry their revision as an `ETag`; a save on a stale one is refused and changes nothing.
#[tokio::test]
async fn values_etag() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let path = "/api/v1/apps/Parcel/values";
    let empty = ada.get(path).await.expect(StatusCode::OK);
    let etag = empty.headers["etag"].to_str().unwrap().to_owned();
    let save = |values: &str| json!({ "values": values });
    let held = ada.with("if-match", &etag);
    let saved = held.json(Method::PUT, path, &save("global:\n  edition: pro # ours\n")).await;
    let saved = saved.expect(StatusCode::OK);
    assert_ne!(saved.headers["etag"], etag.as_str());
    let stale = held.json(Method::PUT, path, &save("global: {}\n")).await;
    stale.expect(StatusCode::PRECONDITION_FAILED);
    assert_eq!(ada.get(path).await.json()["values"], "global:\n  edition: pro # ours\n");
    ada.with("if-match", "nonsense")
        .json(Method::PUT, path, &save(""))
        .await
        .expect(StatusCode::PRECONDITION_FAILED);
}

/// A token is shown once, works until it is revoked, and cannot make others.
#[tokio::test]
async fn tokens() {
    let (site, ada) = Site::set_up().await;
    let new = json!({ "name": "release-bot", "role": "developer", "expires_in_days": 30 });
    let made = ada.post("/api/v1/tokens", &new).await.expect(StatusCode::CREATED).json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("lf_"), "{secret}");
    assert!(!ada.get("/api/v1/tokens").await.text.contains(secret));

    let bot = site.nobody().with("authorization", &format!("Bearer {secret}"));
    let me = bot.get("/api/v1/self").await.expect(StatusCode::OK).json();
    assert_eq!(
        (me["role"].as_str(), me["person"]["name"].as_str()),
        (Some("developer"), Some("ada"))
    );
    bot.post("/api/v1/tokens", &json!({ "name": "another" })).await.expect(StatusCode::FORBIDDEN);
    assert!(
        bot.get("/environments").await.location().starts_with("/sign-in"),
        "tokens are for the API"
    );

    let id = made["token"]["id"].as_str().unwrap();
    ada.delete(&format!("/api/v1/tokens/{id}")).await.expect(StatusCode::NO_CONTENT);
    bot.get("/api/v1/self").await.expect(StatusCode::UNAUTHORIZED);
}
