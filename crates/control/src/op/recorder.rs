//! What a worker tells of its Op while it runs. Every write is made under the Op's fence: a worker
//! that lost its lease writes nothing more.

use jiff::Timestamp;
use rollout::report::Cursor;

use super::log_store::{self, NewLine};
use super::{Carries, Culprit, ObjectState, Step, StepName, StepState, store};
use crate::control::Control;
use crate::error::Error;
use crate::store::sql::{now, sql};
use crate::store::wake::Wake;
use crate::store::{Tx, commit};
use crate::work::Lease;

/// Why a worker's write was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Another worker has the Op, or it has ended: stop at once, write nothing more.
    #[error("the lease on {op} is lost")]
    LeaseLost { op: crate::store::ids::OpId },
    /// The write failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<crate::store::StoreError> for RecordError {
    fn from(failed: crate::store::StoreError) -> Self {
        Self::Failed(failed.into())
    }
}

/// Writes what a worker tells of its Op.
#[derive(Clone)]
pub(crate) struct Recorder {
    control: Control,
    lease: Lease,
}

/// Identity of the sealed culprits of an Op.
pub(crate) fn culprits_identity(op: crate::store::ids::OpId) -> String {
    format!("ops/culprits/{op}")
}

fn cursor_identity(op: crate::store::ids::OpId) -> String {
    format!("ops/cursor/{op}")
}

impl Recorder {
    pub(crate) fn new(control: Control, lease: Lease) -> Self {
        Self { control, lease }
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// The lease it writes under.
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Begins a transaction that holds the Op's row under the fence.
    pub(crate) async fn fenced(&self) -> Result<Tx, RecordError> {
        let tx = self.control.db().begin().await?;
        let held =
            sql("UPDATE ops SET fence = fence WHERE id = $1 AND fence = $2 AND state = 'running'")
                .bind(self.lease.op)
                .bind(self.lease.fence)
                .run(&tx, "check the lease on an Op")
                .await?;
        if held == 1 { Ok(tx) } else { Err(RecordError::LeaseLost { op: self.lease.op }) }
    }

    /// Commits and tells whoever follows.
    pub(crate) async fn commit(&self, tx: Tx) -> Result<(), RecordError> {
        commit(tx).await?;
        self.control.wakes().send(Wake::Op(self.lease.wake)).await;
        Ok(())
    }

    /// The steps as they stand, in order.
    pub(crate) async fn steps(&self) -> Result<Vec<Step>, RecordError> {
        Ok(store::steps(self.control.db().read(), self.lease.op).await?)
    }

    /// Adds the steps that repeat the last good deployment after a failure; can be repeated.
    pub(crate) async fn add_rollback_steps(&self) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let steps = store::steps(&tx, self.lease.op).await?;
        let own = steps.iter().filter(|step| !super::ROLL_BACK_STEPS.contains(&step.name)).count();
        let first = i64::try_from(own).unwrap_or(i64::MAX);
        store::add_steps(&tx, self.lease.op, first, super::ROLL_BACK_STEPS).await?;
        self.commit(tx).await
    }

    /// A step begins. One that had begun before (the Op was taken up again) keeps its start.
    pub(crate) async fn step_started(&self, name: StepName) -> Result<(), RecordError> {
        self.put_step(name, StepState::Running, None, None).await
    }

    /// How far the running step is.
    pub(crate) async fn step_progress(
        &self,
        name: StepName,
        done: i64,
        total: i64,
    ) -> Result<(), RecordError> {
        self.put_step(name, StepState::Running, Some((done, total)), None).await
    }

    /// A step is done, with its result in a few words.
    pub(crate) async fn step_done(&self, name: StepName, note: &str) -> Result<(), RecordError> {
        self.put_step(name, StepState::Done, None, Some(note)).await
    }

    /// There is nothing to do in a step.
    pub(crate) async fn step_skipped(&self, name: StepName, note: &str) -> Result<(), RecordError> {
        self.put_step(name, StepState::Skipped, None, Some(note)).await
    }

    /// A step failed.
    pub(crate) async fn step_failed(&self, name: StepName, note: &str) -> Result<(), RecordError> {
        self.put_step(name, StepState::Failed, None, Some(note)).await
    }

    async fn put_step(
        &self,
        name: StepName,
        state: StepState,
        count: Option<(i64, i64)>,
        note: Option<&str>,
    ) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let mut steps = store::steps(&tx, self.lease.op).await?;
        let Some(step) = steps.iter_mut().find(|step| step.name == name) else { return Ok(()) };
        let at = now();
        if state != StepState::Skipped {
            step.started_at = step.started_at.or(Some(at));
        }
        step.finished_at = (state != StepState::Running).then_some(at);
        step.state = state;
        if let Some((done, total)) = count {
            step.done = Some(done);
            step.total = Some(total);
        }
        if let Some(note) = note {
            note.clone_into(&mut step.note);
        }
        store::put_step(&tx, self.lease.op, step).await?;
        let (done, total) = (step.done, step.total);
        let took = step.started_at.zip(step.finished_at).map(|(from, to)| to.duration_since(from));
        sql("UPDATE ops SET step = $2, done = $3, total = $4, \
             percent = CASE WHEN percent > $5 THEN percent ELSE $5 END WHERE id = $1")
        .bind(self.lease.op)
        .bind(name)
        .bind(done)
        .bind(total)
        .bind(super::progress::percent(&steps))
        .run(&tx, "store the progress of an Op")
        .await?;
        self.commit(tx).await?;
        if let Some(took) = took.filter(|_| state != StepState::Skipped) {
            self.control.metrics().step(name, state, took);
        }
        Ok(())
    }

    /// The objects that the Op is about, in the order of the manifest.
    pub(crate) async fn objects(&self, objects: &[ObjectState]) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        store::put_objects(&tx, self.lease.op, objects).await?;
        self.commit(tx).await
    }

    /// The objects as they were told last.
    pub(crate) async fn told_objects(&self) -> Result<Vec<ObjectState>, RecordError> {
        Ok(store::objects(self.control.db().read(), self.lease.op).await?)
    }

    /// The state of the object at place `ordinal` of [`Recorder::objects`].
    pub(crate) async fn object(
        &self,
        ordinal: usize,
        object: &ObjectState,
    ) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
        store::put_object(&tx, self.lease.op, ordinal, object).await?;
        self.commit(tx).await
    }

    /// What holds the Op up, all that is known; the first one is what lists show.
    pub(crate) async fn culprits(&self, culprits: &[Culprit]) -> Result<(), RecordError> {
        const DOING: &str = "store culprits";
        let sealer = self.control.objects().sealer();
        let all = sealer.seal_json(&culprits_identity(self.lease.op), culprits, DOING)?;
        let line = match (culprits.first(), self.lease.carries) {
            (Some(first), Carries::Deployment(deployment)) => {
                let identity = crate::deployment::culprit_identity(deployment);
                let sealed = sealer.seal(&identity, first.text.as_bytes());
                Some(sealed.map_err(|e| Error::internal(DOING, e))?)
            }
            (None, _) | (_, Carries::Removal) => None,
        };
        let tx = self.fenced().await?;
        sql("UPDATE ops SET culprits_sealed = $2 WHERE id = $1")
            .bind(self.lease.op)
            .bind(all)
            .run(&tx, DOING)
            .await?;
        if let Carries::Deployment(deployment) = self.lease.carries {
            sql("UPDATE deployments SET culprit_sealed = $2 WHERE id = $1")
                .bind(deployment)
                .bind(line)
                .run(&tx, DOING)
                .await?;
        }
        self.commit(tx).await
    }

    /// When the running wait gives up.
    pub(crate) async fn deadline(&self, deadline: Timestamp) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        sql("UPDATE ops SET deadline = $2 WHERE id = $1")
            .bind(self.lease.op)
            .bind(deadline)
            .run(&tx, "store the deadline of an Op")
            .await?;
        self.commit(tx).await
    }

    /// Appends lines to the log, and with them how far events and container logs were told.
    pub(crate) async fn log(
        &self,
        lines: &[NewLine],
        cursor: Option<&Cursor>,
    ) -> Result<(), RecordError> {
        if lines.is_empty() && cursor.is_none() {
            return Ok(());
        }
        let objects = self.control.objects();
        let cursor = match cursor {
            Some(cursor) => {
                let identity = cursor_identity(self.lease.op);
                Some(objects.sealer().seal_json(&identity, cursor, "store a cursor")?)
            }
            None => None,
        };
        let tx = self.control.db().begin().await?;
        let last = sql("UPDATE ops SET last_sequence = last_sequence + $3, \
                        cursor_sealed = COALESCE($4, cursor_sealed) \
                        WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING last_sequence")
        .bind(self.lease.op)
        .bind(self.lease.fence)
        .bind(i64::try_from(lines.len()).unwrap_or(i64::MAX))
        .bind(cursor)
        .one(&tx, "number log lines", |row| row.get::<i64>("last_sequence"))
        .await?
        .ok_or(RecordError::LeaseLost { op: self.lease.op })?;
        if !lines.is_empty() {
            log_store::append(&tx, objects, self.lease.op, last, lines).await?;
        }
        self.commit(tx).await
    }

    /// How far events and container logs were told by whoever had the Op before.
    pub(crate) async fn cursor(&self) -> Result<Cursor, RecordError> {
        let row = store::get(self.control.db().read(), self.lease.op).await?;
        let Some(sealed) = row.and_then(|row| row.cursor_sealed) else {
            return Ok(Cursor::default());
        };
        let sealer = self.control.objects().sealer();
        Ok(sealer.open_json(&cursor_identity(self.lease.op), &sealed, "read a cursor")?)
    }

    /// Whether someone asked for the Op to be stopped.
    pub(crate) async fn cancel_requested(&self) -> Result<bool, RecordError> {
        let row = store::get(self.control.db().read(), self.lease.op).await?;
        Ok(row.is_some_and(|row| row.cancel_by.is_some()))
    }
}
