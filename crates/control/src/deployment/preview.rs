//! Previews: what a deployment would change, kept so that exactly that can be carried out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changes, OnFailure};
use crate::actor::Actor;
use crate::control::Control;
use crate::environment::EnvironmentBrief;
use crate::error::Error;
use crate::release::ReleaseBrief;
use crate::store::ids::PreviewId;
use crate::values::MergedValues;

/// What the deploy form asks to see; texts as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewPreview {
    /// The Release, by tag or id; empty: the one that runs.
    pub release: String,
    /// The Deployment values, as YAML; none: the environment's own.
    pub values: Option<String>,
}

/// What a deployment would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// What `Deploy Now` names to have exactly this carried out.
    pub id: PreviewId,
    /// The environment.
    pub environment: EnvironmentBrief,
    /// The Release.
    pub release: ReleaseBrief,
    /// The Release that runs now.
    pub from: Option<ReleaseBrief>,
    /// The Deployment values as written.
    pub values: String,
    /// All values with their origins.
    pub merged: MergedValues,
    /// The App values revision used.
    pub app_values_revision: i64,
    /// The rendered manifest; values of Secrets masked.
    pub manifest: String,
    /// The chart's notes.
    pub notes: Option<String>,
    /// What will change in the cluster; secrets shown only as changed.
    pub plan: rollout::plan::Plan,
    /// Keyed hash of the plan; short forms show the first eight characters.
    pub plan_hash: String,
    /// What the plan touches.
    pub changes: Changes,
    /// What does not stand in the way but should be known.
    pub warnings: Vec<PreviewWarning>,
    /// Seconds that the last deployment that succeeded here took, and its number.
    pub estimate: Option<(i64, i64)>,
    /// What happens on failure unless something else is chosen.
    pub default_on_failure: OnFailure,
    /// Until when it can be deployed.
    pub expires_at: Timestamp,
}

/// Something to know before deploying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewWarning {
    /// As a sentence.
    pub message: String,
}

impl Control {
    /// Renders and plans, and keeps the result for `Deploy Now`. Needs the right to deploy.
    ///
    /// Talks to the cluster. Dropping the future cancels it. Faults of the values or the chart are
    /// [`Error::Invalid`] at `values`, with the place.
    pub async fn deployment_preview(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewPreview,
    ) -> Result<Preview, Error> {
        self.unfinished(actor, &(environment, new))
    }

    /// A preview made before, by whoever may deploy there.
    pub async fn preview_get(&self, actor: &Actor, preview: PreviewId) -> Result<Preview, Error> {
        self.unfinished(actor, &preview)
    }
}
