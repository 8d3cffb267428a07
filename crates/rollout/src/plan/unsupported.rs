//! Releases that would be incomplete, because something of theirs is not carried out yet.

use helm::release::{ApplyMethod, Hook, HookEvent};

use super::{Operation, PlanError};
use crate::manifest::Desired;
use crate::record::History;

/// Refuses what cannot be carried out whole, and names it.
pub(super) fn refuse(
    desired: &Desired,
    history: &History,
    operation: Operation,
) -> Result<(), PlanError> {
    let (event, events) = match operation {
        Operation::Install => ("install", [HookEvent::PreInstall, HookEvent::PostInstall]),
        Operation::Upgrade => ("upgrade", [HookEvent::PreUpgrade, HookEvent::PostUpgrade]),
        Operation::Rollback { .. } => {
            ("rollback", [HookEvent::PreRollback, HookEvent::PostRollback])
        }
    };
    // A chart with hooks for the first install must not get past its first upgrade either: the
    // environment could not be made again.
    let counts = |hook: &&Hook| {
        let install_or_upgrade = [
            HookEvent::PreInstall,
            HookEvent::PostInstall,
            HookEvent::PreUpgrade,
            HookEvent::PostUpgrade,
        ];
        match operation {
            Operation::Rollback { .. } => hook.events.iter().any(|e| events.contains(e)),
            _ => hook.events.iter().any(|e| install_or_upgrade.contains(e)),
        }
    };
    let hooks: Vec<Hook> = desired.hooks.iter().filter(counts).cloned().collect();
    if !hooks.is_empty() {
        return Err(PlanError::HooksNotSupported { event, hooks });
    }
    if !desired.crds.is_empty() {
        return Err(PlanError::CrdsNotSupported { files: desired.crds.clone() });
    }
    match history.base(desired.rollback_to.is_some()) {
        Some(base) if base.release.effective_apply_method() == ApplyMethod::ClientSide => {
            Err(PlanError::ClientSideRelease {
                release: desired.release.clone(),
                revision: base.release.version,
            })
        }
        _ => Ok(()),
    }
}
