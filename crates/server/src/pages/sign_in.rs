//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use control::account::Credentials;
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{Params, Sent, Told};
use super::{PageAnswer, PageError};
use crate::auth::{Asker, SignedIn, cookie};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignIn {
    told: Told,
    email: String,
    next: String,
}

/// Where to go afterwards.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NextQuery {
    next: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
pub(crate) async fn form(
    State(app): State<AppState>,
    asker: Asker,
    Params(query): Params<NextQuery>,
) -> PageAnswer {
    if asker.actor.is_some() {
        return Ok(Redirect::to(own_path(&query.next)).into_response());
    }
    if app.control.setup_needed().await? {
        return Ok(Redirect::to("/set-up").into_response());
    }
    show(&SignIn { told: Told::default(), email: String::new(), next: query.next })
}

/// `POST /sign-in`
pub(crate) async fn submit(
    State(app): State<AppState>,
    asker: Asker,
    Sent(sent): Sent<SignInForm>,
) -> PageAnswer {
    let credentials = Credentials { email: sent.email.clone(), password: sent.password };
    match app.control.sign_in(credentials, &asker.remote).await {
        Ok(session) => {
            let mut response = Redirect::to(own_path(&sent.next)).into_response();
            cookie::begin(&app.config, &session, &mut response);
            Ok(response)
        }
        Err(error) => show(&SignIn { told: Told::of(error)?, email: sent.email, next: sent.next }),
    }
}

/// `POST /sign-out`
pub(crate) async fn sign_out(State(app): State<AppState>, SignedIn(actor): SignedIn) -> PageAnswer {
    app.control.sign_out(&actor).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    cookie::end(&app.config, &mut response);
    Ok(response)
}

fn show(page: &SignIn) -> Result<Response, PageError> {
    let status = page.told.status();
    Ok((status, Html(page.render()?)).into_response())
}

/// A path of this server, whatever was given: nobody is sent elsewhere after signing in.
fn own_path(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    /// After signing in one stays here.
    #[test]
    fn next_stays_here() {
        assert_eq!(own_path("/environments?kind=sandbox"), "/environments?kind=sandbox");
        for foreign in
            ["", "https://example.com", "//example.com", "/\\example.com", "/\t/example.com"]
        {
            assert_eq!(own_path(foreign), "/", "{foreign}");
        }
    }
}
