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
        // Syntax, wrong types, a missing content type and too much of it each have their status.
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for ProblemDetails {
    fn from(rejection: PathRejection) -> Self {
        // An id that is none names nothing.
        Self::unreadable(StatusCode::NOT_FOUND, rejection.body_text())
    }
}

impl From<QueryRejection> for ProblemDetails {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}
