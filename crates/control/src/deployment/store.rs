//! SQL of deployments and previews.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{
    Changes, Deployment, DeploymentState, Estimate, OnFailure, PlanPolicy, RestoredBackup, Trigger,
    open_culprit,
};
use crate::actor::By;
use crate::app::AppBrief;
use crate::environment::{EnvironmentBrief, EnvironmentKind};
use crate::objects::{Address, Sealer};
use crate::op;
use crate::release::ReleaseBrief;
use crate::store::Executor;
use crate::store::ids::{
    AppId, BackupId, BatchId, ContentId, DeploymentId, DomainId, EnvironmentId, OpId, PreviewId,
    ReleaseId,
};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};
use crate::store::wake::OpWake;

/// Deployments as lists show them.
pub(crate) fn view() -> View {
    View {
        table: "deployments",
        alias: "d",
        columns: COLUMNS,
        joins: JOINS,
        doing: "list deployments",
    }
}

/// How many deployments after this number did not succeed and were left as they were: the cluster holds something else
/// than the last good one.
macro_rules! left_behind {
    ($environment:literal, $number:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM deployments lb WHERE lb.environment_id = ",
            $environment,
            " AND lb.number > ",
            $number,
            " AND lb.state IN ('failed', 'cancelled') AND lb.started_at IS NOT NULL \
             AND lb.rolled_back_to_id IS NULL)"
        )
    };
}

const COLUMNS: &str = concat!(
    "d.*, e.name AS environment_name, e.deleted_at AS environment_deleted_at, \
     CASE WHEN e.deleted_at IS NULL THEN e.current_deployment_id END AS current_id, \
     CASE WHEN d.id = e.current_deployment_id THEN ",
    left_behind!("d.environment_id", "d.number"),
    " ELSE 0 END AS left_behind, a.name AS app_name, r.tag AS release_tag, f.tag AS from_tag, rp.number AS repeats_number, \
     rbr.id AS back_id, rbr.tag AS back_tag, k.host AS content_host, \
     bk.number AS backup_number, bk.environment_id AS backup_environment_id, be.name AS backup_environment_name, \
     be.kind AS backup_environment_kind, be.deleted_at AS backup_environment_deleted_at, ",
    op::store::brief_columns!()
);

const JOINS: &str = concat!(
    "JOIN environments e ON e.id = d.environment_id JOIN apps a ON a.id = d.app_id \
     JOIN releases r ON r.id = d.release_id LEFT JOIN releases f ON f.id = d.from_release_id \
     LEFT JOIN deployments rp ON rp.id = d.repeats_id \
     LEFT JOIN deployments rb ON rb.id = d.rolled_back_to_id \
     LEFT JOIN releases rbr ON rbr.id = rb.release_id \
     LEFT JOIN contents k ON k.id = d.content_id \
     LEFT JOIN backups bk ON bk.id = d.backup_id LEFT JOIN environments be ON be.id = bk.environment_id \
     JOIN ops o ON o.id = d.op_id ",
    op::store::brief_joins!()
);

/// The condition that `subject_id` is an environment of this kind and of this App; none where both are left open.
pub(super) fn environments_within(
    kind: Option<EnvironmentKind>,
    app: Option<AppId>,
) -> Option<String> {
    let kind = kind.map(|kind| format!(" AND w.kind = '{kind}'"));
    let app = app.map(|app| format!(" AND w.app_id = '{app}'"));
    let conditions: String = [kind, app].into_iter().flatten().collect();
    let is_open = conditions.is_empty();
    let within = "SELECT 1 FROM environments w WHERE w.id = subject_id";
    (!is_open).then(|| format!("EXISTS ({within}{conditions})"))
}

/// Reads a row of [`view`]; `sealer` opens the culprit's line.
pub(crate) fn read(row: &Row<'_>, sealer: &Sealer) -> Result<Deployment, DbErr> {
    let id: DeploymentId = row.get("id")?;
    let state: DeploymentState = row.get("state")?;
    let current: Option<DeploymentId> = row.opt("current_id")?;
    let left_behind: i64 = row.get("left_behind")?;
    let brief = |id: &str, tag: &str| -> Result<Option<ReleaseBrief>, DbErr> {
        Ok(match row.opt(id)? {
            Some(id) => Some(ReleaseBrief { id, tag: row.get(tag)? }),
            None => None,
        })
    };
    Ok(Deployment {
        id,
        number: row.get("number")?,
        environment: EnvironmentBrief {
            id: row.get("environment_id")?,
            name: row.get("environment_name")?,
            kind: row.get("kind")?,
            deleted: row.opt::<Timestamp>("environment_deleted_at")?.is_some(),
        },
        app: AppBrief { id: row.get("app_id")?, name: row.get("app_name")? },
        release: ReleaseBrief { id: row.get("release_id")?, tag: row.get("release_tag")? },
        from: brief("from_release_id", "from_tag")?,
        trigger: row.get("trigger_kind")?,
        repeats: row.opt("repeats_number")?,
        restores: read_restores(row)?,
        reason: row.get("reason")?,
        state,
        plan_policy: row.get("plan_policy")?,
        on_failure: row.get("on_failure")?,
        force_conflicts: row.get("force_conflicts")?,
        batch: row.opt("batch_id")?,
        app_values_revision: row.get("app_values_revision")?,
        helm_revision: row.opt("helm_revision")?,
        changes: row.json_opt("changes")?,
        changed_values: row.json("changed_values")?,
        // What held it up for a while is no news once it is there.
        culprit: match state {
            DeploymentState::Succeeded => None,
            _ => open_culprit(sealer, id, row.opt("culprit_sealed")?),
        },
        rolled_back_to: brief("back_id", "back_tag")?,
        rolled_back_to_revision: row.opt("rolled_back_revision")?,
        can_roll_back_to: state == DeploymentState::Succeeded
            && current.is_some_and(|current| current != id || left_behind > 0),
        host: row.opt("content_host")?,
        op: op::store::read_brief(row)?
            .ok_or_else(|| DbErr::Type("a deployment without an Op".to_owned()))?,
        by: row.json("created_by")?,
        created_at: row.get("created_at")?,
        started_at: row.opt("started_at")?,
        finished_at: row.opt("finished_at")?,
    })
}

fn read_restores(row: &Row<'_>) -> Result<Option<RestoredBackup>, DbErr> {
    let (Some(backup), Some(number)) = (row.opt("backup_id")?, row.opt("backup_number")?) else {
        return Ok(None);
    };
    Ok(Some(RestoredBackup {
        backup,
        number,
        environment: EnvironmentBrief {
            id: row.get("backup_environment_id")?,
            name: row.get("backup_environment_name")?,
            kind: row.get("backup_environment_kind")?,
            deleted: row.opt::<Timestamp>("backup_environment_deleted_at")?.is_some(),
        },
    }))
}

/// A deployment's own row, for rules and workers.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentRow {
    pub(crate) id: DeploymentId,
    pub(crate) environment: EnvironmentId,
    pub(crate) number: i64,
    pub(crate) app: AppId,
    pub(crate) release: ReleaseId,
    pub(crate) trigger: Trigger,
    pub(crate) repeats: Option<DeploymentId>,
    pub(crate) batch: Option<BatchId>,
    pub(crate) state: DeploymentState,
    pub(crate) plan_policy: PlanPolicy,
    pub(crate) on_failure: OnFailure,
    pub(crate) force_conflicts: bool,
    pub(crate) values: Option<Address>,
    pub(crate) app_values_revision: i64,
    pub(crate) content: Option<ContentId>,
    pub(crate) new_preview: Option<PreviewId>,
    pub(crate) rollback_content: Option<ContentId>,
    pub(crate) rollback_plan: Option<Address>,
    pub(crate) helm_revision: Option<i64>,
    pub(crate) failure_sealed: Option<Vec<u8>>,
    pub(crate) domain: Option<DomainId>,
    /// The backup that it restores.
    pub(crate) backup: Option<BackupId>,
    /// The backup without which it is not carried out.
    pub(crate) backup_before: Option<BackupId>,
    pub(crate) created_by: By,
}

fn read_row(row: &Row<'_>) -> Result<DeploymentRow, DbErr> {
    Ok(DeploymentRow {
        id: row.get("id")?,
        environment: row.get("environment_id")?,
        number: row.get("number")?,
        app: row.get("app_id")?,
        release: row.get("release_id")?,
        trigger: row.get("trigger_kind")?,
        repeats: row.opt("repeats_id")?,
        batch: row.opt("batch_id")?,
        state: row.get("state")?,
        plan_policy: row.get("plan_policy")?,
        on_failure: row.get("on_failure")?,
        force_conflicts: row.get("force_conflicts")?,
        values: row.opt("values_object")?,
        app_values_revision: row.get("app_values_revision")?,
        content: row.opt("content_id")?,
        new_preview: row.opt("new_preview_id")?,
        rollback_content: row.opt("rollback_content_id")?,
        rollback_plan: row.opt("rollback_plan_object")?,
        helm_revision: row.opt("helm_revision")?,
        failure_sealed: row.opt("failure_sealed")?,
        domain: row.opt("domain_id")?,
        backup: row.opt("backup_id")?,
        backup_before: row.opt("backup_before_id")?,
        created_by: row.json("created_by")?,
    })
}

const ROW: &str = "read a deployment";

/// By id.
pub(crate) async fn by_id(
    c: &impl Executor,
    id: DeploymentId,
) -> Result<Option<DeploymentRow>, StoreError> {
    sql("SELECT * FROM deployments WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By number in its environment.
pub(crate) async fn by_number(
    c: &impl Executor,
    environment: EnvironmentId,
    number: i64,
) -> Result<Option<DeploymentRow>, StoreError> {
    sql("SELECT * FROM deployments WHERE environment_id = $1 AND number = $2")
        .bind(environment)
        .bind(number)
        .one(c, ROW, read_row)
        .await
}

/// The last deployment of a Release in an environment that succeeded.
pub(crate) async fn last_success(
    c: &impl Executor,
    environment: EnvironmentId,
    release: ReleaseId,
) -> Result<Option<DeploymentRow>, StoreError> {
    sql("SELECT * FROM deployments WHERE environment_id = $1 AND release_id = $2 \
         AND state = 'succeeded' ORDER BY number DESC LIMIT 1")
    .bind(environment)
    .bind(release)
    .one(c, ROW, read_row)
    .await
}

/// Whether a deployment after this number did not succeed and was left as it was.
pub(crate) async fn left_behind(
    c: &impl Executor,
    environment: EnvironmentId,
    number: i64,
) -> Result<bool, StoreError> {
    let count = sql(concat!("SELECT ", left_behind!("$1", "$2"), " AS n"))
        .bind(environment)
        .bind(number)
        .one(c, ROW, |row| row.get::<i64>("n"))
        .await?;
    Ok(count.unwrap_or(0) > 0)
}

/// The last deployment of an environment, if it failed.
pub(crate) async fn last_if_failed(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<DeploymentRow>, StoreError> {
    let last =
        sql("SELECT * FROM deployments WHERE environment_id = $1 ORDER BY number DESC LIMIT 1")
            .bind(environment)
            .one(c, ROW, read_row)
            .await?;
    Ok(last.filter(|last| last.state == DeploymentState::Failed))
}

/// What the last deployments of an environment consisted of, newest first, at most `many`, from
/// deployment `number` back where it is given.
pub(crate) async fn last_contents(
    c: &impl Executor,
    environment: EnvironmentId,
    number: Option<i64>,
    many: i64,
) -> Result<Vec<ContentId>, StoreError> {
    sql("SELECT content_id FROM deployments WHERE environment_id = $1 AND number <= $2 \
         AND content_id IS NOT NULL ORDER BY number DESC LIMIT $3")
    .bind(environment)
    .bind(number.unwrap_or(i64::MAX))
    .bind(many)
    .all(c, ROW, |row| row.get("content_id"))
    .await
}

/// How long a deployment took.
pub(crate) async fn last_duration(
    c: &impl Executor,
    id: Option<DeploymentId>,
) -> Result<Option<Estimate>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    sql("SELECT number, started_at, finished_at FROM deployments \
         WHERE id = $1 AND started_at IS NOT NULL AND finished_at IS NOT NULL")
    .bind(id)
    .one(c, ROW, |row| {
        let took = row.get::<Timestamp>("finished_at")? - row.get::<Timestamp>("started_at")?;
        Ok(Estimate { seconds: took.get_seconds().max(1), number: row.get("number")? })
    })
    .await
}

/// A deployment to be made.
pub(crate) struct NewRow<'a> {
    pub(crate) id: DeploymentId,
    pub(crate) op: OpId,
    pub(crate) environment: EnvironmentId,
    pub(crate) app: AppId,
    pub(crate) kind: EnvironmentKind,
    pub(crate) release: ReleaseId,
    pub(crate) from_release: Option<ReleaseId>,
    pub(crate) trigger: Trigger,
    pub(crate) repeats: Option<DeploymentId>,
    pub(crate) batch: Option<BatchId>,
    pub(crate) reason: &'a str,
    pub(crate) plan_policy: PlanPolicy,
    pub(crate) on_failure: OnFailure,
    pub(crate) force_conflicts: bool,
    pub(crate) values: Option<&'a Address>,
    pub(crate) app_values_revision: i64,
    pub(crate) content: Option<ContentId>,
    pub(crate) preview: Option<PreviewId>,
    pub(crate) changes: Option<&'a Changes>,
    pub(crate) changed_values: &'a [String],
    pub(crate) domain: Option<DomainId>,
    pub(crate) backup: Option<BackupId>,
    pub(crate) backup_before: Option<BackupId>,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Makes a deployment with the next number of its environment; returns the number, none where the environment is
/// being removed.
///
/// Locks the environment's row: numbers and the order of the queue agree.
pub(crate) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<Option<i64>, StoreError> {
    const DOING: &str = "make a deployment";
    let number = sql("UPDATE environments SET last_number = last_number + 1, \
                      last_deployment_id = $2, last_at = $3 \
                      WHERE id = $1 AND state IN ('creating', 'active') RETURNING last_number")
    .bind(new.environment)
    .bind(new.id)
    .bind(new.at)
    .one(c, DOING, |row| row.get::<i64>("last_number"))
    .await?;
    let Some(number) = number else { return Ok(None) };
    sql("INSERT INTO deployments (id, environment_id, number, app_id, kind, release_id, \
         from_release_id, trigger_kind, repeats_id, batch_id, reason, state, plan_policy, on_failure, \
         values_object, app_values_revision, content_id, preview_id, changes, changed_values, op_id, \
         created_at, created_by, force_conflicts, domain_id, backup_id, backup_before_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27)")
    .bind(new.id)
    .bind(new.environment)
    .bind(number)
    .bind(new.app)
    .bind(new.kind)
    .bind(new.release)
    .bind(new.from_release)
    .bind(new.trigger)
    .bind(new.repeats)
    .bind(new.batch)
    .bind(new.reason)
    .bind(DeploymentState::Queued)
    .bind(new.plan_policy)
    .bind(new.on_failure)
    .bind(new.values.cloned())
    .bind(new.app_values_revision)
    .bind(new.content)
    .bind(new.preview)
    .bind(new.changes.map(|changes| {
        serde_json::to_string(changes).expect("five numbers are always JSON")
    }))
    .bind(Json(&new.changed_values))
    .bind(new.op)
    .bind(new.at)
    .bind(Json(new.by))
    .bind(new.force_conflicts)
    .bind(new.domain)
    .bind(new.backup)
    .bind(new.backup_before)
    .run(c, DOING)
    .await?;
    Ok(Some(number))
}

/// The deployment whose revision of the Helm release an environment has last.
pub(crate) struct LastRecorded {
    pub(crate) number: i64,
    pub(crate) content: ContentId,
    /// The revision of others that it went back to: that is what is there.
    pub(crate) went_back: Option<i64>,
}

/// The deployment whose revision of the Helm release an environment has last.
pub(crate) async fn last_recorded(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<LastRecorded>, StoreError> {
    sql("SELECT number, rolled_back_revision, CASE WHEN rolled_back_to_id IS NULL THEN content_id \
           ELSE COALESCE(rollback_content_id, content_id) END AS content \
         FROM deployments WHERE environment_id = $1 AND helm_revision IS NOT NULL \
         AND content_id IS NOT NULL ORDER BY number DESC LIMIT 1")
    .bind(environment)
    .one(c, ROW, |row| {
        Ok(LastRecorded {
            number: row.get("number")?,
            content: row.get("content")?,
            went_back: row.opt("rolled_back_revision")?,
        })
    })
    .await
}

/// Whether any deployment of an environment has written a revision of the Helm release.
pub(crate) async fn ever_recorded(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM deployments WHERE environment_id = $1 \
                     AND helm_revision IS NOT NULL LIMIT 1")
    .bind(environment)
    .one(c, "see whether an environment has a Helm release", |_| Ok(()));
    Ok(found.await?.is_some())
}

/// How many deployments of an environment are queued.
pub(crate) async fn queued(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<i64, StoreError> {
    let count = sql("SELECT COUNT(*) AS n FROM ops WHERE environment_id = $1 \
                     AND state = 'queued' AND op_kind = 'deployment'")
    .bind(environment)
    .one(c, "count queued deployments", |row| row.get("n"));
    Ok(count.await?.unwrap_or(0))
}

/// Ends every queued deployment of an environment as superseded, with its Op; their Ops.
pub(crate) async fn supersede_queued(
    c: &impl Executor,
    environment: EnvironmentId,
    at: Timestamp,
) -> Result<Vec<OpWake>, StoreError> {
    const DOING: &str = "supersede queued deployments";
    let ops = sql("UPDATE ops SET state = 'superseded', finished_at = $2 \
                   WHERE environment_id = $1 AND state = 'queued' AND op_kind = 'deployment' \
                   RETURNING id, environment_id, environment_kind")
    .bind(environment)
    .bind(at)
    .all(c, DOING, op::store::read_wake)
    .await?;
    end_superseded(c, ops, at).await
}

/// Ends the deployments of Ops that are superseded; these Ops, and those of backups that are not made either.
pub(crate) async fn end_superseded(
    c: &impl Executor,
    mut ops: Vec<OpWake>,
    at: Timestamp,
) -> Result<Vec<OpWake>, StoreError> {
    let mut dropped = Vec::new();
    for wake in &ops {
        op::store::skip_rest(c, wake.op).await?;
        dropped.extend(crate::backup::store::drop_before(c, wake.op, at).await?);
        sql("UPDATE deployments SET state = 'superseded', finished_at = $2 WHERE op_id = $1 \
             AND environment_id = $3")
        .bind(wake.op)
        .bind(at)
        .bind(wake.environment)
        .run(c, "end superseded deployments")
        .await?;
    }
    ops.append(&mut dropped);
    Ok(ops)
}

/// Ends a deployment.
pub(crate) async fn end(
    c: &impl Executor,
    id: DeploymentId,
    state: DeploymentState,
    failure_sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE deployments SET state = $2, failure_sealed = $3, finished_at = $4 WHERE id = $1")
        .bind(id)
        .bind(state)
        .bind(failure_sealed)
        .bind(at)
        .run(c, "end a deployment")
        .await
        .map(drop)
}

/// A preview's own row.
#[derive(Clone, Debug)]
pub(crate) struct PreviewRow {
    pub(crate) id: PreviewId,
    pub(crate) environment: EnvironmentId,
    pub(crate) content: ContentId,
    pub(crate) expires_at: Timestamp,
}

/// Keeps a preview.
pub(crate) async fn insert_preview(
    c: &impl Executor,
    preview: &PreviewRow,
    at: Timestamp,
    by: &By,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO previews (id, environment_id, content_id, created_at, created_by, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(preview.id)
    .bind(preview.environment)
    .bind(preview.content)
    .bind(at)
    .bind(Json(by))
    .bind(preview.expires_at)
    .run(c, "keep a preview")
    .await
    .map(drop)
}

/// A preview by id.
pub(crate) async fn preview(
    c: &impl Executor,
    id: PreviewId,
) -> Result<Option<PreviewRow>, StoreError> {
    sql("SELECT * FROM previews WHERE id = $1")
        .bind(id)
        .one(c, "read a preview", |row| {
            Ok(PreviewRow {
                id: row.get("id")?,
                environment: row.get("environment_id")?,
                content: row.get("content_id")?,
                expires_at: row.get("expires_at")?,
            })
        })
        .await
}
