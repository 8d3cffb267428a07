//! New Helm values of an App through the API and the command line: what they would change in a fleet, grouped by equal
//! change, and the batch that deploys them; and one environment's own.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::path::Path;

use harness::{Api, Server, Simulator, charts, op_of};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

const VALUES: &str = "level: info\nlimit: 64\nupload: 16\ndb: false\n";
const WEB: &str = r#"{{- if gt (int .Values.upload) (int .Values.limit) }}{{ fail (printf "upload %v is over the limit %v of %s" .Values.upload .Values.limit .Release.Name) }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  LOG_LEVEL: {{ .Values.level }}
  HOST: {{ .Release.Name }}.{{ .Release.Namespace }}.svc
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations:
        checksum/config: {{ printf "%s/%s" .Release.Name .Values.level | sha256sum }}
    spec:
      containers:
      - name: web
        image: "fleet/web:1"
        env: [{name: UPLOAD, value: {{ .Values.upload | quote }}}]
"#;
const DB: &str = r#"{{- if .Values.db }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}-db
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata:
      labels: {app: db}
    spec:
      containers:
      - name: db
        image: "fleet/db:1"
        env: [{name: LOG_LEVEL, value: {{ .Values.level }}}]
{{- end }}
"#;

struct World {
    api: Api,
    _server: Server,
    _running: (Simulator, tempfile::TempDir, tempfile::TempDir),
}

/// App `Fleet` with twelve environments: two restart a database, one cannot be rendered with larger uploads, one has a level
/// of its own.
async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Simulator::start(binary(), folder.path(), "instant").await;
    let data = tempfile::tempdir().unwrap();
    let (server, api) = Server::on_lab(binary(), data.path(), &cluster, &[]).await;
    let chart = charts::packed(&[
        ("Chart.yaml", "apiVersion: v2\nname: fleet\nversion: 1.0.0\n"),
        ("values.yaml", VALUES),
        ("templates/web.yaml", WEB),
        ("templates/db.yaml", DB),
    ]);
    let repository = charts::serve(vec![chart]).await;
    let app = json!({
        "name": "Fleet", "chart_kind": "repository", "chart_url": repository, "chart_name": "fleet",
        "wait_seconds": 60,
    });
    api.post("/apps", app).await;
    api.post("/releases", json!({ "app": "Fleet", "tag": "1", "chart_version": "1.0.0" })).await;
    let mut ops = Vec::new();
    for n in 0..12 {
        let (name, values) = match n {
            0 | 7 => (format!("data-{n}"), "db: true\n"),
            1 => ("narrow".to_owned(), "limit: 32\n"),
            8 => ("quiet".to_owned(), "level: error\n"),
            _ => (format!("plain-{n}"), ""),
        };
        let kind = if n < 6 { "sandbox" } else { "production" };
        let body = json!({
            "name": name, "app": "Fleet", "kind": kind, "cluster": "lab", "values": values,
        });
        ops.push(op_of(&api.post("/environments", body).await));
    }
    for op in ops {
        api.op_succeeds(&op).await;
    }
    World { api, _server: server, _running: (cluster, folder, data) }
}

fn groups(preview: &Value) -> String {
    let told = preview["groups"].as_array().unwrap().iter().map(|group| {
        let text = |name: &str| group[name].as_str().unwrap().to_owned();
        format!(
            "{} {}: {} | {}",
            group["environments"],
            text("kind"),
            text("title"),
            text("summary")
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

/// What new values change is told by groups before they are saved; saving deploys to every environment that follows, sandbox
/// first, what cannot be rendered last; each has one deployment that names its cause.
#[tokio::test(flavor = "multi_thread")]
async fn app_values_in_a_fleet() {
    let world = world().await;
    let api = &world.api;
    let values = "level: warn\nupload: 48\n";
    let begun = api.post("/apps/Fleet/values/previews", json!({ "values": values })).await;
    let id = begun["id"].as_str().unwrap();
    let path = format!("/fleet-previews/{id}");
    let done = api.get_until(&path, |preview| preview["state"] != "running").await;
    assert_eq!(
        (&done["state"], &done["done"], &done["total"]),
        (&json!("done"), &json!(12), &json!(12))
    );
    insta::assert_snapshot!(groups(&done), @"
    1 not_rendered: cannot be rendered | execution error at (fleet/templates/web.yaml:1:56): upload 48 is over the limit 32 of narrow
    Correct the values, or release a chart that renders with them.
    2 interrupts: db restarts | One replica: it is down meanwhile. Changes LOG_LEVEL and UPLOAD. web rolls without interruption. ConfigMap changes.
    8 changes: LOG_LEVEL and UPLOAD | web rolls without interruption. ConfigMap changes.
    1 changes: UPLOAD only | web rolls without interruption.
    ");
    let large = &done["groups"].as_array().unwrap()[2];
    let key = large["key"].as_str().unwrap();
    let listed = api.get(&format!("{path}/groups/{key}/environments?limit=3")).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert_eq!(listed["count"], json!({ "exact": 8 }));

    let refused =
        api.try_put("/apps/Fleet/values", json!({ "values": "a: 1\n", "preview": id })).await;
    assert_eq!(refused.0, 409, "{:#}", refused.1);
    let body = json!({ "values": values, "preview": id, "note": "larger uploads", "at_once": 5 });
    let (status, saved) = api.try_put("/apps/Fleet/values", body).await;
    assert_eq!((status, &saved["revision"]), (200, &json!(1)), "{saved:#}");
    let batch = saved["batch"].as_str().unwrap();
    let ended =
        api.get_until(&format!("/batches/{batch}"), |batch| batch["state"] == "ended").await;
    assert_eq!(
        (&ended["counts"]["succeeded"], &ended["counts"]["failed"]),
        (&json!(11), &json!(1))
    );
    let members = api.get(&format!("/batches/{batch}/environments")).await;
    let last = members["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["environment"]["name"], &last["state"]),
        (&json!("narrow"), &json!("failed"))
    );
    let why = last["deployment"]["failure"].as_str().unwrap();
    assert!(why.contains("over the limit 32"), "{why}");
    let made = api.get(&format!("/deployments?batch={batch}&trigger=values_updated")).await;
    assert_eq!(made["count"], json!({ "exact": 12 }));
    let one = &made["items"][0];
    assert_eq!(
        (&one["reason"], &one["app_values_revision"]),
        (&json!("larger uploads"), &json!(1))
    );
    let quiet = api.get("/environments/quiet/values").await;
    assert_eq!(quiet["own"]["values"], "level: error\n", "its own values are carried forward");
    // What was shown is what was done.
    let again = api.post("/apps/Fleet/values/previews", json!({ "values": values })).await;
    let path = format!("/fleet-previews/{}", again["id"].as_str().unwrap());
    let same = api.get_until(&path, |preview| preview["state"] != "running").await;
    let unchanged = same["groups"].as_array().unwrap().iter().find(|it| it["kind"] == "unchanged");
    assert_eq!(unchanged.unwrap()["environments"], 11);
}

/// The same from a terminal: a preview, a batch that stops after a failure, resumed and followed to its end; and one
/// environment's own values.
#[tokio::test(flavor = "multi_thread")]
async fn from_a_terminal() {
    let world = world().await;
    let api = &world.api;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, "upload: 48\n").unwrap();
    let file = file.to_str().unwrap();
    let landfall = async |args: &[&str]| api.landfall(binary(), args).await;

    let (code, out, told) =
        landfall(&["app", "values", "preview", "Fleet", "-f", file, "--diff"]).await;
    assert_eq!(code, Some(1), "one cannot be rendered: {told}");
    assert!(told.contains("12 of 12 environments previewed, 1 would fail"), "{told}");
    assert!(out.contains("UPLOAD only") && out.contains("over the limit 32"), "{out}");
    assert!(out.contains("+        - name: UPLOAD") || out.contains("value: \"48\""), "{out}");

    // Nothing told that `narrow` would fail: it has its turn among the others, and stops them.
    let set =
        ["app", "values", "set", "Fleet", "-f", file, "--at-once", "1", "--stop-after", "1", "-w"];
    let (code, _, told) = landfall(&set).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("stopped after failures"), "{told}");
    let (_, out, _) = landfall(&["batch", "list", "--open"]).await;
    let id = out.split_whitespace().find(|word| word.starts_with("bat_")).unwrap().to_owned();
    let (code, out, _) = landfall(&["batch", "show", &id, "--state", "failed"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("narrow") && out.contains("over the limit 32"), "{out}");
    let (code, _, told) = landfall(&["batch", "resume", &id, "--watch"]).await;
    assert_eq!(code, Some(1), "one has failed: {told}");
    assert!(told.contains("1 failed, 11 succeeded"), "{told}");
    let (code, out, _) = landfall(&["app", "values", "show", "Fleet"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "upload: 48\n"));

    let own = folder.path().join("own.yaml");
    std::fs::write(&own, "limit: 64\n").unwrap();
    let set = ["env", "values", "set", "narrow", "-f", own.to_str().unwrap(), "-w"];
    let (code, _, told) = landfall(&set).await;
    assert_eq!(code, Some(0), "{told}");
    let (_, out, _) = landfall(&["env", "values", "show", "narrow"]).await;
    assert_eq!(out, "limit: 64\n");
    let narrow = api.get("/environments/narrow").await;
    let last =
        api.get(&format!("/environments/narrow/deployments/{}", narrow["last"]["number"])).await;
    assert_eq!((&last["trigger"], &last["batch"]), (&json!("values_updated"), &Value::Null));
    assert_eq!(last["app_values_revision"], 1, "it follows: the failed one is made up for");
}
