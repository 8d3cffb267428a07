//! What the release record says of its hooks' runs.

use helm::release::{ApplyMethod, Hook, HookDeletePolicy, HookEvent, HookExecution};

use super::in_order;
use crate::RolloutError;
use crate::record::{Records, StoredRevision};

/// Annotation on a record's Secret: the event whose runs its hooks' `last_run` tell. A hook may have several events
/// but only one `last_run`.
const EVENT: &str = "landfall.dev/hooks-of";

/// Whether hooks of this event, and no later one, have been begun.
pub(crate) fn has_begun(stored: &StoredRevision, event: &HookEvent) -> bool {
    stored.annotations.get(EVENT).is_some_and(|known| known == event.as_str())
}

/// Lets no run of any event count any more; written with the record's next update.
pub(crate) fn forget_runs(stored: &mut StoredRevision) {
    stored.annotations.remove(EVENT);
}

/// The record of the revision whose hooks run.
pub(crate) struct Ledger<'a> {
    records: &'a Records<'a>,
    stored: StoredRevision,
    pub(super) event: HookEvent,
}

impl<'a> Ledger<'a> {
    /// Opens a record for an event; runs of other events count for nothing from now on.
    pub(crate) fn open(
        records: &'a Records<'a>,
        mut stored: StoredRevision,
        event: HookEvent,
    ) -> Self {
        if !has_begun(&stored, &event) {
            stored.annotations.insert(EVENT.to_owned(), event.to_string());
            for hook in stored.release.hooks.iter_mut().filter(|h| h.events.contains(&event)) {
                hook.last_run = HookExecution::default();
            }
        }
        Self { records, stored, event }
    }

    /// The namespace of objects that name none.
    pub(super) fn namespace(&self) -> &str {
        self.records.namespace
    }

    /// Whether its objects are created without server-side apply: as those of the release, but Helm always deletes
    /// with it.
    pub(super) fn is_client_side(&self) -> bool {
        let deletes = matches!(self.event, HookEvent::PreDelete | HookEvent::PostDelete);
        !deletes && self.stored.release.effective_apply_method() == ApplyMethod::ClientSide
    }

    /// The hooks of the event in the order in which they run, each with its place in the record.
    pub(super) fn order(&self) -> Vec<usize> {
        in_order(&self.stored.release.hooks, &self.event).map(|(index, _)| index).collect()
    }

    pub(super) fn hook(&self, index: usize) -> &Hook {
        &self.stored.release.hooks[index]
    }

    /// Writes how a hook's run stands, and the policy that counts where the chart names none.
    pub(super) async fn note(
        &mut self,
        index: usize,
        last_run: HookExecution,
    ) -> Result<(), RolloutError> {
        let mut release = self.stored.release.clone();
        let hook = &mut release.hooks[index];
        hook.last_run = last_run;
        if hook.delete_policies.is_empty() {
            hook.delete_policies = vec![HookDeletePolicy::BeforeHookCreation];
        }
        self.stored = self.records.update(&self.stored, &release).await?;
        Ok(())
    }
}
