//! Making a deployment: the row, its Op, and nothing else; no cluster is asked.

use serde::Deserialize;

use super::{OnFailure, Started};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::PreviewId;

/// What `Deploy Now` gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewDeployment {
    /// The preview to carry out, exactly as shown. The fields `release` and `values` are then not
    /// looked at.
    pub preview: Option<PreviewId>,
    /// Without a preview: the Release, by tag or id; empty: the one that runs.
    pub release: String,
    /// Without a preview: the Deployment values, as YAML; none: the environment's own.
    pub values: Option<String>,
    /// What happens on failure; none: the kind's default.
    pub on_failure: Option<OnFailure>,
    /// Why; may be empty.
    pub reason: String,
}

impl Control {
    /// Makes a deployment of the trigger `manual` and queues its Op.
    ///
    /// With a preview its policy is `as_previewed`, without one `replan`. Deploying with the newest
    /// App values makes a holding environment follow again.
    pub async fn deployment_create(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewDeployment,
    ) -> Result<Started, Error> {
        self.unfinished(actor, &(environment, new))
    }
}
