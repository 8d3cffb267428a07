//! Removing a person, once their e-mail address was typed.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::account::Person;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/person_remove.html")]
struct Remove {
    chrome: Chrome,
    told: Told,
    sent: RemoveForm,
    person: Person,
    own: bool,
}

/// What the form that asks sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RemoveForm {
    email: String,
}

/// `GET /team/{person}/remove`
pub(crate) async fn form(ctx: Ctx, PathOf(person): PathOf<String>) -> PageAnswer {
    let person = ctx.control().person_get(&ctx.actor, &person).await?;
    show(&ctx, person, Told::default(), RemoveForm::default()).await
}

/// `POST /team/{person}/remove`
pub(crate) async fn submit(
    ctx: Ctx,
    PathOf(person): PathOf<String>,
    Sent(sent): Sent<RemoveForm>,
) -> PageAnswer {
    let person = ctx.control().person_get(&ctx.actor, &person).await?;
    if !sent.email.trim().eq_ignore_ascii_case(person.brief.email.as_str()) {
        let message = format!("This is not the address, which is `{}`.", person.brief.email);
        let told = Told::of(Error::invalid("email", message, "Type it to remove the account."))?;
        return show(&ctx, person, told, sent).await;
    }
    let own = ctx.actor.person() == Some(person.brief.id);
    match ctx.control().person_remove(&ctx.actor, &person.brief.id.to_string()).await {
        Ok(()) => Ok(Redirect::to(if own { "/sign-in" } else { "/team" }).into_response()),
        Err(error) => show(&ctx, person, Told::of(error)?, sent).await,
    }
}

async fn show(ctx: &Ctx, person: Person, told: Told, sent: RemoveForm) -> PageAnswer {
    let status = told.status();
    let chrome = ctx.chrome(Section::Team, format!("Remove {}", person.brief.name)).await?;
    let own = ctx.actor.person() == Some(person.brief.id);
    Ok((status, Html(Remove { chrome, told, sent, person, own }.render()?)).into_response())
}
