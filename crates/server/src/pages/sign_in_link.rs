//! One-time sign-in links: the page shows a button, and only the button uses the link up, so that a
//! program that looks at links in passing does not.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::PersonBrief;

use super::PageAnswer;
use super::form::PathOf;
use crate::auth::{Asker, cookie};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "pages/sign_in_link.html")]
struct SignInLink {
    person: PersonBrief,
    token: String,
}

/// `GET /sign-in/link/{token}`
pub(crate) async fn show(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(token): PathOf<String>,
) -> PageAnswer {
    let person = app.control.signin_link_look(&token, &asker.remote).await?;
    Ok(Html(SignInLink { person, token }.render()?).into_response())
}

/// `POST /sign-in/link/{token}`
pub(crate) async fn use_up(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(token): PathOf<String>,
) -> PageAnswer {
    let session = app.control.signin_link_use(&token, &asker.remote).await?;
    let mut response = Redirect::to("/").into_response();
    cookie::begin(&app.config, &session, &mut response);
    Ok(response)
}
