//! The audit log: every change that a person or token makes: who, what, when, from where, old → new.
//!
//! Entries are written in the transaction of the change. They hold no values of secrets.

pub(crate) mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::control::Control;
use crate::error::Error;
use crate::rights::Subject;
use crate::store::ids::AuditId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::{StoreError, Tx};

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: By,
    /// From where.
    pub remote_address: Option<String>,
    /// What, such as `release.add`.
    pub action: String,
    /// The kind of thing it was done to, such as `release`.
    pub subject_kind: String,
    /// The thing's id.
    pub subject_id: String,
    /// The thing's name then.
    pub subject_name: String,
    /// What changed, as it was before; null where it was new.
    pub old: serde_json::Value,
    /// As it is after.
    pub new: serde_json::Value,
}

/// Which entries a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct AuditFilter {
    /// By this person or token (id).
    pub by: Option<String>,
    /// This action.
    pub action: Option<String>,
    /// On this thing (id).
    pub subject: Option<String>,
}

impl Control {
    /// Entries, newest first. For Administrator and Operations; for others the log does not exist.
    pub async fn audit_list(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, Error> {
        actor.read(Subject::Audit, || Error::not_found("page", "audit"))?;
        let order = Order { column: "id", direction: Direction::Descending };
        store::view()
            .list()
            .when_some("u.by_id = ?", filter.by.as_deref())
            .when_some("u.action = ?", filter.action.as_deref())
            .when_some("u.subject_id = ?", filter.subject.as_deref())
            .page(self.db().read(), page, order, store::read, |entry| {
                (SortKey::Text(String::new()), entry.id.to_string())
            })
            .await
    }
}

/// What was done to which thing, for [`write`].
pub(crate) struct Act<'a> {
    /// Such as `release.add`.
    pub(crate) action: &'static str,
    /// Such as `release`.
    pub(crate) kind: &'static str,
    /// The thing's id.
    pub(crate) id: String,
    /// The thing's name.
    pub(crate) name: &'a str,
    /// What changed, before; null where it is new.
    pub(crate) old: serde_json::Value,
    /// After.
    pub(crate) new: serde_json::Value,
}

/// Writes an entry within the transaction of the change itself.
pub(crate) async fn write(tx: &Tx, actor: &Actor, act: Act<'_>) -> Result<(), StoreError> {
    let entry = AuditEntry {
        id: AuditId::generate(),
        at: now(),
        by: actor.by(),
        remote_address: actor.remote.map(|address| address.to_string()),
        action: act.action.to_owned(),
        subject_kind: act.kind.to_owned(),
        subject_id: act.id,
        subject_name: act.name.to_owned(),
        old: act.old,
        new: act.new,
    };
    store::insert(tx, &entry).await
}
