//! Who asks: the guard that every route passes, and what it finds out for handlers.
//!
//! The guard enforces a route's rule (anyone, or signed in). What the asker may do is decided by
//! `control`, in each of its functions.

pub(crate) mod cookie;
mod guard;
pub(crate) mod keyed;
mod origin;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use control::Actor;
use control::account::Remote;

pub(crate) use guard::{Guarded, guard};
pub(crate) use origin::Origin;

use crate::problem::ProblemDetails;

/// What the guard found out about a request.
#[derive(Clone)]
pub(crate) struct Asker {
    /// Who is signed in, if anyone.
    pub(crate) actor: Option<Actor>,
    /// Where the request comes from.
    pub(crate) remote: Remote,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = ProblemDetails;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemDetails> {
        // Every route of the table passes the guard, which puts it there.
        parts.extensions.get::<Self>().cloned().ok_or_else(ProblemDetails::internal)
    }
}

/// The signed-in actor, on routes whose rule says that there is one.
pub(crate) struct SignedIn(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ProblemDetails;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemDetails> {
        let asker = Asker::from_request_parts(parts, state).await?;
        asker.actor.map(Self).ok_or_else(ProblemDetails::internal)
    }
}
