//! SQL of how and when backups are made: the methods of Apps, the schedules of environments.

use jiff::Timestamp;

use super::schedule::Due;
use super::{BackupMethod, BackupMethods, BackupSchedule};
use crate::actor::By;
use crate::store::Executor;
use crate::store::ids::{AppId, EnvironmentId};
use crate::store::sql::{Json, StoreError, sql};

/// How the data of an App's environments is backed up.
pub(crate) async fn methods(c: &impl Executor, app: AppId) -> Result<BackupMethods, StoreError> {
    let found = sql("SELECT backup_methods, backup_methods_revision FROM apps WHERE id = $1")
        .bind(app)
        .one(c, "read the backup methods of an App", |row| {
            Ok(BackupMethods {
                revision: row.get("backup_methods_revision")?,
                methods: row.json("backup_methods")?,
            })
        })
        .await?;
    Ok(found.unwrap_or(BackupMethods { revision: 0, methods: Vec::new() }))
}

/// Saves the methods after `based_on`; false if that is not the newest revision any more.
pub(super) async fn change_methods(
    c: &impl Executor,
    app: AppId,
    based_on: i64,
    methods: &[BackupMethod],
) -> Result<bool, StoreError> {
    let changed = sql("UPDATE apps SET backup_methods = $3, backup_methods_revision = $2 + 1 \
                       WHERE id = $1 AND backup_methods_revision = $2")
    .bind(app)
    .bind(based_on)
    .bind(Json(&methods))
    .run(c, "change the backup methods of an App")
    .await?;
    Ok(changed == 1)
}

/// An environment's schedule, if it was ever given one.
pub(super) async fn schedule(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<BackupSchedule>, StoreError> {
    sql("SELECT * FROM backup_schedules WHERE environment_id = $1")
        .bind(environment)
        .one(c, "read a schedule of backups", |row| {
            Ok(BackupSchedule {
                every_hours: row.opt("every_hours")?,
                keep: row.get("keep")?,
                before_deployments: row.get("before_deployments")?,
                next_at: row.opt("next_at")?,
                updated_at: row.opt("updated_at")?,
                updated_by: row.json_opt("updated_by")?,
            })
        })
        .await
}

/// Keeps an environment's schedule; when the next backup is due, which stays where the interval stays: it may have been moved
/// on meanwhile.
pub(super) async fn put_schedule(
    c: &impl Executor,
    environment: EnvironmentId,
    schedule: &BackupSchedule,
    at: Timestamp,
    by: &By,
) -> Result<Option<Timestamp>, StoreError> {
    let kept = sql(
        "INSERT INTO backup_schedules (environment_id, every_hours, keep, before_deployments, \
         next_at, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (environment_id) DO UPDATE SET every_hours = excluded.every_hours, \
         keep = excluded.keep, before_deployments = excluded.before_deployments, \
         next_at = CASE WHEN backup_schedules.every_hours = excluded.every_hours \
           THEN backup_schedules.next_at ELSE excluded.next_at END, \
         updated_at = excluded.updated_at, updated_by = excluded.updated_by RETURNING next_at",
    )
    .bind(environment)
    .bind(schedule.every_hours)
    .bind(schedule.keep)
    .bind(schedule.before_deployments)
    .bind(schedule.next_at)
    .bind(at)
    .bind(Json(by))
    .one(c, "keep a schedule of backups", |row| row.opt::<Timestamp>("next_at"));
    Ok(kept.await?.flatten())
}

/// Schedules of living environments whose time has come.
pub(super) async fn due(
    c: &impl Executor,
    at: Timestamp,
    many: i64,
) -> Result<Vec<Due>, StoreError> {
    sql("SELECT s.environment_id, s.every_hours, s.next_at FROM backup_schedules s \
         JOIN environments e ON e.id = s.environment_id \
         WHERE s.next_at IS NOT NULL AND s.next_at <= $1 AND e.state IN ('creating', 'active') \
         ORDER BY s.next_at LIMIT $2")
    .bind(at)
    .bind(many)
    .all(c, "look for backups that are due", |row| {
        Ok(Due {
            environment: row.get("environment_id")?,
            every_hours: row.get("every_hours")?,
            next_at: row.get("next_at")?,
        })
    })
    .await
}

/// Moves a schedule on; false if someone else did.
pub(super) async fn move_on(
    c: &impl Executor,
    due: &Due,
    next: Timestamp,
) -> Result<bool, StoreError> {
    let moved = sql("UPDATE backup_schedules SET next_at = $3 \
                     WHERE environment_id = $1 AND next_at = $2")
    .bind(due.environment)
    .bind(due.next_at)
    .bind(next)
    .run(c, "move a schedule of backups on")
    .await?;
    Ok(moved == 1)
}
