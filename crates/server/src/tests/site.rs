//! A Landfall for one test, and someone who asks it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use control::account::{NewAdministrator, NewPerson, NewToken, Remote};
use control::cluster::{AccessFuture, SimulatedClusters};
use control::names::ClusterName;
use control::op::OpEvent;
use control::store::ids::ClusterId;
use control::{Actor, Config, Control, Database, Limits, OutboundPolicy, WorkerSettings, Workers};
use futures_util::StreamExt as _;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use simulator::{Simulator, Timing};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{ChartRepository, ServerConfig};

/// A Landfall.
pub(crate) struct Site {
    pub(crate) control: Control,
    pub(crate) router: Router,
    /// The address of a chart repository with the sample product.
    pub(crate) charts: String,
    stop: CancellationToken,
    workers: Option<Workers>,
    folder: TempDir,
}

/// Someone who asks: nobody, a session, or a token.
#[derive(Clone)]
pub(crate) struct Asking {
    router: Router,
    headers: HeaderMap,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Simulated clusters in memory, started when asked for.
#[derive(Default)]
struct InMemory {
    running: Mutex<HashMap<ClusterId, Simulator>>,
}

impl SimulatedClusters for InMemory {
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a> {
        Box::pin(async move {
            let mut running = self.running.lock().await;
            let simulator = match running.entry(id) {
                Entry::Occupied(running) => running.into_mut(),
                Entry::Vacant(free) => {
                    let builder =
                        Simulator::builder().name(name.as_str()).timing(Timing::instant());
                    free.insert(builder.start().await?)
                }
            };
            Ok(rollout::ClusterConfig::with_token(
                name.as_str(),
                simulator.url(),
                Some(simulator.ca_pem().to_owned()),
                simulator.token().to_owned(),
            ))
        })
    }
}

impl Site {
    /// One where nobody is set up yet.
    pub(crate) async fn fresh() -> Self {
        // Another test of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let control = Control::open(Config {
            database: Database::Sqlite(folder.path().join("landfall.db")),
            objects: folder.path().join("objects").into(),
            key_file: folder.path().join("landfall.key"),
            outbound: OutboundPolicy { allowed_networks: vec!["127.0.0.0/8".parse().unwrap()] },
            workers: WorkerSettings {
                count: 2,
                lease: Duration::from_secs(5),
                poll: Duration::from_millis(200),
                ..WorkerSettings::default()
            },
            limits: Limits::default(),
            simulated: Some(Arc::new(InMemory::default())),
            in_cluster: None,
            // Nobody answers there: a test that asks is told so at once.
            dns_server: Some(([127, 0, 0, 1], 1).into()),
        })
        .await
        .unwrap();
        let stop = CancellationToken::new();
        let router = crate::router(control.clone(), ServerConfig::default(), stop.clone());
        let charts = charts(stop.clone()).await;
        Self { control, router, charts, stop, workers: None, folder }
    }

    /// One with an Administrator.
    pub(crate) async fn set_up() -> (Self, Asking) {
        let site = Self::fresh().await;
        let new = NewAdministrator {
            code: site.setup_code().await,
            email: "ada@example.com".to_owned(),
            name: "ada".to_owned(),
            password: SecretString::from("correct horse battery"),
        };
        let session = site.control.setup_administrator(new, &Remote::default()).await.unwrap();
        let cookie = format!("landfall={}", session.token.expose_secret());
        let asking = site.nobody().with(COOKIE.as_str(), &cookie);
        (site, asking)
    }

    /// The same, with Ops carried out.
    pub(crate) async fn at_work() -> (Self, Asking) {
        let (mut site, asking) = Self::set_up().await;
        site.workers = Some(site.control.start_workers());
        (site, asking)
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The same data behind an HTTP side with other settings.
    pub(crate) fn serving(mut self, config: ServerConfig) -> Self {
        self.router = crate::router(self.control.clone(), config, self.stop.clone());
        self
    }

    /// Stops the workers: what is queued from now on stays so.
    pub(crate) async fn rest(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// Someone signed in who has a role, called by it.
    pub(crate) async fn person(&self, role: &str) -> Asking {
        self.person_named(role, role).await
    }

    /// Someone signed in who has a role and a name; the address is made of the name.
    pub(crate) async fn person_named(&self, role: &str, name: &str) -> Asking {
        let email = format!("{name}@example.com");
        let new = NewPerson {
            email: email.clone(),
            name: name.to_owned(),
            role: role.to_owned(),
            password: Some(SecretString::from("correct horse battery")),
        };
        self.control.person_create(&Actor::system(), new).await.unwrap();
        self.signed_in(&email, "correct horse battery").await
    }

    /// Someone who has just signed in by password.
    pub(crate) async fn signed_in(&self, email: &str, password: &str) -> Asking {
        let form = [("email", email), ("password", password)];
        let done = self.nobody().form("/sign-in", &form).await.expect(StatusCode::SEE_OTHER);
        self.nobody().with(COOKIE.as_str(), &done.cookie())
    }

    pub(crate) async fn setup_code(&self) -> String {
        self.control.setup_code().await.unwrap().unwrap().expose_secret().to_owned()
    }

    /// Someone who is not signed in.
    pub(crate) fn nobody(&self) -> Asking {
        Asking { router: self.router.clone(), headers: HeaderMap::new() }
    }

    /// Someone with a token of a role, whose owner has that role.
    pub(crate) async fn token(&self, role: &str) -> Asking {
        let new = NewPerson {
            email: format!("{role}@example.com"),
            name: role.to_owned(),
            role: role.to_owned(),
            password: Some(SecretString::from("correct horse battery")),
        };
        self.control.person_create(&Actor::system(), new).await.unwrap();
        let credentials = control::account::Credentials {
            email: format!("{role}@example.com"),
            password: SecretString::from("correct horse battery"),
        };
        let remote = Remote::default();
        let session = self.control.sign_in(credentials, &remote).await.unwrap();
        let actor =
            self.control.session_actor(session.token.expose_secret(), &remote).await.unwrap();
        let new = NewToken { name: "test".to_owned(), ..NewToken::default() };
        let made = self.control.token_create(&actor.unwrap(), new).await.unwrap();
        self.nobody().with("authorization", &format!("Bearer {}", made.secret.expose_secret()))
    }

    /// App `Parcel`, its release 2.4.0, and the simulated cluster `demo`, made through the API.
    pub(crate) async fn ground(&self, asking: &Asking) {
        let app = serde_json::json!({
            "name": "Parcel", "chart_kind": "repository", "chart_url": self.charts, "chart_name": "parcel"
        });
        asking.post("/api/v1/apps", &app).await.expect(StatusCode::CREATED);
        let release = serde_json::json!({
            "app": "Parcel", "tag": "2.4.0", "chart_version": "0.31.0", "changelog": "Faster label printing"
        });
        asking.post("/api/v1/releases", &release).await.expect(StatusCode::CREATED);
        let cluster = serde_json::json!({ "name": "demo", "admits": "both" });
        asking.post("/api/v1/clusters/simulated", &cluster).await.expect(StatusCode::CREATED);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A chart repository with both versions of the sample product, on a free port.
async fn charts(stop: CancellationToken) -> String {
    let product = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/parcel");
    let archives = ["0.31.0", "0.31.2"]
        .map(|version| helm::chart::package(format!("{product}/{version}")).unwrap());
    let repository = ChartRepository::new(archives).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(repository.serve(listener, stop));
    format!("http://{address}")
}

impl Asking {
    /// The same, with a header more.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut asking = self.clone();
        let name: http::HeaderName = name.parse().unwrap();
        asking.headers.insert(name, value.parse().unwrap());
        asking
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, Some("application/json"), Body::from(body.to_string())).await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = Some("application/x-www-form-urlencoded");
        self.send(Method::POST, path, kind, Body::from(body)).await
    }

    /// Sends a request and gives the answer back as it streams.
    pub(crate) async fn open(&self, path: &str) -> axum::response::Response {
        let asking = self.with("accept", "text/html, text/event-stream");
        asking
            .router
            .clone()
            .oneshot(asking.request(Method::GET, path, None, Body::empty()))
            .await
            .unwrap()
    }

    async fn send(&self, method: Method, path: &str, kind: Option<&str>, body: Body) -> Answer {
        let request = self.request(method, path, kind, body);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    fn request(&self, method: Method, path: &str, kind: Option<&str>, body: Body) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let mut request = request.body(body).unwrap();
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        request
    }
}

impl Answer {
    /// Fails the test, with what was answered, unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The session's cookie that the answer sets, as a request carries it.
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers[SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    /// What stands before: the text of the page without markup, blanks folded.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for character in self.text.chars() {
            match character {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                other if !inside => words.push(other),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Waits for the end of an Op.
pub(super) async fn ended(site: &Site, op: &Value) {
    let id = op["id"].as_str().unwrap().parse().unwrap();
    let mut events = site.control.op_subscribe(&Actor::system(), id, 0).await.unwrap();
    while let Some(event) = events.next().await {
        if event.unwrap() == OpEvent::End {
            return;
        }
    }
}
