//! Who acts: a person in a session, a token of a person, or Landfall itself.
//!
//! Actors are made by signing in ([`Control::session_actor`](crate::Control::session_actor),
//! [`Control::token_actor`](crate::Control::token_actor)), never from what a request says of itself.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closed::closed_set;
use crate::rights::Role;
use crate::store::ids::{PersonId, SessionId, TokenId};

closed_set! {
    /// What kind of actor did something.
    pub enum ActorKind {
        /// Someone signed in.
        Person = "person",
        /// A program with someone's token.
        Token = "token",
        /// Landfall itself.
        System = "system",
    }
}

/// Who asks, with which role, from where.
#[derive(Clone, Debug)]
pub struct Actor {
    pub(crate) identity: Identity,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) remote: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Person { person: PersonId, session: Option<SessionId> },
    Token { token: TokenId, owner: PersonId },
    System,
}

/// Who did something, as rows and answers keep it: readable when the person is long gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct By {
    /// What kind of actor it was.
    pub kind: ActorKind,
    /// The person's or token's id; none for the system.
    pub id: Option<String>,
    /// The name at that time: a person's name, a token's name, or `system`.
    pub name: String,
}

impl Actor {
    /// Landfall itself: start-up, workers, the demo. May do everything.
    pub fn system() -> Self {
        Self {
            identity: Identity::System,
            name: "system".to_owned(),
            role: Role::Administrator,
            remote: None,
        }
    }

    /// A person, acted for by the process itself (the demo): nobody is signed in.
    pub fn on_behalf_of(person: &crate::account::PersonBrief) -> Self {
        Self {
            identity: Identity::Person { person: person.id, session: None },
            name: person.name.clone(),
            role: person.role,
            remote: None,
        }
    }

    /// The role that counts: a token's is the lower of its own and its owner's.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The name that lists and the audit log show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The person behind the actor; none for the system.
    pub fn person(&self) -> Option<PersonId> {
        match self.identity {
            Identity::Person { person, .. } => Some(person),
            Identity::Token { owner, .. } => Some(owner),
            Identity::System => None,
        }
    }

    /// The session that the actor is signed in with, if it is one.
    pub fn session(&self) -> Option<SessionId> {
        match self.identity {
            Identity::Person { session, .. } => session,
            Identity::Token { .. } | Identity::System => None,
        }
    }

    /// Who this is, for rows.
    pub fn by(&self) -> By {
        let (kind, id) = match self.identity {
            Identity::Person { person, .. } => (ActorKind::Person, Some(person.to_string())),
            Identity::Token { token, .. } => (ActorKind::Token, Some(token.to_string())),
            Identity::System => (ActorKind::System, None),
        };
        By { kind, id, name: self.name.clone() }
    }

    #[cfg(test)]
    pub(crate) fn for_test(role: Role) -> Self {
        let identity = Identity::Person { person: PersonId::generate(), session: None };
        Self { identity, name: role.as_str().to_owned(), role, remote: None }
    }
}
