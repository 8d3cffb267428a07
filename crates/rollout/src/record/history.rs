//! What the records of a release mean, without a cluster.

use std::collections::BTreeMap;

use helm::release::{ApplyMethod, Release, Status};

use super::{KeptManifests, Owner, RecordError, kept};
use crate::plan::{Method, Operation};

/// All revisions of a release that the cluster knows, oldest first, as they were read.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(super) revisions: Vec<StoredRevision>,
    /// Whether their namespace was there, where that was looked at.
    namespace_exists: Option<bool>,
}

/// One revision as it stands in the cluster.
#[derive(Clone, Debug)]
pub struct StoredRevision {
    /// The record.
    pub release: Release,
    /// The labels of its Secret, Helm's own included.
    pub labels: BTreeMap<String, String>,
    /// The annotations of its Secret; Helm sets none, and leaves out those it finds when it writes.
    pub annotations: BTreeMap<String, String>,
    /// The Secret's version: writes are accepted only on it.
    pub resource_version: String,
    /// Its manifest where the record has no room for it, if that was found.
    pub(super) kept: Option<String>,
    /// Whether the record has its chart's files and values; otherwise it must not be written as it is.
    pub(super) whole: bool,
}

/// What comes next for an owner: what templates see as `.Release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Install or upgrade; for a revision that is continued, what it was begun as.
    pub operation: Operation,
    /// The revision that will be written, or that is continued.
    pub revision: u32,
    /// Whether a revision of the same owner is there already and is continued.
    pub continued: bool,
}

impl StoredRevision {
    /// The revision's number.
    pub fn revision(&self) -> u32 {
        self.release.version
    }

    /// Its manifest, also where the record has no room for it.
    pub(crate) fn manifest(&self) -> Result<&str, RecordError> {
        match (&self.kept, kept::reference(&self.release.manifest)) {
            (_, None) => Ok(&self.release.manifest),
            (Some(manifest), _) => Ok(manifest),
            (None, Some(_)) => {
                let (release, revision) = (self.release.name.clone(), self.revision());
                Err(RecordError::NotKept { release, revision })
            }
        }
    }

    /// What the record says of it.
    pub fn status(&self) -> Status {
        self.release.info.status
    }

    pub(super) fn belongs_to(&self, owner: &Owner) -> bool {
        self.labels.get(&owner.key) == Some(&owner.value)
    }
}

impl History {
    pub(super) fn new(mut revisions: Vec<StoredRevision>) -> Self {
        revisions.sort_by_key(StoredRevision::revision);
        Self { revisions, namespace_exists: None }
    }

    /// None at all: not even their namespace is there.
    pub(super) fn without_namespace() -> Self {
        Self { revisions: Vec::new(), namespace_exists: Some(false) }
    }

    /// The same, their namespace being there.
    pub(super) fn in_namespace(self) -> Self {
        Self { namespace_exists: Some(true), ..self }
    }

    /// Whether their namespace was there when they were read; none where nobody looked.
    pub(crate) fn namespace_exists(&self) -> Option<bool> {
        self.namespace_exists
    }

    /// Gets the manifests that records have no room for.
    pub(super) async fn complete(&mut self, kept: &dyn KeptManifests) {
        for revision in &mut self.revisions {
            if let Some(reference) = kept::reference(&revision.release.manifest) {
                revision.kept = kept.manifest(reference).await;
            }
        }
    }

    /// The revisions, oldest first.
    pub fn revisions(&self) -> &[StoredRevision] {
        &self.revisions
    }

    /// A new revision with those that are not superseded: what its end has to do with.
    pub(super) fn current_with(&self, own: StoredRevision) -> Self {
        let current = self.revisions.iter().filter(|it| it.status() != Status::Superseded);
        Self::new(current.cloned().chain([own]).collect())
    }

    /// The newest revision.
    pub fn last(&self) -> Option<&StoredRevision> {
        self.revisions.last()
    }

    /// The newest deployed revision.
    pub fn deployed(&self) -> Option<&StoredRevision> {
        self.revisions.iter().rev().find(|revision| revision.status() == Status::Deployed)
    }

    /// The revision made for `owner`. Helm hands labels on to later revisions, so of several the
    /// first is the one.
    pub fn of(&self, owner: &Owner) -> Option<&StoredRevision> {
        self.revisions.iter().find(|revision| revision.belongs_to(owner))
    }

    /// The same where it was recorded before and must be there still.
    pub(crate) fn recorded(
        &self,
        owner: &Owner,
        release: &str,
    ) -> Result<&StoredRevision, RecordError> {
        self.of(owner).ok_or_else(|| RecordError::Gone {
            release: release.to_owned(),
            revision: self.last().map_or(0, StoredRevision::revision),
        })
    }

    /// What comes next for `owner`: install or upgrade, and as which revision.
    pub fn next(&self, owner: &Owner) -> Next {
        match self.of(owner) {
            Some(own) => {
                Next { operation: self.begun_as(own), revision: own.revision(), continued: true }
            }
            None => Next {
                operation: self.operation(),
                revision: self.last().map_or(1, |last| last.revision() + 1),
                continued: false,
            },
        }
    }

    /// Whether a release made now would be an install or an upgrade.
    pub(crate) fn operation(&self) -> Operation {
        match self.last().map(StoredRevision::status) {
            None | Some(Status::Uninstalled) => Operation::Install,
            Some(_) => Operation::Upgrade,
        }
    }

    fn begun_as(&self, own: &StoredRevision) -> Operation {
        if let Some(to) = own.release.info.rollback_revision {
            return Operation::Rollback { to };
        }
        let has_predecessor = self.revisions.iter().any(|revision| {
            revision.revision() < own.revision() && revision.status() != Status::Uninstalled
        });
        match own.status() {
            Status::PendingInstall => Operation::Install,
            Status::PendingUpgrade => Operation::Upgrade,
            _ if has_predecessor => Operation::Upgrade,
            _ => Operation::Install,
        }
    }

    /// The revision whose manifest counts as what runs: objects of it that a new manifest lacks are
    /// deleted.
    ///
    /// Helm's rule: for an upgrade the newest deployed one, else the last; for a rollback the last,
    /// whatever became of it.
    pub(crate) fn base(&self, rollback: bool) -> Option<&StoredRevision> {
        let last = self.last().filter(|last| last.status() != Status::Uninstalled)?;
        if rollback { Some(last) } else { self.deployed().or(Some(last)) }
    }

    /// How the objects of the next revision are sent: of an upgrade or, if `rollback_to` names a revision, of the
    /// repetition of that one.
    ///
    /// Helm's rule (`--server-side=auto`): as the last revision was, or the repeated one. Records of Helm 3 do not say
    /// how, and count as client-side.
    pub(crate) fn method(&self, rollback_to: Option<u32>) -> Method {
        let is_client_side = |revision: Option<&StoredRevision>| {
            revision
                .is_some_and(|it| it.release.effective_apply_method() == ApplyMethod::ClientSide)
        };
        if self.operation() == Operation::Install {
            return Method::ServerSide;
        }
        let repeated =
            self.revisions.iter().find(|revision| Some(revision.revision()) == rollback_to);
        if is_client_side(repeated.or(self.last())) {
            Method::ClientSide
        } else if rollback_to.is_some() || is_client_side(self.base(false)) {
            Method::Migrate
        } else {
            Method::ServerSide
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A revision with a status, as tests need it.
    pub(crate) fn revision(number: u32, status: &str) -> StoredRevision {
        let json = format!(
            r#"{{"name":"shop","namespace":"prod","version":{number},"apply_method":"ssa",
                "info":{{"status":"{status}","first_deployed":"2026-01-01T00:00:00Z","last_deployed":"2026-01-02T00:00:00Z"}}}}"#
        );
        StoredRevision {
            release: Release::from_json(json.as_bytes()).unwrap(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            resource_version: format!("rv{number}"),
            kept: None,
            whole: true,
        }
    }

    /// A history with these statuses, from revision 1.
    pub(crate) fn history(statuses: &[&str]) -> History {
        let revisions = (1..).zip(statuses).map(|(n, status)| revision(n, status)).collect();
        History::new(revisions)
    }

    fn owner() -> Owner {
        Owner { key: "who".to_owned(), value: "me".to_owned() }
    }

    /// Which revision counts as what runs, by the states of all.
    #[test]
    fn base_of_upgrade_and_rollback() {
        let table: [(&[&str], Option<u32>, Option<u32>); 7] = [
            (&[], None, None),
            (&["deployed"], Some(1), Some(1)),
            (&["superseded", "deployed"], Some(2), Some(2)),
            (&["deployed", "failed"], Some(1), Some(2)),
            (&["deployed", "pending-upgrade"], Some(1), Some(2)),
            (&["failed"], Some(1), Some(1)),
            (&["uninstalled"], None, None),
        ];
        for (statuses, upgrade, rollback) in table {
            let history = history(statuses);
            let base = |rollback| history.base(rollback).map(StoredRevision::revision);
            assert_eq!((base(false), base(true)), (upgrade, rollback), "{statuses:?}");
        }
    }

    /// A release stays with what it was made by; a repetition with what the repeated revision was made by. What the
    /// client side has left is handed over on the way to server-side apply.
    #[test]
    fn methods() {
        use Method::{ClientSide, Migrate, ServerSide};
        let (ssa, csa, helm_3) =
            (Some(ApplyMethod::ServerSide), Some(ApplyMethod::ClientSide), None);
        let table = [
            ("superseded", ssa, "deployed", ssa, ServerSide, Migrate),
            ("superseded", csa, "deployed", csa, ClientSide, ClientSide),
            ("superseded", helm_3, "deployed", helm_3, ClientSide, ClientSide),
            ("superseded", csa, "deployed", ssa, ServerSide, ClientSide),
            ("superseded", ssa, "deployed", csa, ClientSide, Migrate),
            ("deployed", csa, "failed", ssa, Migrate, ClientSide),
            ("superseded", csa, "uninstalled", csa, ServerSide, ServerSide),
        ];
        for (first, first_method, last, last_method, upgrade, repetition) in table {
            let mut history = history(&[first, last]);
            history.revisions[0].release.apply_method = first_method;
            history.revisions[1].release.apply_method = last_method;
            let what = format!("{first} {first_method:?} {last} {last_method:?}");
            assert_eq!(
                (history.method(None), history.method(Some(1))),
                (upgrade, repetition),
                "{what}"
            );
        }
    }

    /// A first revision is an install, so is one after an uninstall; anything else an upgrade.
    #[test]
    fn next_revision() {
        let table: [(&[&str], Operation, u32); 4] = [
            (&[], Operation::Install, 1),
            (&["uninstalled"], Operation::Install, 2),
            (&["failed"], Operation::Upgrade, 2),
            (&["superseded", "deployed"], Operation::Upgrade, 3),
        ];
        for (statuses, operation, revision) in table {
            let next = history(statuses).next(&owner());
            assert_eq!(next, Next { operation, revision, continued: false }, "{statuses:?}");
        }
    }

    /// The owner's revision is continued, also when Helm has handed its label on to a later one.
    #[test]
    fn own_revision_is_continued() {
        let mut history = history(&["deployed", "pending-upgrade", "failed"]);
        for revision in &mut history.revisions[1..] {
            revision.labels.insert("who".to_owned(), "me".to_owned());
        }
        let expected = Next { operation: Operation::Upgrade, revision: 2, continued: true };
        assert_eq!(history.next(&owner()), expected);
    }
}
