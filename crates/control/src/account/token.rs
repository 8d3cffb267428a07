//! API tokens: `lf_…`, shown once, with a role of at most their owner's; they end with the owner.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::NOTED_EVERY;
use super::{Remote, secrets, store};
use crate::actor::{Actor, Identity};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::TokenName;
use crate::rights::Role;
use crate::store::commit;
use crate::store::ids::{PersonId, TokenId};
use crate::store::sql::now;

/// What tokens begin with, so that scanners of leaked secrets find them.
const PREFIX: &str = "lf_";
const LENGTH: usize = 40;
const SHOWN: usize = 4;
const DAYS_MAXIMUM: u32 = 3650;

/// A token, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// Its role; what counts is the lower of this and its owner's.
    pub role: Role,
    /// How it begins, to tell it from others: `lf_3k9d`.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used (to the minute).
    pub last_used_at: Option<Timestamp>,
}

/// A token just made.
#[derive(Clone, Debug)]
pub struct CreatedToken {
    /// The whole token: shown once, not kept here in this form.
    pub secret: SecretString,
    /// The token as lists show it.
    pub token: Token,
}

/// What the form "New token" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// Its role, at most the maker's own; empty: the maker's own.
    pub role: String,
    /// Days until it ends, 1 to 3650; none: never.
    pub expires_in_days: Option<u32>,
}

impl Control {
    /// Makes a token for the person behind the actor ([`Actor::on_behalf_of`] for the demo). A token
    /// cannot make tokens.
    pub async fn token_create(&self, actor: &Actor, new: NewToken) -> Result<CreatedToken, Error> {
        let owner = owner(actor)?;
        let mut checks = Checks::default();
        let name = checks.name::<TokenName>("name", new.name.trim());
        let role = match new.role.parse::<Role>() {
            _ if new.role.is_empty() => actor.role(),
            Ok(role) if role <= actor.role() => role,
            Ok(role) => {
                let message = format!("Your own role is lower than {}.", role.title());
                let remedy = format!("Choose at most {}.", actor.role().title());
                checks.add(Problem::new("role", message, remedy));
                actor.role()
            }
            Err(unknown) => {
                checks.add(Problem::new("role", format!("{unknown}."), "Choose one of them."));
                actor.role()
            }
        };
        if new.expires_in_days.is_some_and(|days| !(1..=DAYS_MAXIMUM).contains(&days)) {
            let remedy = format!("Use 1 to {DAYS_MAXIMUM} days, or none for a token that lasts.");
            checks.add(Problem::new("expires_in_days", "A token cannot last so long.", remedy));
        }
        checks.done()?;
        let Some(name) = name else {
            return Err(Error::internal("make a token", "its name was not checked"));
        };
        let days = new.expires_in_days.map(i64::from);
        let at = now();
        let secret = format!("{PREFIX}{}", secrets::random_text(LENGTH)?);
        let token = Token {
            id: TokenId::generate(),
            name: name.to_string(),
            role,
            prefix: secret.chars().take(PREFIX.len() + SHOWN).collect(),
            created_at: at,
            expires_at: days.map(|days| at + jiff::SignedDuration::from_hours(days * 24)),
            last_used_at: None,
        };
        let tx = self.db().begin().await?;
        store::insert_token(&tx, &token, &secrets::digest(&secret), owner).await?;
        let act = Act {
            action: "token.create",
            kind: "token",
            id: token.id.to_string(),
            name: &token.name,
            old: serde_json::Value::Null,
            new: serde_json::json!({ "role": role, "expires_at": token.expires_at }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        Ok(CreatedToken { secret: secret.into(), token })
    }

    /// The actor's own tokens that were not revoked, last made first.
    pub async fn token_list(&self, actor: &Actor) -> Result<Vec<Token>, Error> {
        match actor.person() {
            Some(owner) => Ok(store::tokens(self.db().read(), owner).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Ends a token of the actor's own.
    pub async fn token_revoke(&self, actor: &Actor, token: TokenId) -> Result<(), Error> {
        let owner = owner(actor)?;
        let tx = self.db().begin().await?;
        let revoked = store::revoke_token(&tx, token, owner, now()).await?;
        let name = revoked.ok_or_else(|| Error::not_found("token", token))?;
        let act = Act {
            action: "token.revoke",
            kind: "token",
            id: token.to_string(),
            name: &name,
            old: serde_json::Value::Null,
            new: serde_json::Value::Null,
        };
        audit::write(&tx, actor, act).await?;
        Ok(commit(tx).await?)
    }

    /// The actor behind a bearer token, if it lasts.
    pub async fn token_actor(&self, secret: &str, remote: &Remote) -> Result<Option<Actor>, Error> {
        if !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let at = now();
        let Some(held) = store::token(self.db().read(), &secrets::digest(secret), at).await? else {
            return Ok(None);
        };
        if held.seen_at.is_none_or(|seen| at.duration_since(seen) >= NOTED_EVERY) {
            store::touch_token(self.db().write(), held.id, at).await?;
        }
        Ok(Some(Actor {
            identity: Identity::Token { token: held.id, owner: held.person.id },
            name: held.name,
            role: held.role,
            remote: remote.address,
        }))
    }
}

/// Whose tokens an actor may make and end: a person's, never with a token.
fn owner(actor: &Actor) -> Result<PersonId, Error> {
    match actor.identity {
        Identity::Person { person, .. } => Ok(person),
        Identity::Token { .. } | Identity::System => Err(Error::Forbidden {
            role: actor.role(),
            act: "make or revoke tokens with a token".to_owned(),
            remedy: "Sign in and do it there.".to_owned(),
        }),
    }
}
