//! Rollbacks: a new deployment that repeats an earlier one's stored manifest, without rendering.

use serde::{Deserialize, Serialize};

use super::{OnFailure, Started};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::names::ReleaseTag;

/// What to roll back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackTo {
    /// The deployment of this number; it must have succeeded.
    Number(i64),
    /// The last successful deployment of this tag here.
    Tag(ReleaseTag),
}

impl std::str::FromStr for RollbackTo {
    type Err = crate::names::InvalidName;

    /// `#41` is a number; anything else is a tag (`41` too: tags may be numbers).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            Some(number) => Ok(Self::Number(number)),
            None => text.parse().map(Self::Tag),
        }
    }
}

/// A rollback as asked for.
#[derive(Clone, Debug, Deserialize)]
pub struct NewRollback {
    /// To what.
    pub to: RollbackTo,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
    /// What happens if the rollback itself fails; none: it is left as it is.
    #[serde(default)]
    pub on_failure: Option<OnFailure>,
}

impl Control {
    /// Makes a deployment of the trigger `rollback` and queues its Op.
    ///
    /// The environment then holds the App values revision of what it went back to.
    pub async fn rollback(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewRollback,
    ) -> Result<Started, Error> {
        self.unfinished(actor, &(environment, new))
    }
}
