//! The JSON API under `/api/v1`: a file per resource, each handler one call into `control`.
//!
//! Answers are `control`'s own views as JSON; errors are problem details; lists are pages with
//! cursors; creating calls take an `Idempotency-Key`.

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod batches;
pub(crate) mod clusters;
pub(crate) mod deployments;
pub(crate) mod domains;
pub(crate) mod environments;
mod etag;
mod extract;
pub(crate) mod fleets;
pub(crate) mod openapi;
pub(crate) mod ops;
pub(crate) mod own;
pub(crate) mod people;
pub(crate) mod releases;
pub(crate) mod tokens;

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use control::Error;
use serde::Serialize;

pub(crate) use extract::{Body, Params, PathOf};

use crate::problem::ProblemDetails;

/// What handlers of the API return.
pub(crate) type Answer<T> = Result<Json<T>, ProblemDetails>;

impl From<Error> for ProblemDetails {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// `201 Created`, with the address of what was made.
pub(crate) struct Created<T> {
    pub(crate) at: String,
    pub(crate) made: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.made)).into_response();
        if let Ok(location) = HeaderValue::from_str(&format!("/api/v1{}", self.at)) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
