//! The page behind an invitation's link: the invited set name and password, and are signed in.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::{Accepted, Invitation};
use secrecy::SecretString;
use serde::Deserialize;

use super::PageAnswer;
use super::form::{PathOf, Sent, Told};
use crate::auth::{Asker, cookie};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "pages/invitation.html")]
struct Accept {
    told: Told,
    /// The name as typed.
    typed: String,
    invitation: Invitation,
    link: String,
    /// Who is signed in in this browser; accepting signs them out of it.
    signed_in: Option<String>,
}

/// What the form sends.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct AcceptForm {
    name: String,
    password: SecretString,
}

/// `GET /invitation/{link}`
pub(crate) async fn form(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(link): PathOf<String>,
) -> PageAnswer {
    show(&app, &asker, link, Told::default(), String::new()).await
}

/// `POST /invitation/{link}`
pub(crate) async fn accept(
    State(app): State<AppState>,
    asker: Asker,
    PathOf(link): PathOf<String>,
    Sent(sent): Sent<AcceptForm>,
) -> PageAnswer {
    let accepted = Accepted { name: sent.name.clone(), password: sent.password };
    match app.control.invitation_accept(&link, accepted, &asker.remote).await {
        Ok(session) => {
            let mut response = Redirect::to("/").into_response();
            cookie::begin(&app.config, &session, &mut response);
            Ok(response)
        }
        Err(error) => show(&app, &asker, link, Told::of(error)?, sent.name).await,
    }
}

async fn show(
    app: &AppState,
    asker: &Asker,
    link: String,
    told: Told,
    typed: String,
) -> PageAnswer {
    let status = told.status();
    let invitation = app.control.invitation_look(&link, &asker.remote).await?;
    let signed_in = asker.actor.as_ref().map(|actor| actor.name().to_owned());
    let page = Accept { told, typed, invitation, link, signed_in };
    Ok((status, Html(page.render()?)).into_response())
}
