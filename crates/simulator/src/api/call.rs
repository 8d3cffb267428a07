//! A request taken apart: path, query, the headers that matter, body.

use std::sync::Arc;

use http::{Method, header, request::Parts};
use hyper::body::Bytes;
use serde_json::Value;

use super::protobuf;
use crate::{
    cluster::WriteOptions,
    kinds::{Kind, Kinds},
    status::StatusError,
};

/// A request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    query: Vec<(String, String)>,
    pub(super) accept: String,
    pub(super) content_type: String,
    user_agent: String,
    pub(super) body: Bytes,
}

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Route {
    /// A resource.
    Resource(ResourceCall),
    /// A review such as `SelfSubjectAccessReview`: created, answered, never stored.
    Review(String),
    /// Discovery, version, health.
    Other,
}

/// The resource part of a path.
#[derive(Debug)]
pub(super) struct ResourceCall {
    pub(super) kind: Arc<Kind>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl ResourceCall {
    /// The namespace for look-ups: empty for kinds outside namespaces.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name for look-ups.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

impl Call {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let text = |name| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let query = parts.uri.query().unwrap_or_default().split('&').filter(|it| !it.is_empty());
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: query
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decoded(name, true), decoded(value, true)))
                .collect(),
            accept: text(header::ACCEPT),
            content_type: text(header::CONTENT_TYPE),
            user_agent: text(header::USER_AGENT),
            body,
        }
    }

    /// A query parameter; the empty text if it is missing.
    pub(super) fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A boolean query parameter.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.query(name), "true" | "1")
    }

    /// A whole-number query parameter, if it is there and a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.query(name).parse().ok()
    }

    /// Field manager and dry run, as query parameters name them.
    pub(super) fn write_options(&self) -> Result<WriteOptions, StatusError> {
        let dry_run = match self.query("dryRun") {
            "" => false,
            "All" => true,
            other => {
                return Err(StatusError::bad_request(format!(
                    "dryRun: Unsupported value: {other:?}: supported values: \"All\""
                )));
            }
        };
        let manager = match self.query("fieldManager") {
            "" => self.user_agent.split('/').next().unwrap_or_default(),
            manager => manager,
        };
        let manager = if manager.is_empty() { "unknown" } else { manager };
        Ok(WriteOptions {
            manager: manager.chars().take(128).collect(),
            dry_run,
            api_version: String::new(),
        })
    }

    /// The body as JSON; YAML is read too.
    pub(super) fn json(&self) -> Result<Value, StatusError> {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        match kind {
            "application/yaml" | "application/apply-patch+yaml" => read_yaml(&self.body),
            "" | "application/json" => read_json(&self.body),
            "application/vnd.kubernetes.protobuf" => protobuf::read(&self.body),
            kind if kind.ends_with("+json") => read_json(&self.body),
            other => Err(StatusError::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml, application/vnd.kubernetes.protobuf; got {other}"
            ))),
        }
    }
}

fn read_json(body: &[u8]) -> Result<Value, StatusError> {
    serde_json::from_slice(body).map_err(|error| {
        StatusError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

/// Apply configurations are mostly JSON under the name of YAML; JSON is YAML, and read faster.
fn read_yaml(body: &[u8]) -> Result<Value, StatusError> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let refuse = |error: &dyn std::error::Error| StatusError::bad_request(error.to_string());
    let text = std::str::from_utf8(body).map_err(|error| refuse(&error))?;
    let value = goyaml::parse_keeping_integers(text).map_err(|error| refuse(&error))?;
    let json = goyaml::json::to_string(&value).map_err(|error| refuse(&error))?;
    serde_json::from_str(&json).map_err(|error| refuse(&error))
}

/// Where a path leads; 404 for paths of resources that are not served.
pub(super) fn route(call: &Call, kinds: &Kinds) -> Result<Route, StatusError> {
    let segments: Vec<String> =
        call.path.split('/').filter(|it| !it.is_empty()).map(|it| decoded(it, false)).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Route::Other),
    };
    if let Some(kind) = super::review::kind_at(group, version, rest) {
        return Ok(Route::Review(kind));
    }
    let (namespace, rest) = match rest {
        // `namespaces/NAME/status` is the namespace itself, not a resource inside it.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, inside @ ..] => (Some((*namespace).to_owned()), inside),
        rest => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, None, None),
        [plural, name] => (*plural, Some(*name), None),
        [plural, name, subresource] => (*plural, Some(*name), Some(*subresource)),
        _ => return Err(StatusError::no_such_path()),
    };
    let kind = kinds.at_path(group, version, plural).ok_or_else(StatusError::no_such_path)?;
    let misplaced = if kind.namespaced {
        namespace.is_none() && (name.is_some() || call.method == Method::POST)
    } else {
        namespace.is_some()
    };
    if misplaced {
        return Err(StatusError::no_such_path());
    }
    Ok(Route::Resource(ResourceCall {
        kind: Arc::clone(kind),
        namespace,
        name: name.map(str::to_owned),
        subresource: subresource.map(str::to_owned),
    }))
}

/// A percent-encoded text; in queries a plus is a blank.
fn decoded(text: &str, plus_is_blank: bool) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'+', _) if plus_is_blank => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match digit(*high).zip(digit(*low)) {
                Some((high, low)) => {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                    rest = after;
                }
                None => bytes.push(b'%'),
            },
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
