//! Previews over a fleet: what a new revision of an App's values would change in the environments that follow, grouped by
//! equal change, before anything is saved.
//!
//! Each environment is compared with what was deployed to it last: its stored manifest, the capabilities and the `lookup`
//! answers of that time. No cluster is asked. Workers do it in the background (`run`), one environment at a time
//! (`compute`), and keep what they have, so that one that dies loses little; the words are made in `words`. What the act
//! itself does is in `batch`.

mod compute;
pub(crate) mod run;
pub(crate) mod store;
mod words;

use jiff::Timestamp;
use rollout::plan::PlannedObject;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::AppBrief;
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::error::Error;
use crate::names::EnvironmentName;
use crate::objects::ObjectKind;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::FleetPreviewId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::values::check_values;

/// How long a preview is kept.
const LASTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
/// Groups that are shown; a change that is another one everywhere has as many as there are environments.
const GROUPS: i64 = 40;
/// Names that a group is shown with.
const NAMES: i64 = 3;

closed_set! {
    /// How a preview over a fleet stands.
    pub enum FleetPreviewState {
        /// It is worked on, or waits for a worker.
        Running = "running",
        /// All environments were looked at.
        Done = "done",
        /// Stopped by someone, or by a newer one of the same person.
        Cancelled = "cancelled",
        /// It could not be worked out.
        Failed = "failed",
    }
}

closed_set! {
    /// What happens to the environments of a group, the worst first.
    pub enum GroupKind {
        /// The chart does not render with the new values: their deployments would fail.
        NotRendered = "not_rendered",
        /// Something is stopped, deleted, or down while it restarts.
        Interrupts = "interrupts",
        /// Objects change without an interruption.
        Changes = "changes",
        /// No object changes.
        Unchanged = "unchanged",
        /// They hold a revision of the App values: nothing happens there until someone deploys.
        Holds = "holds",
        /// No deployment has succeeded there yet: nothing happens there until someone deploys.
        NotDeployed = "not_deployed",
    }
}

impl GroupKind {
    /// Whether saving makes a deployment for each environment of the group.
    pub const fn deploys(self) -> bool {
        !matches!(self, Self::Holds | Self::NotDeployed)
    }
}

/// What is asked: values that are not saved yet.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewFleetPreview {
    /// The App values, as YAML.
    pub values: String,
    /// The revision that the editor started from; none: the newest.
    pub based_on: Option<i64>,
}

/// What a new revision of an App's values would change. Covers what the asker may see.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FleetPreview {
    /// Its id.
    pub id: FleetPreviewId,
    /// The App.
    pub app: AppBrief,
    /// The revision that the values are based on.
    pub based_on: i64,
    /// How it stands.
    pub state: FleetPreviewState,
    /// Environments looked at so far.
    pub done: i64,
    /// Environments that follow: each gets a deployment when the values are saved.
    pub total: i64,
    /// Of those looked at, how many cannot be rendered: their deployments would fail.
    pub failing: i64,
    /// Of all, how many are production ones that the asker may not deploy to: they wait for Operations.
    pub waiting: i64,
    /// The groups, the worst first, then the largest; at most 40.
    pub groups: Vec<ChangeGroup>,
    /// How many more there are.
    pub more_groups: i64,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Environments that change alike: the same objects, by kind and by name relative to the release's, in the same fields,
/// from and to the same, with the same consequence.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ChangeGroup {
    /// What its environments are listed by.
    pub key: String,
    /// What happens to them.
    pub kind: GroupKind,
    /// How many there are.
    pub environments: i64,
    /// Of those, production ones.
    pub production: i64,
    /// Of those, sandbox ones.
    pub sandbox: i64,
    /// What changes, in a line: names of fields, or what is interrupted.
    pub title: String,
    /// What that does, as sentences; why, where it cannot be rendered.
    pub summary: String,
    /// The first names.
    pub names: Vec<EnvironmentName>,
    /// The environment whose change is shown.
    pub sample: Option<EnvironmentName>,
    /// What changes there; secrets shown only as changed.
    #[schema(value_type = Vec<Object>)]
    pub objects: Vec<PlannedObject>,
}

/// What is kept of a group, sealed: the change of its first environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    title: String,
    summary: String,
    sample: EnvironmentName,
    objects: Vec<PlannedObject>,
}

fn group_identity(preview: FleetPreviewId, key: &str) -> String {
    format!("fleet_preview_groups/told/{preview}/{key}")
}

fn failure_identity(preview: FleetPreviewId) -> String {
    format!("fleet_previews/failure/{preview}")
}

impl Control {
    /// Begins to work out what new App values would change; a worker does it. Whoever may see the App may ask, about the
    /// environments that they may see. A newer question of the same person about the App cancels the one before.
    pub async fn fleet_preview(
        &self,
        actor: &Actor,
        app: &str,
        new: NewFleetPreview,
    ) -> Result<FleetPreview, Error> {
        let app = self.app_row(actor, app).await?;
        check_values("values", &new.values)?;
        let id = FleetPreviewId::generate();
        let values = self.objects().put(ObjectKind::Values, new.values.as_bytes()).await?;
        let (at, by) = (now(), actor.by());
        let row = store::NewRow {
            id,
            app: app.id,
            based_on: new.based_on.unwrap_or(app.values_revision),
            values: &values,
            production: actor.sees_production(),
            at,
            by: &by,
        };
        let tx = self.db().begin().await?;
        store::cancel_earlier(&tx, app.id, &by, at).await?;
        store::forget(&tx, app.id, at.saturating_sub(LASTS).unwrap_or(at)).await?;
        store::insert(&tx, &row).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Fleet).await;
        self.fleet_preview_get(actor, id).await
    }

    /// A preview over a fleet as far as it is.
    pub async fn fleet_preview_get(
        &self,
        actor: &Actor,
        preview: FleetPreviewId,
    ) -> Result<FleetPreview, Error> {
        let row = self.fleet_preview_row(actor, preview).await?;
        let c = self.db().read();
        let app = crate::app::store::by_id(c, row.app).await?;
        let app = app.ok_or_else(|| Error::not_found("App", row.app))?;
        let counts = store::group_counts(c, preview).await?;
        let many: i64 = counts.iter().map(|(_, groups, _)| groups).sum();
        let failing = counts.iter().filter(|(kind, ..)| *kind == GroupKind::NotRendered);
        let failing = failing.map(|(.., environments)| environments).sum();
        let mut groups = Vec::new();
        for group in store::groups(c, preview, GROUPS).await? {
            groups.push(self.change_group(preview, group).await?);
        }
        let waiting = if actor.may_write(Subject::Environments(EnvironmentKind::Production)) {
            0
        } else {
            store::followers_of_production(c, preview).await?
        };
        Ok(FleetPreview {
            id: row.id,
            app: AppBrief { id: app.id, name: app.name },
            based_on: row.based_on,
            state: row.state,
            done: row.done,
            total: row.total,
            failing,
            waiting,
            more_groups: (many - GROUPS).max(0),
            groups,
            failure: self.open_told(&failure_identity(preview), row.failure_sealed)?,
            created_at: row.created_at,
            created_by: row.created_by,
            finished_at: row.finished_at,
        })
    }

    /// The environments of a group, by name.
    pub async fn fleet_preview_environments(
        &self,
        actor: &Actor,
        preview: FleetPreviewId,
        group: &str,
        page: &PageRequest,
    ) -> Result<Page<EnvironmentBrief>, Error> {
        self.fleet_preview_row(actor, preview).await?;
        let order = Order { column: "name", direction: Direction::Ascending };
        store::members()
            .list()
            .when("m.preview_id = ?", preview)
            .when("m.group_key = ?", group)
            .page(self.db().read(), page, order, store::read_member, |member| {
                (SortKey::Text(member.name.to_string()), member.id.to_string())
            })
            .await
    }

    /// Stops a preview; what it has found so far stays.
    pub async fn fleet_preview_cancel(
        &self,
        actor: &Actor,
        preview: FleetPreviewId,
    ) -> Result<FleetPreview, Error> {
        self.fleet_preview_row(actor, preview).await?;
        if !store::cancel(self.db().write(), preview, now()).await? {
            return Err(Error::conflict("This preview has ended.", "There is nothing to cancel."));
        }
        self.wakes().send(Wake::Fleet).await;
        self.fleet_preview_get(actor, preview).await
    }

    /// A preview's own row, if the actor may see everything that it covers.
    pub(crate) async fn fleet_preview_row(
        &self,
        actor: &Actor,
        preview: FleetPreviewId,
    ) -> Result<store::PreviewRow, Error> {
        let missing = || Error::not_found("preview", preview);
        let row = store::get(self.db().read(), preview).await?.ok_or_else(missing)?;
        actor.read(Subject::Apps, missing)?;
        if row.production && !actor.sees_production() {
            return Err(missing());
        }
        Ok(row)
    }

    /// The App values that a preview is of.
    pub async fn fleet_preview_values(
        &self,
        actor: &Actor,
        preview: FleetPreviewId,
    ) -> Result<String, Error> {
        let row = self.fleet_preview_row(actor, preview).await?;
        self.objects().text(&row.values).await
    }

    async fn change_group(
        &self,
        preview: FleetPreviewId,
        group: store::GroupRow,
    ) -> Result<ChangeGroup, Error> {
        let names = store::first_names(self.db().read(), preview, &group.key, NAMES).await?;
        let told: Option<Told> =
            self.open_told(&group_identity(preview, &group.key), group.told_sealed)?;
        let (title, summary, sample, objects) = match told {
            Some(told) => (told.title, told.summary, Some(told.sample), told.objects),
            None => {
                let (title, summary) = words::of_idle(group.kind);
                (title.to_owned(), summary.to_owned(), None, Vec::new())
            }
        };
        Ok(ChangeGroup {
            kind: group.kind,
            environments: group.production + group.sandbox,
            production: group.production,
            sandbox: group.sandbox,
            key: group.key,
            title,
            summary,
            names,
            sample,
            objects,
        })
    }
}
