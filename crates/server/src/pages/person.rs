//! A person: role, state, a link to set a new password, tokens.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::account::{Person, PersonChange, PersonState, Token};
use control::rights::Role;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::auth::Origin;

#[derive(Template)]
#[template(path = "pages/person.html")]
struct Show {
    chrome: Chrome,
    told: Told,
    person: Person,
    tokens: Vec<Token>,
    /// Whether it is who looks.
    own: bool,
    /// A link to set a password, just made, and until when it works.
    reset: Option<(String, String)>,
}

/// What the form for the role sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RoleForm {
    role: String,
}

/// What the form for the state sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StateForm {
    /// `true` or `false`.
    active: String,
}

/// `GET /team/{person}`
pub(crate) async fn show(ctx: Ctx, PathOf(person): PathOf<String>) -> PageAnswer {
    render(&ctx, &person, Told::default(), None).await
}

/// `POST /team/{person}/role`
pub(crate) async fn role(
    ctx: Ctx,
    PathOf(person): PathOf<String>,
    Sent(sent): Sent<RoleForm>,
) -> PageAnswer {
    let change = PersonChange { role: Some(sent.role), active: None };
    changed(&ctx, &person, &change).await
}

/// `POST /team/{person}/state`
pub(crate) async fn state(
    ctx: Ctx,
    PathOf(person): PathOf<String>,
    Sent(sent): Sent<StateForm>,
) -> PageAnswer {
    let change = PersonChange { role: None, active: Some(sent.active == "true") };
    changed(&ctx, &person, &change).await
}

async fn changed(ctx: &Ctx, person: &str, change: &PersonChange) -> PageAnswer {
    match ctx.control().person_change(&ctx.actor, person, change).await {
        Ok(person) => Ok(Redirect::to(&format!("/team/{}", person.brief.id)).into_response()),
        Err(error) => render(ctx, person, Told::of(error)?, None).await,
    }
}

/// `POST /team/{person}/reset-password`: answers with the page that shows the link, because it is
/// kept nowhere to be shown after a redirect.
pub(crate) async fn reset_password(
    ctx: Ctx,
    origin: Origin,
    PathOf(person): PathOf<String>,
) -> PageAnswer {
    match ctx.control().password_reset_create(&ctx.actor, &person).await {
        Ok(made) => {
            let link = origin.link(&format!("/set-password/{}", made.secret.expose_secret()));
            let until = made.expires_at.strftime("%A, %-d %B, %H:%M UTC").to_string();
            render(&ctx, &person, Told::default(), Some((link, until))).await
        }
        Err(error) => render(&ctx, &person, Told::of(error)?, None).await,
    }
}

async fn render(
    ctx: &Ctx,
    person: &str,
    told: Told,
    reset: Option<(String, String)>,
) -> PageAnswer {
    let (control, actor) = (ctx.control(), &ctx.actor);
    let status = told.status();
    let person = control.person_get(actor, person).await?;
    let page = Show {
        chrome: ctx.chrome(Section::Team, person.brief.name.clone()).await?,
        tokens: control.person_tokens(actor, &person.brief.id.to_string()).await?,
        own: actor.person() == Some(person.brief.id),
        told,
        person,
        reset,
    };
    Ok((status, Html(page.render()?)).into_response())
}
