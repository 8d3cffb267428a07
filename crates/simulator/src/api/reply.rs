//! Answers: JSON bodies, streams, refusals, and the form (`Accept`) an object is shown in.

use std::convert::Infallible;

use futures_util::{Stream, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};

use super::{call::Call, convert};
use crate::{kinds::Kind, status::StatusError, store::StoredObject};

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The form in which objects are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Object,
    /// As a table for people.
    Table,
    /// Their metadata only.
    Metadata,
}

impl Form {
    /// The first form of an `Accept` header that can be written.
    pub(super) fn of(call: &Call) -> Result<Self, StatusError> {
        let mut offered = false;
        for media_type in call.accept.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let mut parameters = media_type.split(';').map(str::trim);
            let name = parameters.next().unwrap_or_default();
            if !matches!(name, "application/json" | "application/*" | "*/*") {
                offered = true;
                continue;
            }
            let parameter = |wanted: &str| {
                let mut all = media_type.split(';').map(str::trim);
                all.find_map(|it| it.strip_prefix(wanted)).unwrap_or_default()
            };
            match parameter("as=") {
                "" => return Ok(Self::Object),
                "Table" => return Ok(Self::Table),
                "PartialObjectMetadata" | "PartialObjectMetadataList" => return Ok(Self::Metadata),
                _ => offered = true,
            }
        }
        if offered { Err(StatusError::not_acceptable()) } else { Ok(Self::Object) }
    }
}

/// A whole JSON answer.
pub(super) fn json_bytes(code: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A whole JSON answer.
pub(super) fn json_value(code: StatusCode, body: &Value) -> Response<Body> {
    json_bytes(code, body.to_string().into_bytes())
}

/// An answer that goes on.
pub(super) fn stream(
    content_type: &'static str,
    chunks: impl Stream<Item = Bytes> + Send + 'static,
) -> Response<Body> {
    let frames = chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A refusal.
pub(super) fn refusal(error: &StatusError) -> Response<Body> {
    let code = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_value(code, &error.to_json());
    if code == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What a path is told that no group of the cluster knows anything of.
pub(super) fn page_not_found() -> Response<Body> {
    let mut response = json_bytes(StatusCode::NOT_FOUND, b"404 page not found\n".to_vec());
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// One object, in the form the client asks for and the version it was asked at.
pub(super) fn object(
    code: StatusCode,
    call: &Call,
    kind: &Kind,
    stored: &StoredObject,
) -> Result<Response<Body>, StatusError> {
    Ok(match Form::of(call)? {
        Form::Object => json_bytes(code, convert::served(kind, stored).into_owned()),
        Form::Metadata => json_value(code, &metadata_only(&stored.value())),
        Form::Table => {
            let version = stored.revision.to_string();
            let object = convert::served_value(kind, stored);
            let rows = vec![crate::kinds::columns::row(kind, &object)];
            let metadata = json!({ "resourceVersion": version });
            json_value(code, &table(call.query("includeObject"), kind, rows, &metadata, true))
        }
    })
}

/// An object cut down to its metadata.
pub(super) fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// A table of rows.
pub(super) fn table(
    include_object: &str,
    kind: &Kind,
    rows: Vec<(Vec<Value>, Value)>,
    metadata: &Value,
    with_columns: bool,
) -> Value {
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|(cells, object)| match include_object {
            "None" => json!({ "cells": cells }),
            "Object" => json!({ "cells": cells, "object": object }),
            _ => json!({ "cells": cells, "object": metadata_only(&object) }),
        })
        .collect();
    let columns = if with_columns { crate::kinds::columns::definitions(kind) } else { Value::Null };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

/// Adds warnings that clients print, as Kubernetes sends them.
pub(super) fn with_warnings(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}
