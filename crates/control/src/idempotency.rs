//! Answers to creating calls that carry an `Idempotency-Key`, so that a call sent twice acts once.
//!
//! The server begins a key, does the work and stores the answer; within 24 hours the same key of
//! the same actor gets the same answer.

use crate::actor::{Actor, Identity};
use crate::control::Control;
use crate::error::Error;
use crate::objects::sha256;
use crate::store::sql::{now, sql};

/// How long a key is remembered.
const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// After this a call that never finished is taken for dead: its server was killed.
const ABANDONED: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

const DOING: &str = "remember a call by its key";

/// A call that carries a key.
#[derive(Clone, Debug)]
pub struct KeyedCall<'a> {
    /// The key as given, 1 to 200 characters.
    pub key: &'a str,
    /// Method and path, such as `POST /api/v1/releases`.
    pub call: &'a str,
    /// The body, to tell a repeated call from another one with the same key.
    pub body: &'a [u8],
}

/// What to do with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// It is new: do it, then store the answer (or give the key up).
    New,
    /// It was done: answer this.
    Done(StoredAnswer),
}

/// An answer as stored; encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers worth repeating, such as `Location`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Control {
    /// Begins a keyed call. A key in use by a call under way, or with another body, is a conflict.
    pub async fn idempotency_begin(
        &self,
        actor: &Actor,
        call: &KeyedCall<'_>,
    ) -> Result<Keyed, Error> {
        if call.key.is_empty() || call.key.len() > 200 {
            let remedy = "Use 1 to 200 characters, new ones for every call.";
            return Err(Error::invalid("idempotency_key", "This key cannot be used.", remedy));
        }
        let (at, c) = (now(), self.db().write());
        sql("DELETE FROM idempotency WHERE created_at < $1 \
             OR (answer_sealed IS NULL AND created_at < $2)")
        .bind(at - KEPT)
        .bind(at - ABANDONED)
        .heavy()
        .run(c, DOING)
        .await?;
        let begun = sql("INSERT INTO idempotency (actor, key, call, body_hash, created_at) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
        .bind(who(actor))
        .bind(call.key)
        .bind(call.call)
        .bind(digest(call))
        .bind(at)
        .run(c, DOING)
        .await?;
        if begun == 1 {
            return Ok(Keyed::New);
        }
        let known = sql("SELECT * FROM idempotency WHERE actor = $1 AND key = $2")
            .bind(who(actor))
            .bind(call.key)
            .one(c, DOING, |row| {
                let same = row.get::<String>("call")? == call.call
                    && row.get::<Vec<u8>>("body_hash")? == digest(call);
                Ok((same, row.opt::<Vec<u8>>("answer_sealed")?))
            })
            .await?;
        match known {
            Some((false, _)) => Err(Error::conflict(
                "This Idempotency-Key was used for another call.",
                "Use a new key for every call.",
            )),
            Some((true, Some(sealed))) => {
                let sealer = self.objects().sealer();
                sealer.open_json(&identity(actor, call), &sealed, DOING).map(Keyed::Done)
            }
            Some((true, None)) | None => Err(Error::conflict(
                "The same call is under way.",
                "Wait for its answer, then send it again.",
            )),
        }
    }

    /// Stores the answer of a keyed call.
    pub async fn idempotency_finish(
        &self,
        actor: &Actor,
        call: &KeyedCall<'_>,
        answer: &StoredAnswer,
    ) -> Result<(), Error> {
        let sealed = self.objects().sealer().seal_json(&identity(actor, call), answer, DOING)?;
        sql("UPDATE idempotency SET answer_sealed = $3 WHERE actor = $1 AND key = $2")
            .bind(who(actor))
            .bind(call.key)
            .bind(sealed)
            .run(self.db().write(), DOING)
            .await?;
        Ok(())
    }

    /// Gives a key up: the call failed without a trace and may be tried again.
    pub async fn idempotency_abandon(
        &self,
        actor: &Actor,
        call: &KeyedCall<'_>,
    ) -> Result<(), Error> {
        sql("DELETE FROM idempotency WHERE actor = $1 AND key = $2 AND answer_sealed IS NULL")
            .bind(who(actor))
            .bind(call.key)
            .run(self.db().write(), DOING)
            .await?;
        Ok(())
    }
}

fn who(actor: &Actor) -> String {
    match &actor.identity {
        Identity::Person { person, .. } => person.to_string(),
        Identity::Token { token, .. } => token.to_string(),
        Identity::System => "system".to_owned(),
    }
}

fn digest(call: &KeyedCall<'_>) -> Vec<u8> {
    sha256(call.body).into_bytes()
}

fn identity(actor: &Actor, call: &KeyedCall<'_>) -> String {
    format!("idempotency/{}/{}", who(actor), call.key)
}
