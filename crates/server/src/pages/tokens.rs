//! One's own API tokens: make one (shown once), list, revoke.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::account::{NewToken, Token};
use control::rights::Role;
use control::store::ids::TokenId;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};

#[derive(Template)]
#[template(path = "pages/tokens.html")]
struct List {
    chrome: Chrome,
    told: Told,
    sent: TokenForm,
    tokens: Vec<Token>,
    roles: Vec<Role>,
    /// The token just made, shown this once.
    made: Option<(Token, String)>,
}

#[derive(Template)]
#[template(path = "pages/token_revoke.html")]
struct Revoke {
    chrome: Chrome,
    told: Told,
    token: Token,
    sent: RevokeForm,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    name: String,
    role: String,
    expires_in_days: String,
}

/// What the form that asks sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RevokeForm {
    name: String,
}

/// `GET /tokens`
pub(crate) async fn list(ctx: Ctx) -> PageAnswer {
    let sent = TokenForm { expires_in_days: "90".to_owned(), ..TokenForm::default() };
    show(&ctx, Told::default(), sent, None).await
}

/// `POST /tokens`: answers with the page that shows the secret, because it is kept nowhere to be
/// shown after a redirect.
pub(crate) async fn create(ctx: Ctx, Sent(sent): Sent<TokenForm>) -> PageAnswer {
    let days = match sent.expires_in_days.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Error::invalid(
                "expires_in_days",
                format!("`{text}` is not a number of days."),
                "Give 1 to 3650, or nothing.",
            )
        }),
    };
    let made = match days {
        Ok(expires_in_days) => {
            let new = NewToken {
                name: sent.name.trim().to_owned(),
                role: sent.role.clone(),
                expires_in_days,
            };
            ctx.control().token_create(&ctx.actor, new).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let secret = made.secret.expose_secret().to_owned();
            show(&ctx, Told::default(), TokenForm::default(), Some((made.token, secret))).await
        }
        Err(error) => show(&ctx, Told::of(error)?, sent, None).await,
    }
}

/// `GET /tokens/{token}/revoke`
pub(crate) async fn ask_revoke(ctx: Ctx, PathOf(id): PathOf<TokenId>) -> PageAnswer {
    show_revoke(&ctx, id, Told::default(), RevokeForm::default()).await
}

/// `POST /tokens/{token}/revoke`: once its name was typed.
pub(crate) async fn revoke(
    ctx: Ctx,
    PathOf(id): PathOf<TokenId>,
    Sent(sent): Sent<RevokeForm>,
) -> PageAnswer {
    let token = own(&ctx, id).await?;
    if sent.name.trim() != token.name {
        let message = format!("This is not the token's name, which is `{}`.", token.name);
        let told = Told::of(Error::invalid("name", message, "Type it to revoke the token."))?;
        return show_revoke(&ctx, id, told, sent).await;
    }
    ctx.control().token_revoke(&ctx.actor, id).await?;
    Ok(Redirect::to("/tokens").into_response())
}

async fn own(ctx: &Ctx, id: TokenId) -> Result<Token, PageError> {
    let tokens = ctx.control().token_list(&ctx.actor).await?;
    let found = tokens.into_iter().find(|token| token.id == id);
    found.ok_or_else(|| Error::NotFound { what: "token", name: id.to_string() }.into())
}

async fn show(ctx: &Ctx, told: Told, sent: TokenForm, made: Option<(Token, String)>) -> PageAnswer {
    let status = told.status();
    let own = ctx.actor.role();
    let page = List {
        chrome: ctx.chrome(Section::Other, "API tokens").await?,
        tokens: ctx.control().token_list(&ctx.actor).await?,
        roles: Role::ALL.iter().rev().copied().filter(|role| *role <= own).collect(),
        told,
        sent,
        made,
    };
    Ok((status, Html(page.render()?)).into_response())
}

async fn show_revoke(ctx: &Ctx, id: TokenId, told: Told, sent: RevokeForm) -> PageAnswer {
    let token = own(ctx, id).await?;
    let status = told.status();
    let chrome = ctx.chrome(Section::Other, format!("Revoke {}", token.name)).await?;
    Ok((status, Html(Revoke { chrome, told, token, sent }.render()?)).into_response())
}
