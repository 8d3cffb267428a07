//! SQL of previews over a fleet: the question, the lease of the worker that answers it, groups and members.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{FleetPreviewState, GroupKind};
use crate::actor::By;
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::names::EnvironmentName;
use crate::objects::Address;
use crate::store::Executor;
use crate::store::Tx;
use crate::store::ids::{AppId, EnvironmentId, FleetPreviewId};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Environments of a preview, as lists show them.
pub(super) fn members() -> View {
    View {
        table: "fleet_preview_members",
        alias: "m",
        columns: "m.*, e.deleted_at AS environment_deleted_at",
        joins: "JOIN environments e ON e.id = m.id",
        doing: "list the environments of a preview",
    }
}

/// Reads a row of [`members`].
pub(super) fn read_member(row: &Row<'_>) -> Result<EnvironmentBrief, DbErr> {
    Ok(EnvironmentBrief {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        deleted: row.opt::<Timestamp>("environment_deleted_at")?.is_some(),
    })
}

/// A preview's own row.
#[derive(Clone, Debug)]
pub(crate) struct PreviewRow {
    pub(crate) id: FleetPreviewId,
    pub(crate) app: AppId,
    pub(crate) based_on: i64,
    pub(crate) values: Address,
    pub(crate) production: bool,
    pub(crate) state: FleetPreviewState,
    pub(crate) done: i64,
    pub(crate) total: i64,
    pub(crate) failure_sealed: Option<Vec<u8>>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: By,
    pub(crate) finished_at: Option<Timestamp>,
}

fn read(row: &Row<'_>) -> Result<PreviewRow, DbErr> {
    Ok(PreviewRow {
        id: row.get("id")?,
        app: row.get("app_id")?,
        based_on: row.get("based_on")?,
        values: row.get("values_object")?,
        production: row.get("production")?,
        state: row.get("state")?,
        done: row.get("done")?,
        total: row.get("total")?,
        failure_sealed: row.opt("failure_sealed")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
        finished_at: row.opt("finished_at")?,
    })
}

/// A preview by id.
pub(crate) async fn get(
    c: &impl Executor,
    id: FleetPreviewId,
) -> Result<Option<PreviewRow>, StoreError> {
    sql("SELECT * FROM fleet_previews WHERE id = $1")
        .bind(id)
        .one(c, "read a preview over a fleet", read)
        .await
}

/// A preview to be made.
pub(super) struct NewRow<'a> {
    pub(super) id: FleetPreviewId,
    pub(super) app: AppId,
    pub(super) based_on: i64,
    pub(super) values: &'a Address,
    pub(super) production: bool,
    pub(super) at: Timestamp,
    pub(super) by: &'a By,
}

/// Makes a preview over the living environments of an App, those that hold or run nothing yet in their groups already.
pub(super) async fn insert(tx: &Tx, new: &NewRow<'_>) -> Result<(), StoreError> {
    const DOING: &str = "make a preview over a fleet";
    sql(
        "INSERT INTO fleet_previews (id, app_id, based_on, values_object, production, state, done, \
         total, fence, lease_until, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, 'running', 0, 0, 0, 0, $6, $7)",
    )
    .bind(new.id)
    .bind(new.app)
    .bind(new.based_on)
    .bind(new.values)
    .bind(new.production)
    .bind(new.at)
    .bind(Json(new.by))
    .run(tx, DOING)
    .await?;
    let kinds = if new.production { "" } else { " AND e.kind = 'sandbox'" };
    sql(format!(
        "INSERT INTO fleet_preview_members (preview_id, id, kind, name, group_key) \
         SELECT $1, e.id, e.kind, e.name, CASE WHEN e.holds_app_values IS NOT NULL THEN 'holds' \
           WHEN e.current_deployment_id IS NULL THEN 'not_deployed' ELSE '' END \
         FROM environments e WHERE e.app_id = $2 AND e.deleted_at IS NULL \
         AND e.state IN ('creating', 'active'){kinds}"
    ))
    .bind(new.id)
    .bind(new.app)
    .heavy()
    .run(tx, DOING)
    .await?;
    sql("INSERT INTO fleet_preview_groups (preview_id, group_key, kind, production, sandbox) \
         SELECT m.preview_id, m.group_key, m.group_key, \
           SUM(CASE m.kind WHEN 'production' THEN 1 ELSE 0 END), \
           SUM(CASE m.kind WHEN 'sandbox' THEN 1 ELSE 0 END) \
         FROM fleet_preview_members m WHERE m.preview_id = $1 AND m.group_key <> '' \
         GROUP BY m.preview_id, m.group_key")
    .bind(new.id)
    .heavy()
    .run(tx, DOING)
    .await?;
    sql("UPDATE fleet_previews SET total = (SELECT COUNT(*) FROM fleet_preview_members m \
         WHERE m.preview_id = $1 AND m.group_key = '') WHERE id = $1")
    .bind(new.id)
    .heavy()
    .run(tx, DOING)
    .await
    .map(drop)
}

/// Cancels what someone asked about an App before.
pub(super) async fn cancel_earlier(
    tx: &Tx,
    app: AppId,
    by: &By,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE fleet_previews SET state = 'cancelled', finished_at = $3 \
         WHERE app_id = $1 AND state = 'running' AND created_by = $2")
    .bind(app)
    .bind(Json(by))
    .bind(at)
    .run(tx, "cancel an earlier preview")
    .await
    .map(drop)
}

/// Cancels a preview; false if it has ended.
pub(super) async fn cancel(
    c: &impl Executor,
    id: FleetPreviewId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let cancelled = sql("UPDATE fleet_previews SET state = 'cancelled', finished_at = $2 \
                         WHERE id = $1 AND state = 'running'")
    .bind(id)
    .bind(at)
    .run(c, "cancel a preview")
    .await?;
    Ok(cancelled == 1)
}

/// Takes previews of an App away that were made before `before`.
pub(super) async fn forget(tx: &Tx, app: AppId, before: Timestamp) -> Result<(), StoreError> {
    const DOING: &str = "forget old previews";
    for table in ["fleet_preview_members", "fleet_preview_groups"] {
        sql(format!(
            "DELETE FROM {table} WHERE preview_id IN (SELECT id FROM fleet_previews \
             WHERE app_id = $1 AND created_at < $2)"
        ))
        .bind(app)
        .bind(before)
        .heavy()
        .run(tx, DOING)
        .await?;
    }
    sql("DELETE FROM fleet_previews WHERE app_id = $1 AND created_at < $2")
        .bind(app)
        .bind(before)
        .run(tx, DOING)
        .await
        .map(drop)
}

/// A worker's hold on a preview. Every write about it names the fence; it grows with every claim.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) preview: PreviewRow,
    pub(super) fence: i64,
}

/// Takes the next preview that nobody works on; none if there is none.
pub(super) async fn claim(
    c: &impl Executor,
    at: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    sql("UPDATE fleet_previews SET fence = fence + 1, lease_until = $1 \
         WHERE id = (SELECT p.id FROM fleet_previews p WHERE p.state = 'running' \
           AND p.lease_until < $2 ORDER BY p.lease_until, p.id LIMIT 1) \
         AND state = 'running' AND lease_until < $2 RETURNING *")
    .bind(until)
    .bind(at)
    .one(c, "take a preview over a fleet", |row| {
        Ok(Lease { preview: read(row)?, fence: row.get("fence")? })
    })
    .await
}

/// Keeps the hold and tells that `done` more environments are; false if it is lost or the preview was cancelled.
pub(super) async fn advance(
    c: &impl Executor,
    lease: &Lease,
    done: i64,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let held = sql("UPDATE fleet_previews SET done = done + $3, lease_until = $4 \
                    WHERE id = $1 AND fence = $2 AND state = 'running'")
    .bind(lease.preview.id)
    .bind(lease.fence)
    .bind(done)
    .bind(until)
    .run(c, "go on with a preview over a fleet")
    .await?;
    Ok(held == 1)
}

/// Gives a preview up unfinished: any worker can take it up at once.
pub(super) async fn give_back(c: &impl Executor, lease: &Lease) -> Result<(), StoreError> {
    sql("UPDATE fleet_previews SET lease_until = 0 WHERE id = $1 AND fence = $2")
        .bind(lease.preview.id)
        .bind(lease.fence)
        .run(c, "give a preview back")
        .await
        .map(drop)
}

/// Ends a preview, as far as it is still held.
pub(super) async fn end(
    c: &impl Executor,
    lease: &Lease,
    state: FleetPreviewState,
    failure: Option<Vec<u8>>,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE fleet_previews SET state = $3, failure_sealed = $4, finished_at = $5 \
         WHERE id = $1 AND fence = $2 AND state = 'running'")
    .bind(lease.preview.id)
    .bind(lease.fence)
    .bind(state)
    .bind(failure)
    .bind(at)
    .run(c, "end a preview over a fleet")
    .await
    .map(drop)
}

/// An environment of a preview.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: EnvironmentId,
    pub(super) kind: EnvironmentKind,
}

/// The next environments that are in no group yet.
pub(super) async fn next(
    c: &impl Executor,
    preview: FleetPreviewId,
    many: i64,
) -> Result<Vec<Member>, StoreError> {
    sql("SELECT id, kind FROM fleet_preview_members WHERE preview_id = $1 AND group_key = '' \
         ORDER BY name, id LIMIT $2")
    .bind(preview)
    .bind(many)
    .all(c, "read what is left of a preview", |row| {
        Ok(Member { id: row.get("id")?, kind: row.get("kind")? })
    })
    .await
}

/// Puts an environment into its group.
pub(super) async fn put_member(
    c: &impl Executor,
    preview: FleetPreviewId,
    member: EnvironmentId,
    group: &str,
) -> Result<(), StoreError> {
    sql("UPDATE fleet_preview_members SET group_key = $3 WHERE preview_id = $1 AND id = $2")
        .bind(preview)
        .bind(member)
        .bind(group)
        .run(c, "keep a part of a preview")
        .await
        .map(drop)
}

/// A group, or what is added to it.
#[derive(Clone, Debug)]
pub(super) struct GroupRow {
    pub(super) key: String,
    pub(super) kind: GroupKind,
    pub(super) production: i64,
    pub(super) sandbox: i64,
    pub(super) told_sealed: Option<Vec<u8>>,
}

/// Adds to a group, made if it is new; what is told of it is that of its first environment.
pub(super) async fn add_to_group(
    c: &impl Executor,
    preview: FleetPreviewId,
    group: GroupRow,
) -> Result<(), StoreError> {
    sql("INSERT INTO fleet_preview_groups (preview_id, group_key, kind, production, sandbox, told_sealed) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (preview_id, group_key) DO UPDATE SET \
         production = fleet_preview_groups.production + excluded.production, \
         sandbox = fleet_preview_groups.sandbox + excluded.sandbox")
    .bind(preview)
    .bind(group.key)
    .bind(group.kind)
    .bind(group.production)
    .bind(group.sandbox)
    .bind(group.told_sealed)
    .run(c, "keep a group of a preview")
    .await
    .map(drop)
}

fn read_group(row: &Row<'_>) -> Result<GroupRow, DbErr> {
    Ok(GroupRow {
        key: row.get("group_key")?,
        kind: row.get("kind")?,
        production: row.get("production")?,
        sandbox: row.get("sandbox")?,
        told_sealed: row.opt("told_sealed")?,
    })
}

/// How many groups of each kind there are, and how many environments are in them.
pub(super) async fn group_counts(
    c: &impl Executor,
    preview: FleetPreviewId,
) -> Result<Vec<(GroupKind, i64, i64)>, StoreError> {
    sql("SELECT kind, COUNT(*) AS n, CAST(SUM(production) AS BIGINT) AS production, \
         CAST(SUM(sandbox) AS BIGINT) AS sandbox FROM fleet_preview_groups \
         WHERE preview_id = $1 GROUP BY kind")
    .bind(preview)
    .heavy()
    .all(c, "count the groups of a preview", |row| {
        let environments = row.get::<i64>("production")? + row.get::<i64>("sandbox")?;
        Ok((row.get("kind")?, row.get("n")?, environments))
    })
    .await
}

/// The groups, what is worst first, then the largest.
pub(super) async fn groups(
    c: &impl Executor,
    preview: FleetPreviewId,
    many: i64,
) -> Result<Vec<GroupRow>, StoreError> {
    sql("SELECT * FROM fleet_preview_groups WHERE preview_id = $1 \
         ORDER BY CASE kind WHEN 'not_rendered' THEN 0 WHEN 'interrupts' THEN 1 WHEN 'changes' THEN 2 \
           WHEN 'unchanged' THEN 3 WHEN 'holds' THEN 4 ELSE 5 END, \
         production + sandbox DESC, group_key LIMIT $2")
    .bind(preview)
    .bind(many)
    .heavy()
    .all(c, "read the groups of a preview", read_group)
    .await
}

/// The first names of a group.
pub(super) async fn first_names(
    c: &impl Executor,
    preview: FleetPreviewId,
    group: &str,
    many: i64,
) -> Result<Vec<EnvironmentName>, StoreError> {
    sql("SELECT name FROM fleet_preview_members WHERE preview_id = $1 AND group_key = $2 \
         ORDER BY name, id LIMIT $3")
    .bind(preview)
    .bind(group)
    .bind(many)
    .all(c, "read the environments of a preview", |row| row.get("name"))
    .await
}

/// How many production environments of a preview would get a deployment.
pub(super) async fn followers_of_production(
    c: &impl Executor,
    preview: FleetPreviewId,
) -> Result<i64, StoreError> {
    let count = sql("SELECT COUNT(*) AS n FROM fleet_preview_members WHERE preview_id = $1 \
                     AND kind = 'production' AND group_key NOT IN ('holds', 'not_deployed')")
    .bind(preview)
    .heavy()
    .one(c, "count the environments of a preview", |row| row.get("n"));
    Ok(count.await?.unwrap_or(0))
}
