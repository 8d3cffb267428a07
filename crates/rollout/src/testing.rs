//! An API server for tests, behind the client's own HTTP boundary: it keeps objects in memory and can
//! be told to fail. It knows just enough of Kubernetes for the functions under test.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use helm::release::Release;
use http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::plan::{Operation, Plan};
use crate::record::NothingKept;
use crate::report::{Report, Reporter, RolloutEvent};
use crate::{Cluster, Execution, GuardError, WriteGuard};

/// What the server does with a request it was told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers with this status and does nothing.
    Refuse(u16),
    /// It does what it was asked, but answers with this status.
    LoseAnswer(u16),
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    requests: Vec<String>,
    faults: Vec<(String, Fault)>,
    /// By kind: what the server lays over what is created.
    made: BTreeMap<String, Value>,
    /// By path: what is answered to what is posted there, without storing it.
    answers: BTreeMap<String, Value>,
}

/// The server, its guard and its reporter.
#[derive(Clone, Default)]
pub(crate) struct FakeServer {
    state: Arc<Mutex<State>>,
    reports: Arc<Mutex<Vec<Report>>>,
    lease_lost: Arc<Mutex<bool>>,
    pub(crate) cancel: CancellationToken,
}

/// A plan of release `shop` in namespace `prod` that touches nothing.
pub(crate) fn plan(operation: Operation) -> Plan {
    Plan {
        release: "shop".to_owned(),
        namespace: "prod".to_owned(),
        operation,
        base_revision: None,
        creates_namespace: false,
        force_conflicts: false,
        method: crate::plan::Method::ServerSide,
        crds: Vec::new(),
        objects: Vec::new(),
        hooks: Vec::new(),
        hash: String::new(),
    }
}

impl FakeServer {
    pub(crate) fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Cluster::with_client("demo", Client::new(service, "default"))
    }

    pub(crate) fn execution<'a>(&'a self, cluster: &'a Cluster) -> Execution<'a> {
        Execution { cluster, guard: self, reporter: self, kept: &NothingKept, cancel: &self.cancel }
    }

    /// Fails the next request whose `METHOD /path` begins so; several are used up one by one.
    pub(crate) fn fail(&self, request: &str, fault: Fault) {
        self.state.lock().unwrap().faults.push((request.to_owned(), fault));
    }

    /// Forgets the faults that were not used up.
    pub(crate) fn stop_failing(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// From now on the cluster adds these fields to every object of a kind as it is stored.
    pub(crate) fn on_create(&self, kind: &str, fields: Value) {
        self.state.lock().unwrap().made.insert(kind.to_owned(), fields);
    }

    /// From now on what is posted to this path is a question with this answer.
    pub(crate) fn answer_posts(&self, path: &str, answer: Value) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn lose_lease(&self) {
        *self.lease_lost.lock().unwrap() = true;
    }

    pub(crate) fn put(&self, path: &str, object: Value) {
        let mut state = self.state.lock().unwrap();
        state.store(path, object);
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    /// All requests since the last call, without their queries.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// Writes sent since the last call, without their queries.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        self.take_requests().into_iter().filter(|request| !request.starts_with("GET")).collect()
    }

    /// The log lines told.
    pub(crate) fn log(&self) -> Vec<String> {
        let reports = self.reports.lock().unwrap();
        let line = |report: &Report| match &report.event {
            RolloutEvent::Log(line) => Some(line.text.clone()),
            _ => None,
        };
        reports.iter().filter_map(line).collect()
    }

    /// Revision, status and description of every record of release `shop`.
    pub(crate) fn history(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut releases: Vec<Release> = state.objects.values().filter_map(decoded).collect();
        releases.sort_by_key(|release| release.version);
        let line = |r: &Release| format!("{} {} {}", r.version, r.info.status, r.info.description);
        releases.iter().map(line).collect()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let uri = request.uri().clone();
        let body = request.into_body().collect_bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        let line = format!("{method} {}", uri.path());
        state.requests.push(line.clone());
        let fault = state.faults.iter().position(|(prefix, _)| line.starts_with(prefix));
        let fault = fault.map(|index| state.faults.remove(index).1);
        if let Some(Fault::Refuse(code)) = fault {
            return status(code, "told to fail");
        }
        let answer = state.serve(&method, uri.path(), uri.query().unwrap_or_default(), body);
        match fault {
            Some(Fault::LoseAnswer(code)) => status(code, "told to fail"),
            _ => answer,
        }
    }
}

fn decoded(object: &Value) -> Option<Release> {
    use base64::Engine as _;
    let data = object["data"]["release"].as_str()?;
    Release::decode(&base64::engine::general_purpose::STANDARD.decode(data).ok()?).ok()
}

impl State {
    fn serve(&mut self, method: &Method, path: &str, query: &str, body: Value) -> Response<Body> {
        // A kind whose definition is there is served at once.
        let defined = self.objects.keys().any(|path| path.ends_with("/orders.example.org"));
        if let Some(answer) = discovery(path, defined) {
            return ok(&answer);
        }
        if let Some(answer) = self.answers.get(path).filter(|_| *method == Method::POST) {
            return ok(answer);
        }
        let existing = self.objects.get(path).cloned();
        match (method.as_str(), existing) {
            ("GET", Some(object)) => ok(&object),
            ("GET", None) if COLLECTIONS.iter().any(|(_, _, plural)| path.ends_with(plural)) => {
                let selected = |object: &&Value| selector_fits(query, object);
                let inside = self.objects.iter().filter(|(key, _)| key.starts_with(path));
                let items: Vec<&Value> = inside.map(|(_, o)| o).filter(selected).collect();
                ok(&json!({ "metadata": { "resourceVersion": "1" }, "items": items }))
            }
            // Nobody makes the namespace that something is in.
            ("GET", None) if self.is_namespace(path) => {
                ok(&json!({ "apiVersion": "v1", "kind": "Namespace" }))
            }
            ("POST", _) => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) {
                    return status(409, "it exists");
                }
                ok(&self.store(&path, body))
            }
            ("PUT", Some(found)) => {
                if found["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
                    return status(409, "the object has been modified");
                }
                ok(&self.store(path, body))
            }
            ("PATCH", _) if query.contains("dryRun=All") => ok(&body),
            ("PATCH", _) => ok(&self.store(path, body)),
            ("DELETE", Some(_)) => {
                self.objects.remove(path);
                ok(&json!({ "kind": "Status", "status": "Success" }))
            }
            _ => status(404, "it is not there"),
        }
    }

    /// Whether this is the path of a namespace that has anything in it.
    fn is_namespace(&self, path: &str) -> bool {
        let name = path.strip_prefix("/api/v1/namespaces/");
        name.is_some_and(|name| {
            let within = format!("/namespaces/{name}/");
            !name.contains('/') && self.objects.keys().any(|path| path.contains(&within))
        })
    }

    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        let made = object["kind"].as_str().and_then(|kind| self.made.get(kind));
        for (field, value) in made.and_then(Value::as_object).into_iter().flatten() {
            object[field] = value.clone();
        }
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        object["metadata"]["uid"] = json!(path);
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

const COLLECTIONS: [(&str, &str, &str); 10] = [
    ("v1", "Namespace", "namespaces"),
    ("v1", "Secret", "secrets"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Service", "services"),
    ("v1", "Pod", "pods"),
    ("v1", "Event", "events"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("batch/v1", "Job", "jobs"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
];

fn discovery(path: &str, defined: bool) -> Option<Value> {
    let resources = |version: &str| -> Value {
        let of_version = COLLECTIONS.iter().filter(|(api, ..)| *api == version);
        let one = |(_, kind, plural): &(&str, &str, &str)| json!({ "name": plural, "kind": kind, "namespaced": !["Namespace", "CustomResourceDefinition"].contains(kind) });
        json!({ "kind": "APIResourceList", "resources": of_version.map(one).collect::<Vec<_>>() })
    };
    Some(match path {
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" if defined => json!({ "kind": "APIGroupList", "groups": [
            { "name": "apiextensions.k8s.io", "versions": [{ "groupVersion": "apiextensions.k8s.io/v1", "version": "v1" }] },
            { "name": "example.org", "versions": [{ "groupVersion": "example.org/v1", "version": "v1" }] },
        ] }),
        "/apis/example.org/v1" if defined => json!({ "kind": "APIResourceList", "resources": [
            { "name": "orders", "kind": "Order", "namespaced": true },
        ] }),
        "/apis/apiextensions.k8s.io/v1" => resources("apiextensions.k8s.io/v1"),
        "/apis" => json!({ "kind": "APIGroupList", "groups": [
            { "name": "apiextensions.k8s.io", "versions": [{ "groupVersion": "apiextensions.k8s.io/v1", "version": "v1" }] },
            { "name": "apps", "versions": [{ "groupVersion": "apps/v1", "version": "v1" }] },
            { "name": "batch", "versions": [{ "groupVersion": "batch/v1", "version": "v1" }] },
            { "name": "dead", "versions": [{ "groupVersion": "dead/v1", "version": "v1" }] },
        ] }),
        "/api/v1" => resources("v1"),
        "/apis/apps/v1" => resources("apps/v1"),
        "/apis/batch/v1" => resources("batch/v1"),
        "/version" => json!({ "major": "1", "minor": "37", "gitVersion": "v1.37.1" }),
        _ => return None,
    })
}

/// Whether an object has the labels that `labelSelector=a%3Db%2Cc%3Dd` asks for.
fn selector_fits(query: &str, object: &Value) -> bool {
    let selector = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector="));
    let selector =
        selector.unwrap_or_default().replace("%3D", "=").replace("%2F", "/").replace("%2C", ",");
    selector
        .split(',')
        .filter_map(|term| term.split_once('='))
        .all(|(name, value)| object["metadata"]["labels"][name].as_str() == Some(value))
}

fn ok(answer: &Value) -> Response<Body> {
    Response::new(Body::from(serde_json::to_vec(answer).unwrap()))
}

fn status(code: u16, message: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": "", "message": message,
    });
    let mut response = ok(&body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

impl WriteGuard for FakeServer {
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>> {
        let lost = *self.lease_lost.lock().unwrap();
        let answer =
            if lost { Err(GuardError { reason: "the lease was lost".to_owned() }) } else { Ok(()) };
        Box::pin(std::future::ready(answer))
    }
}

impl Reporter for FakeServer {
    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        self.reports.lock().unwrap().push(report);
        Box::pin(std::future::ready(()))
    }
}
