//! First-run set-up: the Administrator, made with the code that the server printed.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use control::account::NewAdministrator;
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{Sent, Told};
use super::{PageAnswer, PageError};
use crate::auth::{Asker, cookie};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "pages/set_up.html")]
struct SetUp {
    told: Told,
    sent: SetUpForm,
}

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SetUpForm {
    code: String,
    email: String,
    name: String,
    password: SecretString,
}

/// `GET /set-up`
pub(crate) async fn form(State(app): State<AppState>) -> PageAnswer {
    if !app.control.setup_needed().await? {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    show(Told::default(), SetUpForm::default())
}

/// `POST /set-up`
pub(crate) async fn submit(
    State(app): State<AppState>,
    asker: Asker,
    Sent(sent): Sent<SetUpForm>,
) -> PageAnswer {
    let new = NewAdministrator {
        code: sent.code.trim().to_owned(),
        email: sent.email.clone(),
        name: sent.name.clone(),
        password: sent.password.clone(),
    };
    match app.control.setup_administrator(new, &asker.remote).await {
        Ok(session) => {
            let mut response = Redirect::to("/").into_response();
            cookie::begin(&app.config, &session, &mut response);
            Ok(response)
        }
        Err(error) => show(Told::of(error)?, sent),
    }
}

fn show(told: Told, sent: SetUpForm) -> Result<Response, PageError> {
    let status = told.status();
    Ok((status, Html(SetUp { told, sent }.render()?)).into_response())
}
