//! The recent past of one resource, from which watches are served.

use std::{collections::VecDeque, sync::Arc};

use super::stored::StoredObject;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It is gone; the event carries its last state.
    Deleted,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// The store's revision this change made.
    pub revision: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// The object after the change, for deletions its last state.
    pub object: Arc<StoredObject>,
    /// The object before the change: a selector may have matched it and not match now.
    pub previous: Option<Arc<StoredObject>>,
}

/// Changes kept per resource at least, however large.
const KEEP_AT_LEAST: usize = 64;
/// Changes kept per resource at most.
const KEEP_AT_MOST: usize = 4096;
/// Bytes of object text kept per resource once [`KEEP_AT_LEAST`] is reached. Newest versions are
/// shared with the store, so this bounds what history itself holds alive.
const KEEP_BYTES: usize = 2 << 20;

/// The last changes of a resource, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    changes: VecDeque<Change>,
    bytes: usize,
    /// Everything up to this revision may be missing.
    forgotten: u64,
}

impl History {
    /// A history that knows nothing up to and including `revision`.
    pub(super) fn starting_after(revision: u64) -> Self {
        Self { forgotten: revision, ..Self::default() }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.bytes += change.object.json().len();
        self.changes.push_back(change);
        while self.changes.len() > KEEP_AT_MOST
            || (self.changes.len() > KEEP_AT_LEAST && self.bytes > KEEP_BYTES)
        {
            let Some(oldest) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= oldest.object.json().len();
            self.forgotten = oldest.revision;
        }
    }

    /// The changes after `revision`, or `None` if some of them are forgotten.
    pub(super) fn after(&self, revision: u64) -> Option<Vec<Change>> {
        if revision < self.forgotten {
            return None;
        }
        let first = self.changes.partition_point(|change| change.revision <= revision);
        Some(self.changes.range(first..).cloned().collect())
    }
}
