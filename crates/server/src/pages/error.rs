//! Pages for what did not work: 404, 403, 500 and the like, in the frame where someone is signed in.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::{Html, IntoResponse, Response};
use control::Error;

use super::{Chrome, Section};
use crate::problem::ProblemDetails;

/// Why a page is not shown. The guard turns it into a page with the frame.
#[derive(Clone, Debug)]
pub(crate) struct PageError(Arc<ProblemDetails>);

#[derive(Template)]
#[template(path = "pages/error.html")]
struct InFrame<'a> {
    chrome: Chrome,
    details: &'a ProblemDetails,
}

#[derive(Template)]
#[template(path = "pages/error_plain.html")]
struct Plain<'a> {
    details: &'a ProblemDetails,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="notice bad" role="alert"><strong>{{ details.title() }}</strong>{{ details.detail() }}</div>"#
)]
struct Fragment<'a> {
    details: &'a ProblemDetails,
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self(Arc::new(ProblemDetails::from(&error)))
    }
}

impl From<ProblemDetails> for PageError {
    fn from(details: ProblemDetails) -> Self {
        Self(Arc::new(details))
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        // Only a fault of a template's own gets here.
        tracing::error!(%error, "a page could not be written");
        Self(Arc::new(ProblemDetails::internal()))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.plain();
        response.extensions_mut().insert(self);
        response
    }
}

impl PageError {
    /// The error as a page in the frame.
    pub(crate) fn in_frame(&self, mut chrome: Chrome) -> Response {
        self.details().title().clone_into(&mut chrome.title);
        chrome.section = Section::Other;
        self.page(InFrame { chrome, details: &self.0 }.render())
    }

    /// The error as a fragment, where a script asked for one.
    pub(crate) fn fragment(&self) -> Response {
        self.page(Fragment { details: &self.0 }.render())
    }

    /// The error as a page of its own.
    pub(crate) fn plain(&self) -> Response {
        self.page(Plain { details: &self.0 }.render())
    }

    /// What is told.
    pub(crate) fn details(&self) -> &ProblemDetails {
        &self.0
    }

    fn page(&self, rendered: askama::Result<String>) -> Response {
        match rendered {
            Ok(html) => (self.0.status(), Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "an error page could not be written");
                self.0.status().into_response()
            }
        }
    }
}

/// An address that leads nowhere.
pub(crate) async fn no_such_path(uri: Uri) -> Response {
    let details = ProblemDetails::no_such_path(uri.path());
    if is_api(uri.path()) {
        return details.into_response();
    }
    let text = format!(
        "There is no page at `{}`. It may have been moved, or the address has a slip.",
        uri.path()
    );
    PageError::from(details.saying(text)).into_response()
}

/// A method that a path does not take.
pub(crate) async fn no_such_method(method: Method, uri: Uri) -> Response {
    let details = ProblemDetails::no_such_method(&method, uri.path());
    if is_api(uri.path()) {
        details.into_response()
    } else {
        PageError::from(details).into_response()
    }
}

/// A form that another site's page sent.
pub(crate) fn from_elsewhere() -> Response {
    PageError::from(ProblemDetails::from_elsewhere()).plain()
}

/// A fault that stopped a handler.
pub(crate) fn after_panic() -> Response<Body> {
    tracing::error!("a handler panicked");
    PageError::from(ProblemDetails::internal()).plain()
}

/// Whether a request speaks JSON.
pub(crate) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Whether a script asks, which wants a fragment.
pub(crate) fn is_fragment(request: &Request) -> bool {
    request.headers().contains_key("hx-request")
}
