//! `Invite someone`: the link is shown this once to who made it.

use askama::Template;
use axum::response::{Html, IntoResponse};
use control::Error;
use control::account::{Invitation, NewInvitation};
use control::rights::{Role, Subject};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::form::{Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};
use crate::auth::Origin;

#[derive(Template)]
#[template(path = "pages/new_invitation.html")]
struct New {
    chrome: Chrome,
    told: Told,
    sent: InvitationForm,
    /// The invitation just made, and its link.
    made: Option<(Invitation, String)>,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct InvitationForm {
    email: String,
    role: String,
}

/// `GET /new/invitation`
pub(crate) async fn form(ctx: Ctx) -> PageAnswer {
    if !ctx.may_write(Subject::Account) {
        return Err(Error::NotFound { what: "page", name: "people".to_owned() }.into());
    }
    let sent = InvitationForm { role: Role::Developer.to_string(), ..InvitationForm::default() };
    show(&ctx, Told::default(), sent, None).await
}

/// `POST /new/invitation`: answers with the page that shows the link, because it is kept nowhere to
/// be shown after a redirect.
pub(crate) async fn submit(
    ctx: Ctx,
    origin: Origin,
    Sent(sent): Sent<InvitationForm>,
) -> PageAnswer {
    let new = NewInvitation { email: sent.email.clone(), role: sent.role.clone() };
    match ctx.control().invitation_create(&ctx.actor, new).await {
        Ok(made) => {
            let link = origin.link(&format!("/invitation/{}", made.secret.expose_secret()));
            show(&ctx, Told::default(), sent, Some((made.invitation, link))).await
        }
        Err(error) => show(&ctx, Told::of(error)?, sent, None).await,
    }
}

async fn show(
    ctx: &Ctx,
    told: Told,
    sent: InvitationForm,
    made: Option<(Invitation, String)>,
) -> PageAnswer {
    let status = told.status();
    let chrome = ctx.chrome(Section::Team, "Invite someone").await?;
    Ok((status, Html(New { chrome, told, sent, made }.render()?)).into_response())
}
