//! What forms share: errors at the field and on top, and what was typed.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use control::{Error, Problem};
use serde::de::DeserializeOwned;

use super::PageError;
use crate::problem::{ProblemDetails, sentence};
use crate::view::code::escape;

/// What a form was told: nothing yet, or why it was not accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    problems: Vec<Problem>,
    general: Option<String>,
    status: Option<StatusCode>,
}

impl Told {
    /// What is shown in the form itself; other errors are pages of their own.
    pub(crate) fn of(error: Error) -> Result<Self, PageError> {
        let details = ProblemDetails::from(&error);
        let status = Some(details.status());
        match error {
            Error::Invalid(invalid) => {
                Ok(Self { problems: invalid.problems, general: None, status })
            }
            Error::Conflict { .. }
            | Error::Unreachable { .. }
            | Error::SignedOut { .. }
            | Error::TooMany { .. } => Ok(Self {
                problems: Vec::new(),
                general: Some(details.detail().to_owned()),
                status,
            }),
            other => Err(other.into()),
        }
    }

    /// The status of the page that shows the form again.
    pub(crate) fn status(&self) -> StatusCode {
        self.status.unwrap_or(StatusCode::OK)
    }

    /// Whether there is anything to tell.
    pub(crate) fn any(&self) -> bool {
        self.general.is_some() || !self.problems.is_empty()
    }

    /// What is wrong with the whole.
    pub(crate) fn general(&self) -> Option<&str> {
        self.general.as_deref()
    }

    /// All problems with fields, for the summary on top.
    pub(crate) fn all(&self) -> &[Problem] {
        &self.problems
    }

    /// The attributes of a field's control: whether it is wrong, and where that is said.
    pub(crate) fn attributes(&self, field: &str) -> String {
        let mut described = format!("{field}-help");
        if self.problems.iter().any(|problem| problem.field == field) {
            described = format!("{field}-errors {described}");
            return format!(r#" aria-invalid="true" aria-describedby="{described}""#);
        }
        format!(r#" aria-describedby="{described}""#)
    }

    /// The problems with a field as markup, each with its place for the editor.
    pub(crate) fn at(&self, field: &str) -> String {
        let mut out = String::new();
        for problem in self.problems.iter().filter(|problem| problem.field == field) {
            out.push_str(&markup(problem));
        }
        if out.is_empty() { out } else { format!(r#"<div id="{field}-errors">{out}</div>"#) }
    }
}

/// A problem at its field, the faulty line shown.
pub(crate) fn markup(problem: &Problem) -> String {
    let mut out = String::from(r#"<p class="error""#);
    if let Some(place) = &problem.place {
        let _ = write!(
            out,
            r#" data-problem-for="{}" data-problem-line="{}" data-problem-column="{}""#,
            problem.field, place.line, place.column
        );
    }
    out.push_str("><span>");
    escape(&mut out, &words(problem));
    if let Some(excerpt) = problem.place.as_ref().map(|place| &place.excerpt)
        && !excerpt.is_empty()
    {
        out.push_str(r#" <code class="block">"#);
        escape(&mut out, excerpt);
        out.push_str("</code>");
    }
    out.push_str("</span></p>");
    out
}

/// A problem in words: the place, what is wrong, what to do.
pub(crate) fn words(problem: &Problem) -> String {
    let mut words = String::new();
    if let Some(place) = &problem.place {
        let _ = write!(words, "Line {}, column {}: ", place.line, place.column);
    }
    words.push_str(&sentence(&problem.message));
    if !problem.remedy.is_empty() {
        let _ = write!(words, " {}", problem.remedy);
    }
    words
}

/// What a form sent, with the line ends of forms (CRLF) made plain.
pub(crate) struct Sent<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        let mut whole = Request::new(body);
        // How much the route takes stands among them.
        *whole.extensions_mut() = parts.extensions.clone();
        let body = Bytes::from_request(whole, state).await.map_err(|rejection| match rejection
            .status()
        {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemDetails::too_large().into(),
            status => unreadable(status, rejection.body_text()),
        })?;
        // Percent-encoded CR LF, as browsers send the line ends of text fields.
        let plain = String::from_utf8_lossy(&body).replace("%0D%0A", "%0A");
        let request = Request::from_parts(parts, Body::from(plain));
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(sent)) => Ok(Self(sent)),
            Err(rejection) => Err(unreadable(rejection.status(), rejection.body_text())),
        }
    }
}

/// The places of a page's path. One that cannot be read names nothing.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(PageError))]
pub(crate) struct PathOf<T>(pub(crate) T);

/// The query of a page's address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(PageError))]
pub(crate) struct Params<T>(pub(crate) T);

impl From<PathRejection> for PageError {
    fn from(_: PathRejection) -> Self {
        unreadable(StatusCode::NOT_FOUND, "This address names nothing that could exist.")
    }
}

impl From<QueryRejection> for PageError {
    fn from(rejection: QueryRejection) -> Self {
        unreadable(rejection.status(), rejection.body_text())
    }
}

fn unreadable(status: StatusCode, text: impl Into<String>) -> PageError {
    ProblemDetails::unreadable(status, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::{Invalid, Place};

    fn told(problem: Problem) -> Told {
        Told::of(Error::Invalid(Invalid { problems: vec![problem] })).unwrap()
    }

    /// A problem stands at its field, with its place for the editor, and nothing of it is markup.
    #[test]
    fn at_the_field() {
        let place = Place { line: 2, column: 3, excerpt: "  <b>: [".to_owned() };
        let told = told(Problem {
            place: Some(place),
            ..Problem::new("values", "the list is not closed", "Add `]`.")
        });
        insta::assert_snapshot!(told.at("values"), @r##"<div id="values-errors"><p class="error" data-problem-for="values" data-problem-line="2" data-problem-column="3"><span>Line 2, column 3: The list is not closed. Add `]`. <code class="block">  &lt;b&gt;: [</code></span></p></div>"##);
        assert_eq!(told.at("tag"), "");
        assert!(told.attributes("values").contains("aria-invalid"));
        assert_eq!(told.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// What no form can mend is a page of its own.
    #[test]
    fn other_errors() {
        let missing = Error::NotFound { what: "App", name: "parcel".to_owned() };
        assert!(Told::of(missing).is_err());
    }
}
