//! The HTTP side: paths, verbs, content types and answers of the Kubernetes API.
//!
//! Every request becomes a [`Call`] and is answered by one handler; what the verbs mean is the
//! `cluster`'s work. Nothing here keeps state between requests.

mod call;
mod convert;
mod delete;
mod discovery;
mod exec;
mod list;
mod openapi;
mod pod_log;
mod protobuf;
mod read;
mod reply;
mod review;
mod scale;
mod watch;
mod write;

use std::{convert::Infallible, sync::Arc};

use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::call::{Call, ResourceCall};
pub(crate) use self::reply::Body;
use crate::{cluster::Cluster, programs::Programs, status::StatusError};

/// The largest body that is read, as in Kubernetes.
const BODY_LIMIT: usize = 3 << 20;

/// What is served: a cluster, to whoever knows the token.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) cluster: Cluster,
    pub(crate) token: String,
    /// What stands in for commands that are executed.
    pub(crate) programs: Programs,
    /// Has the tasks that outlive their request.
    pub(crate) tasks: TaskTracker,
    /// Ends them.
    pub(crate) stop: CancellationToken,
}

impl Api {
    /// Answers one request; refusals are answers too.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let path = request.uri().path().to_owned();
        let answer = self.answer(request).await;
        Ok(answer.unwrap_or_else(|error| {
            if error.is_no_such_path() && !discovery::is_of_builtin_group(&path) {
                return reply::page_not_found();
            }
            reply::refusal(&error)
        }))
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, StatusError> {
        let (parts, body) = request.into_parts();
        let open = matches!(parts.uri.path(), "/version" | "/healthz" | "/livez" | "/readyz");
        if !open && !self.knows_token(&parts) {
            return Err(StatusError::unauthorized());
        }
        if exec::is_asked(&parts) {
            return exec::answer(self, parts);
        }
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(StatusError::too_large());
            }
            Err(error) => return Err(StatusError::bad_request(error.to_string())),
        };
        let call = Call::new(&parts, body);
        match call::route(&call, &self.cluster.kinds())? {
            call::Route::Resource(resource) => {
                let response = self.resource(&call, &resource)?;
                let custom = resource.kind.custom.as_ref();
                let warning = custom.and_then(|custom| custom.deprecation.clone());
                Ok(reply::with_warnings(response, warning.as_slice()))
            }
            call::Route::Other => discovery::answer(&call, &self.cluster.kinds()),
            call::Route::Review(kind) => review::answer(&call, &kind),
        }
    }

    fn knows_token(&self, parts: &http::request::Parts) -> bool {
        let header = parts.headers.get(http::header::AUTHORIZATION);
        let given = header.and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        // As long for a wrong token as for the right one.
        let different = given.bytes().zip(self.token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        given.len() == self.token.len() && different == 0
    }

    fn resource(
        &self,
        call: &Call,
        resource: &ResourceCall,
    ) -> Result<Response<Body>, StatusError> {
        let cluster = &self.cluster;
        let subresource = resource.subresource.as_deref().unwrap_or_default();
        match (subresource, call.method.as_str()) {
            ("log", "GET") if resource.kind.storage == "pods" => {
                return pod_log::answer(cluster, call, resource);
            }
            ("exec", _) if resource.kind.storage == "pods" => {
                return Err(StatusError::bad_request("Upgrade request required"));
            }
            ("eviction", "POST") if resource.kind.storage == "pods" => {
                return delete::evict(cluster, call, resource);
            }
            ("scale", _) if resource.kind.scale => return scale::answer(cluster, call, resource),
            ("finalize", "PUT") if resource.kind.storage == "namespaces" => {
                return write::finalize(cluster, call, resource);
            }
            ("", _) => {}
            ("status", _) if resource.kind.status => {}
            _ => return Err(StatusError::no_such_path()),
        }
        match (&call.method, &resource.name) {
            (&Method::GET, None) if call.flag("watch") => watch::answer(cluster, call, resource),
            (&Method::GET, None) => list::answer(cluster, call, resource),
            (&Method::GET, Some(_)) => read::answer(cluster, call, resource),
            (&Method::POST, None) => write::create(cluster, call, resource),
            (&Method::PUT, Some(_)) => write::update(cluster, call, resource),
            (&Method::PATCH, Some(_)) => write::patch(cluster, call, resource),
            (&Method::DELETE, Some(_)) => delete::one(cluster, call, resource),
            (&Method::DELETE, None) => delete::collection(cluster, call, resource),
            _ => Err(StatusError::method_not_allowed()),
        }
    }
}
