//! What a worker tells of its Op while it runs. Every write is made under the Op's fence: a worker
//! that lost its lease writes nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rollout::report::Cursor;
use tokio::sync::Mutex;

use super::log_store::{self, NewLine};
use super::store::Begun;
use super::{Carries, Culprit, ObjectState, Step, StepName, StepState, store};
use crate::control::Control;
use crate::deployment::content::ContentRow;
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
    /// The steps as they were stored last: under the fence nobody else writes them. None: they must be read. Taken before a
    /// transaction begins, never within one.
    steps: Arc<Mutex<Option<Vec<Step>>>>,
}

/// Identity of the sealed culprits of an Op.
pub(crate) fn culprits_identity(op: crate::store::ids::OpId) -> String {
    format!("ops/culprits/{op}")
}

fn cursor_identity(op: crate::store::ids::OpId) -> String {
    format!("ops/cursor/{op}")
}

const STORE_CULPRITS: &str = "store culprits";

/// What holds an Op up, sealed: all of it, and the line that lists show.
struct SealedCulprits {
    all: Vec<u8>,
    line: Option<Vec<u8>>,
}

/// What is told of an Op and stored at once.
#[derive(Default)]
pub(crate) struct Told {
    /// Steps that began, went on or ended, in this order.
    pub(crate) steps: Vec<StepChange>,
    /// The objects that the Op is about from now on, in the order of the manifest.
    pub(crate) objects: Option<Vec<ObjectState>>,
    /// The states of objects, by their place in that order.
    pub(crate) changed: BTreeMap<usize, ObjectState>,
    /// What holds the Op up, all that is known; the first one is what lists show.
    pub(crate) culprits: Option<Vec<Culprit>>,
    /// New lines of the log.
    pub(crate) lines: Vec<NewLine>,
    /// How far events and container logs were told with these lines.
    pub(crate) cursor: Option<Cursor>,
    /// When the running wait gives up.
    pub(crate) deadline: Option<Timestamp>,
    /// What the deployment consists of.
    pub(crate) content: Option<Box<ContentRow>>,
    /// The revision of the Helm release that the deployment writes.
    pub(crate) helm_revision: Option<i64>,
}

impl Told {
    fn is_empty(&self) -> bool {
        let Self {
            steps,
            objects,
            changed,
            culprits,
            lines,
            cursor,
            deadline,
            content,
            helm_revision,
        } = self;
        steps.is_empty()
            && objects.is_none()
            && changed.is_empty()
            && culprits.is_none()
            && lines.is_empty()
            && cursor.is_none()
            && deadline.is_none()
            && content.is_none()
            && helm_revision.is_none()
    }
}

/// How a step stands from `at` on.
#[derive(Clone, Debug)]
pub(crate) struct StepChange {
    pub(crate) name: StepName,
    state: StepState,
    at: Timestamp,
    count: Option<(i64, i64)>,
    note: Option<String>,
}

impl StepChange {
    /// It begins; one that had begun before keeps its start.
    pub(crate) fn started(name: StepName) -> Self {
        Self::new(name, StepState::Running)
    }

    /// How far the running step is.
    pub(crate) fn progress(name: StepName, done: i64, total: i64) -> Self {
        Self { count: Some((done, total)), ..Self::started(name) }
    }

    /// It is done, with its result in a few words.
    pub(crate) fn done(name: StepName, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..Self::new(name, StepState::Done) }
    }

    /// There is nothing to do in it.
    pub(crate) fn skipped(name: StepName, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..Self::new(name, StepState::Skipped) }
    }

    /// It failed.
    pub(crate) fn failed(name: StepName, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..Self::new(name, StepState::Failed) }
    }

    fn new(name: StepName, state: StepState) -> Self {
        Self { name, state, at: now(), count: None, note: None }
    }

    /// Whether the step runs from now on.
    pub(crate) fn begins(&self) -> bool {
        self.state == StepState::Running
    }

    fn apply(self, step: &mut Step) {
        if self.state != StepState::Skipped {
            step.started_at = step.started_at.or(Some(self.at));
        }
        step.finished_at = (self.state != StepState::Running).then_some(self.at);
        step.state = self.state;
        if let Some((done, total)) = self.count {
            step.done = Some(done);
            step.total = Some(total);
        }
        if let Some(note) = self.note {
            step.note = note;
        }
    }
}

/// Steps as they become.
struct Progress {
    steps: Vec<Step>,
    /// Which have changed, the last one last; never empty.
    changed: Vec<usize>,
    percent: i64,
}

impl Progress {
    /// After these changes; none where they are about no step of the Op.
    fn after(mut steps: Vec<Step>, changes: Vec<StepChange>) -> Option<Self> {
        let mut changed = Vec::new();
        for change in changes {
            let Some(at) = steps.iter().position(|step| step.name == change.name) else { continue };
            change.apply(&mut steps[at]);
            changed.retain(|earlier| *earlier != at);
            changed.push(at);
        }
        let percent = super::progress::percent(&steps);
        (!changed.is_empty()).then_some(Self { steps, changed, percent })
    }

    /// The steps that changed, each with its place.
    fn changed(&self) -> Vec<(i64, &Step)> {
        let places = (0..).zip(&self.steps).enumerate();
        places.filter(|(at, _)| self.changed.contains(at)).map(|(_, placed)| placed).collect()
    }

    /// The one that changed last.
    fn last(&self) -> &Step {
        &self.steps[self.changed[self.changed.len() - 1]]
    }
}

impl Recorder {
    pub(crate) fn new(control: Control, lease: Lease) -> Self {
        Self { control, lease, steps: Arc::default() }
    }

    pub(crate) fn control(&self) -> &Control {
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
        let mut kept = self.steps.lock().await;
        let steps = self.known(kept.take()).await?;
        *kept = Some(steps.clone());
        Ok(steps)
    }

    /// These steps, or as they are stored.
    async fn known(&self, steps: Option<Vec<Step>>) -> Result<Vec<Step>, RecordError> {
        match steps {
            Some(steps) => Ok(steps),
            None => Ok(store::steps(self.control.db().read(), self.lease.op).await?),
        }
    }

    /// Adds the steps that repeat the last good deployment after a failure; can be repeated.
    pub(crate) async fn add_rollback_steps(&self) -> Result<(), RecordError> {
        let mut kept = self.steps.lock().await;
        *kept = None;
        let tx = self.fenced().await?;
        let steps = store::steps(&tx, self.lease.op).await?;
        let own = steps.iter().filter(|step| !super::ROLL_BACK_STEPS.contains(&step.name)).count();
        let first = i64::try_from(own).unwrap_or(i64::MAX);
        store::add_steps(&tx, self.lease.op, first, super::ROLL_BACK_STEPS).await?;
        self.commit(tx).await
    }

    /// A step begins. One that had begun before (the Op was taken up again) keeps its start.
    pub(crate) async fn step_started(&self, name: StepName) -> Result<(), RecordError> {
        self.step(StepChange::started(name)).await
    }

    /// A step is done, with its result in a few words.
    pub(crate) async fn step_done(&self, name: StepName, note: &str) -> Result<(), RecordError> {
        self.step(StepChange::done(name, note)).await
    }

    /// A step failed.
    pub(crate) async fn step_failed(&self, name: StepName, note: &str) -> Result<(), RecordError> {
        self.step(StepChange::failed(name, note)).await
    }

    /// What holds the Op up, all that is known; the first one is what lists show.
    pub(crate) async fn culprits(&self, culprits: Vec<Culprit>) -> Result<(), RecordError> {
        self.store(Told { culprits: Some(culprits), ..Told::default() }).await
    }

    async fn step(&self, change: StepChange) -> Result<(), RecordError> {
        self.store(Told { steps: vec![change], ..Told::default() }).await
    }

    /// Stores what was told, all of it or nothing, and tells whoever follows.
    pub(crate) async fn store(&self, told: Told) -> Result<(), RecordError> {
        if told.is_empty() {
            return Ok(());
        }
        let objects = self.control.objects();
        let cursor = match &told.cursor {
            Some(cursor) => {
                let identity = cursor_identity(self.lease.op);
                Some(objects.sealer().seal_json(&identity, cursor, "store a cursor")?)
            }
            None => None,
        };
        let culprits = match &told.culprits {
            Some(culprits) => Some(self.sealed(culprits)?),
            None => None,
        };
        let mut kept = self.steps.lock().await;
        let progress = if told.steps.is_empty() {
            None
        } else {
            Progress::after(self.known(kept.take()).await?, told.steps)
        };
        let tx = self.control.db().begin().await?;
        let lines = i64::try_from(told.lines.len()).unwrap_or(i64::MAX);
        let last = self.put_own(&tx, (lines, cursor, told.deadline), progress.as_ref()).await?;
        if !told.lines.is_empty() {
            log_store::append(&tx, objects, self.lease.op, last, &told.lines).await?;
        }
        if let Some(all) = &told.objects {
            store::put_objects(&tx, self.lease.op, all).await?;
        }
        store::put_changed(&tx, self.lease.op, &told.changed).await?;
        if let Some(sealed) = culprits {
            self.put_culprits(&tx, sealed).await?;
        }
        if let Some(content) = &told.content {
            self.put_content(&tx, content).await?;
        }
        if let Some(revision) = told.helm_revision {
            self.put_helm_revision(&tx, revision).await?;
        }
        if let Some(progress) = &progress {
            store::put_steps(&tx, self.lease.op, &progress.changed()).await?;
        }
        self.commit(tx).await?;
        let Some(progress) = progress else { return Ok(()) };
        for (_, step) in progress.changed() {
            let took = step.started_at.zip(step.finished_at);
            if let (Some((from, to)), true) = (took, step.state != StepState::Skipped) {
                self.control.metrics().step(step.name, step.state, to.duration_since(from));
            }
        }
        *kept = Some(progress.steps);
        Ok(())
    }

    /// Writes what stands in the Op's own row, under the fence; the number of the last line.
    async fn put_own(
        &self,
        tx: &Tx,
        (lines, cursor, deadline): (i64, Option<Vec<u8>>, Option<Timestamp>),
        progress: Option<&Progress>,
    ) -> Result<i64, RecordError> {
        let step = progress.map_or("", |_| {
            ", step = $6, done = $7, total = $8, percent = CASE WHEN percent > $9 THEN percent ELSE $9 END"
        });
        let mut update = sql(format!(
            "UPDATE ops SET last_sequence = last_sequence + $3, \
             cursor_sealed = COALESCE($4, cursor_sealed), deadline = COALESCE($5, deadline){step} \
             WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING last_sequence"
        ))
        .bind(self.lease.op)
        .bind(self.lease.fence)
        .bind(lines)
        .bind(cursor)
        .bind(deadline);
        if let Some(progress) = progress {
            let step = progress.last();
            update = update.bind(step.name).bind(step.done).bind(step.total).bind(progress.percent);
        }
        let last = update.one(tx, "store what an Op told", |row| row.get::<i64>("last_sequence"));
        last.await?.ok_or(RecordError::LeaseLost { op: self.lease.op })
    }

    fn sealed(&self, culprits: &[Culprit]) -> Result<SealedCulprits, RecordError> {
        let sealer = self.control.objects().sealer();
        let all = sealer.seal_json(&culprits_identity(self.lease.op), culprits, STORE_CULPRITS)?;
        let line = match (culprits.first(), self.lease.carries) {
            (Some(first), Carries::Deployment(deployment)) => {
                let identity = crate::deployment::culprit_identity(deployment);
                let sealed = sealer.seal(&identity, first.text.as_bytes());
                Some(sealed.map_err(|e| Error::internal(STORE_CULPRITS, e))?)
            }
            (None, _) | (_, Carries::Removal | Carries::Backup) => None,
        };
        Ok(SealedCulprits { all, line })
    }

    async fn put_culprits(&self, tx: &Tx, sealed: SealedCulprits) -> Result<(), RecordError> {
        sql("UPDATE ops SET culprits_sealed = $2 WHERE id = $1")
            .bind(self.lease.op)
            .bind(sealed.all)
            .run(tx, STORE_CULPRITS)
            .await?;
        if let Carries::Deployment(deployment) = self.lease.carries {
            sql("UPDATE deployments SET culprit_sealed = $2 WHERE id = $1")
                .bind(deployment)
                .bind(sealed.line)
                .run(tx, STORE_CULPRITS)
                .await?;
        }
        Ok(())
    }

    /// The objects as they were told last.
    pub(crate) async fn told_objects(&self) -> Result<Vec<ObjectState>, RecordError> {
        Ok(store::objects(self.control.db().read(), self.lease.op).await?)
    }

    /// How far whoever had the Op before has come with it.
    pub(crate) async fn begun(&self) -> Result<Begun, RecordError> {
        let found = store::begun(self.control.db().read(), self.lease.op).await?;
        Ok(found.ok_or_else(|| Error::internal("read an Op", "its row is gone"))?)
    }

    /// Goes on from there; how far events and container logs were told.
    pub(crate) async fn go_on(&self, begun: &Begun) -> Result<Cursor, RecordError> {
        *self.steps.lock().await = Some(begun.steps.clone());
        let Some(sealed) = &begun.cursor_sealed else { return Ok(Cursor::default()) };
        let sealer = self.control.objects().sealer();
        Ok(sealer.open_json(&cursor_identity(self.lease.op), sealed, "read a cursor")?)
    }

    /// Whether someone asked for the Op to be stopped.
    pub(crate) async fn cancel_requested(&self) -> Result<bool, RecordError> {
        let row = store::get(self.control.db().read(), self.lease.op).await?;
        Ok(row.is_some_and(|row| row.cancel_by.is_some()))
    }
}
