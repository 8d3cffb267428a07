//! An environment's own Helm values, and all of its values with where each comes from.

use serde::Serialize;

use crate::actor::Actor;
use crate::app::ValuesRevision;
use crate::control::Control;
use crate::error::Error;
use crate::values::MergedValues;

/// The values of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentValues {
    /// Its own, which the deploy form starts from.
    pub own: ValuesRevision,
    /// The values of its last failed deployment, if that is newer than what runs: a second start.
    pub failed: Option<FailedValues>,
    /// What its current deployment was rendered with; none before the first success.
    pub running: Option<MergedValues>,
}

/// The Deployment values of a failed deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedValues {
    /// Its number.
    pub number: i64,
    /// YAML as written.
    pub values: String,
}

impl Control {
    /// The environment's values: its own, and what it runs with.
    pub async fn environment_values(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentValues, Error> {
        self.unfinished(actor, &environment)
    }
}
