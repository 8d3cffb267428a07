//! One's own account: name and password. Sessions and tokens have pages of their own beside it.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::account::{NewPassword, Person, SelfChange};
use secrecy::SecretString;
use serde::Deserialize;

use super::form::{Params, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/settings.html")]
struct Show {
    chrome: Chrome,
    told: Told,
    person: Person,
    /// The name as typed.
    typed: String,
    has_password: bool,
    done: &'static str,
}

/// What was just done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DoneQuery {
    done: String,
}

/// What the form for the profile sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProfileForm {
    name: String,
}

/// What the form for the password sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordForm {
    current: SecretString,
    password: SecretString,
}

/// `GET /settings`
pub(crate) async fn show(ctx: Ctx, Params(query): Params<DoneQuery>) -> PageAnswer {
    let done = match query.done.as_str() {
        "name" => "Your name is changed.",
        "password" => "Your password is changed. You are signed out everywhere else.",
        _ => "",
    };
    render(&ctx, Told::default(), None, done).await
}

/// `POST /settings/profile`
pub(crate) async fn profile(ctx: Ctx, Sent(sent): Sent<ProfileForm>) -> PageAnswer {
    let change = SelfChange { name: Some(sent.name.clone()) };
    match ctx.control().self_change(&ctx.actor, &change).await {
        Ok(_) => Ok(Redirect::to("/settings?done=name").into_response()),
        Err(error) => render(&ctx, Told::of(error)?, Some(sent.name), "").await,
    }
}

/// `POST /settings/password`
pub(crate) async fn password(ctx: Ctx, Sent(sent): Sent<PasswordForm>) -> PageAnswer {
    let new = NewPassword { current: Some(sent.current), password: sent.password };
    match ctx.control().password_change(&ctx.actor, new, &ctx.remote).await {
        Ok(()) => Ok(Redirect::to("/settings?done=password").into_response()),
        Err(error) => render(&ctx, Told::of(error)?, None, "").await,
    }
}

async fn render(ctx: &Ctx, told: Told, name: Option<String>, done: &'static str) -> PageAnswer {
    let status = told.status();
    let person = ctx.control().person_self(&ctx.actor).await?;
    let missing = || Error::NotFound { what: "account", name: ctx.actor.name().to_owned() };
    let person = person.ok_or_else(missing)?;
    let page = Show {
        chrome: ctx.chrome(Section::Settings, "Your account").await?,
        has_password: ctx.control().has_password(&ctx.actor).await?,
        typed: name.unwrap_or_else(|| person.brief.name.clone()),
        told,
        person,
        done,
    };
    Ok((status, Html(page.render()?)).into_response())
}
