//! The removal of an environment, as its Op shows it: who asked for it, what it left behind, why it failed.
//!
//! What a worker does for it is in `work`, who may ask for it in `environment`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, RemovalRow};
use crate::actor::By;
use crate::control::Control;
use crate::deployment::Failure;
use crate::error::Error;
use crate::store::ids::{EnvironmentId, OpId};

/// The removal of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removal {
    /// Who asked for it.
    pub by: By,
    /// Why; may be empty.
    pub reason: String,
    /// Whether the environment is only forgotten: nothing is done in its cluster.
    pub forget: bool,
    /// What was left in the cluster, as far as it came.
    pub left: Left,
    /// Why it did not come to its end.
    pub failure: Option<Failure>,
}

/// What a removal left in the cluster. Objects as Helm names them: `ConfigMap/shop/settings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Left {
    /// Kept because of `helm.sh/resource-policy: keep`.
    pub kept: Vec<String>,
    /// Left alone: they belong to someone else, or cannot be read.
    pub not_owned: Vec<String>,
    /// Still there because nobody looked: the environment was only forgotten.
    pub forgotten: Vec<String>,
    /// Anything else to know of it, as sentences.
    pub notes: Vec<String>,
}

/// A removal to be queued.
pub(crate) struct NewRemoval<'a> {
    pub(crate) op: OpId,
    pub(crate) environment: EnvironmentId,
    pub(crate) forget: bool,
    pub(crate) reason: &'a str,
    pub(crate) by: &'a By,
}

/// Identity of the sealed text of what a removal left.
pub(super) fn left_identity(op: OpId) -> String {
    format!("removals/left/{op}")
}

/// Identity of the sealed text of why a removal failed.
pub(super) fn failure_identity(op: OpId) -> String {
    format!("removals/failure/{op}")
}

impl Left {
    /// Whether there is nothing to tell.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Control {
    /// The removal that an Op carries out.
    pub(crate) async fn removal(&self, op: OpId) -> Result<Removal, Error> {
        let row = store::removal(self.db().read(), op).await?.ok_or_else(|| {
            Error::internal("read the removal of an environment", "its row is gone")
        })?;
        let RemovalRow { forget, reason, by, left_sealed, failure_sealed } = row;
        let left = self.open_told(&left_identity(op), left_sealed)?.unwrap_or_default();
        let failure = self.open_told(&failure_identity(op), failure_sealed)?;
        Ok(Removal { by, reason, forget, left, failure })
    }

    /// What is kept sealed of what an Op came to.
    pub(crate) fn open_told<T: serde::de::DeserializeOwned>(
        &self,
        identity: &str,
        sealed: Option<Vec<u8>>,
    ) -> Result<Option<T>, Error> {
        let Some(sealed) = sealed else { return Ok(None) };
        let sealer = self.objects().sealer();
        sealer.open_json(identity, &sealed, "read what an Op came to").map(Some)
    }
}
