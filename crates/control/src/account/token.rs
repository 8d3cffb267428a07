//! API tokens: `lf_…`, shown once, with a role of at most their owner's; they end with the owner.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Remote;
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::rights::Role;
use crate::store::ids::TokenId;

/// A token, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// Makes a token for the person behind the actor. A token cannot make tokens.
    pub async fn token_create(&self, actor: &Actor, new: NewToken) -> Result<CreatedToken, Error> {
        self.unfinished(actor, &new)
    }

    /// The actor's own tokens that were not revoked, last made first.
    pub async fn token_list(&self, actor: &Actor) -> Result<Vec<Token>, Error> {
        self.unfinished(actor, &())
    }

    /// Ends a token of the actor's own.
    pub async fn token_revoke(&self, actor: &Actor, token: TokenId) -> Result<(), Error> {
        self.unfinished(actor, &token)
    }

    /// The actor behind a bearer token, if it lasts.
    pub async fn token_actor(&self, secret: &str, remote: &Remote) -> Result<Option<Actor>, Error> {
        self.unfinished(&Actor::system(), &(secret, remote))
    }
}
