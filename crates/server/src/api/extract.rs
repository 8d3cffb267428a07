//! Bodies, paths and queries of the API, with what cannot be read told as problem details.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::StatusCode;

use crate::problem::ProblemDetails;

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ProblemDetails))]
pub(crate) struct Body<T>(pub(crate) T);

/// The places of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ProblemDetails))]
pub(crate) struct PathOf<T>(pub(crate) T);

/// The query of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ProblemDetails))]
pub(crate) struct Params<T>(pub(crate) T);

impl From<JsonRejection> for ProblemDetails {
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large();
        }
        // Syntax, wrong types and a missing content type each have their status.
        let text = match &rejection {
            JsonRejection::JsonSyntaxError(_) => {
                said("The body is not JSON", &rejection.body_text())
            }
            JsonRejection::JsonDataError(_) => {
                said("The body is not what this call takes", &rejection.body_text())
            }
            _ => rejection.body_text(),
        };
        Self::unreadable(rejection.status(), text)
    }
}

impl From<PathRejection> for ProblemDetails {
    fn from(rejection: PathRejection) -> Self {
        // An id that is none names nothing.
        let text = rejection.body_text();
        Self::no_such_thing(text.strip_prefix("Invalid URL: ").unwrap_or(&text))
    }
}

/// What the framework says of a body, behind words of ours instead of its own.
fn said(what: &str, text: &str) -> String {
    format!("{what}: {}", text.split_once(": ").map_or(text, |(_, fault)| fault))
}

impl From<QueryRejection> for ProblemDetails {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}
