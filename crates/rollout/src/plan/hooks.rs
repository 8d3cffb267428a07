//! The hooks that a plan runs.

use helm::release::{Hook, HookDeletePolicy, HookEvent};

use super::{Operation, PlanError, PlannedHook};
use crate::hooks::{Moment, in_order};
use crate::manifest::{Desired, read_objects};

/// The hooks of both moments of the operation, in the order in which they run; then the tests.
pub(super) fn planned(
    desired: &Desired,
    operation: Operation,
    tests: bool,
) -> Result<Vec<PlannedHook>, PlanError> {
    let mut planned = Vec::new();
    let moments = [Moment::Before, Moment::After].map(|moment| operation.hook_event(moment));
    for event in moments.into_iter().chain(tests.then_some(HookEvent::Test)) {
        for (_, hook) in in_order(&desired.hooks, &event) {
            planned.push(PlannedHook {
                event: event.clone(),
                kind: hook.kind.clone(),
                name: hook.name.clone(),
                source: hook.path.clone(),
                weight: hook.weight,
                delete_policies: policies(hook),
            });
            read_objects(&hook.manifest).map_err(|source| PlanError::HookManifest {
                event: event.to_string(),
                path: hook.path.clone(),
                source,
            })?;
        }
    }
    Ok(planned)
}

fn policies(hook: &Hook) -> Vec<HookDeletePolicy> {
    match hook.delete_policies.as_slice() {
        [] => vec![HookDeletePolicy::BeforeHookCreation],
        given => given.to_vec(),
    }
}
