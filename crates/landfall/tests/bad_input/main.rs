//! What bad input gets, through the API of the real binary: a clear message at the right field or in the Op, and no
//! half-made record left behind.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

mod calls;
mod charts;
mod deployments;
mod forms;
mod outside;

use std::fmt::Write as _;
use std::path::Path;

use harness::{Api, Server, op_of};
use serde_json::{Value, json};
use tempfile::TempDir;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

/// A server with a simulated cluster `lab` and the App `Shop`, whose chart `shop` is in a repository.
struct World {
    api: Api,
    repository: String,
    _folder: TempDir,
    _server: Server,
}

/// `lab` runs inside the server.
async fn world(archives: Vec<Vec<u8>>) -> World {
    world_with(archives, tempfile::tempdir().unwrap(), &[]).await
}

async fn world_with(archives: Vec<Vec<u8>>, folder: TempDir, more: &[&str]) -> World {
    let more = [&["--simulated-pace", "instant"], more].concat();
    let server = Server::start(binary(), &folder.path().join("data"), &more).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "sandbox" })).await;
    let repository = harness::charts::serve(archives).await;
    let app = json!({
        "name": "Shop", "chart_kind": "repository", "chart_url": repository, "chart_name": "shop",
    });
    api.post("/apps", app).await;
    World { api, repository, _folder: folder, _server: server }
}

impl World {
    /// What is kept: a call that is refused changes none of it, and the audit log tells of none.
    async fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for list in [
            "/apps",
            "/releases",
            "/clusters",
            "/environments",
            "/deployments",
            "/tokens",
            "/audit",
        ] {
            records.push(self.api.get(list).await);
        }
        // When a token was last used is no matter of what it was used for.
        for token in records[5]["items"].as_array_mut().unwrap() {
            token["last_used_at"] = Value::Null;
        }
        records
    }

    /// A `POST` that must be refused and leave nothing behind; what it answers.
    async fn refused(&self, path: &str, body: Value) -> String {
        let before = self.records().await;
        let answer = self.api.try_post(path, body).await;
        assert_eq!(self.records().await, before, "{path}: {}", answer.1);
        self.told(&answer)
    }

    fn told(&self, answer: &(u16, Value)) -> String {
        told(answer).replace(&self.repository, "REPOSITORY")
    }

    /// An App of another repository; refused.
    async fn app_refused(&self, url: &str, chart: &str) -> String {
        let app = json!({ "name": "Other", "chart_url": url, "chart_name": chart });
        self.refused("/apps", app).await.replace(url, "URL")
    }

    async fn release(&self, tag: &str, version: &str) {
        let release = json!({ "app": "Shop", "tag": tag, "chart_version": version });
        self.api.post("/releases", release).await;
    }

    /// Saves values of the App, and waits until they were deployed to who follows, for better or worse.
    async fn app_values(&self, values: &str) {
        let (status, saved) =
            self.api.try_put("/apps/Shop/values", json!({ "values": values })).await;
        assert_eq!(status, 200, "{saved:#}");
        let batch = format!("/batches/{}", saved["batch"].as_str().unwrap());
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
        while self.api.get(&batch).await["state"] != "ended" {
            pace.tick().await;
        }
    }

    /// An environment that is up.
    async fn environment(&self, name: &str, tag: &str) {
        let made = self.api.post("/environments", environment(name, tag)).await;
        self.api.op_succeeds(&op_of(&made)).await;
    }

    /// A `POST` that makes a deployment which must fail; how the Op ended, and what the deployment says of it.
    async fn fails(&self, path: &str, body: Value) -> String {
        let started = self.api.post(path, body).await;
        let op = self.api.op_end(&op_of(&started)).await;
        let id = started["deployment"]["id"].as_str().unwrap();
        let deployment = self.api.get(&format!("/deployments/{id}")).await;
        assert_eq!((&op["state"], &deployment["state"]), (&json!("failed"), &json!("failed")));
        let mut out = String::new();
        for step in op["steps"].as_array().unwrap() {
            if step["state"] == "failed" {
                writeln!(out, "{} failed", step["name"].as_str().unwrap()).unwrap();
                assert_eq!(step["note"], deployment["failure"]["message"], "told in one way");
            }
        }
        for field in ["message", "remedy", "cluster_state"] {
            let text = deployment["failure"][field].as_str().unwrap();
            if !text.is_empty() {
                writeln!(out, "{field}: {text}").unwrap();
            }
        }
        let log = format!("/ops/{}/log?level=error", op["id"].as_str().unwrap());
        let log = self.api.get(&log).await;
        let lines = log["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 1, "the log says once why: {lines:#?}");
        assert_eq!(lines[0]["text"], deployment["failure"]["message"]);
        out
    }
}

/// The body that makes an environment of `Shop`.
fn environment(name: &str, tag: &str) -> Value {
    json!({ "name": name, "app": "Shop", "kind": "sandbox", "cluster": "lab", "release": tag })
}

/// Problem details with all that they say: status, kind, title, text; per field its pointer, place and line, what is
/// wrong, and what to do.
fn told((status, body): &(u16, Value)) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(body["status"], *status, "{body:#}");
    let kind = text(&body["type"]);
    let kind = kind.strip_prefix("urn:landfall:problem:").expect("a kind of ours");
    let mut out = format!("{status} {kind}: {}\n", text(&body["title"]));
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    if errors.is_empty() {
        writeln!(out, "{}", text(&body["detail"])).unwrap();
    }
    for error in errors {
        write!(out, "{}", text(&error["pointer"])).unwrap();
        if error["line"].is_number() {
            let line =
                format!("{}:{} | {}", error["line"], error["column"], text(&error["excerpt"]));
            write!(out, " {}", line.trim_end()).unwrap();
        }
        writeln!(out, "\n  {}", text(&error["detail"])).unwrap();
        if !text(&error["remedy"]).is_empty() {
            writeln!(out, "  -> {}", text(&error["remedy"])).unwrap();
        }
    }
    out
}

/// Chart `shop`: a replica count that its schema limits.
fn shop(version: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let metadata = format!("apiVersion: v2\nname: shop\nversion: {version}\n");
    let schema = r#"{
        "type": "object",
        "properties": {
            "replicas": { "type": "integer", "minimum": 1 },
            "mode": { "enum": ["small", "large"] }
        }
    }"#;
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
               replicas: {{ .Values.replicas | quote }}\n";
    let files = [
        ("Chart.yaml", metadata.as_str()),
        ("values.yaml", "replicas: 1\nmode: small\n"),
        ("values.schema.json", schema),
        ("templates/settings.yaml", map),
    ];
    harness::charts::packed(&[&files, more].concat())
}
