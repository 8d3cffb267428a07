//! Signing in and out, and the actor behind a session's cookie.

use std::net::IpAddr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::PersonBrief;
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::SessionId;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// The caller's address, forwarded addresses already taken from trusted proxies only.
    pub address: Option<IpAddr>,
    /// The browser, as it says itself; cut to 200 characters.
    pub user_agent: String,
}

/// What the sign-in form gives.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: SecretString,
}

/// A session just begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// What the cookie holds. Not kept here in this form.
    pub token: SecretString,
    /// Until when it lasts without being used.
    pub expires_at: Timestamp,
    /// Who signed in.
    pub person: PersonBrief,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Address at sign-in.
    pub remote_address: Option<String>,
    /// Browser at sign-in.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used (to the minute).
    pub last_seen_at: Timestamp,
}

impl Control {
    /// Signs a person in by password.
    pub async fn sign_in(
        &self,
        credentials: Credentials,
        remote: &Remote,
    ) -> Result<NewSession, Error> {
        self.unfinished(&Actor::system(), &(credentials.email, remote))
    }

    /// Ends the actor's session.
    pub async fn sign_out(&self, actor: &Actor) -> Result<(), Error> {
        self.unfinished(actor, &())
    }

    /// The actor behind a session's cookie, if the session lasts.
    pub async fn session_actor(&self, token: &str, remote: &Remote) -> Result<Option<Actor>, Error> {
        self.unfinished(&Actor::system(), &(token, remote))
    }

    /// The actor's own sessions that last.
    pub async fn session_list(&self, actor: &Actor) -> Result<Vec<SessionInfo>, Error> {
        self.unfinished(actor, &())
    }

    /// Ends one of the actor's own sessions.
    pub async fn session_end(&self, actor: &Actor, session: SessionId) -> Result<(), Error> {
        self.unfinished(actor, &session)
    }
}
