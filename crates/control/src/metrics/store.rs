//! SQL of what is watched: only what partial indexes hold, whatever the number of Ops that have ended.

use jiff::Timestamp;

use crate::store::Executor;
use crate::store::StoreError;
use crate::store::sql::{now, sql};

/// How the queue stands.
pub(super) struct Queue {
    pub(super) queued: i64,
    pub(super) running: i64,
    pub(super) abandoned: i64,
    /// When the first that waits was queued.
    pub(super) oldest: Option<Timestamp>,
}

pub(super) async fn queue(c: &impl Executor) -> Result<Queue, StoreError> {
    let found = sql("SELECT (SELECT COUNT(*) FROM ops WHERE state = 'queued') AS queued, \
         (SELECT COUNT(*) FROM ops WHERE state = 'running') AS running, \
         (SELECT COUNT(*) FROM ops WHERE state = 'running' AND lease_until < $1) AS abandoned, \
         (SELECT created_at FROM ops WHERE state = 'queued' ORDER BY seq LIMIT 1) AS oldest")
    .bind(now())
    .heavy()
    .one(c, "count the queue", |row| {
        Ok(Queue {
            queued: row.get("queued")?,
            running: row.get("running")?,
            abandoned: row.get("abandoned")?,
            oldest: row.opt("oldest")?,
        })
    })
    .await?;
    Ok(found.unwrap_or(Queue { queued: 0, running: 0, abandoned: 0, oldest: None }))
}
