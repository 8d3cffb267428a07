//! Answers to creating calls that carry an `Idempotency-Key`, so that a call sent twice acts once.
//!
//! The server begins a key, does the work and stores the answer; within 24 hours the same key of
//! the same actor gets the same answer.

use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;

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
        self.unfinished(actor, call)
    }

    /// Stores the answer of a keyed call.
    pub async fn idempotency_finish(
        &self,
        actor: &Actor,
        call: &KeyedCall<'_>,
        answer: &StoredAnswer,
    ) -> Result<(), Error> {
        self.unfinished(actor, &(call, answer))
    }

    /// Gives a key up: the call failed without a trace and may be tried again.
    pub async fn idempotency_abandon(
        &self,
        actor: &Actor,
        call: &KeyedCall<'_>,
    ) -> Result<(), Error> {
        self.unfinished(actor, call)
    }
}
