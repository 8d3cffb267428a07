//! SQL of Apps and their values.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::{App, AppSettings, ChartReference, EnvironmentCounts, ValuesUse};
use crate::actor::By;
use crate::names::AppName;
use crate::objects::Address;
use crate::release::ReleaseBrief;
use crate::store::Executor;
use crate::store::ids::AppId;
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Apps as lists show them, to someone who sees production environments.
pub(crate) fn view(sees_production: bool) -> View {
    View {
        table: "apps",
        alias: "a",
        columns: if sees_production { COLUMNS } else { SANDBOX_COLUMNS },
        joins: "LEFT JOIN releases n ON n.app_id = a.id AND n.ordinal = (SELECT MAX(x.ordinal) \
                FROM releases x WHERE x.app_id = a.id AND x.archived_at IS NULL AND NOT x.prerelease)",
        doing: "list Apps",
    }
}

macro_rules! columns {
    ($production:literal) => {
        concat!(
            "a.*, n.id AS newest_id, n.tag AS newest_tag, \
             (SELECT COUNT(*) FROM releases x WHERE x.app_id = a.id AND x.archived_at IS NULL) \
               AS live_releases, \
             (SELECT COUNT(*) FROM environments x WHERE x.app_id = a.id AND x.kind = 'sandbox' \
               AND x.deleted_at IS NULL) AS sandbox, \
             (SELECT COUNT(*) FROM environments x WHERE x.app_id = a.id AND x.kind = 'sandbox' \
               AND x.deleted_at IS NULL AND x.holds_app_values IS NOT NULL) AS holding_sandbox, ",
            $production
        )
    };
}

const COLUMNS: &str = columns!(
    "(SELECT COUNT(*) FROM environments x WHERE x.app_id = a.id AND x.kind = 'production' \
       AND x.deleted_at IS NULL) AS production, \
     (SELECT COUNT(*) FROM environments x WHERE x.app_id = a.id AND x.kind = 'production' \
       AND x.deleted_at IS NULL AND x.holds_app_values IS NOT NULL) AS holding_production"
);

const SANDBOX_COLUMNS: &str =
    columns!("CAST(0 AS BIGINT) AS production, CAST(0 AS BIGINT) AS holding_production");

/// Reads a row of [`view`].
pub(crate) fn read(row: &Row<'_>) -> Result<App, DbErr> {
    let environments =
        EnvironmentCounts { production: row.get("production")?, sandbox: row.get("sandbox")? };
    let hold = row.get::<i64>("holding_production")? + row.get::<i64>("holding_sandbox")?;
    let values_use =
        ValuesUse { follow: environments.production + environments.sandbox - hold, hold };
    Ok(App {
        id: row.get("id")?,
        name: row.get("name")?,
        chart: row.json("chart")?,
        registry_username: row.opt("registry_username")?,
        has_registry_password: row.opt::<Vec<u8>>("registry_password_sealed")?.is_some(),
        settings: row.json("settings")?,
        values_revision: row.get("values_revision")?,
        newest: match row.opt("newest_id")? {
            Some(id) => Some(ReleaseBrief { id, tag: row.get("newest_tag")? }),
            None => None,
        },
        releases: row.get("live_releases")?,
        environments,
        values_use,
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
    })
}

/// An App's own row, for rules.
#[derive(Clone, Debug)]
pub(crate) struct AppRow {
    pub(crate) id: AppId,
    pub(crate) name: AppName,
    pub(crate) chart: ChartReference,
    pub(crate) registry_username: Option<String>,
    pub(crate) registry_password_sealed: Option<Vec<u8>>,
    pub(crate) settings: AppSettings,
    pub(crate) settings_revision: i64,
    /// The keys that it trusts to sign charts.
    pub(crate) keyring: Option<Address>,
    pub(crate) values_revision: i64,
}

fn read_row(row: &Row<'_>) -> Result<AppRow, DbErr> {
    Ok(AppRow {
        id: row.get("id")?,
        name: row.get("name")?,
        chart: row.json("chart")?,
        registry_username: row.opt("registry_username")?,
        registry_password_sealed: row.opt("registry_password_sealed")?,
        settings: row.json("settings")?,
        settings_revision: row.get("settings_revision")?,
        keyring: row.opt("keyring_object")?,
        values_revision: row.get("values_revision")?,
    })
}

const ROW: &str = "read an App";

/// By id.
pub(crate) async fn by_id(c: &impl Executor, id: AppId) -> Result<Option<AppRow>, StoreError> {
    sql("SELECT * FROM apps WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By name, whatever its case.
pub(crate) async fn by_name(
    c: &impl Executor,
    name: &AppName,
) -> Result<Option<AppRow>, StoreError> {
    sql("SELECT * FROM apps WHERE name_key = $1").bind(name.key()).one(c, ROW, read_row).await
}

/// An App's settings.
pub(crate) async fn settings(
    c: &impl Executor,
    id: AppId,
) -> Result<Option<AppSettings>, StoreError> {
    Ok(by_id(c, id).await?.map(|app| app.settings))
}

/// Saves the settings after `based_on` with their keyring; false if that is not the newest revision any more.
pub(crate) async fn change_settings(
    c: &impl Executor,
    id: AppId,
    based_on: i64,
    settings: &AppSettings,
    keyring: Option<&Address>,
) -> Result<bool, StoreError> {
    let changed =
        sql("UPDATE apps SET settings = $3, settings_revision = $4, keyring_object = $5 \
                       WHERE id = $1 AND settings_revision = $2")
        .bind(id)
        .bind(based_on)
        .bind(Json(settings))
        .bind(based_on + 1)
        .bind(keyring.cloned())
        .run(c, "change the settings of an App")
        .await?;
    Ok(changed == 1)
}

/// The number of the newest revision of an App's values; 0 where there is none.
pub(crate) async fn values_revision(c: &impl Executor, id: AppId) -> Result<i64, StoreError> {
    Ok(by_id(c, id).await?.map_or(0, |app| app.values_revision))
}

/// An App to be made.
pub(crate) struct NewRow<'a> {
    pub(crate) id: AppId,
    pub(crate) name: &'a AppName,
    pub(crate) chart: &'a ChartReference,
    pub(crate) registry_username: Option<&'a str>,
    pub(crate) registry_password_sealed: Option<Vec<u8>>,
    pub(crate) settings: &'a AppSettings,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Makes an App without values.
pub(crate) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<(), StoreError> {
    sql(
        "INSERT INTO apps (id, name, name_key, chart, registry_username, registry_password_sealed, \
         settings, values_revision, last_release, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)",
    )
    .bind(new.id)
    .bind(new.name)
    .bind(new.name.key())
    .bind(Json(new.chart))
    .bind(new.registry_username)
    .bind(new.registry_password_sealed.clone())
    .bind(Json(new.settings))
    .bind(new.at)
    .bind(Json(new.by))
    .run(c, "make an App")
    .await
    .map(drop)
}

/// A revision of an App's values.
#[derive(Clone, Debug)]
pub(crate) struct ValuesRow {
    pub(crate) revision: i64,
    pub(crate) values: Address,
    pub(crate) note: String,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: By,
}

/// One revision.
pub(crate) async fn values(
    c: &impl Executor,
    app: AppId,
    revision: i64,
) -> Result<Option<ValuesRow>, StoreError> {
    sql("SELECT * FROM app_values WHERE app_id = $1 AND revision = $2")
        .bind(app)
        .bind(revision)
        .one(c, "read the values of an App", |row| {
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

/// Adds the revision after `based_on`; false if that is not the newest any more.
pub(crate) async fn add_values(
    c: &impl Executor,
    app: AppId,
    based_on: i64,
    row: &ValuesRow,
) -> Result<bool, StoreError> {
    const DOING: &str = "save the values of an App";
    let moved = sql("UPDATE apps SET values_revision = $3 WHERE id = $1 AND values_revision = $2")
        .bind(app)
        .bind(based_on)
        .bind(row.revision)
        .run(c, DOING)
        .await?;
    if moved == 0 {
        return Ok(false);
    }
    sql("INSERT INTO app_values (app_id, revision, values_object, note, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6)")
    .bind(app)
    .bind(row.revision)
    .bind(&row.values)
    .bind(row.note.as_str())
    .bind(row.created_at)
    .bind(Json(&row.created_by))
    .run(c, DOING)
    .await?;
    Ok(true)
}
