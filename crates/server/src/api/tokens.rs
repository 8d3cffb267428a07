//! API tokens of one's own, and who one is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::account::{NewToken, PersonBrief, Token};
use control::rights::Role;
use control::store::ids::TokenId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Body, Created, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::state::AppState;

/// A token just made. The secret is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMade {
    /// The whole token, to send as `Authorization: Bearer …`.
    secret: String,
    /// The token as lists show it.
    token: Token,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The name that lists and the audit log show: a person's, or a token's.
    name: String,
    /// The role that counts.
    role: Role,
    /// The person behind it.
    person: Option<PersonBrief>,
}

/// `GET /self`
pub(crate) async fn me(State(app): State<AppState>, SignedIn(actor): SignedIn) -> Answer<Me> {
    let person = app.control.person_self(&actor).await?.map(|person| person.brief);
    Ok(Json(Me { name: actor.name().to_owned(), role: actor.role(), person }))
}

/// The actor's own tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Last made first.
    items: Vec<Token>,
}

/// `GET /tokens`
pub(crate) async fn list(State(app): State<AppState>, SignedIn(actor): SignedIn) -> Answer<Tokens> {
    Ok(Json(Tokens { items: app.control.token_list(&actor).await? }))
}

/// `POST /tokens`
pub(crate) async fn create(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewToken>,
) -> Result<Created<TokenMade>, ProblemDetails> {
    let made = app.control.token_create(&actor, new).await?;
    let secret = made.secret.expose_secret().to_owned();
    Ok(Created {
        at: format!("/tokens/{}", made.token.id),
        made: TokenMade { secret, token: made.token },
    })
}

/// `DELETE /tokens/{token}`
pub(crate) async fn revoke(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<TokenId>,
) -> Result<StatusCode, ProblemDetails> {
    app.control.token_revoke(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
