//! People and invitations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::account::{Invitation, NewInvitation, Person, PersonChange};
use control::store::ids::InvitationId;
use control::store::paging::Page;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::tokens::Tokens;
use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::{Origin, SignedIn};
use crate::problem::ProblemDetails;
use crate::query::{PageQuery, PersonQuery};
use crate::state::AppState;

/// An invitation just made. The link is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationMade {
    /// The address to hand to the invited.
    url: String,
    /// The invitation as lists show it.
    invitation: Invitation,
}

/// A link to set a new password. It is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkMade {
    /// The address to hand to the person.
    url: String,
    /// Until when it can be used.
    expires_at: Timestamp,
}

/// `GET /people`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<PersonQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Person>> {
    Ok(Json(app.control.person_list(&actor, &query.filter()?, &page.request()?).await?))
}

/// `GET /people/{person}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(person): PathOf<String>,
) -> Answer<Person> {
    Ok(Json(app.control.person_get(&actor, &person).await?))
}

/// `PATCH /people/{person}`
pub(crate) async fn change(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(person): PathOf<String>,
    Body(change): Body<PersonChange>,
) -> Answer<Person> {
    Ok(Json(app.control.person_change(&actor, &person, &change).await?))
}

/// `DELETE /people/{person}`
pub(crate) async fn remove(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(person): PathOf<String>,
) -> Result<StatusCode, ProblemDetails> {
    app.control.person_remove(&actor, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /people/{person}/tokens`
pub(crate) async fn tokens(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(person): PathOf<String>,
) -> Answer<Tokens> {
    Ok(Json(Tokens { items: app.control.person_tokens(&actor, &person).await? }))
}

/// `POST /people/{person}/password-reset`
pub(crate) async fn reset_password(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    origin: Origin,
    PathOf(person): PathOf<String>,
) -> Result<Created<LinkMade>, ProblemDetails> {
    let made = app.control.password_reset_create(&actor, &person).await?;
    let url = origin.link(&format!("/set-password/{}", made.secret.expose_secret()));
    let at = format!("/people/{}", made.person.brief.id);
    Ok(Created { at, made: LinkMade { url, expires_at: made.expires_at } })
}

/// `GET /invitations`
pub(crate) async fn invitations(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Invitation>> {
    Ok(Json(app.control.invitation_list(&actor, &page.request()?).await?))
}

/// `POST /invitations`
pub(crate) async fn invite(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    origin: Origin,
    Body(new): Body<NewInvitation>,
) -> Result<Created<InvitationMade>, ProblemDetails> {
    let made = app.control.invitation_create(&actor, new).await?;
    let url = origin.link(&format!("/invitation/{}", made.secret.expose_secret()));
    let at = format!("/invitations/{}", made.invitation.id);
    Ok(Created { at, made: InvitationMade { url, invitation: made.invitation } })
}

/// `DELETE /invitations/{invitation}`
pub(crate) async fn withdraw(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(invitation): PathOf<InvitationId>,
) -> Result<StatusCode, ProblemDetails> {
    app.control.invitation_withdraw(&actor, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}
