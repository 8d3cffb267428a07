//! Lists of deployments, and one deployment with what it consisted of.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Deployment, DeploymentContent, DeploymentDetail, DeploymentState, Trigger, failure_identity,
    store,
};
use crate::actor::Actor;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::rights::Subject;
use crate::store::ids::{AppId, BatchId, DeploymentId, EnvironmentId, ReleaseId};
use crate::store::listing::{Listing, Order, View};
use crate::store::paging::{Direction, Page, PageRequest, SortKey};

/// Which deployments a list shows. Always newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct DeploymentFilter {
    /// Words that begin a part of the environment's name, or `environment#number`.
    pub search: String,
    /// Of this environment only.
    pub environment: Option<EnvironmentId>,
    /// Of this App only.
    pub app: Option<AppId>,
    /// Of this Release only.
    pub release: Option<ReleaseId>,
    /// In environments of this kind only.
    pub kind: Option<EnvironmentKind>,
    /// In this state only.
    pub state: Option<DeploymentState>,
    /// Made by this only.
    pub trigger: Option<Trigger>,
    /// Of this batch only.
    pub batch: Option<BatchId>,
}

impl Control {
    /// Deployments over all environments that the asker may see, newest first.
    pub async fn deployment_list(
        &self,
        actor: &Actor,
        filter: &DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>, Error> {
        let view = store::view();
        let sealer = self.objects().sealer();
        let read = |row: &crate::store::Row<'_>| store::read(row, sealer);
        matching(&view, actor, filter)
            .page(self.db().read(), page, NEWEST_FIRST, read, |deployment| {
                (SortKey::Text(String::new()), deployment.id.to_string())
            })
            .await
    }

    /// One deployment, by id.
    pub async fn deployment_get(
        &self,
        actor: &Actor,
        deployment: DeploymentId,
    ) -> Result<DeploymentDetail, Error> {
        let row = self.deployment_row(actor, deployment).await?;
        let sealer = self.objects().sealer();
        let shown = store::view()
            .list()
            .when("d.id = ?", deployment)
            .one(self.db().read(), |row| store::read(row, sealer))
            .await?
            .ok_or_else(|| Error::not_found("deployment", deployment))?;
        let failure = self.open_told(&failure_identity(deployment), row.failure_sealed)?;
        Ok(DeploymentDetail { deployment: shown, failure, new_preview: row.new_preview })
    }

    /// A deployment's own row, if the actor may see it.
    async fn deployment_row(
        &self,
        actor: &Actor,
        deployment: DeploymentId,
    ) -> Result<store::DeploymentRow, Error> {
        let missing = || Error::not_found("deployment", deployment);
        let c = self.db().read();
        let row = store::by_id(c, deployment).await?.ok_or_else(missing)?;
        let environment = crate::environment::store::by_id(c, row.environment).await?;
        let kind = environment.ok_or_else(missing)?.kind;
        actor.read(Subject::Environments(kind), missing)?;
        Ok(row)
    }

    /// One deployment, by its environment (id or name) and number.
    pub async fn deployment_find(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
    ) -> Result<DeploymentDetail, Error> {
        let environment = self.environment_row(actor, environment).await?;
        let found = store::by_number(self.db().read(), environment.id, number).await?;
        let found = found.ok_or_else(|| {
            Error::not_found("deployment", format!("{}#{number}", environment.name))
        })?;
        self.deployment_get(actor, found.id).await
    }

    /// What a deployment consisted of.
    pub async fn deployment_content(
        &self,
        actor: &Actor,
        deployment: DeploymentId,
    ) -> Result<DeploymentContent, Error> {
        let row = self.deployment_row(actor, deployment).await?;
        let values = self.objects().text_or_empty(row.values.as_ref()).await?;
        let Some(content) = row.content else {
            return Ok(DeploymentContent {
                values,
                merged: None,
                manifest: None,
                notes: None,
                plan: None,
                plan_hash: None,
            });
        };
        let shown =
            self.shown_content(row.app, (row.environment, Some(row.number)), content).await?;
        Ok(DeploymentContent {
            values,
            merged: Some(shown.merged),
            manifest: Some(shown.manifest),
            notes: shown.notes,
            plan_hash: Some(shown.plan.hash.clone()),
            plan: Some(shown.plan),
        })
    }
}

const NEWEST_FIRST: Order = Order { column: "id", direction: Direction::Descending };

/// Deployments that match the filter, of what the actor may see.
pub(crate) fn matching<'a>(
    view: &'a View,
    actor: &Actor,
    filter: &DeploymentFilter,
) -> Listing<'a> {
    let kind = match actor.visible_kinds() {
        [only] if filter.kind.is_none_or(|kind| kind == *only) => Some(*only),
        // Asked for a kind that does not exist for the actor: nothing matches.
        [_] => return view.list().only("1 = 0"),
        _ => filter.kind,
    };
    let list = view
        .list()
        .when_some("d.kind = ?", kind)
        .when_some("d.environment_id = ?", filter.environment)
        .when_some("d.app_id = ?", filter.app)
        .when_some("d.release_id = ?", filter.release)
        .when_some("d.state = ?", filter.state)
        .when_some("d.trigger_kind = ?", filter.trigger)
        .when_some("d.batch_id = ?", filter.batch);
    match filter.search.trim().split_once('#') {
        Some((name, number)) if number.parse::<i64>().is_ok() => list
            .when(
                "d.environment_id IN (SELECT id FROM environments WHERE name = ? \
                 AND deleted_at IS NULL)",
                name,
            )
            .when("d.number = ?", number.parse::<i64>().unwrap_or(0)),
        _ => list.search_at("d.environment_id", "environment", &filter.search),
    }
}
