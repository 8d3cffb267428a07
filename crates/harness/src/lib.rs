//! The landfall binary as users run it, for end-to-end tests and benchmarks: a server, a simulated cluster in a process of
//! its own, a chart repository, and a client of the API.
//!
//! It knows no inside of Landfall: everything goes through processes and HTTP. Like a test it panics where something is
//! not as it must be, and says what it saw.

#![allow(
    clippy::unwrap_used,
    reason = "whoever uses this is a test or a benchmark: failing loudly is its job"
)]

pub mod charts;
pub mod docker_registry;
pub mod gpg;
pub mod scripted;

use std::path::{Path, PathBuf};

use fixture::process::Process;
pub use fixture::{
    ClusterTools, DnsServer, PATIENCE, RealCluster, Simulator, SnapshotController, client, process,
    tool,
};
use serde_json::{Value, json};

/// The server as a process.
pub struct Server {
    /// Its address.
    pub url: String,
    /// The set-up code, on a first run.
    pub code: Option<String>,
    /// Where its metrics are, if they are served.
    pub metrics: Option<String>,
    process: Process,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Server {
    /// Starts `landfall serve` of this binary on a folder; `more` are further arguments. Repositories on loopback,
    /// where tests have theirs, may be read.
    pub async fn start(binary: &Path, data: &Path, more: &[&str]) -> Self {
        Self::start_with(binary, data, more, &[]).await
    }

    /// The same with more variables in its environment.
    pub async fn start_with(
        binary: &Path,
        data: &Path,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let more = [&["--allow-network", "127.0.0.0/8"], more].concat();
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::run(binary, arguments(data, &more), variables.iter().map(text).collect()).await
    }

    /// The same as it is by default: nothing on loopback is reached.
    pub async fn start_guarded(binary: &Path, data: &Path, more: &[&str]) -> Self {
        Self::run(binary, arguments(data, more), Vec::new()).await
    }

    async fn run(binary: &Path, arguments: Vec<String>, variables: Vec<(String, String)>) -> Self {
        let borrowed: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut process = Process::start_with(binary, &borrowed, &variables);
        let line = process.line_with("listens on").await;
        let last = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
        let url = last(&line);
        let (mut code, mut metrics) = (None, None);
        while let Some(line) = process.line_printed_along() {
            if line.contains("code ") {
                code = Some(last(&line));
            } else if line.contains("Metrics at ") {
                metrics = Some(last(&line));
            }
        }
        Self { url, code, metrics, process, arguments, variables }
    }

    /// Starts the server, sets it up, and makes its cluster `lab` this one; `more` are further arguments.
    pub async fn on_lab(
        binary: &Path,
        data: &Path,
        cluster: &ClusterTools,
        more: &[&str],
    ) -> (Self, Api) {
        let reached = format!("lab={}", cluster.kubeconfig.display());
        let server =
            Self::start(binary, data, &[&["--simulated-cluster", &reached], more].concat()).await;
        let api = server.set_up().await;
        api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
        (server, api)
    }

    /// Kills the server as a power cut would, and starts it again with the same data.
    pub async fn kill_and_start_again(&mut self, binary: &Path) {
        self.process.kill().await;
        let arguments = std::mem::take(&mut self.arguments);
        *self = Self::run(binary, arguments, std::mem::take(&mut self.variables)).await;
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sets the Administrator up with the printed code, and makes a token.
    pub async fn set_up(&self) -> Api {
        let http = client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = [
            ("code", self.code.as_deref().expect("a first run prints a code")),
            ("email", "ada@example.com"),
            ("name", "Ada"),
            ("password", "correct horse battery staple"),
        ];
        let answer = http.post(format!("{}/set-up", self.url)).form(&form).send().await.unwrap();
        assert!(
            answer.status().is_redirection(),
            "{}: {}",
            answer.status(),
            answer.text().await.unwrap()
        );
        let cookie =
            answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let body = json!({ "name": "test", "role": "administrator" });
        let made = http
            .post(format!("{}/api/v1/tokens", self.url))
            .header("cookie", cookie)
            .json(&body)
            .send();
        let made: Value = made.await.unwrap().error_for_status().unwrap().json().await.unwrap();
        let token =
            made.pointer("/secret").or_else(|| made.pointer("/token")).and_then(Value::as_str);
        Api { url: self.url.clone(), token: token.expect("a token is shown once").to_owned(), http }
    }
}

fn arguments(data: &Path, more: &[&str]) -> Vec<String> {
    let data = data.to_str().unwrap();
    let first = ["serve", "--listen", "127.0.0.1:0", "--data", data];
    first.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// A client of the API with a token.
#[derive(Clone)]
pub struct Api {
    /// The server's address.
    pub url: String,
    /// The API token.
    pub token: String,
    http: reqwest::Client,
}

impl Api {
    /// A client with a token.
    pub fn new(url: &str, token: &str) -> Self {
        // Not `Client::new`, which needs that somebody has chosen a provider of cryptography before.
        let http = client().build().expect("the client of tests can be built");
        Self { url: url.to_owned(), token: token.to_owned(), http }
    }

    /// The same user at another address.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url.clone(), ..self.clone() }
    }

    /// A client command of this binary, as this user: exit code, what it printed, and what it said of errors.
    pub async fn landfall(&self, binary: &Path, args: &[&str]) -> (Option<i32>, String, String) {
        let output = tokio::process::Command::new(binary)
            .args(args)
            .env("LANDFALL_SERVER", &self.url)
            .env("LANDFALL_TOKEN", &self.token)
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// The same, which must succeed; what it printed.
    pub async fn succeeds(&self, binary: &Path, args: &[&str]) -> String {
        let (code, out, told) = self.landfall(binary, args).await;
        assert_eq!(code, Some(0), "{args:?}: {out}{told}");
        out
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// `GET` that must succeed.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).await;
        assert!((200..300).contains(&status), "GET {path}: {status} {body:#}");
        body
    }

    /// `GET`, whatever comes of it.
    pub async fn try_get(&self, path: &str) -> (u16, Value) {
        self.send(self.http.get(format!("{}/api/v1{path}", self.url))).await
    }

    /// `PUT`, whatever comes of it.
    pub async fn try_put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.http.put(format!("{}/api/v1{path}", self.url)).json(&body)).await
    }

    /// `PATCH`, whatever comes of it.
    pub async fn try_patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.http.patch(format!("{}/api/v1{path}", self.url)).json(&body)).await
    }

    /// `DELETE`, whatever comes of it.
    pub async fn try_delete(&self, path: &str) -> (u16, Value) {
        self.send(self.http.delete(format!("{}/api/v1{path}", self.url))).await
    }

    /// `POST`, whatever comes of it.
    pub async fn try_post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.http.post(format!("{}/api/v1{path}", self.url)).json(&body)).await
    }

    /// `POST` that must succeed.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_post(path, body).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer:#}");
        answer
    }

    /// `POST` of what an Op carries out, which must succeed; the answer to it.
    pub async fn carried_out(&self, path: &str, body: Value) -> Value {
        let begun = self.post(path, body).await;
        self.op_succeeds(&op_of(&begun)).await;
        begun
    }

    /// `GET` again and again, until the answer is as wanted: of what has no events.
    pub async fn get_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
            loop {
                pace.tick().await;
                let answer = self.get(path).await;
                if wanted(&answer) {
                    return answer;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it becomes as wanted in time")
    }

    /// Waits until the Op is as wanted, by its event stream.
    pub async fn op_until(&self, op: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            let mut answer = self
                .http
                .get(format!("{}/api/v1/ops/{op}/events", self.url))
                .bearer_auth(&self.token)
                .send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap();
            let mut text = String::new();
            while let Some(chunk) = answer.chunk().await.unwrap() {
                text.push_str(&String::from_utf8_lossy(&chunk));
                while let Some(end) = text.find("\n\n") {
                    let event: String = text.drain(..end + 2).collect();
                    if !event.contains("event: state") {
                        continue;
                    }
                    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                    let state: Value = serde_json::from_str(data).unwrap();
                    if wanted(&state) {
                        return state;
                    }
                }
            }
            panic!(
                "the events of {op} ended before it was as wanted: {:#}",
                self.get(&format!("/ops/{op}")).await
            );
        };
        let Ok(state) = tokio::time::timeout(PATIENCE, waiting).await else {
            panic!("{op} never became as wanted: {:#}", self.get(&format!("/ops/{op}")).await);
        };
        state
    }

    /// Waits until the Op has ended.
    pub async fn op_end(&self, op: &str) -> Value {
        self.op_until(op, |op| !["queued", "running"].contains(&op["state"].as_str().unwrap()))
            .await
    }

    /// Waits for an Op that must succeed; says why if it does not.
    pub async fn op_succeeds(&self, op: &str) -> Value {
        let ended = self.op_end(op).await;
        if ended["state"] != "succeeded" {
            let log = self.get(&format!("/ops/{op}/log")).await;
            panic!("{op} did not succeed: {ended:#}\n{log:#}");
        }
        ended
    }
}

/// The id of the Op in an answer.
pub fn op_of(answer: &Value) -> String {
    answer.pointer("/op/id").and_then(Value::as_str).expect("the answer names an Op").to_owned()
}

/// A shell script of this text in a folder: what a cluster runs in the place of a container's command.
pub fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;

    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// An empty database on the PostgreSQL of the tests.
pub async fn postgres() -> String {
    use sqlx::{Connection, Executor};

    let url = std::env::var("LANDFALL_TEST_POSTGRES_URL")
        .expect("run the tests by `make test-rust` or `scripts/with-postgres`, or set LANDFALL_TEST_POSTGRES_URL");
    let name = format!("landfall_{}", uuid::Uuid::now_v7().simple());
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = url.rsplit_once('/').expect("the address ends in a database");
    format!("{server}/{name}")
}
