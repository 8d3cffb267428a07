//! SQL of drift checks: the last one of each environment.

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use crate::actor::By;
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
    c: &impl ConnectionTrait,
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
    c: &impl ConnectionTrait,
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
