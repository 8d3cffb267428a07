//! API tokens: made in a session, or by password for the command line.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::account::{CreatedToken, NewToken, SignInForToken, Token};
use control::store::ids::TokenId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Body, Created, PathOf};
use crate::auth::{Asker, SignedIn};
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

/// Someone's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Last made first.
    pub(crate) items: Vec<Token>,
}

impl From<CreatedToken> for Created<TokenMade> {
    fn from(made: CreatedToken) -> Self {
        let secret = made.secret.expose_secret().to_owned();
        let at = format!("/tokens/{}", made.token.id);
        Self { at, made: TokenMade { secret, token: made.token } }
    }
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(app): State<AppState>,
    asker: Asker,
    Body(given): Body<SignInForToken>,
) -> Result<Created<TokenMade>, ProblemDetails> {
    Ok(app.control.token_sign_in(given, &asker.remote).await?.into())
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
    Ok(app.control.token_create(&actor, new).await?.into())
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
