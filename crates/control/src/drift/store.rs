//! SQL of drift checks: the last one of each environment, and the one under way.

use jiff::Timestamp;

use crate::actor::By;
use crate::store::Executor;
use crate::store::ids::EnvironmentId;
use crate::store::sql::{Json, StoreError, sql};

/// A check as it is kept.
pub(super) struct CheckRow {
    pub(super) result_sealed: Vec<u8>,
    pub(super) at: Timestamp,
    pub(super) by: By,
}

/// Keeps a check in the place of the one before.
pub(super) async fn put(
    c: &impl Executor,
    environment: EnvironmentId,
    row: &CheckRow,
) -> Result<(), StoreError> {
    sql("INSERT INTO drift_checks (environment_id, result_sealed, checked_at, checked_by) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (environment_id) DO UPDATE SET \
         result_sealed = excluded.result_sealed, checked_at = excluded.checked_at, \
         checked_by = excluded.checked_by")
    .bind(environment)
    .bind(row.result_sealed.clone())
    .bind(row.at)
    .bind(Json(&row.by))
    .run(c, "keep a drift check")
    .await
    .map(drop)
}

/// The last check of an environment.
pub(super) async fn get(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<CheckRow>, StoreError> {
    sql("SELECT * FROM drift_checks WHERE environment_id = $1")
        .bind(environment)
        .one(c, "read a drift check", |row| {
            Ok(CheckRow {
                result_sealed: row.get("result_sealed")?,
                at: row.get("checked_at")?,
                by: row.json("checked_by")?,
            })
        })
        .await
}

/// A check that is under way, or did not end with a result.
pub(super) struct RunRow {
    pub(super) began_at: Timestamp,
    pub(super) by: By,
    pub(super) done: i64,
    pub(super) total: i64,
    pub(super) failure: Option<Vec<u8>>,
}

/// Begins a run unless one is under way that began after `over`; whether it did.
pub(super) async fn begin_run(
    c: &impl Executor,
    environment: EnvironmentId,
    run: &RunRow,
    over: Timestamp,
) -> Result<bool, StoreError> {
    let begun = sql("INSERT INTO drift_runs (environment_id, began_at, began_by, done, total) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (environment_id) DO UPDATE SET \
         began_at = excluded.began_at, began_by = excluded.began_by, done = excluded.done, \
         total = excluded.total, failure_sealed = NULL \
         WHERE drift_runs.failure_sealed IS NOT NULL OR drift_runs.began_at < $6")
    .bind(environment)
    .bind(run.began_at)
    .bind(Json(&run.by))
    .bind(run.done)
    .bind(run.total)
    .bind(over)
    .run(c, "begin a drift check")
    .await?;
    Ok(begun == 1)
}

/// Keeps how far a run is.
pub(super) async fn progress(
    c: &impl Executor,
    environment: EnvironmentId,
    (done, total): (i64, i64),
) -> Result<(), StoreError> {
    sql("UPDATE drift_runs SET done = $2, total = $3 WHERE environment_id = $1")
        .bind(environment)
        .bind(done)
        .bind(total)
        .run(c, "keep how far a drift check is")
        .await
        .map(drop)
}

/// Ends a run: it is gone, or stands with why it failed.
pub(super) async fn end_run(
    c: &impl Executor,
    environment: EnvironmentId,
    failure: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    const DOING: &str = "end a drift check";
    let ending = match failure {
        None => sql("DELETE FROM drift_runs WHERE environment_id = $1").bind(environment),
        Some(failure) => sql("UPDATE drift_runs SET failure_sealed = $2 WHERE environment_id = $1")
            .bind(environment)
            .bind(failure),
    };
    ending.run(c, DOING).await.map(drop)
}

/// The run of an environment.
pub(super) async fn run(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<RunRow>, StoreError> {
    sql("SELECT * FROM drift_runs WHERE environment_id = $1")
        .bind(environment)
        .one(c, "read a drift check", |row| {
            Ok(RunRow {
                began_at: row.get("began_at")?,
                by: row.json("began_by")?,
                done: row.get("done")?,
                total: row.get("total")?,
                failure: row.opt("failure_sealed")?,
            })
        })
        .await
}
