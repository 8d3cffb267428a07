//! SQL of the audit log.

use sea_orm::DbErr;

use super::AuditEntry;
use crate::actor::By;
use crate::store::Executor;
use crate::store::listing::View;
use crate::store::sql::{Json, Row, StoreError, sql};

/// Entries as the list shows them.
pub(crate) fn view() -> View {
    View { table: "audit", alias: "u", columns: "u.*", joins: "", doing: "list the audit log" }
}

pub(super) fn read(row: &Row<'_>) -> Result<AuditEntry, DbErr> {
    Ok(AuditEntry {
        id: row.get("id")?,
        at: row.get("at")?,
        by: By { kind: row.get("by_kind")?, id: row.opt("by_id")?, name: row.get("by_name")? },
        remote_address: row.opt("remote_address")?,
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.get("subject_id")?,
        subject_name: row.get("subject_name")?,
        old: row.json("old_value")?,
        new: row.json("new_value")?,
    })
}

/// Writes an entry.
pub(super) async fn insert(c: &impl Executor, entry: &AuditEntry) -> Result<(), StoreError> {
    sql(
        "INSERT INTO audit (id, at, by_kind, by_id, by_name, remote_address, action, subject_kind, \
         subject_id, subject_name, old_value, new_value) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(entry.id)
    .bind(entry.at)
    .bind(entry.by.kind)
    .bind(entry.by.id.as_deref())
    .bind(entry.by.name.as_str())
    .bind(entry.remote_address.as_deref())
    .bind(entry.action.as_str())
    .bind(entry.subject_kind.as_str())
    .bind(entry.subject_id.as_str())
    .bind(entry.subject_name.as_str())
    .bind(Json(&entry.old))
    .bind(Json(&entry.new))
    .run(c, "write to the audit log")
    .await
    .map(drop)
}
