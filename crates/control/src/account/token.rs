//! API tokens: `lf_…`, shown once, with a role of at most their owner's; they end with the owner.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::NOTED_EVERY;
use super::{Credentials, PersonBrief, Remote, secrets, store};
use crate::actor::{Actor, Identity};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::TokenName;
use crate::rights::{Role, Subject};
use crate::store::ids::TokenId;
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{Tx, commit};

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

impl Token {
    /// Whether it does not work any more.
    pub fn has_ended(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= now())
    }
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

/// What `landfall login` gives: who signs in, and the token to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SignInForToken {
    /// E-mail address and password.
    #[serde(flatten)]
    pub credentials: Credentials,
    /// The token.
    pub token: NewToken,
}

impl Control {
    /// Makes a token for the person behind the actor ([`Actor::on_behalf_of`] for the demo). A token
    /// cannot make tokens.
    pub async fn token_create(&self, actor: &Actor, new: NewToken) -> Result<CreatedToken, Error> {
        secrets::in_person(actor, "make tokens with a token")?;
        let (token, secret) = check(actor, &new)?;
        let tx = self.db().begin().await?;
        insert(&tx, actor, &token, &secret).await?;
        commit(tx).await?;
        Ok(CreatedToken { secret: secret.into(), token })
    }

    /// Makes a token for whose e-mail address and password these are: `landfall login`.
    pub async fn token_sign_in(
        &self,
        given: SignInForToken,
        remote: &Remote,
    ) -> Result<CreatedToken, Error> {
        let person = self.check_credentials(given.credentials, remote).await?;
        let actor = Actor { remote: remote.address, ..Actor::on_behalf_of(&person) };
        self.token_create(&actor, given.token).await
    }

    /// The actor's own tokens that were not revoked, last made first.
    pub async fn token_list(&self, actor: &Actor) -> Result<Vec<Token>, Error> {
        match actor.person() {
            Some(owner) => Ok(store::tokens(self.db().read(), owner).await?),
            None => Ok(Vec::new()),
        }
    }

    /// The tokens of a person (id or e-mail address) that were not revoked, for Administrators.
    pub async fn person_tokens(&self, actor: &Actor, person: &str) -> Result<Vec<Token>, Error> {
        let owner = self.person_get(actor, person).await?;
        Ok(store::tokens(self.db().read(), owner.brief.id).await?)
    }

    /// A token and whose it is: one's own, or anyone's for Administrators.
    pub async fn token_get(
        &self,
        actor: &Actor,
        token: TokenId,
    ) -> Result<(Token, PersonBrief), Error> {
        let missing = || Error::not_found("token", token);
        let found = store::token_by_id(self.db().read(), token).await?.ok_or_else(missing)?;
        if actor.person() != Some(found.1.id) {
            actor.read(Subject::Account, missing)?;
        }
        Ok(found)
    }

    /// Ends a token: one's own, anyone's for Administrators. A token may end itself and, if it is an
    /// Administrator's, those of others.
    pub async fn token_revoke(&self, actor: &Actor, token: TokenId) -> Result<(), Error> {
        let missing = || Error::not_found("token", token);
        let (found, owner) = self.token_get(actor, token).await?;
        let itself = matches!(actor.identity, Identity::Token { token: own, .. } if own == token);
        if actor.person() != Some(owner.id) {
            actor.write(Subject::Account, "revoke tokens of others", missing)?;
        } else if !itself {
            secrets::in_person(actor, "revoke your tokens with a token")?;
        }
        let tx = self.db().begin().await?;
        if !store::revoke_token(&tx, token, now()).await? {
            return Err(missing());
        }
        let act = Act {
            action: "token.revoke",
            kind: "token",
            id: token.to_string(),
            name: &found.name,
            old: serde_json::json!({
                "owner": owner.email, "role": found.role, "expires_at": found.expires_at,
            }),
            new: serde_json::Value::Null,
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::People).await;
        Ok(())
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

/// Checks what was asked for; the token and its secret.
fn check(actor: &Actor, new: &NewToken) -> Result<(Token, String), Error> {
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
    Ok((token, secret))
}

/// Adds a checked token, and says so in the audit log.
async fn insert(tx: &Tx, actor: &Actor, token: &Token, secret: &str) -> Result<(), Error> {
    let owner = secrets::in_person(actor, "make tokens with a token")?;
    store::insert_token(tx, token, &secrets::digest(secret), owner).await?;
    let act = Act {
        action: "token.create",
        kind: "token",
        id: token.id.to_string(),
        name: &token.name,
        old: serde_json::Value::Null,
        new: serde_json::json!({ "role": token.role, "expires_at": token.expires_at }),
    };
    Ok(audit::write(tx, actor, act).await?)
}
