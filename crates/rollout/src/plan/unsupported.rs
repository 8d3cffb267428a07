//! Releases that would be incomplete, because something of theirs is not carried out yet.

use helm::release::ApplyMethod;

use super::PlanError;
use crate::manifest::Desired;
use crate::record::History;

/// Refuses what cannot be carried out whole, and names it.
pub(super) fn refuse(desired: &Desired, history: &History) -> Result<(), PlanError> {
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
