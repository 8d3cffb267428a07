//! SQL of batches and their members.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{
    Batch, BatchMember, BatchSettings, BatchState, MemberCounts, MemberDeployment, MemberState,
    Tally,
};
use crate::actor::By;
use crate::app::AppBrief;
use crate::deployment::{DeploymentState, Failure, failure_identity, open_culprit};
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::objects::Sealer;
use crate::op;
use crate::store::Executor;
use crate::store::Tx;
use crate::store::ids::{AppId, BatchId, DeploymentId, EnvironmentId, FleetPreviewId};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};
use crate::store::wake::OpWake;

/// Batches as lists show them.
pub(super) fn view() -> View {
    View {
        table: "batches",
        alias: "b",
        columns: "b.*, a.name AS app_name",
        joins: "JOIN apps a ON a.id = b.app_id",
        doing: "list batches",
    }
}

/// Reads a row of [`view`], counting what those kinds hold that the asker sees.
pub(super) fn read_view(row: &Row<'_>, kinds: &[EnvironmentKind]) -> Result<Batch, DbErr> {
    let tally: Tally = row.json("tally")?;
    let production = EnvironmentKind::Production;
    let in_production = if kinds.contains(&production) {
        tally.counts(&[production])
    } else {
        MemberCounts::default()
    };
    Ok(Batch {
        deploys_to_production: in_production.queued + in_production.deploying > 0,
        id: row.get("id")?,
        trigger: row.get("trigger_kind")?,
        app: AppBrief { id: row.get("app_id")?, name: row.get("app_name")? },
        app_values_revision: row.get("app_values_revision")?,
        note: row.get("note")?,
        state: row.get("state")?,
        settings: read_settings(row)?,
        counts: tally.counts(kinds),
        failures: row.get("failures")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
        let_go_by: row.json_opt("let_go_by")?,
        steered_by: row.json_opt("steered_by")?,
        finished_at: row.opt("finished_at")?,
    })
}

fn read_settings(row: &Row<'_>) -> Result<BatchSettings, DbErr> {
    Ok(BatchSettings {
        sandbox_first: row.get("sandbox_first")?,
        at_once: row.get("at_once")?,
        stop_after: row.get("stop_after")?,
    })
}

/// A batch's own row.
#[derive(Clone, Debug)]
pub(super) struct BatchRow {
    pub(super) id: BatchId,
    pub(super) state: BatchState,
    pub(super) settings: BatchSettings,
    pub(super) revision: i64,
    pub(super) note: String,
    pub(super) failures: i64,
    pub(super) tally: Tally,
    pub(super) created_by: By,
    pub(super) let_go_by: Option<By>,
}

fn read_row(row: &Row<'_>) -> Result<BatchRow, DbErr> {
    Ok(BatchRow {
        id: row.get("id")?,
        state: row.get("state")?,
        settings: read_settings(row)?,
        revision: row.get("app_values_revision")?,
        note: row.get("note")?,
        failures: row.get("failures")?,
        tally: row.json("tally")?,
        created_by: row.json("created_by")?,
        let_go_by: row.json_opt("let_go_by")?,
    })
}

/// By id.
pub(super) async fn get(c: &impl Executor, id: BatchId) -> Result<Option<BatchRow>, StoreError> {
    sql("SELECT * FROM batches WHERE id = $1").bind(id).one(c, "read a batch", read_row).await
}

/// The same under a lock on its row: what the next statements see is all that others have done.
pub(super) async fn lock(tx: &Tx, id: BatchId) -> Result<Option<BatchRow>, StoreError> {
    sql("UPDATE batches SET failures = failures WHERE id = $1 RETURNING *")
        .bind(id)
        .one(tx, "go on with a batch", read_row)
        .await
}

/// A batch to be made.
pub(super) struct NewBatch<'a> {
    pub(super) id: BatchId,
    pub(super) app: AppId,
    pub(super) revision: i64,
    pub(super) note: &'a str,
    pub(super) settings: BatchSettings,
    /// The state that production environments begin in.
    pub(super) production: MemberState,
    /// The preview that told which environments cannot be rendered: these come last.
    pub(super) preview: Option<FleetPreviewId>,
    pub(super) at: Timestamp,
    pub(super) by: &'a By,
}

/// Makes a batch over the environments of an App that follow and run something; how many there are. Where there is none,
/// nothing is made.
pub(super) async fn insert(tx: &Tx, new: &NewBatch<'_>) -> Result<i64, StoreError> {
    const DOING: &str = "make a batch";
    const FOLLOWERS: &str = "FROM environments e WHERE e.app_id = $1 AND e.deleted_at IS NULL \
         AND e.state = 'active' AND e.holds_app_values IS NULL AND e.current_release_id IS NOT NULL \
         AND e.current_deployment_id IS NOT NULL";
    let count = sql(format!("SELECT COUNT(*) AS n {FOLLOWERS}")).bind(new.app).heavy();
    let count = count.one(tx, DOING, |row| row.get::<i64>("n")).await?.unwrap_or(0);
    if count == 0 {
        return Ok(0);
    }
    sql("INSERT INTO batches (id, trigger_kind, app_id, state, at_once, stop_after, created_at, \
         created_by, app_values_revision, note, sandbox_first) \
         VALUES ($1, 'values_updated', $2, 'running', $3, $4, $5, $6, $7, $8, $9)")
    .bind(new.id)
    .bind(new.app)
    .bind(new.settings.at_once)
    .bind(new.settings.stop_after)
    .bind(new.at)
    .bind(Json(new.by))
    .bind(new.revision)
    .bind(new.note)
    .bind(new.settings.sandbox_first)
    .run(tx, DOING)
    .await?;
    // Without a preview nothing is known to fail.
    let failing = "CASE WHEN e.id IN (SELECT m.id FROM fleet_preview_members m JOIN fleet_preview_groups g \
         ON g.preview_id = m.preview_id AND g.group_key = m.group_key WHERE m.preview_id = $4 \
         AND g.kind = 'not_rendered') THEN 1 ELSE 0 END";
    let first = if new.settings.sandbox_first {
        "CASE e.kind WHEN 'sandbox' THEN 0 ELSE 1 END, "
    } else {
        ""
    };
    sql(format!(
        "INSERT INTO batch_members (batch_id, id, ordinal, kind, state, note) \
         SELECT $2, e.id, ROW_NUMBER() OVER (ORDER BY {failing}, {first}e.name, e.id), e.kind, \
           CASE e.kind WHEN 'production' THEN $3 ELSE 'queued' END, '' {FOLLOWERS}"
    ))
    .bind(new.app)
    .bind(new.id)
    .bind(new.production)
    .bind(new.preview)
    .heavy()
    .run(tx, DOING)
    .await?;
    Ok(count)
}

/// A newer batch takes the place of what older ones of the App have not begun: members, and deployments in the queue.
pub(super) async fn supersede(
    tx: &Tx,
    app: AppId,
    by: BatchId,
    at: Timestamp,
) -> Result<Vec<OpWake>, StoreError> {
    const DOING: &str = "supersede older batches";
    const OLDER: &str =
        "SELECT b.id FROM batches b WHERE b.app_id = $1 AND b.state <> 'ended' AND b.id <> $2";
    sql(format!(
        "UPDATE batch_members SET state = 'superseded' WHERE batch_id IN ({OLDER}) \
         AND state IN ('queued', 'waiting') \
         AND id IN (SELECT n.id FROM batch_members n WHERE n.batch_id = $2)"
    ))
    .bind(app)
    .bind(by)
    .heavy()
    .run(tx, DOING)
    .await?;
    let ops = sql(format!(
        "UPDATE ops SET state = 'superseded', finished_at = $3 \
         WHERE state = 'queued' AND op_kind = 'deployment' AND deployment_id IN ( \
           SELECT m.deployment_id FROM batch_members m WHERE m.batch_id IN ({OLDER}) \
           AND m.state = 'deploying') \
         RETURNING id, environment_id, environment_kind"
    ))
    .bind(app)
    .bind(by)
    .bind(at)
    .heavy()
    .all(tx, DOING, op::store::read_wake)
    .await?;
    crate::deployment::store::end_superseded(tx, ops, at).await
}

/// Older batches of an App that have not ended.
pub(super) async fn open_of(
    c: &impl Executor,
    app: AppId,
    but: BatchId,
) -> Result<Vec<BatchId>, StoreError> {
    sql("SELECT id FROM batches WHERE app_id = $1 AND state <> 'ended' AND id <> $2 ORDER BY id")
        .bind(app)
        .bind(but)
        .all(c, "read open batches", |row| row.get("id"))
        .await
}

/// Batches that may have something to do: those that run, those of which a deployment has ended, and those of which
/// nothing is left.
pub(super) async fn to_drive(c: &impl Executor) -> Result<Vec<BatchId>, StoreError> {
    sql("SELECT b.id FROM batches b WHERE b.state <> 'ended' AND (b.state = 'running' OR EXISTS ( \
           SELECT 1 FROM batch_members m JOIN deployments d ON d.id = m.deployment_id \
           WHERE m.batch_id = b.id AND m.state = 'deploying' \
           AND d.state NOT IN ('queued', 'running')) OR NOT EXISTS ( \
           SELECT 1 FROM batch_members m WHERE m.batch_id = b.id \
           AND m.state IN ('queued', 'waiting', 'deploying'))) ORDER BY b.id")
    .heavy()
    .all(c, "read open batches", |row| row.get("id"))
    .await
}

/// Notes of members what their deployments came to; the states they came to.
pub(super) async fn settle(tx: &Tx, batch: BatchId) -> Result<Vec<MemberState>, StoreError> {
    sql("UPDATE batch_members SET state = (SELECT d.state FROM deployments d \
           WHERE d.id = batch_members.deployment_id) \
         WHERE batch_id = $1 AND state = 'deploying' AND EXISTS (SELECT 1 FROM deployments d \
           WHERE d.id = batch_members.deployment_id AND d.state NOT IN ('queued', 'running')) \
         RETURNING state")
    .bind(batch)
    .all(tx, "note what deployments of a batch came to", |row| row.get("state"))
    .await
}

/// How many deployments of a batch are under way.
pub(super) async fn deploying(tx: &Tx, batch: BatchId) -> Result<i64, StoreError> {
    let count =
        sql("SELECT COUNT(*) AS n FROM batch_members WHERE batch_id = $1 AND state = 'deploying'")
            .bind(batch)
            .one(tx, "count what a batch deploys", |row| row.get("n"));
    Ok(count.await?.unwrap_or(0))
}

/// The next members whose turn it is: where nothing else is under way, and, if sandbox ones come first, none of these is
/// left before them.
pub(super) async fn next(
    tx: &Tx,
    batch: &BatchRow,
    many: i64,
) -> Result<Vec<EnvironmentId>, StoreError> {
    let barrier = if batch.settings.sandbox_first {
        "AND (m.kind = 'sandbox' OR NOT EXISTS (SELECT 1 FROM batch_members s \
           WHERE s.batch_id = m.batch_id AND s.kind = 'sandbox' AND s.state IN ('queued', 'deploying') \
           AND s.ordinal < m.ordinal))"
    } else {
        ""
    };
    sql(format!(
        "SELECT m.id FROM batch_members m WHERE m.batch_id = $1 AND m.state = 'queued' {barrier} \
         AND NOT EXISTS (SELECT 1 FROM ops o WHERE o.environment_id = m.id AND o.state = 'queued') \
         AND NOT EXISTS (SELECT 1 FROM ops o WHERE o.environment_id = m.id AND o.state = 'running') \
         ORDER BY m.ordinal LIMIT $2"
    ))
    .bind(batch.id)
    .bind(many)
    .heavy()
    .all(tx, "read whose turn it is in a batch", |row| row.get("id"))
    .await
}

/// Whether nothing is under way in an environment, seen under a lock on its row: whoever deploys by hand comes behind.
pub(super) async fn lock_idle(tx: &Tx, environment: EnvironmentId) -> Result<bool, StoreError> {
    const DOING: &str = "see whether something is under way in an environment";
    // Locked by a statement of its own: what the next one sees is then all that others have done.
    sql("UPDATE environments SET last_number = last_number WHERE id = $1")
        .bind(environment)
        .run(tx, DOING)
        .await?;
    let busy = sql("SELECT 1 AS one FROM ops o WHERE o.environment_id = $1 \
                    AND o.state IN ('queued', 'running') LIMIT 1")
    .bind(environment)
    .one(tx, DOING, |_| Ok(()));
    Ok(busy.await?.is_none())
}

/// Notes of a member how it stands.
pub(super) async fn put_member(
    tx: &Tx,
    batch: BatchId,
    member: EnvironmentId,
    state: MemberState,
    deployment: Option<DeploymentId>,
    note: &str,
) -> Result<(), StoreError> {
    sql("UPDATE batch_members SET state = $3, deployment_id = $4, note = $5 \
         WHERE batch_id = $1 AND id = $2")
    .bind(batch)
    .bind(member)
    .bind(state)
    .bind(deployment)
    .bind(note)
    .run(tx, "go on with a batch")
    .await
    .map(drop)
}

/// Moves all members that stand in one of `from`.
pub(super) async fn move_members(
    tx: &Tx,
    batch: BatchId,
    from: &[MemberState],
    to: MemberState,
) -> Result<u64, StoreError> {
    let mut moved = 0;
    for state in from {
        moved += sql("UPDATE batch_members SET state = $3 WHERE batch_id = $1 AND state = $2")
            .bind(batch)
            .bind(*state)
            .heavy()
            .bind(to)
            .run(tx, "move members of a batch")
            .await?;
    }
    Ok(moved)
}

/// Counts the members anew.
pub(super) async fn tally(tx: &Tx, batch: BatchId) -> Result<Tally, StoreError> {
    let rows = sql("SELECT kind, state, COUNT(*) AS n FROM batch_members WHERE batch_id = $1 \
                    GROUP BY kind, state")
    .bind(batch)
    .heavy()
    .all(tx, "count the members of a batch", |row| {
        Ok((row.get("kind")?, row.get("state")?, row.get("n")?))
    });
    Ok(Tally(rows.await?))
}

/// Keeps how a batch stands.
pub(super) async fn put(
    tx: &Tx,
    batch: &BatchRow,
    finished_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let all_sandbox = batch.tally.counts(&[EnvironmentKind::Sandbox]).total;
    sql("UPDATE batches SET state = $2, failures = $3, tally = $4, sandbox = $5, let_go_by = $6, \
         finished_at = $7 WHERE id = $1")
    .bind(batch.id)
    .bind(batch.state)
    .bind(batch.failures)
    .bind(Json(&batch.tally))
    .bind(all_sandbox)
    .bind(batch.let_go_by.as_ref().map(|by| Json(by).text()))
    .bind(finished_at)
    .run(tx, "keep how a batch stands")
    .await
    .map(drop)
}

/// Notes who paused, resumed or dropped a batch last.
pub(super) async fn steered(tx: &Tx, batch: BatchId, by: &By) -> Result<(), StoreError> {
    sql("UPDATE batches SET steered_by = $2 WHERE id = $1")
        .bind(batch)
        .bind(Json(by))
        .run(tx, "note who steered a batch")
        .await
        .map(drop)
}

/// What an open batch has in store for an environment: the batch, its revision, and how it stands there.
pub(super) async fn in_store(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<(BatchId, i64, MemberState, BatchState)>, StoreError> {
    sql("SELECT b.id AS batch, b.app_values_revision AS revision, m.state AS state, b.state AS batch_state \
         FROM batch_members m JOIN batches b ON b.id = m.batch_id \
         WHERE m.id = $1 AND m.state IN ('queued', 'waiting') ORDER BY b.id DESC LIMIT 1")
    .bind(environment)
    .one(c, "read what is in store for an environment", |row| {
        Ok((row.get("batch")?, row.get("revision")?, row.get("state")?, row.get("batch_state")?))
    })
    .await
}

/// Members as lists show them.
pub(super) fn members() -> View {
    View {
        table: "batch_members",
        alias: "m",
        columns: "m.*, e.name AS environment_name, e.deleted_at AS environment_deleted_at, \
                  d.number AS d_number, d.state AS d_state, d.culprit_sealed AS d_culprit, d.failure_sealed AS d_failure, \
                  d.started_at AS d_started_at, d.finished_at AS d_finished_at, o.percent AS o_percent",
        joins: "JOIN environments e ON e.id = m.id LEFT JOIN deployments d ON d.id = m.deployment_id \
                LEFT JOIN ops o ON o.id = d.op_id",
        doing: "list the members of a batch",
    }
}

/// Reads a row of [`members`]; with its place for the next page.
pub(super) fn read_member(row: &Row<'_>, sealer: &Sealer) -> Result<(BatchMember, i64), DbErr> {
    let deployment = match row.opt("deployment_id")? {
        None => None,
        Some(id) => {
            let state: DeploymentState = row.get("d_state")?;
            Some(MemberDeployment {
                id,
                number: row.get("d_number")?,
                state,
                percent: row.opt("o_percent")?.unwrap_or(0),
                culprit: match state {
                    DeploymentState::Succeeded => None,
                    _ => open_culprit(sealer, id, row.opt("d_culprit")?),
                },
                failure: open_failure(sealer, id, row.opt("d_failure")?),
                started_at: row.opt("d_started_at")?,
                finished_at: row.opt("d_finished_at")?,
            })
        }
    };
    let member = BatchMember {
        environment: EnvironmentBrief {
            id: row.get("id")?,
            name: row.get("environment_name")?,
            kind: row.get("kind")?,
            deleted: row.opt::<Timestamp>("environment_deleted_at")?.is_some(),
        },
        state: row.get("state")?,
        note: row.get("note")?,
        deployment,
    };
    Ok((member, row.get("ordinal")?))
}

/// Why a deployment failed. What does not open is told on its own page.
fn open_failure(sealer: &Sealer, id: DeploymentId, sealed: Option<Vec<u8>>) -> Option<String> {
    let opened = sealer.open_json::<Failure>(&failure_identity(id), &sealed?, "read a failure");
    opened.ok().map(|failure| failure.message)
}
