//! API tokens: make one (shown once), list one's own, revoke one's own or, as an Administrator, anyone's.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect};
use control::Error;
use control::account::{NewToken, PersonBrief, Token};
use control::rights::Role;
use control::store::ids::TokenId;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::form::{PathOf, Sent, Told};
use super::{Chrome, Ctx, PageAnswer, Section};

#[derive(Template)]
#[template(path = "pages/tokens.html")]
struct List {
    chrome: Chrome,
    told: Told,
    sent: TokenForm,
    tokens: Vec<Token>,
    roles: Vec<Role>,
    own_role: Role,
    /// The token just made, shown this once.
    made: Option<(Token, String)>,
}

#[derive(Template)]
#[template(path = "pages/token_revoke.html")]
struct Revoke {
    chrome: Chrome,
    told: Told,
    token: Token,
    owner: PersonBrief,
    /// Whether it is the asker's.
    own: bool,
    sent: RevokeForm,
}

/// After how many days a token may end, in words.
pub(crate) const ENDS: [(&str, &str); 5] = [
    ("7", "in 7 days"),
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("365", "in a year"),
    ("", "not by itself"),
];

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    name: String,
    role: String,
    expires_in_days: String,
}

impl TokenForm {
    fn fresh() -> Self {
        Self { expires_in_days: "90".to_owned(), ..Self::default() }
    }
}

/// What the form that asks sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RevokeForm {
    name: String,
}

/// `GET /tokens`
pub(crate) async fn list(ctx: Ctx) -> PageAnswer {
    show(&ctx, Told::default(), TokenForm::fresh(), None).await
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
            show(&ctx, Told::default(), TokenForm::fresh(), Some((made.token, secret))).await
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
    let (token, owner) = ctx.control().token_get(&ctx.actor, id).await?;
    if sent.name.trim() != token.name {
        let message = format!("This is not the token's name, which is `{}`.", token.name);
        let told = Told::of(Error::invalid("name", message, "Type it to revoke the token."))?;
        return show_revoke(&ctx, id, told, sent).await;
    }
    ctx.control().token_revoke(&ctx.actor, id).await?;
    Ok(Redirect::to(&back(&ctx, &owner)).into_response())
}

/// The page that lists a token.
fn back(ctx: &Ctx, owner: &PersonBrief) -> String {
    if ctx.actor.person() == Some(owner.id) {
        return "/tokens".to_owned();
    }
    format!("/team/{}", owner.id)
}

async fn show(ctx: &Ctx, told: Told, sent: TokenForm, made: Option<(Token, String)>) -> PageAnswer {
    let status = told.status();
    let own = ctx.actor.role();
    let page = List {
        chrome: ctx.chrome(Section::Settings, "API tokens").await?,
        tokens: ctx.control().token_list(&ctx.actor).await?,
        own_role: own,
        roles: Role::ALL.iter().rev().copied().filter(|role| *role <= own).collect(),
        told,
        sent,
        made,
    };
    Ok((status, Html(page.render()?)).into_response())
}

async fn show_revoke(ctx: &Ctx, id: TokenId, told: Told, sent: RevokeForm) -> PageAnswer {
    let (token, owner) = ctx.control().token_get(&ctx.actor, id).await?;
    let status = told.status();
    let own = ctx.actor.person() == Some(owner.id);
    let section = if own { Section::Settings } else { Section::Team };
    let chrome = ctx.chrome(section, format!("Revoke {}", token.name)).await?;
    Ok((status, Html(Revoke { chrome, told, token, owner, own, sent }.render()?)).into_response())
}
