//! An environment's own Helm values, and all of its values with where each comes from.

use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::app::ValuesRevision;
use crate::control::Control;
use crate::deployment::store as deployments;
use crate::error::Error;
use crate::rights::Subject;
use crate::values::MergedValues;

use super::store;

/// The values of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnvironmentValues {
    /// Its own, which the deploy form starts from; what is masked is left out for who may not change them.
    pub own: ValuesRevision,
    /// The values of its last failed deployment, if that is newer than what runs: a second start.
    pub failed: Option<FailedValues>,
    /// What its current deployment was rendered with; none before the first success.
    pub running: Option<MergedValues>,
}

/// The Deployment values of a failed deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
        let row = self.environment_row(actor, environment).await?;
        let c = self.db().read();
        let written = async |text: String| {
            self.written_values(actor, Subject::Environments(row.kind), row.app, text).await
        };
        let own = match store::newest_values(c, row.id).await? {
            None => ValuesRevision::none(),
            Some(newest) => ValuesRevision {
                revision: newest.revision,
                values: written(self.objects().text(&newest.values).await?).await?,
                note: newest.note,
                created_at: Some(newest.created_at),
                created_by: Some(newest.created_by),
            },
        };
        let failed = match deployments::last_if_failed(c, row.id).await? {
            None => None,
            Some(last) => Some(FailedValues {
                number: last.number,
                values: written(self.objects().text_or_empty(last.values.as_ref()).await?).await?,
            }),
        };
        let failed = failed.filter(|failed| failed.values != own.values);
        let current = match row.current_deployment {
            None => None,
            Some(id) => deployments::by_id(c, id).await?.and_then(|current| current.content),
        };
        let running = match current {
            None => None,
            Some(content) => Some(self.shown_values(row.app, content).await?),
        };
        Ok(EnvironmentValues { own, failed, running })
    }
}
