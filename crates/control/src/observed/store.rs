//! SQL of observed revisions.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::note::{Look, News};
use super::{ObservedCause, ObservedRevision, description_identity};
use crate::actor::By;
use crate::objects::{Address, Sealer};
use crate::release::ReleaseBrief;
use crate::store::Executor;
use crate::store::ids::{EnvironmentId, ObservedId, ReleaseId};
use crate::store::listing::View;
use crate::store::sql::{Row, StoreError, sql};

/// Columns of an observed revision `ob` and its Release `obr`, for [`read`].
macro_rules! columns {
    () => {
        "ob.id AS ob_id, ob.cause AS ob_cause, ob.revision AS ob_revision, ob.status AS ob_status, \
         ob.chart_name AS ob_chart_name, ob.chart_version AS ob_chart_version, \
         ob.app_version AS ob_app_version, ob.description_sealed AS ob_description, \
         obr.id AS ob_release_id, obr.tag AS ob_release_tag, ob.after_number AS ob_after, \
         ob.made_at AS ob_made_at, ob.observed_at AS ob_observed_at, ob.adopted_by AS ob_by"
    };
}
pub(crate) use columns;

const JOINS: &str = "LEFT JOIN releases obr ON obr.id = ob.release_id";

/// Observed revisions as lists show them.
pub(super) fn view() -> View {
    View {
        table: "observed_revisions",
        alias: "ob",
        // What lists are paged by stands beside what is read.
        columns: concat!("ob.*, ", columns!()),
        joins: JOINS,
        doing: "list observed revisions",
    }
}

/// Reads a row with [`columns`]; `sealer` opens the description.
pub(crate) fn read(row: &Row<'_>, sealer: &Sealer) -> Result<ObservedRevision, DbErr> {
    let id: ObservedId = row.get("ob_id")?;
    let sealed: Vec<u8> = row.get("ob_description")?;
    Ok(ObservedRevision {
        id,
        cause: row.get("ob_cause")?,
        revision: row.get("ob_revision")?,
        status: row.get("ob_status")?,
        chart_name: row.get("ob_chart_name")?,
        chart_version: row.get("ob_chart_version")?,
        app_version: row.opt("ob_app_version")?,
        // One that does not open is told as such: the list stays whole.
        description: match sealer.open(&description_identity(id), &sealed) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => error.to_string(),
        },
        release: match row.opt("ob_release_id")? {
            Some(id) => Some(ReleaseBrief { id, tag: row.get("ob_release_tag")? }),
            None => None,
        },
        after: row.get("ob_after")?,
        made_at: row.get("ob_made_at")?,
        observed_at: row.get("ob_observed_at")?,
        by: row.json_opt("ob_by")?,
    })
}

/// The same where there may be none.
pub(crate) fn read_joined(
    row: &Row<'_>,
    sealer: &Sealer,
) -> Result<Option<ObservedRevision>, DbErr> {
    match row.opt::<ObservedId>("ob_id")? {
        Some(_) => read(row, sealer).map(Some),
        None => Ok(None),
    }
}

/// Those of an environment that were observed after deployments of these numbers, the last first.
pub(super) async fn between(
    c: &impl Executor,
    environment: EnvironmentId,
    first: i64,
    last: i64,
    sealer: &Sealer,
) -> Result<Vec<ObservedRevision>, StoreError> {
    const MOST: i64 = 200;
    sql(format!(
        "SELECT {} FROM observed_revisions ob {JOINS} WHERE ob.environment_id = $1 \
         AND ob.after_number >= $2 AND ob.after_number <= $3 ORDER BY ob.id DESC LIMIT $4",
        columns!()
    ))
    .bind(environment)
    .bind(first)
    .bind(last)
    .bind(MOST)
    .all(c, "list observed revisions", |row| read(row, sealer))
    .await
}

/// One by id.
pub(super) async fn by_id(
    c: &impl Executor,
    id: ObservedId,
    sealer: &Sealer,
) -> Result<Option<ObservedRevision>, StoreError> {
    sql(format!("SELECT {} FROM observed_revisions ob {JOINS} WHERE ob.id = $1", columns!()))
        .bind(id)
        .one(c, "read an observed revision", |row| read(row, sealer))
        .await
}

/// The one of this number and time, with Helm's status then.
pub(super) async fn known(
    c: &impl Executor,
    environment: EnvironmentId,
    revision: i64,
    made_at: Timestamp,
) -> Result<Option<(ObservedId, String)>, StoreError> {
    sql("SELECT id, status FROM observed_revisions WHERE environment_id = $1 AND revision = $2 \
         AND made_at = $3")
    .bind(environment)
    .bind(revision)
    .bind(made_at)
    .one(c, "read an observed revision", |row| Ok((row.get("id")?, row.get("status")?)))
    .await
}

/// Whether an environment was made by adopting a Helm release.
pub(crate) async fn was_adopted(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let found = sql("SELECT 1 AS one FROM observed_revisions WHERE environment_id = $1 \
                     AND cause = 'adopted' LIMIT 1")
    .bind(environment)
    .one(c, "see whether an environment was adopted", |_| Ok(()));
    Ok(found.await?.is_some())
}

/// The newest revision of the Helm release that is known of an environment; none: it has none that is known.
pub(super) async fn last_known(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<i64>, StoreError> {
    sql("SELECT CASE WHEN d.revision IS NULL OR o.revision > d.revision THEN o.revision \
           ELSE d.revision END AS revision \
         FROM (SELECT MAX(helm_revision) AS revision FROM deployments WHERE environment_id = $1) d, \
           (SELECT MAX(revision) AS revision FROM observed_revisions WHERE environment_id = $1) o")
    .bind(environment)
    .one(c, "read the revisions of a Helm release", |row| row.opt("revision"))
    .await
    .map(Option::flatten)
}

/// The rendering of the revision that an environment has last, if no deployment wrote it.
pub(crate) async fn newest_rendering(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<(i64, Address)>, StoreError> {
    sql("SELECT ob.revision, ob.rendering_object FROM environments e \
         JOIN observed_revisions ob ON ob.id = e.observed_id \
         WHERE e.id = $1 AND ob.rendering_object IS NOT NULL")
    .bind(environment)
    .one(c, "read an observed revision", |row| {
        Ok((row.get("revision")?, row.get("rendering_object")?))
    })
    .await
}

/// The last revision that others made and that ran, as far as is known: its number, its chart and its rendering.
pub(crate) async fn last_good(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<(i64, String, Address)>, StoreError> {
    sql("SELECT revision, chart_name, chart_version, rendering_object FROM observed_revisions \
         WHERE environment_id = $1 AND cause <> 'gone' AND status IN ('deployed', 'superseded') \
         AND rendering_object IS NOT NULL ORDER BY id DESC LIMIT 1")
    .bind(environment)
    .one(c, "read an observed revision", |row| {
        let (name, version): (String, String) = (row.get("chart_name")?, row.get("chart_version")?);
        let chart = format!("chart {name} {version}");
        Ok((row.get("revision")?, chart, row.get("rendering_object")?))
    })
    .await
}

/// The rendering of an observed revision by its number, of several the last.
pub(crate) async fn rendering_of(
    c: &impl Executor,
    environment: EnvironmentId,
    revision: i64,
) -> Result<Option<Address>, StoreError> {
    sql("SELECT rendering_object FROM observed_revisions WHERE environment_id = $1 \
         AND revision = $2 AND rendering_object IS NOT NULL ORDER BY id DESC LIMIT 1")
    .bind(environment)
    .bind(revision)
    .one(c, "read an observed revision", |row| row.get("rendering_object"))
    .await
}

/// Number and rendering of the revision that an environment was adopted with.
pub(crate) async fn adopted_rendering(
    c: &impl Executor,
    environment: EnvironmentId,
) -> Result<Option<(i64, Address)>, StoreError> {
    sql("SELECT revision, rendering_object FROM observed_revisions WHERE environment_id = $1 \
         AND cause = 'adopted' AND rendering_object IS NOT NULL ORDER BY id DESC LIMIT 1")
    .bind(environment)
    .one(c, "read an observed revision", |row| {
        Ok((row.get("revision")?, row.get("rendering_object")?))
    })
    .await
}

/// An observed revision to be kept.
pub(crate) struct NewRow {
    pub(crate) id: ObservedId,
    pub(crate) environment: EnvironmentId,
    pub(crate) cause: ObservedCause,
    pub(crate) revision: i64,
    pub(crate) status: String,
    pub(crate) chart_name: String,
    pub(crate) chart_version: String,
    pub(crate) app_version: Option<String>,
    pub(crate) description_sealed: Vec<u8>,
    pub(crate) release: Option<ReleaseId>,
    pub(crate) rendering: Option<Address>,
    pub(crate) made_at: Timestamp,
    pub(crate) observed_at: Timestamp,
    pub(crate) by: Option<By>,
}

/// Keeps one, behind the last deployment of its environment.
pub(super) async fn insert(c: &impl Executor, new: &NewRow) -> Result<(), StoreError> {
    sql("INSERT INTO observed_revisions (id, environment_id, cause, revision, status, chart_name, \
         chart_version, app_version, description_sealed, release_id, rendering_object, after_number, \
         made_at, observed_at, adopted_by) \
         SELECT $1, e.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, e.last_number, $12, $13, $14 \
         FROM environments e WHERE e.id = $2 \
         ON CONFLICT (environment_id, revision, made_at) DO NOTHING")
    .bind(new.id)
    .bind(new.environment)
    .bind(new.cause)
    .bind(new.revision)
    .bind(new.status.as_str())
    .bind(new.chart_name.as_str())
    .bind(new.chart_version.as_str())
    .bind(new.app_version.as_deref())
    .bind(new.description_sealed.clone())
    .bind(new.release)
    .bind(new.rendering.clone())
    .bind(new.made_at)
    .bind(new.observed_at)
    .bind(new.by.as_ref().map(|by| serde_json::to_string(by).expect("a name is always JSON")))
    .run(c, "keep an observed revision")
    .await
    .map(drop)
}

/// Notes which observed revision an environment's Helm release is at; none: one of its deployments wrote the newest.
pub(crate) async fn set_newest(
    c: &impl Executor,
    environment: EnvironmentId,
    newest: Option<ObservedId>,
) -> Result<(), StoreError> {
    sql("UPDATE environments SET observed_id = $2 WHERE id = $1")
        .bind(environment)
        .bind(newest)
        .run(c, "note the revision of a Helm release")
        .await
        .map(drop)
}

/// Whether no Op has worked in the environment since `look` began: else what it saw may be old. Seen under a lock on
/// the environment's row.
pub(crate) async fn is_current(
    c: &impl Executor,
    environment: EnvironmentId,
    look: Look,
) -> Result<bool, StoreError> {
    const DOING: &str = "see whether a look at a cluster is old";
    sql("UPDATE environments SET observed_id = observed_id WHERE id = $1")
        .bind(environment)
        .run(c, DOING)
        .await?;
    let found = sql("SELECT 1 AS one FROM ops WHERE environment_id = $1 \
                     AND (state = 'running' OR finished_at >= $2) LIMIT 1")
    .bind(environment)
    .bind(look.began)
    .one(c, DOING, |_| Ok(()));
    Ok(found.await?.is_none())
}

/// Writes what is new.
pub(crate) async fn write(c: &impl Executor, news: &News) -> Result<(), StoreError> {
    for new in &news.rows {
        insert(c, new).await?;
    }
    if let Some((id, status)) = &news.status {
        sql("UPDATE observed_revisions SET status = $2 WHERE id = $1")
            .bind(*id)
            .bind(status.as_str())
            .run(c, "note the status of a Helm revision")
            .await?;
    }
    set_newest(c, news.environment, news.newest).await
}
