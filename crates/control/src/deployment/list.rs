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
        let (row, _) = self.deployment_row(actor, deployment).await?;
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
    ) -> Result<(store::DeploymentRow, EnvironmentKind), Error> {
        let missing = || Error::not_found("deployment", deployment);
        let c = self.db().read();
        let row = store::by_id(c, deployment).await?.ok_or_else(missing)?;
        let environment = crate::environment::store::by_id(c, row.environment).await?;
        let kind = environment.ok_or_else(missing)?.kind;
        actor.read(Subject::Environments(kind), missing)?;
        Ok((row, kind))
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
        let (row, kind) = self.deployment_row(actor, deployment).await?;
        let values = self.objects().text_or_empty(row.values.as_ref()).await?;
        let subject = Subject::Environments(kind);
        let values = self.written_values(actor, subject, row.app, values).await?;
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
    let DeploymentFilter { environment, app, release, state, trigger, batch, search, .. } = filter;
    // Without a letter or digit nothing is searched for.
    let searched = if search.contains(char::is_alphanumeric) { search.trim() } else { "" };
    let list = view
        .list()
        .when_some("d.environment_id = ?", *environment)
        .when_some("d.release_id = ?", *release)
        .when_some("d.batch_id = ?", *batch);
    let few = environment.is_some() || release.is_some() || batch.is_some();
    if !few && searched.is_empty() {
        let list = list
            .when_some("d.kind = ?", kind)
            .when_some("d.app_id = ?", *app)
            .when_some("d.state = ?", *state)
            .when_some("d.trigger_kind = ?", *trigger);
        return in_parts(list, filter, kind);
    }
    let numbered = searched
        .split_once('#')
        .and_then(|(name, number)| Some((name, number.parse::<i64>().ok()?)));
    let by_words = numbered.is_none() && !searched.is_empty();
    // Of what few deployments have, all are looked at: SQLite would take any other index as well. What a word finds may be a
    // hundred thousand, and few of them in a state or of a trigger.
    let list = match (state, trigger) {
        (Some(state), _) if by_words && !few => list
            .when("d.state = ?", *state)
            .when_some("(d.trigger_kind || '') = ?", *trigger)
            .looked_up_by("deployments_environment_state"),
        (None, Some(trigger)) if by_words && !few => list
            .when("d.trigger_kind = ?", *trigger)
            .looked_up_by("deployments_environment_trigger"),
        _ => list
            .when_some("(d.trigger_kind || '') = ?", *trigger)
            .when_some("(d.state || '') = ?", *state),
    };
    if by_words {
        // An environment has one kind and one App: those that are found are fewer for it.
        let within = store::environments_within(kind, *app);
        return list.search_at("d.environment_id", "environment", searched, within.as_deref());
    }
    let list = list.when_some("(d.kind || '') = ?", kind).when_some("(d.app_id || '') = ?", *app);
    match numbered {
        None => list.by_ids(),
        Some((name, number)) => list
            .when(
                "d.environment_id IN (SELECT id FROM environments WHERE name = ? \
                 AND deleted_at IS NULL)",
                name,
            )
            .when("d.number = ?", number),
    }
}

/// Several filters at once are answered from the indexes that have App, kind, state and trigger before the id: what is not
/// asked for of these is gone through word by word. One filter, what is common besides (a kind with an App or with a state),
/// and what few deployments have (an environment, a Release, a batch) have indexes of their own.
fn in_parts<'a>(
    mut list: Listing<'a>,
    filter: &DeploymentFilter,
    kind: Option<EnvironmentKind>,
) -> Listing<'a> {
    let DeploymentFilter { app, state, trigger, .. } = filter;
    let also = app.is_some() || kind.is_some() || state.is_some();
    let needed = (trigger.is_some() && also) || (app.is_some() && state.is_some());
    if !needed {
        return list;
    }
    if kind.is_none() {
        list = list.in_parts("d.kind", EnvironmentKind::ALL.iter().map(|it| it.as_str()).collect());
    }
    if filter.state.is_none() {
        list =
            list.in_parts("d.state", DeploymentState::ALL.iter().map(|it| it.as_str()).collect());
    }
    if filter.trigger.is_none() {
        list = list.in_parts("d.trigger_kind", Trigger::ALL.iter().map(|it| it.as_str()).collect());
    }
    list
}
