//! The account of who asks: who that is, name, password, sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::account::{NewPassword, Person, PersonBrief, SelfChange, SessionInfo};
use control::rights::Role;
use control::store::ids::SessionId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Body, PathOf};
use crate::auth::{Asker, SignedIn};
use crate::problem::ProblemDetails;
use crate::state::AppState;

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

/// The actor's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// Last begun first.
    items: Vec<SessionInfo>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    /// This many.
    ended: u64,
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
) -> Result<StatusCode, ProblemDetails> {
    app.control.sign_out(&actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /self`
pub(crate) async fn me(State(app): State<AppState>, SignedIn(actor): SignedIn) -> Answer<Me> {
    let person = app.control.person_self(&actor).await?.map(|person| person.brief);
    Ok(Json(Me { name: actor.name().to_owned(), role: actor.role(), person }))
}

/// `PATCH /self`
pub(crate) async fn change(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(change): Body<SelfChange>,
) -> Answer<Person> {
    Ok(Json(app.control.self_change(&actor, &change).await?))
}

/// `PUT /self/password`
pub(crate) async fn password(
    State(app): State<AppState>,
    asker: Asker,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, ProblemDetails> {
    app.control.password_change(&actor, new, &asker.remote).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /sessions`
pub(crate) async fn sessions(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
) -> Answer<Sessions> {
    Ok(Json(Sessions { items: app.control.session_list(&actor).await? }))
}

/// `POST /sessions/end-others`
pub(crate) async fn end_others(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
) -> Answer<Ended> {
    Ok(Json(Ended { ended: app.control.sessions_end_others(&actor).await? }))
}

/// `DELETE /sessions/{session}`
pub(crate) async fn end_session(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(session): PathOf<SessionId>,
) -> Result<StatusCode, ProblemDetails> {
    app.control.session_end(&actor, session).await?;
    Ok(StatusCode::NO_CONTENT)
}
