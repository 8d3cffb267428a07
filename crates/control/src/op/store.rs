//! SQL of Ops: rows, steps, objects. What a worker writes says which fence it holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{
    Behind, Carries, Culprit, NewRemoval, ObjectState, Op, OpBrief, OpKind, OpState, Step,
    StepName, StepState, Task, WaitsFor,
};
use crate::actor::By;
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::store::Executor;
use crate::store::ids::{EnvironmentId, OpId};
use crate::store::sql::{Json, Row, StoreError, rows, sql};
use crate::store::wake::OpWake;

/// Objects stored by one statement; a statement takes some ten thousand values.
const OBJECTS_AT_ONCE: usize = 500;

/// Columns of an Op `o` with what it stands behind (`bd`), for views that show it short.
macro_rules! brief_columns {
    () => {
        "o.id AS op_id_, o.op_kind AS op_kind_, o.state AS op_state, o.step AS op_step, o.done AS op_done, \
         o.total AS op_total, o.percent AS op_percent, \
         bd.number AS behind_number, bd.trigger_kind AS behind_trigger"
    };
}
pub(crate) use brief_columns;

/// The joins of [`brief_columns`] beyond `o` itself. Only for a queued Op is looked for the one before it, which goes over
/// all Ops of the environment.
macro_rules! brief_joins {
    () => {
        "LEFT JOIN ops b ON b.seq = CASE WHEN o.state = 'queued' THEN (SELECT MAX(p.seq) FROM ops p \
         WHERE p.environment_id = o.environment_id AND p.seq < o.seq \
         AND p.state IN ('queued', 'running')) END \
         LEFT JOIN deployments bd ON bd.id = b.deployment_id"
    };
}
pub(crate) use brief_joins;

/// An Op to be queued.
pub(crate) struct NewOp<'a> {
    pub(crate) id: OpId,
    pub(crate) carries: Carries,
    pub(crate) environment: EnvironmentId,
    pub(crate) environment_kind: EnvironmentKind,
    pub(crate) at: Timestamp,
    pub(crate) steps: &'a [StepName],
}

/// An Op's own row, without what its page shows beside it.
#[derive(Clone, Debug)]
pub(crate) struct OpRow {
    pub(crate) id: OpId,
    pub(crate) carries: Carries,
    /// The deployment's number, where it carries one out.
    pub(crate) number: Option<i64>,
    pub(crate) environment: EnvironmentBrief,
    pub(crate) state: OpState,
    pub(crate) percent: i64,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) culprits_sealed: Option<Vec<u8>>,
    pub(crate) last_sequence: i64,
    pub(crate) cancel_by: Option<By>,
    pub(crate) waits_for: Option<WaitsFor>,
    pub(crate) behind: Option<Behind>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) estimate: Option<i64>,
}

impl OpRow {
    /// What listeners need to know.
    pub(crate) fn wake(&self) -> OpWake {
        OpWake { op: self.id, environment: self.environment.id, kind: self.environment.kind }
    }

    /// The Op as its page shows it.
    pub(crate) fn into_view(
        self,
        task: Task,
        steps: Vec<Step>,
        objects: Vec<ObjectState>,
        culprits: Vec<Culprit>,
    ) -> Op {
        let ended = self.state.is_final();
        Op {
            id: self.id,
            task,
            state: self.state,
            environment: self.environment,
            percent: self.percent,
            steps,
            objects,
            culprits,
            deadline: self.deadline.filter(|_| !ended),
            estimate: self.estimate.filter(|_| self.number.is_some()),
            behind: self.behind,
            last_sequence: self.last_sequence,
            cancel_requested_by: self.cancel_by.filter(|_| !ended),
            waits_for: self.waits_for.filter(|_| !ended),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }
}

/// Queues an Op with its steps.
pub(crate) async fn insert(c: &impl Executor, op: &NewOp<'_>) -> Result<(), StoreError> {
    const DOING: &str = "queue an Op";
    let (kind, deployment) = match op.carries {
        Carries::Deployment(deployment) => (OpKind::Deployment, Some(deployment)),
        Carries::Removal => (OpKind::Removal, None),
        Carries::Backup => (OpKind::Backup, None),
    };
    sql("INSERT INTO ops (id, op_kind, environment_id, environment_kind, deployment_id, state, \
         fence, percent, last_sequence, created_at, app_id) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, \
         (SELECT e.app_id FROM environments e WHERE e.id = $3))")
    .bind(op.id)
    .bind(kind)
    .bind(op.environment)
    .bind(op.environment_kind)
    .bind(deployment)
    .bind(OpState::Queued)
    .bind(op.at)
    .run(c, DOING)
    .await?;
    add_steps(c, op.id, 0, op.steps).await
}

/// Adds steps that wait, from number `first` on; those that are there already stay as they are.
pub(crate) async fn add_steps(
    c: &impl Executor,
    op: OpId,
    first: i64,
    steps: &[StepName],
) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    let values = rows(steps.len(), 5);
    let mut insert = sql(format!(
        "INSERT INTO op_steps (op_id, ordinal, name, state, note) VALUES {values} ON CONFLICT DO NOTHING"
    ));
    for (ordinal, name) in (first..).zip(steps) {
        insert = insert.bind(op).bind(ordinal).bind(*name).bind(StepState::Waiting).bind("");
    }
    insert.run(c, "add steps to an Op").await.map(drop)
}

/// One Op.
pub(crate) async fn get(c: &impl Executor, op: OpId) -> Result<Option<OpRow>, StoreError> {
    sql(concat!(
        "SELECT o.*, e.name AS environment_name, e.deleted_at AS environment_deleted_at, \
         d.number AS number, \
         ld.started_at AS before_started_at, ld.finished_at AS before_finished_at, ",
        brief_columns!(),
        " FROM ops o JOIN environments e ON e.id = o.environment_id \
         LEFT JOIN deployments d ON d.id = o.deployment_id \
         LEFT JOIN deployments ld ON ld.id = e.current_deployment_id ",
        brief_joins!(),
        " WHERE o.id = $1"
    ))
    .bind(op)
    .one(c, "read an Op", read)
    .await
}

/// What a worker has to know of an Op that another one may have taken up before it.
pub(crate) struct Begun {
    /// When the wait that it had begun gives up.
    pub(crate) deadline: Option<Timestamp>,
    /// How far events and container logs are told.
    pub(crate) cursor_sealed: Option<Vec<u8>>,
    /// Its steps, in order.
    pub(crate) steps: Vec<Step>,
}

/// What was begun of an Op; none where it is gone.
pub(crate) async fn begun(c: &impl Executor, op: OpId) -> Result<Option<Begun>, StoreError> {
    let found = sql("SELECT deadline, cursor_sealed FROM ops WHERE id = $1").bind(op).one(
        c,
        "read an Op",
        |row| Ok((row.opt("deadline")?, row.opt("cursor_sealed")?)),
    );
    let Some((deadline, cursor_sealed)) = found.await? else { return Ok(None) };
    Ok(Some(Begun { deadline, cursor_sealed, steps: steps(c, op).await? }))
}

/// What an Op carries out, of its own row.
pub(crate) fn read_carries(row: &Row<'_>) -> Result<Carries, DbErr> {
    Ok(match (row.get("op_kind")?, row.opt("deployment_id")?) {
        (_, Some(deployment)) => Carries::Deployment(deployment),
        (OpKind::Backup, None) => Carries::Backup,
        (OpKind::Removal | OpKind::Deployment, None) => Carries::Removal,
    })
}

fn read(row: &Row<'_>) -> Result<OpRow, DbErr> {
    let before: (Option<Timestamp>, Option<Timestamp>) =
        (row.opt("before_started_at")?, row.opt("before_finished_at")?);
    Ok(OpRow {
        id: row.get("id")?,
        carries: read_carries(row)?,
        number: row.opt("number")?,
        environment: EnvironmentBrief {
            id: row.get("environment_id")?,
            name: row.get("environment_name")?,
            kind: row.get("environment_kind")?,
            deleted: row.opt::<Timestamp>("environment_deleted_at")?.is_some(),
        },
        state: row.get("state")?,
        percent: row.get("percent")?,
        deadline: row.opt("deadline")?,
        culprits_sealed: row.opt("culprits_sealed")?,
        last_sequence: row.get("last_sequence")?,
        cancel_by: row.json_opt("cancel_by")?,
        waits_for: row.json_opt("waits_for")?,
        behind: read_behind(row)?,
        created_at: row.get("created_at")?,
        started_at: row.opt("started_at")?,
        finished_at: row.opt("finished_at")?,
        estimate: match before {
            (Some(started), Some(finished)) => Some((finished - started).get_seconds().max(1)),
            _ => None,
        },
    })
}

fn read_behind(row: &Row<'_>) -> Result<Option<Behind>, DbErr> {
    Ok(match (row.opt("behind_number")?, row.opt("behind_trigger")?) {
        (Some(number), Some(trigger)) => Some(Behind { number, trigger }),
        _ => None,
    })
}

/// Reads [`brief_columns`]; none where there is no Op.
pub(crate) fn read_brief(row: &Row<'_>) -> Result<Option<OpBrief>, DbErr> {
    let Some(id) = row.opt("op_id_")? else { return Ok(None) };
    Ok(Some(OpBrief {
        id,
        kind: row.get("op_kind_")?,
        state: row.get("op_state")?,
        step: row.opt("op_step")?,
        done: row.opt("op_done")?,
        total: row.opt("op_total")?,
        percent: row.get("op_percent")?,
        behind: read_behind(row)?,
    }))
}

/// What listeners need to know of an Op, of its own row.
pub(crate) fn read_wake(row: &Row<'_>) -> Result<OpWake, DbErr> {
    Ok(OpWake {
        op: row.get("id")?,
        environment: row.get("environment_id")?,
        kind: row.get("environment_kind")?,
    })
}

/// The steps of an Op, in order.
pub(crate) async fn steps(c: &impl Executor, op: OpId) -> Result<Vec<Step>, StoreError> {
    sql("SELECT * FROM op_steps WHERE op_id = $1 ORDER BY ordinal")
        .bind(op)
        .all(c, "read the steps of an Op", |row| {
            Ok(Step {
                name: row.get("name")?,
                state: row.get("state")?,
                started_at: row.opt("started_at")?,
                finished_at: row.opt("finished_at")?,
                done: row.opt("done")?,
                total: row.opt("total")?,
                note: row.get("note")?,
            })
        })
        .await
}

/// The objects of an Op, in order.
pub(crate) async fn objects(c: &impl Executor, op: OpId) -> Result<Vec<ObjectState>, StoreError> {
    sql("SELECT * FROM op_objects WHERE op_id = $1 ORDER BY ordinal")
        .bind(op)
        .all(c, "read the objects of an Op", |row| {
            Ok(ObjectState {
                api_version: row.get("api_version")?,
                kind: row.get("kind")?,
                namespace: row.opt("namespace")?,
                name: row.get("name")?,
                condition: row.get("state")?,
                ready: row.opt("ready")?,
                total: row.opt("total")?,
                message: row.get("message")?,
            })
        })
        .await
}

/// Puts the objects of an Op anew.
pub(crate) async fn put_objects(
    c: &impl Executor,
    op: OpId,
    objects: &[ObjectState],
) -> Result<(), StoreError> {
    const DOING: &str = "store the objects of an Op";
    sql("DELETE FROM op_objects WHERE op_id = $1").bind(op).run(c, DOING).await?;
    let numbered: Vec<(i64, &ObjectState)> = (0..).zip(objects).collect();
    for some in numbered.chunks(OBJECTS_AT_ONCE) {
        insert_objects(c, op, some, "").await?;
    }
    Ok(())
}

/// Puts some objects as they are by now, each with its place.
pub(crate) async fn put_changed(
    c: &impl Executor,
    op: OpId,
    objects: &BTreeMap<usize, ObjectState>,
) -> Result<(), StoreError> {
    const REPLACE: &str = "ON CONFLICT (op_id, ordinal) DO UPDATE SET state = excluded.state, \
        ready = excluded.ready, total = excluded.total, message = excluded.message";
    let place = |ordinal: &usize| i64::try_from(*ordinal).unwrap_or(i64::MAX);
    let numbered: Vec<(i64, &ObjectState)> =
        objects.iter().map(|(ordinal, object)| (place(ordinal), object)).collect();
    for some in numbered.chunks(OBJECTS_AT_ONCE) {
        insert_objects(c, op, some, REPLACE).await?;
    }
    Ok(())
}

async fn insert_objects(
    c: &impl Executor,
    op: OpId,
    objects: &[(i64, &ObjectState)],
    on_conflict: &str,
) -> Result<(), StoreError> {
    let values = rows(objects.len(), 10);
    let mut insert = sql(format!(
        "INSERT INTO op_objects \
         (op_id, ordinal, api_version, kind, namespace, name, state, ready, total, message) \
         VALUES {values} {on_conflict}"
    ));
    for (ordinal, object) in objects {
        insert = insert
            .bind(op)
            .bind(*ordinal)
            .bind(object.api_version.as_str())
            .bind(object.kind.as_str())
            .bind(object.namespace.as_deref())
            .bind(object.name.as_str())
            .bind(object.condition)
            .bind(object.ready)
            .bind(object.total)
            .bind(object.message.as_str());
    }
    insert.run(c, "store objects of an Op").await.map(drop)
}

/// Puts steps of an Op that are there, each with its place.
pub(crate) async fn put_steps(
    c: &impl Executor,
    op: OpId,
    steps: &[(i64, &Step)],
) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    let values = rows(steps.len(), 9);
    let mut upsert = sql(format!(
        "INSERT INTO op_steps \
         (op_id, ordinal, name, state, started_at, finished_at, done, total, note) \
         VALUES {values} ON CONFLICT (op_id, ordinal) DO UPDATE SET state = excluded.state, \
         started_at = excluded.started_at, finished_at = excluded.finished_at, \
         done = excluded.done, total = excluded.total, note = excluded.note"
    ));
    for (ordinal, step) in steps {
        upsert = upsert
            .bind(op)
            .bind(*ordinal)
            .bind(step.name)
            .bind(step.state)
            .bind(step.started_at)
            .bind(step.finished_at)
            .bind(step.done)
            .bind(step.total)
            .bind(step.note.as_str());
    }
    upsert.run(c, "store steps of an Op").await.map(drop)
}

/// Marks every step that has not ended as skipped: the Op is over.
pub(crate) async fn skip_rest(c: &impl Executor, op: OpId) -> Result<(), StoreError> {
    sql("UPDATE op_steps SET state = 'skipped' WHERE op_id = $1 AND state IN ('waiting', 'running')")
        .bind(op)
        .run(c, "end the steps of an Op")
        .await
        .map(drop)
}

/// Ends an Op that was never taken by a worker; false if a worker has it.
pub(crate) async fn end_queued(
    c: &impl Executor,
    op: OpId,
    state: OpState,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let ended =
        sql("UPDATE ops SET state = $2, finished_at = $3 WHERE id = $1 AND state = 'queued'")
            .bind(op)
            .bind(state)
            .bind(at)
            .run(c, "end a queued Op")
            .await?;
    Ok(ended == 1)
}

/// Notes who wants a running Op to be stopped; false if it does not run.
pub(crate) async fn request_cancel(
    c: &impl Executor,
    op: OpId,
    by: &By,
) -> Result<bool, StoreError> {
    let noted = sql("UPDATE ops SET cancel_by = $2 WHERE id = $1 AND state = 'running'")
        .bind(op)
        .bind(Json(by))
        .run(c, "ask for an Op to be cancelled")
        .await?;
    Ok(noted == 1)
}

/// Notes whose revision an Op waits for.
pub(super) async fn put_waits_for(
    c: &impl Executor,
    op: OpId,
    waits: Option<&WaitsFor>,
) -> Result<(), StoreError> {
    let waits = waits.map(|it| serde_json::to_string(it).expect("names and times are always JSON"));
    sql("UPDATE ops SET waits_for = $2 WHERE id = $1")
        .bind(op)
        .bind(waits)
        .run(c, "note what an Op waits for")
        .await
        .map(drop)
}

/// How many Ops run in environments of these kinds.
pub(crate) async fn running(
    c: &impl Executor,
    kinds: &[EnvironmentKind],
) -> Result<i64, StoreError> {
    let mut total = 0;
    for kind in kinds {
        total +=
            sql("SELECT COUNT(*) AS n FROM ops WHERE state = 'running' AND environment_kind = $1")
                .bind(*kind)
                .one(c, "count running Ops", |row| row.get::<i64>("n"))
                .await?
                .unwrap_or(0);
    }
    Ok(total)
}

/// A removal's own row.
pub(crate) struct RemovalRow {
    pub(crate) forget: bool,
    pub(crate) reason: String,
    pub(crate) by: By,
    pub(crate) left_sealed: Option<Vec<u8>>,
    pub(crate) failure_sealed: Option<Vec<u8>>,
}

/// The removal that an Op carries out.
pub(crate) async fn removal(c: &impl Executor, op: OpId) -> Result<Option<RemovalRow>, StoreError> {
    sql("SELECT * FROM removals WHERE op_id = $1")
        .bind(op)
        .one(c, "read a removal", |row| {
            Ok(RemovalRow {
                forget: row.get("forget")?,
                reason: row.get("reason")?,
                by: row.json("created_by")?,
                left_sealed: row.opt("left_sealed")?,
                failure_sealed: row.opt("failure_sealed")?,
            })
        })
        .await
}

/// Keeps what was asked for.
pub(crate) async fn insert_removal(
    c: &impl Executor,
    new: &NewRemoval<'_>,
) -> Result<(), StoreError> {
    sql("INSERT INTO removals (op_id, environment_id, forget, reason, created_by) \
         VALUES ($1, $2, $3, $4, $5)")
    .bind(new.op)
    .bind(new.environment)
    .bind(new.forget)
    .bind(new.reason)
    .bind(Json(new.by))
    .run(c, "keep a removal")
    .await
    .map(drop)
}

/// Notes what a removal has left in the cluster.
pub(crate) async fn set_removal_left(
    c: &impl Executor,
    op: OpId,
    left_sealed: Vec<u8>,
) -> Result<(), StoreError> {
    sql("UPDATE removals SET left_sealed = $2 WHERE op_id = $1")
        .bind(op)
        .bind(left_sealed)
        .run(c, "note what a removal left")
        .await
        .map(drop)
}

/// Notes why a removal did not come to its end.
pub(crate) async fn set_removal_failure(
    c: &impl Executor,
    op: OpId,
    failure_sealed: Vec<u8>,
) -> Result<(), StoreError> {
    sql("UPDATE removals SET failure_sealed = $2 WHERE op_id = $1")
        .bind(op)
        .bind(failure_sealed)
        .run(c, "note why a removal failed")
        .await
        .map(drop)
}
