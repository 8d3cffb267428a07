//! The audit log: every change that a person or token makes: who, what, when, from where, old → new.
//!
//! Entries are written in the transaction of the change. They hold no values of secrets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, By};
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::AuditId;
use crate::store::paging::{Page, PageRequest};

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
        self.unfinished(actor, &(filter, page))
    }
}
