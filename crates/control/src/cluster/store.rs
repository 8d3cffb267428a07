//! SQL of clusters.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};

use super::{Admits, Cluster, ClusterKind};
use crate::actor::By;
use crate::app::EnvironmentCounts;
use crate::names::ClusterName;
use crate::store::ids::ClusterId;
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Clusters as lists show them, to someone who sees production environments or does not.
pub(crate) fn view(sees_production: bool) -> View {
    View {
        table: "clusters",
        alias: "c",
        columns: if sees_production { COLUMNS } else { SANDBOX_COLUMNS },
        joins: "",
        doing: "list clusters",
    }
}

const COLUMNS: &str = "c.*, (SELECT COUNT(*) FROM environments x WHERE x.cluster_id = c.id \
       AND x.kind = 'sandbox' AND x.deleted_at IS NULL) AS sandbox, \
     (SELECT COUNT(*) FROM environments x WHERE x.cluster_id = c.id \
       AND x.kind = 'production' AND x.deleted_at IS NULL) AS production";

const SANDBOX_COLUMNS: &str = "c.*, (SELECT COUNT(*) FROM environments x \
       WHERE x.cluster_id = c.id AND x.kind = 'sandbox' AND x.deleted_at IS NULL) AS sandbox, \
     CAST(0 AS BIGINT) AS production";

/// Reads a row of [`view`].
pub(crate) fn read(row: &Row<'_>) -> Result<Cluster, DbErr> {
    Ok(Cluster {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        admits: row.get("admits")?,
        server: row.opt("server")?,
        version: row.opt("version")?,
        checked_at: row.opt("checked_at")?,
        environments: EnvironmentCounts {
            production: row.get("production")?,
            sandbox: row.get("sandbox")?,
        },
        created_at: row.get("created_at")?,
        created_by: row.json("created_by")?,
    })
}

/// A cluster's own row, for rules.
#[derive(Clone, Debug)]
pub(crate) struct ClusterRow {
    pub(crate) id: ClusterId,
    pub(crate) name: ClusterName,
    pub(crate) kind: ClusterKind,
    pub(crate) admits: Admits,
    pub(crate) access_sealed: Option<Vec<u8>>,
}

fn read_row(row: &Row<'_>) -> Result<ClusterRow, DbErr> {
    Ok(ClusterRow {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        admits: row.get("admits")?,
        access_sealed: row.opt("access_sealed")?,
    })
}

const ROW: &str = "read a cluster";

/// By id.
pub(crate) async fn by_id(
    c: &impl ConnectionTrait,
    id: ClusterId,
) -> Result<Option<ClusterRow>, StoreError> {
    sql("SELECT * FROM clusters WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By name.
pub(crate) async fn by_name(
    c: &impl ConnectionTrait,
    name: &ClusterName,
) -> Result<Option<ClusterRow>, StoreError> {
    sql("SELECT * FROM clusters WHERE name = $1").bind(name).one(c, ROW, read_row).await
}

/// A cluster to be added.
pub(crate) struct NewRow<'a> {
    pub(crate) id: ClusterId,
    pub(crate) name: &'a ClusterName,
    pub(crate) kind: ClusterKind,
    pub(crate) admits: Admits,
    pub(crate) server: Option<&'a str>,
    pub(crate) access_sealed: Option<Vec<u8>>,
    pub(crate) version: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

/// Adds a cluster that answered just now.
pub(crate) async fn insert(c: &impl ConnectionTrait, new: &NewRow<'_>) -> Result<(), StoreError> {
    sql("INSERT INTO clusters (id, name, kind, admits, server, access_sealed, \
         demands_impersonation, version, checked_at, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)")
    .bind(new.id)
    .bind(new.name)
    .bind(new.kind)
    .bind(new.admits)
    .bind(new.server)
    .bind(new.access_sealed.clone())
    .bind(false)
    .bind(new.version)
    .bind(new.at)
    .bind(Json(new.by))
    .run(c, "add a cluster")
    .await
    .map(drop)
}

/// Notes that a cluster answered.
pub(crate) async fn set_version(
    c: &impl ConnectionTrait,
    id: ClusterId,
    version: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE clusters SET version = $2, checked_at = $3 WHERE id = $1")
        .bind(id)
        .bind(version)
        .bind(at)
        .run(c, "note the version of a cluster")
        .await
        .map(drop)
}
