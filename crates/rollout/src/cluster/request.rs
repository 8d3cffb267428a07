//! The requests this crate sends, one function per verb.

use std::fmt::Write as _;

use futures_util::AsyncBufRead;
use http::Method;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::{Value, json};

use super::retry::{Failure, Pauses};
use super::watch::Place;
use super::{Cluster, ClusterError, Resource, error};
use crate::ObjectKey;

/// The field manager of Helm 4, and so ours: a release must look the same to both.
pub(crate) const FIELD_MANAGER: &str = "helm";
/// How many objects one page of a list holds.
const PAGE: u32 = 500;

/// How an object is applied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ApplyMode {
    /// Take over fields that other managers own.
    pub(crate) force: bool,
    /// Only say what would become of it.
    pub(crate) dry_run: bool,
}

/// Whether a request takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does.
    Lasting,
    /// It only says what would become of the object.
    DryRun,
}

impl Effect {
    fn query(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Lasting => &[("fieldManager", FIELD_MANAGER)],
            Self::DryRun => &[("fieldManager", FIELD_MANAGER), ("dryRun", "All")],
        }
    }

    fn doing(self, lasting: &str) -> &str {
        if self == Self::DryRun { "trying" } else { lasting }
    }
}

/// What of a container's output is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogOptions {
    /// Go on as long as the container runs.
    pub(crate) follow: bool,
    /// Of the instance before the running one.
    pub(crate) previous: bool,
    /// Only lines of this time and later.
    pub(crate) since: Option<jiff::Timestamp>,
    /// Only so many lines from the end.
    pub(crate) tail: Option<u32>,
}

/// A page list's items and the version they were read at.
pub(crate) struct Listed {
    pub(crate) items: Vec<Value>,
    pub(crate) resource_version: String,
}

impl Cluster {
    /// The object, or nothing.
    pub(crate) async fn get(
        &self,
        resource: &Resource,
        key: &ObjectKey,
    ) -> Result<Option<Value>, ClusterError> {
        let path = object_path(resource, key);
        match self.get_path(&path, &format!("reading {key}")).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object's metadata and nothing else, or nothing: for what would be large.
    pub(crate) async fn get_metadata(
        &self,
        resource: &Resource,
        key: &ObjectKey,
    ) -> Result<Option<Value>, ClusterError> {
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        let path = object_path(resource, key);
        match self.get_path_accepting(&path, accept, &format!("reading {key}")).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of a kind, page by page.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        label_selector: Option<&str>,
    ) -> Result<Listed, ClusterError> {
        let place = Place { resource, namespace, field_selector: None };
        self.list_accepting(place, label_selector, "application/json").await
    }

    /// The same of what is followed.
    pub(super) async fn list_followed(&self, place: Place<'_>) -> Result<Listed, ClusterError> {
        self.list_accepting(place, None, "application/json").await
    }

    /// The same with nothing but the objects' metadata: for what would be large.
    pub(crate) async fn list_metadata(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        label_selector: Option<&str>,
    ) -> Result<Listed, ClusterError> {
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let place = Place { resource, namespace, field_selector: None };
        self.list_accepting(place, label_selector, accept).await
    }

    /// The first page of a list, of at most `limit` objects.
    pub(crate) async fn list_first(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        label_selector: &str,
        limit: usize,
    ) -> Result<Vec<Value>, ClusterError> {
        let limit = limit.to_string();
        let query = [("limit", limit.as_str()), ("labelSelector", label_selector)];
        let path = with_query(&resource.collection(namespace), &query);
        let mut answer = self.get_path(&path, &format!("listing {}", resource.plural)).await?;
        let Value::Array(items) = answer["items"].take() else { return Ok(Vec::new()) };
        Ok(items.into_iter().map(|item| typed(item, resource)).collect())
    }

    async fn list_accepting(
        &self,
        place: Place<'_>,
        label_selector: Option<&str>,
        accept: &str,
    ) -> Result<Listed, ClusterError> {
        let Place { resource, namespace, field_selector } = place;
        let doing = format!("listing {}", resource.plural);
        let mut listed = Listed { items: Vec::new(), resource_version: String::new() };
        let mut next = String::new();
        loop {
            let limit = PAGE.to_string();
            let mut query = vec![("limit", limit.as_str())];
            query.extend(label_selector.map(|selector| ("labelSelector", selector)));
            query.extend(field_selector.map(|selector| ("fieldSelector", selector)));
            if !next.is_empty() {
                query.push(("continue", &next));
            }
            let path = with_query(&resource.collection(namespace), &query);
            let mut answer = self.get_path_accepting(&path, accept, &doing).await?;
            let metadata =
                |field: &str| answer["metadata"][field].as_str().unwrap_or_default().to_owned();
            let following = metadata("continue");
            listed.resource_version = metadata("resourceVersion");
            if let Value::Array(items) = answer["items"].take() {
                listed.items.extend(items.into_iter().map(|item| typed(item, resource)));
            }
            if following.is_empty() {
                return Ok(listed);
            }
            next = following;
        }
    }

    /// Server-side apply; the answer is the object as it is, or would be.
    pub(crate) async fn apply(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        object: &Value,
        mode: ApplyMode,
    ) -> Result<Value, ClusterError> {
        self.apply_as(FIELD_MANAGER, resource, key, object, mode).await
    }

    /// The same under another field manager.
    pub(crate) async fn apply_as(
        &self,
        manager: &str,
        resource: &Resource,
        key: &ObjectKey,
        object: &Value,
        mode: ApplyMode,
    ) -> Result<Value, ClusterError> {
        let mut query = vec![
            ("fieldManager", manager),
            ("fieldValidation", "Strict"),
            ("force", if mode.force { "true" } else { "false" }),
        ];
        if mode.dry_run {
            query.push(("dryRun", "All"));
        }
        let path = with_query(&object_path(resource, key), &query);
        let doing = if mode.dry_run { "trying" } else { "applying" };
        self.send(Call {
            method: Method::PATCH,
            path: &path,
            content_type: Some("application/apply-patch+yaml"),
            accept: None,
            body: Some(object),
            doing: &format!("{doing} {key}"),
        })
        .await
    }

    /// Creates an object.
    pub(crate) async fn create(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        object: &Value,
        effect: Effect,
    ) -> Result<Value, ClusterError> {
        let collection = resource.collection(key.namespace.as_deref());
        self.send(Call {
            method: Method::POST,
            path: &with_query(&collection, effect.query()),
            content_type: Some("application/json"),
            accept: None,
            body: Some(object),
            doing: &format!("{} {key}", effect.doing("creating")),
        })
        .await
    }

    /// Changes an object by a patch of this content type.
    pub(crate) async fn patch(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        content_type: &str,
        patch: &Value,
        effect: Effect,
    ) -> Result<Value, ClusterError> {
        self.send(Call {
            method: Method::PATCH,
            path: &with_query(&object_path(resource, key), effect.query()),
            content_type: Some(content_type),
            accept: None,
            body: Some(patch),
            doing: &format!("{} {key}", effect.doing("patching")),
        })
        .await
    }

    /// The same under another field manager.
    pub(crate) async fn patch_as(
        &self,
        manager: &str,
        resource: &Resource,
        key: &ObjectKey,
        content_type: &str,
        patch: &Value,
    ) -> Result<Value, ClusterError> {
        self.send(Call {
            method: Method::PATCH,
            path: &with_query(&object_path(resource, key), &[("fieldManager", manager)]),
            content_type: Some(content_type),
            accept: None,
            body: Some(patch),
            doing: &format!("patching {key}"),
        })
        .await
    }

    /// Replaces an object; tied to the version that its metadata names.
    pub(crate) async fn replace(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        object: &Value,
    ) -> Result<Value, ClusterError> {
        let path = object_path(resource, key);
        self.send(Call {
            method: Method::PUT,
            path: &with_query(&path, &[("fieldManager", FIELD_MANAGER)]),
            content_type: Some("application/json"),
            accept: None,
            body: Some(object),
            doing: &format!("replacing {key}"),
        })
        .await
    }

    /// Deletes the very object that has `uid`, what it owns after it in the background; whether
    /// there was one to delete.
    pub(crate) async fn delete(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        uid: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        });
        if let Some(uid) = uid {
            options["preconditions"] = json!({ "uid": uid });
        }
        let sent = self
            .send(Call {
                method: Method::DELETE,
                path: &object_path(resource, key),
                content_type: Some("application/json"),
                accept: None,
                body: Some(&options),
                doing: &format!("deleting {key}"),
            })
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A container's output, each line led by its time.
    pub(crate) async fn container_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: LogOptions,
    ) -> Result<impl AsyncBufRead + Send + use<>, ClusterError> {
        let since = options.since.map(|since| since.to_string());
        let tail = options.tail.map(|tail| tail.to_string());
        let mut query = vec![("container", container), ("timestamps", "true")];
        if options.follow {
            query.push(("follow", "true"));
        }
        if options.previous {
            query.push(("previous", "true"));
        }
        query.extend(since.as_deref().map(|since| ("sinceTime", since)));
        query.extend(tail.as_deref().map(|tail| ("tailLines", tail)));
        let path = with_query(&format!("/api/v1/namespaces/{namespace}/pods/{pod}/log"), &query);
        let doing = format!("reading the log of Pod/{namespace}/{pod}");
        let request = self.request(&Call::get(&path, &doing))?;
        self.opened(&doing, self.inner.clients.streams.request_stream(request)).await
    }

    /// The client for what has a connection of its own.
    pub(crate) fn stream_client(&self) -> kube::Client {
        self.inner.clients.streams.clone()
    }

    /// Waits until such a connection is open.
    pub(crate) async fn opened<T>(
        &self,
        doing: &str,
        opening: impl Future<Output = kube::Result<T>> + Send,
    ) -> Result<T, ClusterError> {
        match tokio::time::timeout(self.inner.request_timeout, opening).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(error::from_kube(self.name(), doing, error).error),
            Err(_) => Err(self.timed_out(doing)),
        }
    }

    pub(super) async fn get_path(&self, path: &str, doing: &str) -> Result<Value, ClusterError> {
        self.send(Call::get(path, doing)).await
    }

    pub(super) async fn get_path_accepting(
        &self,
        path: &str,
        accept: &str,
        doing: &str,
    ) -> Result<Value, ClusterError> {
        self.send(Call { accept: Some(accept), ..Call::get(path, doing) }).await
    }

    /// Posts a question that is answered and not stored.
    pub(crate) async fn ask(
        &self,
        path: &str,
        question: &Value,
        doing: &str,
    ) -> Result<Value, ClusterError> {
        self.send(Call {
            method: Method::POST,
            content_type: Some("application/json"),
            body: Some(question),
            ..Call::get(path, doing)
        })
        .await
    }

    async fn send(&self, call: Call<'_>) -> Result<Value, ClusterError> {
        let mut pauses = Pauses::new(self.inner.first_pause);
        loop {
            let request = self.request(&call)?;
            let answer = answer(&self.inner.clients.requests, request);
            let answer = tokio::time::timeout(self.inner.request_timeout, answer);
            let failure = match self.inner.pulse.during(answer).await {
                Ok(Ok(answer)) => {
                    self.inner.pulse.answered();
                    return Ok(answer);
                }
                Ok(Err(error)) => error::from_kube(self.name(), call.doing, error),
                Err(_) => Failure { error: self.timed_out(call.doing), retry_after: None },
            };
            match failure.error {
                ClusterError::Unreachable { .. } => self.inner.pulse.not_answered(),
                _ => self.inner.pulse.answered(),
            }
            pauses.after(failure).await?;
        }
    }

    pub(super) fn request(&self, call: &Call<'_>) -> Result<http::Request<Vec<u8>>, ClusterError> {
        let answer_error = |problem: String| ClusterError::Config {
            cluster: self.name().to_owned(),
            problem: format!("{} cannot be asked for: {problem}", call.path),
        };
        let body = match call.body {
            Some(body) => {
                serde_json::to_vec(body).map_err(|error| answer_error(error.to_string()))?
            }
            None => Vec::new(),
        };
        let mut request = http::Request::builder().method(call.method.clone()).uri(call.path);
        request = request.header(http::header::ACCEPT, call.accept.unwrap_or("application/json"));
        if let Some(content_type) = call.content_type {
            request = request.header(http::header::CONTENT_TYPE, content_type);
        }
        request.body(body).map_err(|error| answer_error(error.to_string()))
    }

    fn timed_out(&self, doing: &str) -> ClusterError {
        ClusterError::Unreachable {
            cluster: self.name().to_owned(),
            doing: doing.to_owned(),
            problem: format!("no answer within {} s", self.inner.request_timeout.as_secs()),
        }
    }
}

/// Sends a request and reads its answer whole. `kube`'s own way copies it twice and, where it is no JSON, writes it to the log.
async fn answer(client: &Client, request: http::Request<Vec<u8>>) -> Result<Value, kube::Error> {
    let response = client.send(request.map(Body::from)).await?;
    let code = response.status();
    let body = response.into_body().collect_bytes().await?;
    if code.is_client_error() || code.is_server_error() {
        // What is in between (a proxy, a gateway) may answer in its own way.
        let status = serde_json::from_slice::<Status>(&body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&body);
            Status::failure(text.trim(), "Unknown").with_code(code.as_u16())
        });
        return Err(kube::Error::Api(status.boxed()));
    }
    serde_json::from_slice(&body).map_err(kube::Error::SerdeError)
}

/// One request before it is built.
pub(super) struct Call<'a> {
    method: Method,
    path: &'a str,
    content_type: Option<&'a str>,
    accept: Option<&'a str>,
    body: Option<&'a Value>,
    doing: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a str, doing: &'a str) -> Self {
        let (content_type, accept, body) = (None, None, None);
        Self { method: Method::GET, path, content_type, accept, body, doing }
    }
}

fn object_path(resource: &Resource, key: &ObjectKey) -> String {
    let collection = resource.collection(key.namespace.as_deref());
    format!("{collection}/{}", encode(&key.name))
}

pub(super) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Percent-encodes what a path segment or a query value may not hold as it is.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    out
}

/// Items of a list do not carry their type; those who look at them want it.
pub(super) fn typed(mut item: Value, resource: &Resource) -> Value {
    if let Value::Object(fields) = &mut item {
        fields.entry("apiVersion").or_insert_with(|| json!(resource.api_version));
        fields.entry("kind").or_insert_with(|| json!(resource.kind));
    }
    item
}
