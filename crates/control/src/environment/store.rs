//! SQL of environments and their values.

use std::collections::HashSet;

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{
    CurrentDeployment, CurrentRelease, Environment, EnvironmentBrief, EnvironmentKind,
    EnvironmentState, EnvironmentStatus, LastDeployment, Ready, Standing,
};
use crate::actor::By;
use crate::app::AppBrief;
use crate::cluster::ClusterBrief;
use crate::domain::DomainBrief;
use crate::names::{EnvironmentName, HelmReleaseName, Namespace, ServiceAccount};
use crate::objects::{Address, Sealer};
use crate::observed;
use crate::op;
use crate::store::Executor;
use crate::store::ids::{
    AppId, ClusterId, DeploymentId, EnvironmentId, ObservedId, OpId, ReleaseId,
};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Environments as lists and pages show them.
pub(crate) fn view() -> View {
    View {
        table: "environments",
        alias: "e",
        columns: COLUMNS,
        joins: JOINS,
        doing: "list environments",
    }
}

const COLUMNS: &str = concat!(
    "e.*, a.name AS app_name, c.name AS cluster_name, c.kind AS cluster_kind, \
     r.tag AS release_tag, r.ordinal AS release_ordinal, \
     (SELECT MAX(n.ordinal) FROM releases n WHERE n.app_id = e.app_id \
       AND n.archived_at IS NULL AND NOT n.prerelease) AS newest_ordinal, \
     (SELECT COUNT(*) FROM (SELECT 1 AS one FROM releases n WHERE n.app_id = e.app_id \
       AND n.ordinal > r.ordinal AND n.archived_at IS NULL AND NOT n.prerelease LIMIT 99) newer) \
       AS newer_releases, \
     cd.number AS cd_number, cd.finished_at AS cd_finished_at, cd.created_by AS cd_by, \
     cd.op_id AS cd_op, \
     ld.number AS ld_number, lr.tag AS ld_tag, ld.trigger_kind AS ld_trigger, \
     lp.number AS ld_repeats, ld.state AS ld_state, ld.created_by AS ld_by, \
     ld.culprit_sealed AS ld_culprit, lbr.tag AS ld_rolled_back_to, ld.rolled_back_revision AS ld_rolled_back_revision, \
     ld.created_at AS ld_created_at, ld.started_at AS ld_started_at, \
     ld.finished_at AS ld_finished_at, \
     dm.host AS domain_host, dm.certificate_expires_at AS domain_expires_at, ",
    observed::store::columns!(),
    ", ",
    op::store::brief_columns!()
);

/// The Op shown is the one that runs, else the next in the queue.
const JOINS: &str = concat!(
    "JOIN apps a ON a.id = e.app_id JOIN clusters c ON c.id = e.cluster_id \
     LEFT JOIN releases r ON r.id = e.current_release_id \
     LEFT JOIN deployments cd ON cd.id = e.current_deployment_id \
     LEFT JOIN deployments ld ON ld.id = e.last_deployment_id \
     LEFT JOIN releases lr ON lr.id = ld.release_id \
     LEFT JOIN deployments lp ON lp.id = ld.repeats_id \
     LEFT JOIN deployments lb ON lb.id = ld.rolled_back_to_id \
     LEFT JOIN releases lbr ON lbr.id = lb.release_id \
     LEFT JOIN domains dm ON dm.environment_id = e.id AND dm.deployed_at IS NOT NULL \
     LEFT JOIN observed_revisions ob ON ob.id = e.observed_id \
     LEFT JOIN releases obr ON obr.id = ob.release_id \
     LEFT JOIN ops o ON o.seq = COALESCE( \
       (SELECT x.seq FROM ops x WHERE x.environment_id = e.id AND x.state = 'running' \
         AND x.op_kind <> 'backup'), \
       (SELECT MIN(x.seq) FROM ops x WHERE x.environment_id = e.id AND x.state = 'queued' \
         AND x.op_kind <> 'backup')) ",
    op::store::brief_joins!()
);

/// Reads a row of [`view`]; `sealer` opens the culprit's line.
pub(crate) fn read(row: &Row<'_>, sealer: &Sealer) -> Result<Environment, DbErr> {
    Ok(Environment {
        id: row.get("id")?,
        name: row.get("name")?,
        app: AppBrief { id: row.get("app_id")?, name: row.get("app_name")? },
        kind: row.get("kind")?,
        cluster: ClusterBrief {
            id: row.get("cluster_id")?,
            name: row.get("cluster_name")?,
            kind: row.get("cluster_kind")?,
        },
        namespace: row.get("namespace")?,
        release_name: row.get("release_name")?,
        service_account: row.opt("service_account")?,
        state: row.get("state")?,
        status: row.get("status")?,
        release: read_release(row)?,
        current_deployment: match row.opt("current_deployment_id")? {
            None => None,
            Some(id) => Some(CurrentDeployment {
                id,
                number: row.get("cd_number")?,
                finished_at: row.get("cd_finished_at")?,
                by: row.json("cd_by")?,
                op: row.get("cd_op")?,
            }),
        },
        ready: match (row.opt("ready")?, row.opt("total")?) {
            (Some(ready), Some(total)) => Some(Ready { ready, total }),
            _ => None,
        },
        observed: observed::store::read_joined(row, sealer)?,
        domain: match row.opt("domain_host")? {
            Some(host) => {
                Some(DomainBrief { host, certificate_expires_at: row.opt("domain_expires_at")? })
            }
            None => None,
        },
        last: read_last(row, sealer)?,
        op: op::store::read_brief(row)?,
        removal: row.opt("removal_id")?,
        values_revision: row.get("values_revision")?,
        holds: row.opt("holds_app_values")?,
        last_at: row.get("last_at")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
    })
}

fn read_release(row: &Row<'_>) -> Result<Option<CurrentRelease>, DbErr> {
    let Some(id) = row.opt("current_release_id")? else { return Ok(None) };
    let newer: i64 = row.get("newer_releases")?;
    let newest: Option<i64> = row.opt("newest_ordinal")?;
    let standing = match newer {
        0 if newest == Some(row.get("release_ordinal")?) => Standing::Newest,
        0 => Standing::Ahead,
        newer => Standing::Behind(newer),
    };
    Ok(Some(CurrentRelease { id, tag: row.get("release_tag")?, standing }))
}

fn read_last(row: &Row<'_>, sealer: &Sealer) -> Result<Option<LastDeployment>, DbErr> {
    let Some(id) = row.opt("last_deployment_id")? else { return Ok(None) };
    Ok(Some(LastDeployment {
        id,
        number: row.get("ld_number")?,
        tag: row.get("ld_tag")?,
        trigger: row.get("ld_trigger")?,
        repeats: row.opt("ld_repeats")?,
        state: row.get("ld_state")?,
        by: row.json("ld_by")?,
        culprit: crate::deployment::open_culprit(sealer, id, row.opt("ld_culprit")?),
        rolled_back_to: row.opt("ld_rolled_back_to")?,
        rolled_back_to_revision: row.opt("ld_rolled_back_revision")?,
        created_at: row.get("ld_created_at")?,
        started_at: row.opt("ld_started_at")?,
        finished_at: row.opt("ld_finished_at")?,
    }))
}

/// An environment's own row, for rules.
#[derive(Clone, Debug)]
pub(crate) struct EnvironmentRow {
    pub(crate) id: EnvironmentId,
    pub(crate) name: EnvironmentName,
    pub(crate) app: AppId,
    pub(crate) cluster: ClusterId,
    pub(crate) namespace: Namespace,
    pub(crate) release_name: HelmReleaseName,
    pub(crate) service_account: Option<ServiceAccount>,
    pub(crate) kind: EnvironmentKind,
    pub(crate) state: EnvironmentState,
    pub(crate) holds_app_values: Option<i64>,
    pub(crate) current_release: Option<ReleaseId>,
    pub(crate) current_deployment: Option<DeploymentId>,
    pub(crate) removal: Option<OpId>,
    pub(crate) observed: Option<ObservedId>,
}

impl EnvironmentRow {
    pub(crate) fn brief(&self) -> EnvironmentBrief {
        EnvironmentBrief {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind,
            deleted: self.state == EnvironmentState::Deleted,
        }
    }
}

fn read_row(row: &Row<'_>) -> Result<EnvironmentRow, DbErr> {
    Ok(EnvironmentRow {
        id: row.get("id")?,
        name: row.get("name")?,
        app: row.get("app_id")?,
        cluster: row.get("cluster_id")?,
        namespace: row.get("namespace")?,
        release_name: row.get("release_name")?,
        service_account: row.opt("service_account")?,
        kind: row.get("kind")?,
        state: row.get("state")?,
        holds_app_values: row.opt("holds_app_values")?,
        current_release: row.opt("current_release_id")?,
        current_deployment: row.opt("current_deployment_id")?,
        removal: row.opt("removal_id")?,
        observed: row.opt("observed_id")?,
    })
}

const ROW: &str = "read an environment";

/// By id, living or not.
pub(crate) async fn by_id(
    c: &impl Executor,
    id: EnvironmentId,
) -> Result<Option<EnvironmentRow>, StoreError> {
    sql("SELECT * FROM environments WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By name, living.
pub(crate) async fn by_name(
    c: &impl Executor,
    name: &EnvironmentName,
) -> Result<Option<EnvironmentRow>, StoreError> {
    sql("SELECT * FROM environments WHERE name = $1 AND deleted_at IS NULL")
        .bind(name)
        .one(c, ROW, read_row)
        .await
}

/// The living one that has this Helm release.
pub(crate) async fn by_place(
    c: &impl Executor,
    cluster: ClusterId,
    namespace: &Namespace,
    release_name: &HelmReleaseName,
) -> Result<Option<EnvironmentRow>, StoreError> {
    sql("SELECT * FROM environments WHERE cluster_id = $1 AND namespace = $2 \
         AND release_name = $3 AND deleted_at IS NULL")
    .bind(cluster)
    .bind(namespace)
    .bind(release_name)
    .one(c, ROW, read_row)
    .await
}

/// The Helm releases (namespace, name) that living environments have on a cluster.
pub(crate) async fn places(
    c: &impl Executor,
    cluster: ClusterId,
) -> Result<HashSet<(String, String)>, StoreError> {
    let places = sql("SELECT namespace, release_name FROM environments \
                      WHERE cluster_id = $1 AND deleted_at IS NULL")
    .bind(cluster)
    .all(c, "list the Helm releases of environments", |row| {
        Ok((row.get("namespace")?, row.get("release_name")?))
    });
    Ok(places.await?.into_iter().collect())
}

/// An environment to be made.
pub(crate) struct NewRow<'a> {
    pub(crate) id: EnvironmentId,
    pub(crate) name: &'a EnvironmentName,
    pub(crate) app: AppId,
    pub(crate) cluster: ClusterId,
    pub(crate) namespace: &'a Namespace,
    pub(crate) release_name: &'a HelmReleaseName,
    pub(crate) service_account: Option<&'a ServiceAccount>,
    pub(crate) kind: EnvironmentKind,
    pub(crate) state: EnvironmentState,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Makes an environment, without values and deployments.
pub(crate) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<(), StoreError> {
    sql("INSERT INTO environments (id, name, app_id, cluster_id, namespace, release_name, kind, \
         state, status, values_revision, last_number, last_at, created_at, created_by, \
         service_account) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $10, $11, $12)")
    .bind(new.id)
    .bind(new.name)
    .bind(new.app)
    .bind(new.cluster)
    .bind(new.namespace)
    .bind(new.release_name)
    .bind(new.kind)
    .bind(new.state)
    .bind(EnvironmentStatus::Idle)
    .bind(new.at)
    .bind(Json(new.by))
    .bind(new.service_account.cloned())
    .run(c, "make an environment")
    .await
    .map(drop)
}

/// Changes the account that an environment acts as.
pub(crate) async fn set_account(
    c: &impl Executor,
    id: EnvironmentId,
    account: Option<&ServiceAccount>,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET service_account = $2 WHERE id = $1")
        .bind(id)
        .bind(account.cloned())
        .run(c, "change an environment")
        .await
        .map(drop)
}

/// A revision of an environment's values.
pub(crate) struct ValuesRow {
    pub(crate) revision: i64,
    pub(crate) values: Address,
    pub(crate) note: String,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: By,
}

/// The newest revision of an environment's values.
pub(crate) async fn newest_values(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<ValuesRow>, StoreError> {
    sql("SELECT * FROM environment_values WHERE environment_id = $1 ORDER BY revision DESC LIMIT 1")
        .bind(environment)
        .one(c, "read the values of an environment", |row| {
            Ok(ValuesRow {
                revision: row.get("revision")?,
                values: row.get("values_object")?,
                note: row.get("note")?,
                created_at: row.get("created_at")?,
                created_by: row.json("created_by")?,
            })
        })
        .await
}

/// A revision to be added.
pub(crate) struct NewValuesRow<'a> {
    pub(crate) environment: EnvironmentId,
    pub(crate) values: &'a Address,
    pub(crate) note: &'a str,
    pub(crate) deployment: Option<DeploymentId>,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Adds a revision of an environment's values, unless the newest one is the same.
pub(crate) async fn add_values(
    c: &impl Executor,
    newest: Option<ValuesRow>,
    new: &NewValuesRow<'_>,
) -> Result<(), StoreError> {
    const DOING: &str = "save the values of an environment";
    if newest.as_ref().is_some_and(|newest| newest.values == *new.values) {
        return Ok(());
    }
    let revision = newest.map_or(0, |newest| newest.revision) + 1;
    sql("INSERT INTO environment_values \
         (environment_id, revision, values_object, note, deployment_id, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(new.environment)
    .bind(revision)
    .bind(new.values)
    .bind(new.note)
    .bind(new.deployment)
    .bind(new.at)
    .bind(Json(new.by))
    .run(c, DOING)
    .await?;
    sql("UPDATE environments SET values_revision = $2 WHERE id = $1")
        .bind(new.environment)
        .bind(revision)
        .run(c, DOING)
        .await
        .map(drop)
}

/// Brings the word that lists show up to date: what happens, else how the last deployment ended.
pub(crate) async fn refresh_status(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET status = CASE \
         WHEN state = 'deleted' THEN 'deleted' \
         WHEN state = 'deleting' THEN CASE WHEN EXISTS (SELECT 1 FROM ops o \
           WHERE o.environment_id = environments.id AND o.op_kind = 'removal' \
           AND o.state IN ('queued', 'running')) THEN 'deleting' ELSE 'removal_failed' END \
         WHEN EXISTS (SELECT 1 FROM ops o WHERE o.environment_id = environments.id \
           AND o.state = 'running' AND o.op_kind <> 'backup') THEN 'deploying' \
         WHEN EXISTS (SELECT 1 FROM ops o WHERE o.environment_id = environments.id \
           AND o.state = 'queued' AND o.op_kind <> 'backup') THEN 'queued' \
         ELSE COALESCE((SELECT CASE d.state WHEN 'succeeded' THEN 'running' \
             WHEN 'cancelled' THEN 'failed' ELSE d.state END FROM deployments d \
           WHERE d.environment_id = environments.id AND d.state <> 'superseded' \
           AND (d.state <> 'cancelled' OR d.started_at IS NOT NULL) \
           ORDER BY d.number DESC LIMIT 1), \
           CASE state WHEN 'active' THEN 'running' ELSE 'idle' END) END \
         WHERE id = $1")
    .bind(environment)
    .run(c, "bring the state of an environment up to date")
    .await
    .map(drop)
}

/// What a deployment that succeeded makes of its environment.
pub(crate) struct Deployed {
    pub(crate) environment: EnvironmentId,
    pub(crate) deployment: DeploymentId,
    pub(crate) release: ReleaseId,
    pub(crate) holds_app_values: Option<i64>,
    pub(crate) ready: Option<Ready>,
}

/// The environment runs what was deployed.
pub(crate) async fn set_deployed(c: &impl Executor, deployed: &Deployed) -> Result<(), StoreError> {
    sql("UPDATE environments SET current_release_id = $2, current_deployment_id = $3, \
         holds_app_values = $4, ready = $5, total = $6, \
         state = CASE state WHEN 'creating' THEN 'active' ELSE state END WHERE id = $1")
    .bind(deployed.environment)
    .bind(deployed.release)
    .bind(deployed.deployment)
    .bind(deployed.holds_app_values)
    .bind(deployed.ready.map(|ready| ready.ready))
    .bind(deployed.ready.map(|ready| ready.total))
    .run(c, "bring an environment up to date")
    .await
    .map(drop)
}

/// The environment runs what was there: of a Release, as far as is known.
pub(crate) async fn set_adopted(
    c: &impl Executor,
    environment: EnvironmentId,
    release: Option<ReleaseId>,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET current_release_id = $2 WHERE id = $1")
        .bind(environment)
        .bind(release)
        .run(c, "adopt a Helm release")
        .await
        .map(drop)
}

/// Notes how many objects are ready.
pub(crate) async fn set_ready(
    c: &impl Executor,
    environment: EnvironmentId,
    ready: Ready,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET ready = $2, total = $3 WHERE id = $1")
        .bind(environment)
        .bind(ready.ready)
        .bind(ready.total)
        .run(c, "note what is ready in an environment")
        .await
        .map(drop)
}

/// Whether an environment's removal may begin, seen under a lock on its row.
pub(crate) async fn begin_removal(
    c: &impl Executor,
    environment: EnvironmentId,
    op: OpId,
) -> Result<bool, StoreError> {
    const DOING: &str = "begin to remove an environment";
    // Locked by a statement of its own: what the next one sees is then all that others have done.
    sql("UPDATE environments SET removal_id = removal_id WHERE id = $1")
        .bind(environment)
        .run(c, DOING)
        .await?;
    // One removal at a time; what has failed does not stand in the way of the next.
    if is_being_removed(c, environment).await? {
        return Ok(false);
    }
    let begun = sql("UPDATE environments SET state = 'deleting', removal_id = $2 \
                     WHERE id = $1 AND deleted_at IS NULL")
    .bind(environment)
    .bind(op)
    .run(c, DOING)
    .await?;
    Ok(begun == 1)
}

/// Whether a removal of the environment runs or is queued.
pub(crate) async fn is_being_removed(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM ops o WHERE o.environment_id = $1 \
                     AND o.op_kind = 'removal' AND o.state IN ('queued', 'running') LIMIT 1")
    .bind(environment)
    .one(c, "see whether an environment is being removed", |_| Ok(()));
    Ok(found.await?.is_some())
}

/// Whether a removal has begun to delete objects of the environment.
pub(crate) async fn has_lost_objects(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    has_begun(c, environment, "removal", "delete").await
}

/// Whether the cluster may hold a Helm release of the environment: it was adopted, or a deployment has come so far.
pub(crate) async fn has_release(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    Ok(observed::store::was_adopted(c, environment).await?
        || has_begun(c, environment, "deployment", "record").await?)
}

/// Whether any Op of a kind has begun a step in the environment.
async fn has_begun(
    c: &impl Executor,
    environment: EnvironmentId,
    op_kind: &str,
    step: &str,
) -> Result<bool, StoreError> {
    let begun = sql("SELECT 1 AS one FROM ops o JOIN op_steps s ON s.op_id = o.id \
                     WHERE o.environment_id = $1 AND o.op_kind = $2 \
                     AND s.name = $3 AND s.started_at IS NOT NULL LIMIT 1")
    .bind(environment)
    .bind(op_kind)
    .bind(step)
    .one(c, "see how far Ops of an environment came", |_| Ok(()));
    Ok(begun.await?.is_some())
}

/// An environment whose removal was given up lives on as before.
pub(crate) async fn keep(c: &impl Executor, environment: EnvironmentId) -> Result<(), StoreError> {
    sql("UPDATE environments SET state = CASE WHEN current_deployment_id IS NULL \
         AND NOT EXISTS (SELECT 1 FROM observed_revisions ob \
           WHERE ob.environment_id = environments.id AND ob.cause = 'adopted') \
         THEN 'creating' ELSE 'active' END WHERE id = $1 AND state = 'deleting'")
    .bind(environment)
    .run(c, "keep an environment")
    .await
    .map(drop)
}

/// The environment is gone: its name and place are free, its history stays.
pub(crate) async fn set_deleted(
    c: &impl Executor,
    environment: EnvironmentId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET state = 'deleted', deleted_at = $2, last_at = $2, ready = NULL, \
         total = NULL WHERE id = $1")
    .bind(environment)
    .bind(at)
    .run(c, "delete an environment")
    .await
    .map(drop)
}
