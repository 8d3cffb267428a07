//! Carrying batches on: one pass notes what deployments came to, begins those whose turn it is, and says how the batch
//! stands. It takes no input and can be run by any process at any time; the batch's row is locked meanwhile.

use jiff::Timestamp;

use super::store::{self, BatchRow};
use super::{BatchState, MemberState};
use crate::control::Control;
use crate::deployment::{PlanPolicy, Queued, Trigger, queue};
use crate::environment::store as environments;
use crate::environment::{EnvironmentKind, EnvironmentState};
use crate::error::Error;
use crate::store::ids::{BatchId, EnvironmentId};
use crate::store::sql::now;
use crate::store::wake::{OpWake, Wake};
use crate::store::{Tx, commit};

/// What a member's turn came to.
enum Begun {
    /// Its deployment is queued.
    Queued(OpWake),
    /// There is nothing to deploy to any more.
    Skipped(&'static str),
    /// Someone was quicker: its turn comes when that is done.
    NotYet,
}

impl Control {
    /// Carries every open batch on; whether anything was done.
    pub(crate) async fn batches_pass(&self) -> Result<bool, Error> {
        let mut any = false;
        for batch in store::to_drive(self.db().read()).await? {
            any |= self.drive_batch(batch).await?;
        }
        Ok(any)
    }

    async fn drive_batch(&self, id: BatchId) -> Result<bool, Error> {
        let tx = self.db().begin().await?;
        let Some(mut batch) = store::lock(&tx, id).await? else { return Ok(false) };
        let before = (batch.state, batch.tally.clone());
        let begun = self.advance(&tx, &mut batch, now()).await?;
        if before == (batch.state, batch.tally) {
            // Nothing to keep; the lock goes with the transaction.
            return Ok(false);
        }
        commit(tx).await?;
        for wake in &begun {
            self.wakes().send(Wake::Op(*wake)).await;
        }
        if !begun.is_empty() {
            self.wakes().send(Wake::Queue).await;
        }
        self.wakes().send(Wake::Batches).await;
        Ok(true)
    }

    /// The pass itself, within a transaction that has locked the batch. Keeps how the batch stands.
    pub(super) async fn advance(
        &self,
        tx: &Tx,
        batch: &mut BatchRow,
        at: Timestamp,
    ) -> Result<Vec<OpWake>, Error> {
        let settled = store::settle(tx, batch.id).await?;
        let failed = settled.iter().filter(|state| **state == MemberState::Failed).count();
        batch.failures += i64::try_from(failed).unwrap_or(i64::MAX);
        let mut begun = Vec::new();
        if batch.state == BatchState::Running && !has_failed_enough(batch) {
            begun = self.begin_members(tx, batch).await?;
        }
        batch.tally = store::tally(tx, batch.id).await?;
        batch.state = stands(batch);
        let ended = (batch.state == BatchState::Ended).then_some(at);
        store::put(tx, batch, ended).await?;
        Ok(begun)
    }

    async fn begin_members(&self, tx: &Tx, batch: &BatchRow) -> Result<Vec<OpWake>, Error> {
        let mut begun = Vec::new();
        loop {
            let room = batch.settings.at_once - store::deploying(tx, batch.id).await?;
            if room <= 0 {
                return Ok(begun);
            }
            let members = store::next(tx, batch, room).await?;
            if members.is_empty() {
                return Ok(begun);
            }
            // Those that are skipped leave room for others.
            for member in members {
                match self.begin_member(tx, batch, member).await? {
                    Begun::Queued(wake) => begun.push(wake),
                    Begun::NotYet => {}
                    Begun::Skipped(why) => {
                        let state = MemberState::Skipped;
                        store::put_member(tx, batch.id, member, state, None, why).await?;
                    }
                }
            }
        }
    }

    /// Makes the deployment of a member: its current Release and its own values, with the batch's App values.
    async fn begin_member(
        &self,
        tx: &Tx,
        batch: &BatchRow,
        member: EnvironmentId,
    ) -> Result<Begun, Error> {
        if !store::lock_idle(tx, member).await? {
            return Ok(Begun::NotYet);
        }
        let Some(environment) = environments::by_id(tx, member).await? else {
            return Ok(Begun::Skipped("It is gone."));
        };
        let release = match (environment.state, environment.current_release) {
            (EnvironmentState::Active, Some(release)) => release,
            (EnvironmentState::Deleting | EnvironmentState::Deleted, _) => {
                return Ok(Begun::Skipped("It is being removed, or gone."));
            }
            _ => return Ok(Begun::Skipped("No release is known to run there.")),
        };
        if environment.holds_app_values.is_some() {
            return Ok(Begun::Skipped("It holds a revision of the App values since a rollback."));
        }
        let own = environments::newest_values(tx, member).await?;
        let queued = Queued {
            trigger: Trigger::ValuesUpdated,
            batch: Some(batch.id),
            policy: PlanPolicy::Replan,
            on_failure: environment.kind.default_on_failure(),
            reason: &batch.note,
            values: own.map(|own| own.values),
            app_values_revision: batch.revision,
            ..Queued::empty(release)
        };
        // Whoever let production go answers for it.
        let by = match (environment.kind, &batch.let_go_by) {
            (EnvironmentKind::Production, Some(by)) => by,
            _ => &batch.created_by,
        };
        queue(tx, by, &environment, &queued).await?;
        let state = MemberState::Deploying;
        store::put_member(tx, batch.id, member, state, Some(queued.id), "").await?;
        Ok(Begun::Queued(OpWake { op: queued.op, environment: member, kind: environment.kind }))
    }
}

fn has_failed_enough(batch: &BatchRow) -> bool {
    batch.settings.stop_after > 0 && batch.failures >= batch.settings.stop_after
}

/// How a batch stands, going by its members.
fn stands(batch: &BatchRow) -> BatchState {
    let counts = batch.tally.all();
    match batch.state {
        _ if counts.queued == 0 && counts.deploying == 0 && counts.waiting == 0 => {
            BatchState::Ended
        }
        _ if counts.queued == 0 && counts.deploying == 0 => BatchState::Waiting,
        BatchState::Running if counts.queued > 0 && has_failed_enough(batch) => BatchState::Stopped,
        BatchState::Waiting => BatchState::Running,
        state => state,
    }
}
