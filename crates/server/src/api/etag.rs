//! Revisions as `ETag` and `If-Match`: who saves on a revision that is no longer the newest saves nothing.

use axum::Json;
use axum::http::header::{ETAG, HeaderMap, HeaderValue, IF_MATCH};
use axum::response::{IntoResponse, Response};
use control::Error;
use serde::Serialize;

use crate::problem::{ProblemDetails, sentence};

/// The revision that `If-Match` names; none without it, and for `*`.
pub(super) fn based_on(headers: &HeaderMap) -> Result<Option<i64>, ProblemDetails> {
    let Some(header) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match revision.and_then(|revision| revision.parse().ok()) {
        Some(revision) => Ok(Some(revision)),
        None => Err(ProblemDetails::precondition(format!(
            "If-Match `{text}` is not a revision. Give the ETag of GET, such as \"3\"."
        ))),
    }
}

/// The failure of a save: with `If-Match` a newer revision is the precondition that failed.
pub(super) fn not_saved(error: Error, based_on: Option<i64>) -> ProblemDetails {
    match error {
        Error::Conflict { .. } if based_on.is_some() => {
            ProblemDetails::precondition(sentence(&error.to_string()))
        }
        error => error.into(),
    }
}

/// An answer with its revision as the `ETag`.
pub(super) fn tagged<T: Serialize>(revision: i64, answer: T) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{revision}\""));
    let mut response = Json(answer).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
