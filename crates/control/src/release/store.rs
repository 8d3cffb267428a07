//! SQL of Releases.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{Release, ReleaseBrief, ReleaseChart};
use crate::actor::By;
use crate::app::{AppBrief, ChartReference, EnvironmentCounts, TrustedKey};
use crate::environment::EnvironmentKind;
use crate::names::ReleaseTag;
use crate::objects::Address;
use crate::store::Executor;
use crate::store::ids::{AppId, ReleaseId};
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Releases as lists show them, to someone who sees production environments.
pub(crate) fn view(sees_production: bool) -> View {
    View {
        table: "releases",
        alias: "r",
        columns: if sees_production { COLUMNS } else { SANDBOX_COLUMNS },
        joins: "JOIN apps a ON a.id = r.app_id",
        doing: "list Releases",
    }
}

macro_rules! columns {
    ($production:literal) => {
        concat!(
            "r.*, a.name AS app_name, \
             (SELECT n.id FROM releases n WHERE n.app_id = r.app_id AND n.archived_at IS NULL \
               AND NOT n.prerelease ORDER BY n.ordinal DESC LIMIT 1) AS newest_id, \
             (SELECT COUNT(*) FROM environments x WHERE x.current_release_id = r.id \
               AND x.kind = 'sandbox' AND x.deleted_at IS NULL) AS runs_sandbox, \
             (SELECT COUNT(*) FROM deployments d WHERE d.release_id = r.id \
               AND d.kind = 'sandbox' AND d.state = 'running') AS deploying_sandbox, ",
            $production
        )
    };
}

const COLUMNS: &str = columns!(
    "(SELECT COUNT(*) FROM environments x WHERE x.current_release_id = r.id \
       AND x.kind = 'production' AND x.deleted_at IS NULL) AS runs_production, \
     (SELECT COUNT(*) FROM deployments d WHERE d.release_id = r.id \
       AND d.kind = 'production' AND d.state = 'running') AS deploying_production"
);

const SANDBOX_COLUMNS: &str = columns!(
    "CAST(0 AS BIGINT) AS runs_production, \
     CAST(0 AS BIGINT) AS deploying_production"
);

/// Reads a row of [`view`]; `app_environments` is for [`count_app_environments`] to fill in.
pub(crate) fn read(row: &Row<'_>) -> Result<Release, DbErr> {
    let id: ReleaseId = row.get("id")?;
    let newest: Option<ReleaseId> = row.opt("newest_id")?;
    let sum = |sandbox: &str, production: &str| -> Result<i64, DbErr> {
        Ok(row.get::<i64>(sandbox)? + row.get::<i64>(production)?)
    };
    Ok(Release {
        id,
        app: AppBrief { id: row.get("app_id")?, name: row.get("app_name")? },
        tag: row.get("tag")?,
        prerelease: row.get("prerelease")?,
        newest: newest == Some(id),
        chart: ReleaseChart {
            reference: row.json("chart")?,
            name: row.get("chart_name")?,
            version: row.get("chart_version")?,
            app_version: row.opt("chart_app_version")?,
            sha256: row.get("archive_sha256")?,
            size: row.get("archive_size")?,
            manifest_digest: row.opt("manifest_digest")?,
            signed_by: row.json_opt("signature")?,
        },
        changelog: row.get("changelog")?,
        has_values: row.opt::<Address>("values_object")?.is_some(),
        runs_in: EnvironmentCounts {
            production: row.get("runs_production")?,
            sandbox: row.get("runs_sandbox")?,
        },
        deploying_in: sum("deploying_sandbox", "deploying_production")?,
        app_environments: 0,
        archived_at: row.opt("archived_at")?,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
    })
}

/// Fills in how many living environments the App of each Release has: counted once an App, since a
/// page of Releases has few Apps and an App many environments.
pub(crate) async fn count_app_environments(
    c: &impl Executor,
    kinds: &[EnvironmentKind],
    releases: &mut [Release],
) -> Result<(), StoreError> {
    let mut counted: HashMap<AppId, i64> = HashMap::new();
    for release in releases {
        let app = release.app.id;
        if !counted.contains_key(&app) {
            let mut all = 0;
            for kind in kinds {
                all += sql("SELECT COUNT(*) AS n FROM environments \
                            WHERE app_id = $1 AND kind = $2 AND deleted_at IS NULL")
                .bind(app)
                .bind(*kind)
                .one(c, "count environments", |row| row.get::<i64>("n"))
                .await?
                .unwrap_or(0);
            }
            counted.insert(app, all);
        }
        release.app_environments = counted.get(&app).copied().unwrap_or(0);
    }
    Ok(())
}

/// A Release's own row, for rules and workers.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseRow {
    pub(crate) id: ReleaseId,
    pub(crate) app: AppId,
    pub(crate) tag: ReleaseTag,
    pub(crate) archive_sha256: String,
    pub(crate) values: Option<Address>,
    pub(crate) archived: bool,
}

impl ReleaseRow {
    pub(crate) fn brief(&self) -> ReleaseBrief {
        ReleaseBrief { id: self.id, tag: self.tag.clone() }
    }
}

fn read_row(row: &Row<'_>) -> Result<ReleaseRow, DbErr> {
    Ok(ReleaseRow {
        id: row.get("id")?,
        app: row.get("app_id")?,
        tag: row.get("tag")?,
        archive_sha256: row.get("archive_sha256")?,
        values: row.opt("values_object")?,
        archived: row.opt::<Timestamp>("archived_at")?.is_some(),
    })
}

const ROW: &str = "read a Release";

/// By id.
pub(crate) async fn by_id(
    c: &impl Executor,
    id: ReleaseId,
) -> Result<Option<ReleaseRow>, StoreError> {
    sql("SELECT * FROM releases WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By App and tag.
pub(crate) async fn by_tag(
    c: &impl Executor,
    app: AppId,
    tag: &ReleaseTag,
) -> Result<Option<ReleaseRow>, StoreError> {
    sql("SELECT * FROM releases WHERE app_id = $1 AND tag = $2")
        .bind(app)
        .bind(tag)
        .one(c, ROW, read_row)
        .await
}

/// The Releases of an App with this chart, the last added first.
pub(crate) async fn by_chart(
    c: &impl Executor,
    app: AppId,
    name: &str,
    version: &str,
) -> Result<Vec<ReleaseRow>, StoreError> {
    sql("SELECT * FROM releases WHERE app_id = $1 AND chart_version = $3 AND chart_name = $2 \
         ORDER BY ordinal DESC LIMIT 100")
    .bind(app)
    .bind(name)
    .bind(version)
    .all(c, ROW, read_row)
    .await
}

/// The newest Release of an App: last added, neither archived nor a pre-release.
pub(crate) async fn newest(
    c: &impl Executor,
    app: AppId,
) -> Result<Option<ReleaseRow>, StoreError> {
    sql("SELECT * FROM releases WHERE app_id = $1 AND archived_at IS NULL AND NOT prerelease \
         ORDER BY ordinal DESC LIMIT 1")
    .bind(app)
    .one(c, ROW, read_row)
    .await
}

/// A Release to be added.
pub(crate) struct NewRow<'a> {
    pub(crate) id: ReleaseId,
    pub(crate) app: AppId,
    pub(crate) tag: &'a ReleaseTag,
    pub(crate) reference: &'a ChartReference,
    pub(crate) chart_name: &'a str,
    pub(crate) chart_version: &'a str,
    pub(crate) chart_app_version: Option<&'a str>,
    pub(crate) archive_sha256: &'a str,
    pub(crate) archive_size: i64,
    pub(crate) manifest_digest: Option<&'a str>,
    pub(crate) signed_by: Option<&'a TrustedKey>,
    pub(crate) values: Option<&'a Address>,
    pub(crate) changelog: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Adds a Release as the last of its App.
pub(crate) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<(), StoreError> {
    const DOING: &str = "add a Release";
    let ordinal = sql("UPDATE apps SET last_release = last_release + 1 WHERE id = $1 \
                       RETURNING last_release")
    .bind(new.app)
    .one(c, DOING, |row| row.get::<i64>("last_release"))
    .await?
    .ok_or_else(|| StoreError {
        doing: DOING,
        source: DbErr::RecordNotFound("its App".to_owned()).into(),
    })?;
    sql("INSERT INTO releases (id, app_id, ordinal, tag, prerelease, chart, chart_name, \
         chart_version, chart_app_version, archive_sha256, archive_size, manifest_digest, signature, values_object, \
         changelog, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)")
    .bind(new.id)
    .bind(new.app)
    .bind(ordinal)
    .bind(new.tag)
    .bind(new.tag.is_prerelease())
    .bind(Json(new.reference))
    .bind(new.chart_name)
    .bind(new.chart_version)
    .bind(new.chart_app_version)
    .bind(new.archive_sha256)
    .bind(new.archive_size)
    .bind(new.manifest_digest)
    .bind(new.signed_by.map(|key| serde_json::to_string(key).expect("names are JSON")))
    .bind(new.values.cloned())
    .bind(new.changelog)
    .bind(new.at)
    .bind(Json(new.by))
    .run(c, DOING)
    .await
    .map(drop)
}

/// Archives a Release or takes it back; false if it stood so already.
pub(crate) async fn set_archived(
    c: &impl Executor,
    id: ReleaseId,
    at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let changed = sql("UPDATE releases SET archived_at = $2 WHERE id = $1 \
                       AND (archived_at IS NULL) = ($3 = 1)")
    .bind(id)
    .bind(at)
    .bind(i64::from(at.is_some()))
    .run(c, "archive a Release")
    .await?;
    Ok(changed == 1)
}

/// Tags that use each chart version of an App, for the versions' list.
pub(crate) async fn tags_by_chart_version(
    c: &impl Executor,
    app: AppId,
) -> Result<Vec<(String, ReleaseTag)>, StoreError> {
    sql("SELECT chart_version, tag FROM releases WHERE app_id = $1 ORDER BY ordinal DESC LIMIT 1000")
        .bind(app)
        .all(c, "list the chart versions in use", |row| {
            Ok((row.get("chart_version")?, row.get("tag")?))
        })
        .await
}
