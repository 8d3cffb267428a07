//! SQL of clusters.

use jiff::Timestamp;
use sea_orm::DbErr;

use super::access::Access;
use super::{Admits, Cluster, ClusterCheck, ClusterKind, check};
use crate::actor::By;
use crate::app::EnvironmentCounts;
use crate::names::ClusterName;
use crate::objects::Sealer;
use crate::store::Executor;
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

/// Reads a row of [`view`]; `sealer` opens its last check.
pub(crate) fn read(row: &Row<'_>, sealer: &Sealer) -> Result<Cluster, DbErr> {
    let id = row.get("id")?;
    Ok(Cluster {
        id,
        name: row.get("name")?,
        kind: row.get("kind")?,
        admits: row.get("admits")?,
        server: row.opt("server")?,
        version: row.opt("version")?,
        checked_at: row.opt("checked_at")?,
        access: row.opt("access_kind")?,
        context: row.opt("access_context")?,
        access_changed_at: row.opt("access_changed_at")?,
        namespaces: row.json("namespaces")?,
        demands_impersonation: row.get("demands_impersonation")?,
        check: check::open(sealer, id, row.opt("check_sealed")?),
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
    /// None of them: all.
    pub(crate) namespaces: Vec<String>,
    pub(crate) demands_impersonation: bool,
}

fn read_row(row: &Row<'_>) -> Result<ClusterRow, DbErr> {
    Ok(ClusterRow {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        admits: row.get("admits")?,
        access_sealed: row.opt("access_sealed")?,
        namespaces: row.json("namespaces")?,
        demands_impersonation: row.get("demands_impersonation")?,
    })
}

const ROW: &str = "read a cluster";

/// By id.
pub(crate) async fn by_id(
    c: &impl Executor,
    id: ClusterId,
) -> Result<Option<ClusterRow>, StoreError> {
    sql("SELECT * FROM clusters WHERE id = $1").bind(id).one(c, ROW, read_row).await
}

/// By name.
pub(crate) async fn by_name(
    c: &impl Executor,
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
    /// How it is reached, sealed and open.
    pub(super) access: Option<(Vec<u8>, &'a Access)>,
    pub(crate) namespaces: &'a [String],
    pub(crate) demands_impersonation: bool,
    pub(crate) check_sealed: Vec<u8>,
    pub(crate) check: &'a ClusterCheck,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a By,
}

impl NewRow<'_> {
    /// The API server's address.
    pub(super) fn server(&self) -> Option<&str> {
        self.access.as_ref().map(|(_, access)| access.server.as_str())
    }
}

/// Adds a cluster that answered just now.
pub(crate) async fn insert(c: &impl Executor, new: &NewRow<'_>) -> Result<(), StoreError> {
    let access = new.access.as_ref();
    sql("INSERT INTO clusters (id, name, kind, admits, server, access_sealed, \
         demands_impersonation, version, checked_at, created_at, created_by, \
         access_kind, access_context, access_changed_at, namespaces, check_sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13, $14, $15)")
    .bind(new.id)
    .bind(new.name)
    .bind(new.kind)
    .bind(new.admits)
    .bind(new.server())
    .bind(access.map(|(sealed, _)| sealed.clone()))
    .bind(new.demands_impersonation)
    .bind(new.check.version.as_deref())
    .bind(new.at)
    .bind(Json(new.by))
    .bind(access.map(|(_, access)| access.kind()))
    .bind(access.and_then(|(_, access)| access.context.as_deref()))
    .bind(access.map(|_| new.at))
    .bind(Json(&new.namespaces))
    .bind(new.check_sealed.clone())
    .run(c, "add a cluster")
    .await
    .map(drop)
}

const CHANGE: &str = "change a cluster";

/// Changes what is known of a cluster besides how it is reached.
pub(crate) async fn update(c: &impl Executor, row: &ClusterRow) -> Result<(), StoreError> {
    sql("UPDATE clusters SET admits = $2, namespaces = $3, demands_impersonation = $4 WHERE id = $1")
        .bind(row.id)
        .bind(row.admits)
        .bind(Json(&row.namespaces))
        .bind(row.demands_impersonation)
        .run(c, CHANGE)
        .await
        .map(drop)
}

/// Changes how a cluster is reached.
pub(super) async fn update_access(
    c: &impl Executor,
    row: &ClusterRow,
    access: &Access,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE clusters SET server = $2, access_sealed = $3, access_kind = $4, access_context = $5, \
         access_changed_at = $6 WHERE id = $1")
    .bind(row.id)
    .bind(access.server.as_str())
    .bind(row.access_sealed.clone())
    .bind(access.kind())
    .bind(access.context.as_deref())
    .bind(at)
    .run(c, CHANGE)
    .await
    .map(drop)
}

/// Keeps how a cluster was when it was looked at; what it said last stands where it did not answer.
pub(crate) async fn set_check(
    c: &impl Executor,
    id: ClusterId,
    sealed: &[u8],
    check: &ClusterCheck,
) -> Result<(), StoreError> {
    sql("UPDATE clusters SET check_sealed = $2, version = COALESCE($3, version), \
         checked_at = CASE WHEN $3 IS NULL THEN checked_at ELSE $4 END WHERE id = $1")
    .bind(id)
    .bind(sealed)
    .bind(check.version.as_deref())
    .bind(check.at)
    .run(c, "keep how a cluster was")
    .await
    .map(drop)
}

/// Whether living environments there act as service accounts of their own.
pub(crate) async fn has_accounts(c: &impl Executor, id: ClusterId) -> Result<bool, StoreError> {
    sql("SELECT id FROM environments WHERE cluster_id = $1 AND deleted_at IS NULL \
         AND service_account IS NOT NULL LIMIT 1")
    .bind(id)
    .one(c, ROW, |_| Ok(()))
    .await
    .map(|found| found.is_some())
}
