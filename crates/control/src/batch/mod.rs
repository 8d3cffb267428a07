//! Batches: one act that makes many deployments. A new revision of an App's values makes one for each environment that
//! follows.
//!
//! A member of a batch becomes a deployment when its turn comes, not before (`drive`): it is then made of what the
//! environment has then, its current Release and its own values, so that nothing is lost that someone set while it waited.
//! So much as a batch has begun stands in the queue of Ops like any other deployment; the rest can be paused, resumed and
//! dropped as one (`act`).

mod act;
mod drive;
mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::AppBrief;
use crate::closed::closed_set;
use crate::control::Control;
use crate::deployment::{DeploymentState, Trigger};
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::error::Error;
use crate::rights::Subject;
use crate::store::ids::{AppId, BatchId, DeploymentId, EnvironmentId};
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};

pub(crate) use act::ValuesBatch;

closed_set! {
    /// How a batch stands.
    pub enum BatchState {
        /// It deploys.
        Running = "running",
        /// Someone paused it: what runs goes on, nothing is begun.
        Paused = "paused",
        /// So many deployments failed that nothing more is begun.
        Stopped = "stopped",
        /// All is done but what waits for Operations.
        Waiting = "waiting",
        /// Nothing is left to do.
        Ended = "ended",
    }
}

closed_set! {
    /// How one environment of a batch stands.
    pub enum MemberState {
        /// Its turn has not come.
        Queued = "queued",
        /// Whoever made the batch may not deploy there: it waits for someone who may to let it go.
        Waiting = "waiting",
        /// Its deployment is queued or runs.
        Deploying = "deploying",
        /// Its deployment succeeded.
        Succeeded = "succeeded",
        /// Its deployment failed.
        Failed = "failed",
        /// Someone stopped its deployment.
        Cancelled = "cancelled",
        /// A newer batch took its place.
        Superseded = "superseded",
        /// Its deployment ended to ask again.
        NeedsConfirmation = "needs_confirmation",
        /// Someone dropped what was left of the batch.
        Dropped = "dropped",
        /// There was nothing to deploy to any more: it holds a revision by now, or is gone.
        Skipped = "skipped",
    }
}

/// How a batch is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct BatchSettings {
    /// Whether production environments wait until all sandbox ones are done.
    pub sandbox_first: bool,
    /// Deployments at once, 1 to 200.
    pub at_once: i64,
    /// After how many failures nothing more is begun; 0: never.
    pub stop_after: i64,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self { sandbox_first: true, at_once: 20, stop_after: 3 }
    }
}

/// A batch, of what the asker may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What made it.
    pub trigger: Trigger,
    /// The App.
    pub app: AppBrief,
    /// The revision of the App values that it deploys.
    pub app_values_revision: i64,
    /// What the person said about it; may be empty.
    pub note: String,
    /// How it stands.
    pub state: BatchState,
    /// How it is carried out.
    pub settings: BatchSettings,
    /// How many environments stand how.
    pub counts: MemberCounts,
    /// Whether something is queued or under way in production environments that the asker sees: steering it then takes
    /// the right to deploy there.
    pub deploys_to_production: bool,
    /// Failures since it began, or was resumed.
    pub failures: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
    /// Who let the production environments go that waited for Operations.
    pub let_go_by: Option<By>,
    /// Who paused, resumed or dropped it last.
    pub steered_by: Option<By>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How many environments of a batch stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberCounts {
    /// All.
    pub total: i64,
    /// Whose turn has not come.
    pub queued: i64,
    /// Those that wait for Operations.
    pub waiting: i64,
    /// Those that deploy.
    pub deploying: i64,
    /// Those that succeeded.
    pub succeeded: i64,
    /// Those that failed.
    pub failed: i64,
    /// Those that were cancelled, or ended to ask again.
    pub cancelled: i64,
    /// Those whose place a newer batch took.
    pub superseded: i64,
    /// Those that were dropped.
    pub dropped: i64,
    /// Those where there was nothing to deploy to any more.
    pub skipped: i64,
}

impl MemberCounts {
    /// Those that have come to an end, whichever.
    pub const fn over(&self) -> i64 {
        self.total - self.queued - self.waiting - self.deploying
    }

    /// Share that is over, 0 to 100.
    pub const fn percent(&self) -> i64 {
        if self.total == 0 { 100 } else { self.over() * 100 / self.total }
    }
}

/// One environment of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchMember {
    /// The environment.
    pub environment: EnvironmentBrief,
    /// How it stands.
    pub state: MemberState,
    /// Why it was skipped; else empty.
    pub note: String,
    /// Its deployment, once its turn has come.
    pub deployment: Option<MemberDeployment>,
}

/// The deployment of a batch's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberDeployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its number there.
    pub number: i64,
    /// How it stands.
    pub state: DeploymentState,
    /// Share of it that is done, 0 to 100.
    pub percent: i64,
    /// What is wrong, in one line.
    pub culprit: Option<String>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What an open batch has in store for an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InStore {
    /// The batch.
    pub batch: BatchId,
    /// How it stands.
    pub batch_state: BatchState,
    /// The revision of the App values that it deploys.
    pub app_values_revision: i64,
    /// Whether it waits for someone who may deploy there; else for its turn.
    pub waits_for_operations: bool,
}

/// Members by kind and state, as rows keep them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally(Vec<(EnvironmentKind, MemberState, i64)>);

impl Tally {
    /// How many of these kinds stand how.
    fn counts(&self, kinds: &[EnvironmentKind]) -> MemberCounts {
        let mut counts = MemberCounts::default();
        for (kind, state, n) in &self.0 {
            if !kinds.contains(kind) {
                continue;
            }
            counts.total += n;
            *match state {
                MemberState::Queued => &mut counts.queued,
                MemberState::Waiting => &mut counts.waiting,
                MemberState::Deploying => &mut counts.deploying,
                MemberState::Succeeded => &mut counts.succeeded,
                MemberState::Failed => &mut counts.failed,
                MemberState::Cancelled | MemberState::NeedsConfirmation => &mut counts.cancelled,
                MemberState::Superseded => &mut counts.superseded,
                MemberState::Dropped => &mut counts.dropped,
                MemberState::Skipped => &mut counts.skipped,
            } += n;
        }
        counts
    }

    fn all(&self) -> MemberCounts {
        self.counts(EnvironmentKind::ALL)
    }
}

/// Which batches a list shows. Always newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchFilter {
    /// Of this App only.
    pub app: Option<AppId>,
    /// Those that have not ended only.
    pub open: bool,
}

impl Control {
    /// Batches in which there is something that the asker may see, newest first.
    pub async fn batch_list(
        &self,
        actor: &Actor,
        filter: &BatchFilter,
        page: &PageRequest,
    ) -> Result<Page<Batch>, Error> {
        actor.read(Subject::Apps, || Error::not_found("page", "batches"))?;
        let view = store::view();
        let mut list = view.list().when_some("b.app_id = ?", filter.app);
        if filter.open {
            list = list.only("b.state <> 'ended'");
        }
        if !actor.sees_production() {
            list = list.only("b.sandbox > 0");
        }
        let order = Order { column: "id", direction: Direction::Descending };
        let kinds = actor.visible_kinds();
        list.page(
            self.db().read(),
            page,
            order,
            |row| store::read_view(row, kinds),
            |batch| (SortKey::Text(String::new()), batch.id.to_string()),
        )
        .await
    }

    /// One batch.
    pub async fn batch_get(&self, actor: &Actor, batch: BatchId) -> Result<Batch, Error> {
        self.batch_row(actor, batch).await?;
        let kinds = actor.visible_kinds();
        store::view()
            .list()
            .when("b.id = ?", batch)
            .one(self.db().read(), |row| store::read_view(row, kinds))
            .await?
            .ok_or_else(|| Error::not_found("batch", batch))
    }

    /// The environments of a batch in the order of their turns; `state`: only those that stand so.
    pub async fn batch_members(
        &self,
        actor: &Actor,
        batch: BatchId,
        state: Option<MemberState>,
        page: &PageRequest,
    ) -> Result<Page<BatchMember>, Error> {
        self.batch_row(actor, batch).await?;
        let view = store::members();
        let mut list = view.list().when("m.batch_id = ?", batch).when_some("m.state = ?", state);
        if !actor.sees_production() {
            list = list.when("m.kind = ?", EnvironmentKind::Sandbox);
        }
        let order = Order { column: "ordinal", direction: Direction::Ascending };
        let sealer = self.objects().sealer();
        let read = |row: &crate::store::Row<'_>| store::read_member(row, sealer);
        let key = |(member, ordinal): &(BatchMember, i64)| {
            (SortKey::Number(*ordinal), member.environment.id.to_string())
        };
        let page = list.page(self.db().read(), page, order, read, key).await?;
        let Page { items, next, previous, count } = page;
        let items = items.into_iter().map(|(member, _)| member).collect();
        Ok(Page { items, next, previous, count })
    }

    /// What an open batch has in store for an environment, if any does.
    pub async fn environment_in_store(
        &self,
        actor: &Actor,
        environment: EnvironmentId,
    ) -> Result<Option<InStore>, Error> {
        let row = self.environment_row(actor, &environment.to_string()).await?;
        let found = store::in_store(self.db().read(), row.id).await?;
        Ok(found.map(|(batch, app_values_revision, state, batch_state)| InStore {
            batch,
            batch_state,
            app_values_revision,
            waits_for_operations: state == MemberState::Waiting,
        }))
    }

    /// A batch's own row, if there is something in it that the actor may see.
    async fn batch_row(&self, actor: &Actor, batch: BatchId) -> Result<store::BatchRow, Error> {
        let missing = || Error::not_found("batch", batch);
        let row = store::get(self.db().read(), batch).await?.ok_or_else(missing)?;
        actor.read(Subject::Apps, missing)?;
        if row.tally.counts(actor.visible_kinds()).total == 0 {
            return Err(missing());
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts cover only the kinds that are asked for, and every state counts somewhere.
    #[test]
    fn counts_by_kind() {
        use EnvironmentKind::{Production, Sandbox};
        let all = MemberState::ALL.iter().map(|state| (Sandbox, *state, 1));
        let tally = Tally(all.chain([(Production, MemberState::Waiting, 5)]).collect());
        let sandbox = tally.counts(&[Sandbox]);
        assert_eq!((sandbox.total, sandbox.waiting, sandbox.cancelled), (10, 1, 2));
        assert_eq!((sandbox.over(), sandbox.percent()), (7, 70));
        assert_eq!(tally.all().waiting, 6);
        assert_eq!(MemberCounts::default().percent(), 100);
    }
}
