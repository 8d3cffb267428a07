//! The page behind a link to set a new password, which an Administrator made.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::PersonBrief;
use secrecy::SecretString;
use serde::Deserialize;

use super::PageAnswer;
use super::form::{PathOf, Sent, Told};
use crate::auth::{Asker, cookie};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "pages/set_password.html")]
struct Set {
    told: Told,
    person: PersonBrief,
    link: String,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordForm {
    password: SecretString,
}

/// `GET /set-password/{link}`
pub(crate) async fn form(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(link): PathOf<String>,
) -> PageAnswer {
    show(&app, &asker, link, Told::default()).await
}

/// `POST /set-password/{link}`
pub(crate) async fn submit(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(link): PathOf<String>,
    Sent(sent): Sent<PasswordForm>,
) -> PageAnswer {
    match app.control.password_reset_use(&link, sent.password, &asker.remote).await {
        Ok(session) => {
            let mut response = Redirect::to("/").into_response();
            cookie::begin(&app.config, &session, &mut response);
            Ok(response)
        }
        Err(error) => show(&app, &asker, link, Told::of(error)?).await,
    }
}

async fn show(app: &AppState, asker: &Asker, link: String, told: Told) -> PageAnswer {
    let status = told.status();
    let person = app.control.password_reset_look(&link, &asker.remote).await?;
    Ok((status, Html(Set { told, person, link }.render()?)).into_response())
}
