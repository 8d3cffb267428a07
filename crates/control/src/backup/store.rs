//! SQL of backups and of what they hold.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::settings_store::schedule;
use super::{Backup, BackupCause, BackupMethod, BackupState};
use crate::actor::By;
use crate::environment::EnvironmentBrief;
use crate::objects::StoredStream;
use crate::op;
use crate::release::ReleaseBrief;
use crate::store::Executor;
use crate::store::ids::{BackupId, ContentId, DeploymentId, EnvironmentId, OpId, ReleaseId};
use crate::store::listing::View;
use crate::store::sql::{Json, Param, Row, StoreError, sql};
use crate::store::wake::OpWake;

/// Backups as lists show them.
pub(crate) fn view() -> View {
    View { table: "backups", alias: "k", columns: COLUMNS, joins: JOINS, doing: "list backups" }
}

const COLUMNS: &str = concat!(
    "k.*, e.name AS environment_name, e.kind AS environment_kind, \
     e.deleted_at AS environment_deleted_at, r.tag AS release_tag, kd.number AS deployment_number, ",
    op::store::brief_columns!()
);

const JOINS: &str = concat!(
    "JOIN environments e ON e.id = k.environment_id JOIN releases r ON r.id = k.release_id \
     JOIN deployments kd ON kd.id = k.deployment_id JOIN ops o ON o.id = k.op_id ",
    op::store::brief_joins!()
);

/// Reads a row of [`view`].
pub(crate) fn read(row: &Row<'_>) -> Result<Backup, DbErr> {
    Ok(Backup {
        id: row.get("id")?,
        number: row.get("number")?,
        environment: EnvironmentBrief {
            id: row.get("environment_id")?,
            name: row.get("environment_name")?,
            kind: row.get("environment_kind")?,
            deleted: row.opt::<Timestamp>("environment_deleted_at")?.is_some(),
        },
        release: ReleaseBrief { id: row.get("release_id")?, tag: row.get("release_tag")? },
        deployment: row.get("deployment_id")?,
        deployment_number: row.get("deployment_number")?,
        cause: row.get("cause")?,
        note: row.get("note")?,
        state: row.get("state")?,
        bytes: row.get("bytes")?,
        stored_bytes: row.get("stored_bytes")?,
        op: op::store::read_brief(row)?
            .ok_or_else(|| DbErr::Type("a backup without an Op".to_owned()))?,
        by: row.json("created_by")?,
        created_at: row.get("created_at")?,
        finished_at: row.opt("finished_at")?,
    })
}

/// A backup's own row, for rules and workers.
#[derive(Clone, Debug)]
pub(crate) struct BackupRow {
    pub(crate) id: BackupId,
    pub(crate) environment: EnvironmentId,
    pub(crate) number: i64,
    pub(crate) cause: BackupCause,
    pub(crate) release: ReleaseId,
    pub(crate) content: ContentId,
    /// As the App had declared them when it was asked for.
    pub(crate) methods: Vec<BackupMethod>,
    pub(crate) state: BackupState,
    pub(crate) failure_sealed: Option<Vec<u8>>,
    /// Since when there is nothing to be restored any more: it was deleted, or ended without being whole.
    pub(crate) over_at: Option<Timestamp>,
    pub(crate) is_deleted: bool,
}

fn read_row(row: &Row<'_>) -> Result<BackupRow, DbErr> {
    Ok(BackupRow {
        id: row.get("id")?,
        environment: row.get("environment_id")?,
        number: row.get("number")?,
        cause: row.get("cause")?,
        release: row.get("release_id")?,
        content: row.get("content_id")?,
        methods: row.json("methods")?,
        state: row.get("state")?,
        failure_sealed: row.opt("failure_sealed")?,
        over_at: row.opt("deleted_at")?.or(row.opt("finished_at")?),
        is_deleted: row.opt::<Timestamp>("deleted_at")?.is_some(),
    })
}

const ROW: &str = "read a backup";

/// By id, deleted ones, too.
pub(crate) async fn by_id(
    c: &impl Executor,
    id: BackupId,
) -> Result<Option<BackupRow>, StoreError> {
    sql("SELECT * FROM backups WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By the Op that makes it.
pub(crate) async fn by_op(c: &impl Executor, op: OpId) -> Result<Option<BackupRow>, StoreError> {
    sql("SELECT * FROM backups WHERE op_id = $1").bind(op).one(c, ROW, read_row).await
}

/// By number in its environment, unless it is deleted.
pub(crate) async fn by_number(
    c: &impl Executor,
    environment: EnvironmentId,
    number: i64,
) -> Result<Option<BackupRow>, StoreError> {
    sql("SELECT * FROM backups WHERE environment_id = $1 AND number = $2 AND deleted_at IS NULL")
        .bind(environment)
        .bind(number)
        .one(c, ROW, read_row)
        .await
}

/// The next number of an environment that lives; its row is locked with it.
pub(super) async fn next_number(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<i64>, StoreError> {
    sql("UPDATE environments SET last_backup = last_backup + 1 \
         WHERE id = $1 AND state IN ('creating', 'active') RETURNING last_backup")
    .bind(environment)
    .one(c, "number a backup", |row| row.get::<i64>("last_backup"))
    .await
}

/// A backup to be made.
pub(super) struct NewRow<'a> {
    pub(super) id: BackupId,
    pub(super) environment: EnvironmentId,
    pub(super) number: i64,
    pub(super) cause: BackupCause,
    pub(super) deployment: DeploymentId,
    pub(super) release: ReleaseId,
    pub(super) content: ContentId,
    pub(super) methods: &'a [BackupMethod],
    pub(super) note: &'a str,
    pub(super) op: OpId,
    pub(super) at: Timestamp,
    pub(super) by: &'a By,
}

/// Keeps a backup that is to be made.
pub(super) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<(), StoreError> {
    sql("INSERT INTO backups (id, environment_id, number, cause, deployment_id, release_id, \
         content_id, methods, note, state, bytes, stored_bytes, op_id, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $12, $13)")
    .bind(new.id)
    .bind(new.environment)
    .bind(new.number)
    .bind(new.cause)
    .bind(new.deployment)
    .bind(new.release)
    .bind(new.content)
    .bind(Json(&new.methods))
    .bind(new.note)
    .bind(BackupState::Queued)
    .bind(new.op)
    .bind(new.at)
    .bind(Json(new.by))
    .run(c, "ask for a backup")
    .await
    .map(drop)
}

/// The backup of an Op that was taken runs.
pub(crate) async fn begin(c: &impl Executor, op: OpId, at: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE backups SET state = 'running', started_at = COALESCE(started_at, $2) WHERE op_id = $1")
        .bind(op)
        .bind(at)
        .run(c, "begin a backup")
        .await
        .map(drop)
}

/// How a backup ended. What is not whole is cleared away.
pub(crate) async fn end(
    c: &impl Executor,
    op: OpId,
    state: BackupState,
    failure_sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let purge = (state != BackupState::Complete).then_some(at);
    sql("UPDATE backups SET state = $2, failure_sealed = $3, finished_at = $4, purge_at = $5 \
         WHERE op_id = $1")
    .bind(op)
    .bind(state)
    .bind(failure_sealed)
    .bind(at)
    .bind(purge)
    .run(c, "end a backup")
    .await
    .map(drop)
}

/// The backup that was to precede a deployment is not made once that is not carried out, unless it has begun.
pub(crate) async fn drop_before(
    c: &impl Executor,
    deployment: OpId,
    at: Timestamp,
) -> Result<Option<OpWake>, StoreError> {
    let dropped =
        sql("UPDATE ops SET state = 'cancelled', finished_at = $2 WHERE state = 'queued' \
         AND id = (SELECT k.op_id FROM deployments d JOIN backups k ON k.id = d.backup_before_id \
           WHERE d.op_id = $1) RETURNING id, environment_id, environment_kind")
        .bind(deployment)
        .bind(at)
        .one(c, "drop the backup before a deployment", op::store::read_wake);
    let dropped = dropped.await?;
    if let Some(wake) = &dropped {
        op::store::skip_rest(c, wake.op).await?;
        end(c, wake.op, BackupState::Cancelled, None, at).await?;
    }
    Ok(dropped)
}

/// A backup that was whole does not read any more. Its data stays, for whoever looks into it.
pub(crate) async fn set_damaged(
    c: &impl Executor,
    id: BackupId,
    failure_sealed: Vec<u8>,
) -> Result<(), StoreError> {
    sql("UPDATE backups SET state = 'damaged', failure_sealed = $2 WHERE id = $1")
        .bind(id)
        .bind(failure_sealed)
        .run(c, "note that a backup is damaged")
        .await
        .map(drop)
}

/// Deletes a backup unless it is being made or restored; whether it did.
pub(super) async fn delete(
    c: &impl Executor,
    id: BackupId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    // A statement of its own: the next one sees what whoever held the row before has written.
    lock(c, "id = $1", id).await?;
    let deleted = sql("UPDATE backups SET deleted_at = $2, purge_at = $2 WHERE id = $1 \
         AND deleted_at IS NULL AND state NOT IN ('queued', 'running') \
         AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.backup_id = backups.id \
           AND d.state IN ('queued', 'running'))")
    .bind(id)
    .bind(at)
    .run(c, "delete a backup")
    .await?;
    Ok(deleted == 1)
}

/// Deletes what an environment's schedule does not keep: of the backups that nobody asked for all but the newest whole ones.
pub(crate) async fn delete_surplus(
    c: &impl Executor,
    environment: EnvironmentId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(schedule) = schedule(c, environment).await? else { return Ok(()) };
    lock(c, "environment_id = $1 AND deleted_at IS NULL AND cause <> 'manual'", environment)
        .await?;
    sql("UPDATE backups SET deleted_at = $3, purge_at = $3 WHERE environment_id = $1 \
         AND deleted_at IS NULL AND cause <> 'manual' \
         AND state IN ('complete', 'failed', 'cancelled') \
         AND number < (SELECT MIN(n.number) FROM (SELECT number FROM backups \
           WHERE environment_id = $1 AND cause <> 'manual' AND state = 'complete' \
           AND deleted_at IS NULL ORDER BY number DESC LIMIT $2) n) \
         AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.backup_id = backups.id \
           AND d.state IN ('queued', 'running'))")
    .bind(environment)
    .bind(schedule.keep)
    .bind(at)
    .run(c, "delete old backups")
    .await
    .map(drop)
}

/// Holds the rows of some backups until the transaction ends.
async fn lock(c: &impl Executor, which: &str, of: impl Param) -> Result<(), StoreError> {
    sql(format!("UPDATE backups SET number = number WHERE {which}")).bind(of).run(c, ROW).await?;
    Ok(())
}

/// Whether a backup is there and whole; locks its row.
pub(crate) async fn is_there(c: &impl Executor, id: BackupId) -> Result<bool, StoreError> {
    let there = sql("UPDATE backups SET number = number \
                     WHERE id = $1 AND deleted_at IS NULL AND state = 'complete'")
    .bind(id)
    .run(c, ROW)
    .await?;
    Ok(there == 1)
}

/// Whether a backup of an environment is queued or running.
pub(super) async fn is_under_way(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM ops WHERE environment_id = $1 AND op_kind = 'backup' \
                     AND state IN ('queued', 'running') LIMIT 1")
    .bind(environment)
    .one(c, ROW, |_| Ok(()));
    Ok(found.await?.is_some())
}

/// Backups whose data is to be cleared away by now.
pub(super) async fn to_purge(
    c: &impl Executor,
    at: Timestamp,
    many: i64,
) -> Result<Vec<BackupId>, StoreError> {
    sql("SELECT id FROM backups WHERE purge_at IS NOT NULL AND purge_at <= $1 \
         ORDER BY purge_at LIMIT $2")
    .bind(at)
    .bind(many)
    .all(c, "look for backups to clear away", |row| row.get("id"))
    .await
}

/// A backup's data is cleared away later.
pub(super) async fn purge_later(
    c: &impl Executor,
    id: BackupId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE backups SET purge_at = $2 WHERE id = $1 AND purge_at IS NOT NULL")
        .bind(id)
        .bind(at)
        .run(c, "clear a backup away")
        .await
        .map(drop)
}

/// Whether the environment of a backup was forgotten: its cluster counts as gone for ever.
pub(super) async fn is_forgotten(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found =
        sql("SELECT r.forget FROM environments e JOIN removals r ON r.op_id = e.removal_id \
         WHERE e.id = $1 AND e.deleted_at IS NOT NULL")
        .bind(environment)
        .one(c, "look for an environment's removal", |row| row.get::<bool>("forget"));
    Ok(found.await?.unwrap_or_default())
}

/// The data of a backup is gone; whether that was news.
pub(super) async fn purged(c: &impl Executor, id: BackupId) -> Result<bool, StoreError> {
    for table in ["backup_parts", "backup_snapshots"] {
        sql(format!("DELETE FROM {table} WHERE backup_id = $1"))
            .bind(id)
            .run(c, "clear a backup away")
            .await?;
    }
    let purged = sql("UPDATE backups SET purge_at = NULL WHERE id = $1 AND purge_at IS NOT NULL")
        .bind(id)
        .run(c, "clear a backup away")
        .await?;
    Ok(purged == 1)
}

/// What a method's command gave.
#[derive(Clone, Debug)]
pub(crate) struct PartRow {
    pub(crate) ordinal: i64,
    pub(crate) method: String,
    pub(crate) stream: StoredStream,
}

/// The parts of a backup, in order.
pub(crate) async fn parts(c: &impl Executor, backup: BackupId) -> Result<Vec<PartRow>, StoreError> {
    sql("SELECT * FROM backup_parts WHERE backup_id = $1 ORDER BY ordinal")
        .bind(backup)
        .all(c, "read the parts of a backup", |row| {
            Ok(PartRow {
                ordinal: row.get("ordinal")?,
                method: row.get("method")?,
                stream: StoredStream {
                    name: row.get("stream")?,
                    pieces: row.get("chunks")?,
                    bytes: row.get("bytes")?,
                    stored_bytes: row.get("stored_bytes")?,
                    sha256: row.get("sha256")?,
                },
            })
        })
        .await
}

/// Keeps a part that is whole, and counts it.
pub(crate) async fn put_part(
    c: &impl Executor,
    backup: BackupId,
    part: &PartRow,
) -> Result<(), StoreError> {
    const DOING: &str = "keep a part of a backup";
    sql("INSERT INTO backup_parts \
         (backup_id, ordinal, method, stream, chunks, bytes, stored_bytes, sha256) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(backup)
    .bind(part.ordinal)
    .bind(part.method.as_str())
    .bind(part.stream.name.as_str())
    .bind(part.stream.pieces)
    .bind(part.stream.bytes)
    .bind(part.stream.stored_bytes)
    .bind(part.stream.sha256.as_str())
    .run(c, DOING)
    .await?;
    sql("UPDATE backups SET bytes = bytes + $2, stored_bytes = stored_bytes + $3 WHERE id = $1")
        .bind(backup)
        .bind(part.stream.bytes)
        .bind(part.stream.stored_bytes)
        .run(c, DOING)
        .await
        .map(drop)
}

/// The snapshot of one volume.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotRow {
    /// The method's.
    pub(crate) ordinal: i64,
    pub(crate) claim: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) bytes: i64,
    pub(crate) driver: String,
    pub(crate) handle: String,
    /// What the claim is to be made of again.
    pub(crate) claim_sealed: Vec<u8>,
}

/// The snapshots that a backup holds, by method and claim.
pub(crate) async fn snapshots(
    c: &impl Executor,
    backup: BackupId,
) -> Result<Vec<SnapshotRow>, StoreError> {
    sql("SELECT * FROM backup_snapshots WHERE backup_id = $1 ORDER BY ordinal, claim")
        .bind(backup)
        .all(c, "read the snapshots of a backup", |row| {
            Ok(SnapshotRow {
                ordinal: row.get("ordinal")?,
                claim: row.get("claim")?,
                namespace: row.get("namespace")?,
                name: row.get("name")?,
                bytes: row.get("bytes")?,
                driver: row.get("driver")?,
                handle: row.get("handle")?,
                claim_sealed: row.get("claim_sealed")?,
            })
        })
        .await
}

/// Keeps a snapshot that is ready, and counts it.
pub(crate) async fn put_snapshot(
    c: &impl Executor,
    backup: BackupId,
    snapshot: &SnapshotRow,
) -> Result<(), StoreError> {
    const DOING: &str = "keep a snapshot of a backup";
    sql("INSERT INTO backup_snapshots \
         (backup_id, ordinal, claim, namespace, name, bytes, driver, handle, claim_sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(backup)
    .bind(snapshot.ordinal)
    .bind(snapshot.claim.as_str())
    .bind(snapshot.namespace.as_str())
    .bind(snapshot.name.as_str())
    .bind(snapshot.bytes)
    .bind(snapshot.driver.as_str())
    .bind(snapshot.handle.as_str())
    .bind(snapshot.claim_sealed.clone())
    .run(c, DOING)
    .await?;
    sql("UPDATE backups SET bytes = bytes + $2 WHERE id = $1")
        .bind(backup)
        .bind(snapshot.bytes)
        .run(c, DOING)
        .await
        .map(drop)
}
