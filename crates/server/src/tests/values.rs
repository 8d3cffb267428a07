//! Helm values by form: what was not shown is shown first, a preview is followed and stopped, and batches are for those who
//! see something of them.

use http::StatusCode;
use serde_json::{Value, json};

use super::site::{Asking, Site};

/// An environment that runs.
async fn running(ada: &Asking, name: &str, kind: &str) {
    let body = json!({ "name": name, "app": "Parcel", "kind": kind, "cluster": "demo" });
    ada.post("/api/v1/environments", &body).await.expect(StatusCode::CREATED);
    until(ada, &format!("/api/v1/environments/{name}"), |it| it["state"] == "active").await;
}

/// What stands at a path, once it is as wanted.
pub(super) async fn until(ada: &Asking, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(20));
        loop {
            pace.tick().await;
            let answer = ada.get(path).await.expect(StatusCode::OK).json();
            if wanted(&answer) {
                return answer;
            }
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, asking).await.expect("it comes to its end in time")
}

fn id_in<'a>(text: &'a str, before: &str) -> &'a str {
    text.split(before).nth(1).unwrap().split(['"', '&']).next().unwrap()
}

/// Without JavaScript: Show, then save exactly that, which leads to the batch; what was not shown is shown first.
#[tokio::test(flavor = "multi_thread")]
async fn app_values_without_scripts() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    running(&ada, "dev", "sandbox").await;
    let path = "/apps/Parcel/values";
    let fields = |values: &'static str, preview: &str, action: &'static str| {
        [
            ("values", values.to_owned()),
            ("based_on", "0".to_owned()),
            ("sandbox_first", "true".to_owned()),
            ("at_once", "5".to_owned()),
            ("stop_after", "1".to_owned()),
            ("preview", preview.to_owned()),
            ("action", action.to_owned()),
        ]
    };
    let send = async |fields: [(&'static str, String); 7]| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ada.form(path, &fields).await
    };
    let unseen = send(fields("web:\r\n  replicas: 3\r\n", "", "")).await.expect(StatusCode::OK);
    assert!(unseen.words().contains("Press the button again"), "{}", unseen.words());
    let asked = send(fields("web:\r\n  replicas: 3\r\n", "", "preview")).await;
    let asked = asked.expect(StatusCode::SEE_OTHER).location().to_owned();
    let id = id_in(&asked, "preview=").to_owned();
    until(&ada, &format!("/api/v1/fleet-previews/{id}"), |it| it["state"] == "done").await;
    let shown = ada.get(&asked).await.expect(StatusCode::OK);
    assert!(shown.words().contains("1 of 1 previewed"), "{}", shown.words());
    assert!(shown.words().contains("Save and deploy 1"), "{}", shown.words());
    let group = id_in(&shown.text, r#"id="g-"#).to_owned();
    let listed = ada.get(&format!("{path}/preview/{id}/{group}")).await.expect(StatusCode::OK);
    assert!(listed.words().contains("dev"), "{}", listed.words());
    let cancelled = ada.form(&format!("{path}/preview/{id}/cancel"), &[]).await;
    assert_eq!(
        cancelled.expect(StatusCode::SEE_OTHER).location(),
        asked,
        "it has ended: shown as it is"
    );

    let other = send(fields("web:\r\n  replicas: 4\r\n", &id, "")).await.expect(StatusCode::OK);
    assert!(other.words().contains("Press the button again"), "{}", other.words());
    let saved = send(fields("web:\r\n  replicas: 3\r\n", &id, "")).await;
    let batch = saved.expect(StatusCode::SEE_OTHER).location().to_owned();
    until(&ada, &format!("/api/v1{batch}"), |it| it["state"] == "ended").await;
    let page = ada.get(&batch).await.expect(StatusCode::OK);
    assert!(page.words().contains("App values r1 of Parcel"), "{}", page.words());
    assert!(
        page.words().contains("5 at once, stops after a failure, sandbox first"),
        "{}",
        page.words()
    );
    let list = ada.get("/environments/dev/deployments").await.expect(StatusCode::OK);
    assert!(list.words().contains("App values r1 updated by"), "{}", list.words());
    // It is over: nothing can be done with it any more.
    for act in ["pause", "resume", "drop", "let-go"] {
        let answer = ada.form(&format!("{batch}/{act}"), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{act}: {}", answer.words());
    }
}

/// The fragment follows its preview by itself, and says what is wrong with the values at their line.
#[tokio::test(flavor = "multi_thread")]
async fn preview_fragment() {
    let (site, ada) = Site::set_up().await;
    site.ground(&ada).await;
    let script = ada.with("hx-request", "true");
    let path = "/apps/Parcel/values/preview";
    let wrong = [("values", "a: [1\n"), ("based_on", "0")];
    let fragment = script.form(path, &wrong).await.expect(StatusCode::OK);
    assert!(fragment.text.contains("data-problem-line="), "{}", fragment.text);
    assert!(fragment.text.contains("data-impossible"), "it cannot be saved");
    assert!(!fragment.text.contains("<html") && !fragment.text.contains("hx-sse:connect"));
    let right = [("values", "a: 1\n"), ("based_on", "0")];
    let fragment = script.form(path, &right).await.expect(StatusCode::OK);
    assert!(
        fragment.text.contains(r#"hx-sse:connect="/apps/Parcel/values?preview=fpv_"#),
        "{}",
        fragment.text
    );
    assert!(
        fragment.text.contains(r#"id="fleet-verdict" hx-swap-oob="true""#),
        "{}",
        fragment.text
    );
    let address = fragment.headers["hx-replace-url"].to_str().unwrap().to_owned();
    ada.get(&address).await.expect(StatusCode::OK);
    let id = id_in(&address, "preview=");
    let stopped = ada.form(&format!("{path}/{id}/cancel"), &[]).await.expect(StatusCode::SEE_OTHER);
    let stopped = ada.get(stopped.location()).await.expect(StatusCode::OK);
    assert!(stopped.words().contains("Stopped before all environments"), "{}", stopped.words());
}

/// A Developer's values wait in production; QA sees neither that nor a preview of others; Operations let them go.
#[tokio::test(flavor = "multi_thread")]
async fn production_waits() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    running(&ada, "prod", "production").await;
    let (developer, qa) = (site.token("developer").await, site.token("qa").await);
    let values = json!({ "values": "web:\n  replicas: 3\n" });
    let asked = developer.post("/api/v1/apps/Parcel/values/previews", &values).await;
    let asked = asked.expect(StatusCode::CREATED).json();
    assert_eq!((&asked["total"], &asked["waiting"]), (&json!(1), &json!(1)));
    let preview = format!("/api/v1/fleet-previews/{}", asked["id"].as_str().unwrap());
    qa.get(&preview).await.expect(StatusCode::NOT_FOUND);
    let put = http::Method::PUT;
    qa.json(put.clone(), "/api/v1/apps/Parcel/values", &values).await.expect(StatusCode::FORBIDDEN);
    let saved = developer.json(put, "/api/v1/apps/Parcel/values", &values).await;
    let saved = saved.expect(StatusCode::OK).json();
    let batch = format!("/api/v1/batches/{}", saved["batch"].as_str().unwrap());
    until(&ada, &batch, |it| it["state"] == "waiting").await;
    qa.get(&batch).await.expect(StatusCode::NOT_FOUND);
    developer.post(&format!("{batch}/let-go"), &json!({})).await.expect(StatusCode::FORBIDDEN);
    let page = ada.get("/environments/prod").await.expect(StatusCode::OK);
    assert!(page.words().contains("App values r1 wait for Operations"), "{}", page.words());
    let deployments = ada.get("/deployments").await.expect(StatusCode::OK);
    assert!(deployments.words().contains("Waits for Operations"), "{}", deployments.words());
    ada.post(&format!("{batch}/let-go"), &json!({})).await.expect(StatusCode::OK);
    let ended = until(&ada, &batch, |it| it["state"] == "ended").await;
    assert_eq!(ended["counts"]["succeeded"], 1);
    assert_eq!(ended["let_go_by"]["name"], "ada");
}

/// An environment's values by form: shown, then saved as a deployment of what runs.
#[tokio::test(flavor = "multi_thread")]
async fn environment_values_without_scripts() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    running(&ada, "dev", "sandbox").await;
    let edit = ada.get("/environments/dev/values/edit").await.expect(StatusCode::OK);
    assert!(edit.words().contains("Edit values"), "{}", edit.words());
    let path = "/environments/dev/values";
    let fields = |preview: &'static str, action: &'static str| {
        [
            ("release", "2.4.0"),
            ("edits", "true"),
            ("app_values", "held"),
            ("values", "web:\r\n  replicas: 3\r\n"),
            ("on_failure", "leave"),
            ("preview", preview),
            ("action", action),
        ]
    };
    let shown = ada.form(path, &fields("", "preview")).await.expect(StatusCode::OK);
    let id: &'static str = id_in(&shown.text, r#"name="preview" value=""#).to_owned().leak();
    let done = ada.form(path, &fields(id, "")).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(done.location(), "/environments/dev/deployments/2");
    let made = ada.get("/api/v1/environments/dev/deployments/2").await.json();
    assert_eq!(
        (&made["trigger"], &made["plan_policy"]),
        (&json!("values_updated"), &json!("as_previewed"))
    );
    let page = ada.get(done.location()).await.expect(StatusCode::OK);
    assert!(page.words().contains("its values updated by ada"), "{}", page.words());
}

/// Two deployments are compared, and a value told why, on pages that need no script; what cannot be compared is said on
/// the form.
#[tokio::test(flavor = "multi_thread")]
async fn compared_and_told_why() {
    let (site, ada) = Site::at_work().await;
    site.ground(&ada).await;
    running(&ada, "dev", "sandbox").await;
    let path = "/environments/dev/comparison";
    let alone = ada.get(path).await.expect(StatusCode::OK);
    assert!(alone.words().contains("There is no deployment before dev#1."), "{}", alone.words());
    assert!(!alone.text.contains("data-errors"), "{}", alone.words());
    running(&ada, "other", "sandbox").await;
    let values = json!({ "values": "web:\n  replicas: 3\n" });
    let changed = "/api/v1/environments/dev/values";
    ada.json(http::Method::PUT, changed, &values).await.expect(StatusCode::CREATED);
    until(&ada, "/api/v1/environments/dev", |it| it["current_deployment"]["number"] == 2).await;

    let shown = ada.get(path).await.expect(StatusCode::OK);
    assert!(shown.words().contains("web.replicas"), "{}", shown.words());
    let same = ada.get(&format!("{path}?number=1&with=other")).await.expect(StatusCode::OK);
    // The chart draws a password for each: its Secret and what hangs on it differ.
    assert!(same.words().contains("All values are the same."), "{}", same.words());
    assert!(same.words().contains("DATABASE_PASSWORD: (hidden, before)"), "{}", same.words());
    let answer = ada.get("/api/v1/environments/dev/comparison?with=other").await;
    let answer = answer.expect(StatusCode::OK).json();
    assert_eq!(
        (&answer["same"], &answer["values"][0]["path"]),
        (&json!(false), &json!("web.replicas"))
    );

    let tab = ada.get("/environments/dev/values").await.expect(StatusCode::OK);
    assert!(tab.text.contains("/environments/dev/values/why?key=web.replicas"), "{}", tab.text);
    let why = ada.get("/environments/dev/values/why?key=web.replicas").await.expect(StatusCode::OK);
    assert!(why.words().contains("dev#2"), "{}", why.words());
    let answer = ada.get("/api/v1/environments/dev/values/why?key=web.replicas").await.json();
    assert_eq!((&answer["value"], &answer["layer"]), (&json!("3"), &json!("deployment")));
    let wrong = ada.get("/environments/dev/values/why?key=web").await;
    let wrong = wrong.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.words().contains("holds other values"), "{}", wrong.words());
}
