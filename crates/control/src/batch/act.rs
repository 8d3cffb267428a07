//! What people do with batches: make one by saving App values, pause it, resume it, drop what is left, let go what waits.

use super::store::{self, BatchRow, NewBatch};
use super::{Batch, BatchSettings, BatchState, MemberState};
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::environment::{EnvironmentKind, store as environments};
use crate::error::{Checks, Error, Problem};
use crate::rights::Subject;
use crate::store::ids::{BatchId, FleetPreviewId};
use crate::store::sql::now;
use crate::store::wake::{OpWake, Wake};
use crate::store::{Tx, commit};

/// Most deployments at once.
const MOST_AT_ONCE: i64 = 200;

/// The batch that a new revision of an App's values makes.
pub(crate) struct ValuesBatch<'a> {
    pub(crate) app: &'a AppRow,
    pub(crate) revision: i64,
    pub(crate) note: &'a str,
    pub(crate) settings: BatchSettings,
    pub(crate) preview: Option<FleetPreviewId>,
}

impl BatchSettings {
    /// Fails where they are out of bounds.
    pub(crate) fn check(self) -> Result<(), Error> {
        let mut checks = Checks::default();
        if !(1..=MOST_AT_ONCE).contains(&self.at_once) {
            let message = format!("{} deployments at once cannot be.", self.at_once);
            checks.add(Problem::new("at_once", message, "Give 1 to 200."));
        }
        if self.stop_after < 0 {
            let message = format!("{} failures cannot be.", self.stop_after);
            checks.add(Problem::new("stop_after", message, "Give a number; 0 never stops."));
        }
        checks.done()
    }
}

impl Control {
    /// Makes a batch in the transaction that saves the values; none where no environment follows. Superseded Ops are
    /// returned, to be told of after the commit.
    pub(crate) async fn batch_of_values(
        &self,
        tx: &Tx,
        actor: &Actor,
        new: &ValuesBatch<'_>,
    ) -> Result<(Option<BatchId>, Vec<OpWake>), Error> {
        let (id, at, by) = (BatchId::generate(), now(), actor.by());
        let may = actor.may_write(Subject::Environments(EnvironmentKind::Production));
        let row = NewBatch {
            id,
            app: new.app.id,
            revision: new.revision,
            note: new.note,
            settings: new.settings,
            production: if may { MemberState::Queued } else { MemberState::Waiting },
            preview: new.preview,
            at,
            by: &by,
        };
        if store::insert(tx, &row).await? == 0 {
            return Ok((None, Vec::new()));
        }
        // Locked before anything of them is touched, as whoever carries them on does.
        let older = store::open_of(tx, new.app.id, id).await?;
        for batch in &older {
            store::lock(tx, *batch).await?;
        }
        let superseded = store::supersede(tx, new.app.id, id, at).await?;
        for wake in &superseded {
            environments::refresh_status(tx, wake.environment).await?;
        }
        for batch in older.into_iter().chain([id]) {
            count_anew(tx, batch).await?;
        }
        Ok((Some(id), superseded))
    }

    /// Stops a batch from beginning more; what runs goes on.
    pub async fn batch_pause(&self, actor: &Actor, batch: BatchId) -> Result<Batch, Error> {
        self.steer(actor, batch, "batch.pause", |row| match row.state {
            BatchState::Running => {
                row.state = BatchState::Paused;
                Ok(None)
            }
            _ => Err(Error::conflict(
                format!("This batch is {}.", row.state),
                "There is nothing to pause.",
            )),
        })
        .await
    }

    /// Goes on with a batch that was paused, or stopped after failures; these count anew.
    pub async fn batch_resume(&self, actor: &Actor, batch: BatchId) -> Result<Batch, Error> {
        self.steer(actor, batch, "batch.resume", |row| match row.state {
            BatchState::Paused | BatchState::Stopped => {
                row.state = BatchState::Running;
                row.failures = 0;
                Ok(None)
            }
            _ => Err(Error::conflict(
                format!("This batch is {}.", row.state),
                "There is nothing to resume.",
            )),
        })
        .await
    }

    /// Drops what a batch has not begun; what runs goes on. The environments go on following the App's values: the next
    /// deployment there uses the newest.
    pub async fn batch_drop(&self, actor: &Actor, batch: BatchId) -> Result<Batch, Error> {
        self.steer(actor, batch, "batch.drop", |row| {
            let counts = row.tally.all();
            if counts.queued + counts.waiting == 0 {
                let what = "This batch has begun everything.";
                return Err(Error::conflict(what, "There is nothing to drop."));
            }
            row.state = BatchState::Running;
            Ok(Some((&[MemberState::Queued, MemberState::Waiting][..], MemberState::Dropped)))
        })
        .await
    }

    /// Lets the production environments go that wait for someone who may deploy to them.
    pub async fn batch_let_go(&self, actor: &Actor, batch: BatchId) -> Result<Batch, Error> {
        let row = self.batch_row(actor, batch).await?;
        let production = Subject::Environments(EnvironmentKind::Production);
        let missing = || Error::not_found("batch", batch);
        actor.write(production, "deploy to production environments", missing)?;
        self.change(actor, row.id, "batch.let_go", |row| {
            if row.tally.all().waiting == 0 {
                let what = "Nothing in this batch waits for Operations.";
                return Err(Error::conflict(what, "There is nothing to let go."));
            }
            row.let_go_by = Some(actor.by());
            if row.state == BatchState::Waiting {
                row.state = BatchState::Running;
            }
            Ok(Some((&[MemberState::Waiting][..], MemberState::Queued)))
        })
        .await?;
        self.batch_get(actor, batch).await
    }

    /// Changes how a batch goes on, where the actor may write to all that it still deploys to. What waits for Operations
    /// is not among it: nothing happens there.
    async fn steer(
        &self,
        actor: &Actor,
        batch: BatchId,
        action: &'static str,
        change: impl FnOnce(&mut BatchRow) -> Result<Option<Moved>, Error>,
    ) -> Result<Batch, Error> {
        let row = self.batch_row(actor, batch).await?;
        let missing = || Error::not_found("batch", batch);
        actor.write(Subject::Apps, "steer deployments of new App values", missing)?;
        let left = row.tally.counts(&[EnvironmentKind::Production]);
        if left.queued + left.deploying > 0 {
            let production = Subject::Environments(EnvironmentKind::Production);
            actor.write(production, "steer deployments to production environments", missing)?;
        }
        self.change(actor, batch, action, change).await?;
        self.batch_get(actor, batch).await
    }

    async fn change(
        &self,
        actor: &Actor,
        batch: BatchId,
        action: &'static str,
        change: impl FnOnce(&mut BatchRow) -> Result<Option<Moved>, Error>,
    ) -> Result<(), Error> {
        let tx = self.db().begin().await?;
        let locked = store::lock(&tx, batch).await?;
        let mut row = locked.ok_or_else(|| Error::not_found("batch", batch))?;
        let old = row.state;
        let moved = match change(&mut row)? {
            Some((from, to)) => store::move_members(&tx, batch, from, to).await?,
            None => 0,
        };
        store::steered(&tx, batch, &actor.by()).await?;
        let begun = self.advance(&tx, &mut row, now()).await?;
        let act = Act {
            action,
            kind: "batch",
            id: batch.to_string(),
            name: &format!("App values r{}", row.revision),
            old: serde_json::json!({ "state": old }),
            new: serde_json::json!({ "state": row.state, "environments": moved }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        for wake in begun {
            self.wakes().send(Wake::Op(wake)).await;
        }
        self.wakes().send(Wake::Queue).await;
        self.wakes().send(Wake::Batches).await;
        Ok(())
    }
}

/// Counts the members of a batch anew; the next pass says how it stands.
async fn count_anew(tx: &Tx, batch: BatchId) -> Result<(), Error> {
    if let Some(mut row) = store::lock(tx, batch).await? {
        row.tally = store::tally(tx, batch).await?;
        store::put(tx, &row, None).await?;
    }
    Ok(())
}

/// Which members go from which states to which.
type Moved = (&'static [MemberState], MemberState);
