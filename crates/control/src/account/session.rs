//! Signing in and out, and the actor behind a session's cookie.

use std::net::IpAddr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PersonBrief, secrets, store, team_store};
use crate::actor::{Actor, Identity};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::Error;
use crate::names::Email;
use crate::store::ids::SessionId;
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{Tx, commit};

/// How long a session lasts without being used.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// Uses nearer to each other than this are noted once.
pub(super) const NOTED_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

const TOKEN_LENGTH: usize = 52;
const USER_AGENT_LENGTH: usize = 200;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// The caller's address, forwarded addresses already taken from trusted proxies only.
    pub address: Option<IpAddr>,
    /// The browser, as it says itself; cut to 200 characters.
    pub user_agent: String,
}

/// What the sign-in form gives.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Credentials {
    /// E-mail address.
    pub email: String,
    /// Password.
    #[schema(value_type = String, format = Password)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
        let person = self.check_credentials(credentials, remote).await?;
        let tx = self.db().begin().await?;
        let session = begin_session(&tx, person, remote, "password").await?;
        commit(tx).await?;
        Ok(session)
    }

    /// Whose e-mail address and password these are. Tries that fail are counted.
    pub(super) async fn check_credentials(
        &self,
        credentials: Credentials,
        remote: &Remote,
    ) -> Result<PersonBrief, Error> {
        const REFUSED: Error = Error::SignedOut {
            reason: "No person with this e-mail address has this password. Check both and try again.",
        };
        let found = match credentials.email.trim().parse::<Email>() {
            Ok(email) => store::for_sign_in(self.db().read(), &email).await?,
            Err(_) => None,
        };
        let (person, hash) = match found {
            Some((person, hash)) => (Some(person), hash),
            None => (None, None),
        };
        let known = person.as_ref().map(|person| person.id);
        let attempt = self.attempt_password(&credentials.email, known, remote).await?;
        let right = self.verify_password(credentials.password, hash).await?;
        let person = person.filter(|_| right).ok_or(REFUSED)?;
        self.attempt_was_right(attempt).await?;
        Ok(person)
    }

    /// Ends the session or the token that asks.
    pub async fn sign_out(&self, actor: &Actor) -> Result<(), Error> {
        match actor.identity {
            Identity::Person { session: Some(session), .. } => {
                self.session_end(actor, session).await
            }
            Identity::Token { token, .. } => self.token_revoke(actor, token).await,
            Identity::Person { session: None, .. } | Identity::System => Ok(()),
        }
    }

    /// The actor behind a session's cookie, if the session lasts.
    pub async fn session_actor(
        &self,
        token: &str,
        remote: &Remote,
    ) -> Result<Option<Actor>, Error> {
        let at = now();
        let Some(held) = store::session(self.db().read(), &secrets::digest(token), at).await?
        else {
            return Ok(None);
        };
        if held.seen_at.is_none_or(|seen| at.duration_since(seen) >= NOTED_EVERY) {
            let expires_at = at + LASTS;
            store::touch_session(self.db().write(), held.id, held.person.id, at, expires_at)
                .await?;
        }
        Ok(Some(Actor {
            identity: Identity::Person { person: held.person.id, session: Some(held.id) },
            name: held.name,
            role: held.role,
            remote: remote.address,
        }))
    }

    /// The actor as they are now: none once their session or token has ended, or their account.
    pub async fn actor_anew(&self, actor: &Actor) -> Result<Option<Actor>, Error> {
        let c = self.db().read();
        let role = match actor.identity {
            Identity::System => return Ok(Some(actor.clone())),
            Identity::Person { session: Some(session), .. } => {
                store::session_role(c, session, now()).await?
            }
            Identity::Person { person, session: None } => store::person(c, person)
                .await?
                .filter(|person| person.disabled_at.is_none())
                .map(|person| person.brief.role),
            Identity::Token { token, .. } => store::token_role(c, token, now()).await?,
        };
        Ok(role.map(|role| Actor { role, ..actor.clone() }))
    }

    /// The actor's own sessions that last.
    pub async fn session_list(&self, actor: &Actor) -> Result<Vec<SessionInfo>, Error> {
        let Some(person) = actor.person() else { return Ok(Vec::new()) };
        Ok(store::sessions(self.db().read(), person, actor.session(), now()).await?)
    }

    /// Ends one of the actor's own sessions.
    pub async fn session_end(&self, actor: &Actor, session: SessionId) -> Result<(), Error> {
        let missing = || Error::not_found("session", session);
        let person = secrets::in_person(actor, "end sessions with a token")?;
        let tx = self.db().begin().await?;
        let ended = store::end_session(&tx, session, person, now()).await?.ok_or_else(missing)?;
        let act = Act {
            action: "session.end",
            kind: "session",
            id: session.to_string(),
            name: actor.name(),
            old: serde_json::json!({
                "remote_address": ended.remote_address, "user_agent": ended.user_agent,
                "created_at": ended.created_at,
            }),
            new: serde_json::Value::Null,
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(())
    }

    /// Ends all of the actor's own sessions but the one that asks; how many. Not with a token.
    pub async fn sessions_end_others(&self, actor: &Actor) -> Result<u64, Error> {
        let person = secrets::in_person(actor, "end sessions with a token")?;
        let tx = self.db().begin().await?;
        let ended = team_store::end_sessions(&tx, person, actor.session(), now()).await?;
        if ended > 0 {
            let act = Act {
                action: "session.end_others",
                kind: "person",
                id: person.to_string(),
                name: actor.name(),
                old: serde_json::json!({ "sessions": ended }),
                new: serde_json::json!({ "sessions": 0 }),
            };
            audit::write(&tx, actor, act).await?;
        }
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(ended)
    }
}

/// Begins a session for a person who has shown who they are by `means`.
pub(super) async fn begin_session(
    tx: &Tx,
    person: PersonBrief,
    remote: &Remote,
    means: &'static str,
) -> Result<NewSession, Error> {
    let token = secrets::random_text(TOKEN_LENGTH)?;
    let at = now();
    let expires_at = at + LASTS;
    let id = SessionId::generate();
    let user_agent: String = remote.user_agent.chars().take(USER_AGENT_LENGTH).collect();
    let row = store::NewSessionRow {
        id,
        token_hash: &secrets::digest(&token),
        person: person.id,
        remote_address: remote.address.map(|address| address.to_string()),
        user_agent: &user_agent,
        at,
        expires_at,
    };
    store::insert_session(tx, &row).await?;
    let actor = Actor {
        identity: Identity::Person { person: person.id, session: Some(id) },
        name: person.name.clone(),
        role: person.role,
        remote: remote.address,
    };
    let act = Act {
        action: "session.begin",
        kind: "session",
        id: id.to_string(),
        name: &person.name,
        old: serde_json::Value::Null,
        new: serde_json::json!({ "means": means }),
    };
    audit::write(tx, &actor, act).await?;
    Ok(NewSession { token: token.into(), expires_at, person })
}
