//! An Op that waits for a revision of its Helm release that someone else has begun.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recorder::{RecordError, Recorder};
use super::{Op, store};
use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::Error;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::OpId;
use crate::store::wake::Wake;

/// A revision of someone else that is pending for longer than this is the remains of a crash: twice the time that
/// Helm gives its own operations.
pub(crate) const ABANDONED_AFTER: Duration = Duration::from_mins(10);

/// A pending revision of someone else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitsFor {
    /// Its number.
    pub revision: i64,
    /// Helm's status of it: `pending-rollback`.
    pub status: String,
    /// When it was begun.
    pub since: Timestamp,
    /// When it counts as abandoned.
    pub until: Timestamp,
    /// Who has said that nobody works on it.
    pub recover_by: Option<By>,
}

impl Control {
    /// Says that nobody works on the revision that an Op waits for: it is marked failed, and the Op goes on.
    pub async fn op_recover(&self, actor: &Actor, op: OpId) -> Result<Op, Error> {
        let row = self.op_visible(actor, op).await?;
        let subject = Subject::Ops(row.environment.kind);
        actor
            .write(subject, "recover releases of production environments", || super::missing(op))?;
        let waits = row.waits_for.clone().filter(|it| it.recover_by.is_none());
        let Some(waits) = waits.filter(|_| !row.state.is_final()) else {
            return Err(Error::conflict(
                "This Op waits for nobody else's revision.",
                "There is nothing to recover.",
            ));
        };
        let said = WaitsFor { recover_by: Some(actor.by()), ..waits.clone() };
        let tx = self.db().begin().await?;
        store::put_waits_for(&tx, op, Some(&said)).await?;
        let act = Act {
            action: "op.recover",
            kind: "environment",
            id: row.environment.id.to_string(),
            name: row.environment.name.as_str(),
            old: serde_json::json!({ "helm_revision": waits.revision, "status": waits.status }),
            new: serde_json::json!({ "status": "failed" }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Op(row.wake())).await;
        self.op_view(op).await
    }
}

impl Recorder {
    /// Notes what the Op waits for. What was said of the same revision stays.
    pub(crate) async fn waits_for(&self, waits: Option<&WaitsFor>) -> Result<(), RecordError> {
        let tx = self.fenced().await?;
        let row = store::get(&tx, self.lease().op).await?;
        let known = row.and_then(|row| row.waits_for);
        let same = |known: &WaitsFor| waits.is_some_and(|new| new.revision == known.revision);
        if !known.as_ref().is_some_and(same) {
            store::put_waits_for(&tx, self.lease().op, waits).await?;
        }
        self.commit(tx).await
    }

    /// Who has said that nobody works on this revision.
    pub(crate) async fn recovers(&self, revision: i64) -> Result<Option<By>, RecordError> {
        let row = store::get(self.control().db().read(), self.lease().op).await?;
        let waits = row.and_then(|row| row.waits_for).filter(|waits| waits.revision == revision);
        Ok(waits.and_then(|waits| waits.recover_by))
    }
}
