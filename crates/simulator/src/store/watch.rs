//! Following the changes of one resource.

use super::{Change, Store};

/// History no longer reaches back to where a watch is; the follower has to list again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too old resource version")]
pub struct Forgotten;

/// A position in the changes of one resource.
#[derive(Debug)]
pub struct Watch {
    store: Store,
    resource: Box<str>,
    changed: tokio::sync::watch::Receiver<u64>,
    revision: u64,
}

impl Watch {
    pub(super) fn new(
        store: Store,
        resource: Box<str>,
        changed: tokio::sync::watch::Receiver<u64>,
        revision: u64,
    ) -> Self {
        Self { store, resource, changed, revision }
    }

    /// Waits until there are changes and answers all of them, oldest first.
    pub async fn next(&mut self) -> Result<Vec<Change>, Forgotten> {
        loop {
            self.changed.borrow_and_update();
            let changes = self.ready()?;
            if !changes.is_empty() {
                return Ok(changes);
            }
            if self.changed.changed().await.is_err() {
                // The resource is not served any more.
                return Err(Forgotten);
            }
        }
    }

    /// The changes there are by now, without waiting.
    pub fn ready(&mut self) -> Result<Vec<Change>, Forgotten> {
        let (reached, changes) =
            self.store.changes_after(&self.resource, self.revision).ok_or(Forgotten)?;
        // Never backwards: a client may ask to watch from a revision still to come.
        self.revision = self.revision.max(reached);
        Ok(changes)
    }

    /// Up to which revision changes have been answered.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}
