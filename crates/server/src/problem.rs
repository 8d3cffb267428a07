//! Problem details (RFC 9457): how the API says that something was not done.
//!
//! One conversion from [`control::Error`] to status, type and text, which pages use for their status
//! and words, too. Causes of internal faults go to the server's log, and only from here.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
pub(crate) use control::sentence;
use control::{Error, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// An error as the API answers it, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// What kind of problem, as a URN that stays: `urn:landfall:problem:invalid`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, why, and what to do.
    detail: String,
    /// What is wrong field by field, for `invalid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Seconds until another try is looked at, for the header.
    #[serde(skip)]
    retry_after: Option<i64>,
}

/// What is wrong with one field of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// JSON pointer to the field in the request; empty for the whole.
    pointer: String,
    /// What is wrong.
    detail: String,
    /// What to do; absent where `detail` says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
    /// Line in the field's text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// Column in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// The line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

impl From<&Problem> for FieldError {
    fn from(problem: &Problem) -> Self {
        let place = problem.place.as_ref();
        let pointer = match problem.field.as_str() {
            "" => String::new(),
            field => format!("/{field}"),
        };
        Self {
            pointer,
            detail: problem.message.clone(),
            remedy: problem.remedy.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            excerpt: place.map(|place| place.excerpt.clone()),
        }
    }
}

impl ProblemDetails {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:landfall:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The path leads nowhere.
    pub(crate) fn no_such_path(path: &str) -> Self {
        let detail =
            format!("The API has nothing at `{path}`. /api/v1/openapi.json lists what it has.");
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// What the path names cannot be there.
    pub(crate) fn no_such_thing(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", sentence(detail))
    }

    /// The path exists, but not with this method.
    pub(crate) fn no_such_method(method: &http::Method, path: &str) -> Self {
        let detail =
            format!("`{path}` does not take {method}. /api/v1/openapi.json says what it takes.");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            detail,
        )
    }

    /// The request's body, query or path could not be read.
    pub(crate) fn unreadable(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = sentence(&detail.into());
        Self::new(status, "unreadable", "The request could not be read", detail)
    }

    /// The request's body is larger than its route takes.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "Too large",
            "The request is larger than is taken here, so nothing was done. Values may have 1 MiB, chart archives 32 MiB.",
        )
    }

    /// Another site's page sent the request.
    pub(crate) fn from_elsewhere() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "Sent by another site",
            "The request was sent by a page of another site, so nothing was done. A proxy in front of \
             Landfall must leave the headers Host and Origin as they are.",
        )
    }

    /// A header asks for something that does not hold or cannot be read.
    pub(crate) fn precondition(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "Changed in the meantime",
            detail,
        )
    }

    /// A fault of Landfall's own.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "A fault of Landfall",
            "Something went wrong inside Landfall. The server's log has the cause under the request's id.",
        )
    }

    /// What Landfall stores in does not answer.
    pub(crate) fn unavailable() -> Self {
        let told = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available for a moment",
            "Landfall cannot reach its database or its object store. Whether the request was carried out is not known: \
             look, then try again.",
        );
        Self { retry_after: Some(2), ..told }
    }

    /// The same with other words.
    pub(crate) fn saying(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// The status as a type.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The kind in a few words.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// What happened, why, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<&Error> for ProblemDetails {
    fn from(error: &Error) -> Self {
        let (status, kind, title) = match error {
            Error::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Error::SignedOut { .. } => (StatusCode::UNAUTHORIZED, "signed_out", "Not signed in"),
            Error::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Error::Conflict { .. } => {
                (StatusCode::CONFLICT, "conflict", "Does not fit the present state")
            }
            Error::Gone { .. } => (StatusCode::GONE, "gone", "No longer there"),
            Error::TooMany { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many failed tries")
            }
            Error::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Not acceptable as given")
            }
            Error::Unreachable { .. } => {
                (StatusCode::BAD_GATEWAY, "unreachable", "Something outside did not answer")
            }
            Error::Internal { .. } if error.is_outage() => {
                log_cause(error);
                return Self::unavailable();
            }
            Error::Internal { .. } => {
                log_cause(error);
                return Self { detail: error.to_string(), ..Self::internal() };
            }
        };
        let errors = match error {
            Error::Invalid(invalid) => invalid.problems.iter().map(FieldError::from).collect(),
            _ => Vec::new(),
        };
        let retry_after = match error {
            Error::TooMany { wait, .. } => Some(wait.as_secs().max(1)),
            _ => None,
        };
        let told = Self::new(status, kind, title, sentence(&error.to_string()));
        Self { errors, retry_after, ..told }
    }
}

/// The only place where the cause of an internal fault is written.
fn log_cause(error: &Error) {
    let mut chain = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        if !chain.is_empty() {
            chain.push_str(": ");
        }
        chain.push_str(&next.to_string());
        cause = next.source();
    }
    tracing::error!(error = %error, cause = chain, "request failed");
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status(), self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::{Invalid, Place};

    /// Field errors carry a pointer, the place and the line.
    #[test]
    fn invalid_fields() {
        let place = Place { line: 3, column: 7, excerpt: "  tag: [1".to_owned() };
        let problem = Problem {
            place: Some(place),
            ..Problem::new("values", "The list is not closed.", "Add `]`.")
        };
        let error = Error::Invalid(Invalid { problems: vec![problem] });
        let details = serde_json::to_string_pretty(&ProblemDetails::from(&error)).unwrap();
        insta::assert_snapshot!(details, @r#"
        {
          "type": "urn:landfall:problem:invalid",
          "title": "Not acceptable as given",
          "status": 422,
          "detail": "The list is not closed. Add `]`.",
          "errors": [
            {
              "pointer": "/values",
              "detail": "The list is not closed.",
              "remedy": "Add `]`.",
              "line": 3,
              "column": 7,
              "excerpt": "  tag: [1"
            }
          ]
        }
        "#);
    }

    /// An internal fault tells callers nothing of its cause.
    #[test]
    fn internal_faults_keep_their_cause() {
        let error = Error::Internal { doing: "read the list", source: "disk is on fire".into() };
        let details = serde_json::to_string(&ProblemDetails::from(&error)).unwrap();
        assert!(!details.contains("fire"), "{details}");
        assert!(details.contains("read the list"), "{details}");
    }

    /// What is missing is named, as a sentence.
    #[test]
    fn sentences() {
        let missing = Error::NotFound { what: "environment", name: "northwind".to_owned() };
        assert_eq!(ProblemDetails::from(&missing).detail(), "There is no environment `northwind`.");
    }
}
