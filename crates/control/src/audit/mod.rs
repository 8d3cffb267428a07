//! The audit log: every change that a person or token makes: who, what, when, from where, old → new.
//!
//! Entries are written in the transaction of the change. They hold no values of secrets.

pub(crate) mod store;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::control::Control;
use crate::error::Error;
use crate::rights::Subject;
use crate::store::ids::AuditId;
use crate::store::listing::{Listing, Order, View};
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::{StoreError, Tx, search};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Words that begin a part of the thing's name, of who did it, or of the action.
    pub search: String,
    /// By this person or token (id).
    pub by: Option<String>,
    /// This action.
    pub action: Option<String>,
    /// On this thing (id).
    pub subject: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Entries that an export reads at once.
const BATCH: u32 = 200;

const NEWEST_FIRST: Order = Order { column: "id", direction: Direction::Descending };

impl Control {
    /// Entries, newest first. For Administrator and Operations; for others the log does not exist.
    pub async fn audit_list(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, Error> {
        actor.read(Subject::Audit, no_page)?;
        let key = |entry: &AuditEntry| (SortKey::Text(String::new()), entry.id.to_string());
        listing(&store::view(), filter)
            .page(self.db().read(), page, NEWEST_FIRST, store::read, key)
            .await
    }

    /// One entry.
    pub async fn audit_get(&self, actor: &Actor, entry: AuditId) -> Result<AuditEntry, Error> {
        let missing = || Error::not_found("entry", entry);
        actor.read(Subject::Audit, missing)?;
        let view = store::view();
        let found = view.list().when("u.id = ?", entry).one(self.db().read(), store::read);
        found.await?.ok_or_else(missing)
    }

    /// Some entries before `last`, or the newest: for who reads all of them. None are left when it is empty.
    pub async fn audit_batch(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        last: Option<AuditId>,
    ) -> Result<Vec<AuditEntry>, Error> {
        actor.read(Subject::Audit, no_page)?;
        listing(&store::view(), filter)
            .when_some("u.id < ?", last)
            .first(self.db().read(), BATCH, NEWEST_FIRST, store::read)
            .await
    }
}

/// The entries that a filter lets through. Times are looked for in the ids, which sort by time: no
/// index more is needed for them.
pub(crate) fn listing<'v>(view: &'v View, filter: &AuditFilter) -> Listing<'v> {
    let (since, until) = (filter.since.map(AuditId::from), filter.until.map(AuditId::from));
    // What words find is gone through within the times alone.
    let times = [
        since.map(|since| format!("subject_id >= '{since}'")),
        until.map(|until| format!("subject_id < '{until}'")),
    ];
    let times = times.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
    let within = Some(times.as_str()).filter(|times| !times.is_empty());
    view.list()
        .only_added()
        .search_at("u.id", "audit", &filter.search, within)
        .when_some("u.by_id = ?", filter.by.as_deref())
        .when_some("u.action = ?", filter.action.as_deref())
        .when_some("u.subject_id = ?", filter.subject.as_deref())
        .when_some_unless_found("u.id >= ?", since)
        .when_some_unless_found("u.id < ?", until)
}

fn no_page() -> Error {
    Error::not_found("page", "audit")
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
    store::insert(tx, &entry).await?;
    let words = [entry.subject_name.as_str(), entry.by.name.as_str(), entry.action.as_str()];
    search::index(tx, "audit", &entry.id.to_string(), words).await
}
