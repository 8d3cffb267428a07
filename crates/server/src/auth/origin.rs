//! The address that links to this server begin with, for links that are handed to others.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;

use crate::state::AppState;

/// `https://landfall.example.com`: the public address where one is set, else the one that was asked by.
pub(crate) struct Origin(String);

impl Origin {
    /// The whole address of a path.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromRequestParts<AppState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = parts.uri.authority().map(http::uri::Authority::as_str).or(header);
        Ok(Self(app.config.origin(host.unwrap_or("localhost"))))
    }
}
