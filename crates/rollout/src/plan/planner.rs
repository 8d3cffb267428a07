//! The decision: desired and live objects in, plan out. Pure.

use serde_json::Value;

use super::dry_run::DryRun;
use super::live::{LiveObject, LiveState};
use super::{
    Action, Operation, Plan, PlanError, PlanOptions, PlannedObject, consequence, hash, hooks,
};
use crate::culprit::Foreign;
use crate::diff::{self, Mask, cleaned};
use crate::manifest::{Desired, DesiredObject, release_of, resource_policy};
use crate::record::History;

/// Decides what has to change and talks to nothing.
///
/// `key` makes the hash, so that a guessable value cannot be tested against it.
pub fn plan(
    desired: &Desired,
    history: &History,
    live: &LiveState,
    options: &PlanOptions,
    key: &[u8],
) -> Result<Plan, PlanError> {
    let operation = match desired.rollback_to {
        Some(to) => Operation::Rollback { to },
        None => history.operation(),
    };
    if !options.take_ownership {
        refuse_foreign(desired, live, operation)?;
    }
    let mask = Mask::new(&options.sensitive);
    let mut states: Vec<ObjectState<'_>> = desired
        .objects
        .iter()
        .zip(&live.desired)
        .map(|(wanted, found)| ObjectState::applied(desired, wanted, found))
        .collect();
    states.extend(live.dropped.iter().map(|(key, live)| ObjectState::dropped(key, live)));
    let restarting = consequence::Restarting::of(&states);
    let objects = states.iter().map(|state| state.planned(&mask, &restarting)).collect();
    let mut plan = Plan {
        release: desired.release.clone(),
        namespace: desired.namespace.clone(),
        operation,
        base_revision: history.base(desired.rollback_to.is_some()).map(|base| base.release.version),
        creates_namespace: !live.namespace_exists,
        force_conflicts: options.force_conflicts,
        method: live.method,
        crds: planned_crds(desired, live, &mask),
        hooks: hooks::planned(desired, operation, options.tests)?,
        objects,
        hash: String::new(),
    };
    plan.hash = hash::of(&plan, &states, desired, key);
    Ok(plan)
}

/// What becomes of the chart's definitions of custom resources. What is created is not shown: they run to
/// thousands of lines.
fn planned_crds(desired: &Desired, live: &LiveState, mask: &Mask) -> Vec<PlannedObject> {
    let one = |(wanted, found): (&DesiredObject, &LiveObject)| {
        let before = found.live.as_ref().map(cleaned);
        let after = match (&before, &found.dry_run) {
            (Some(_), DryRun::Result(result)) => Some(cleaned(result)),
            (before, _) => before.clone(),
        };
        let action = match &before {
            None => Action::Create,
            Some(_) if before == after => Action::Same,
            Some(_) => Action::Change,
        };
        PlannedObject {
            key: found.key.clone(),
            action,
            source: wanted.source.clone(),
            diff: diff::diff(before.as_ref(), after.as_ref(), mask),
            consequence: super::Consequence::None,
            refusal: match &found.dry_run {
                DryRun::Refused(refusal) => Some(refusal.clone()),
                DryRun::Result(_) | DryRun::Unchanged | DryRun::Unknown => None,
            },
            stays: false,
        }
    };
    desired.crds.objects.iter().zip(&live.crds).map(one).collect()
}

/// One object before it is shown: with its contents.
pub(super) struct ObjectState<'a> {
    pub(super) key: &'a crate::ObjectKey,
    source: Option<&'a str>,
    pub(super) action: Action,
    /// Cleaned; absent if it does not exist.
    pub(super) before: Option<Value>,
    /// Cleaned; absent if it is deleted.
    pub(super) after: Option<Value>,
    /// As found, with its status.
    pub(super) live: Option<&'a Value>,
    refusal: Option<&'a super::Refusal>,
    /// It surely stays as it is.
    stays: bool,
}

impl<'a> ObjectState<'a> {
    fn applied(desired: &Desired, wanted: &'a DesiredObject, found: &'a LiveObject) -> Self {
        let before = found.live.as_ref().map(cleaned);
        let sent = || desired.marks().marked(&wanted.object, &found.key);
        let after = match (&before, &found.dry_run) {
            // A creation is shown as the chart has it, without the server's defaults.
            (None, _) => cleaned(&sent()),
            (Some(_), DryRun::Result(result)) => cleaned(result),
            (Some(before), DryRun::Unchanged) => before.clone(),
            (Some(before), DryRun::Refused(_) | DryRun::Unknown) => laid_over(before, &sent()),
        };
        let action = match &before {
            None => Action::Create,
            Some(before) if *before == after => Action::Same,
            Some(_) => Action::Change,
        };
        let refusal = match &found.dry_run {
            DryRun::Refused(refusal) => Some(refusal),
            DryRun::Result(_) | DryRun::Unchanged | DryRun::Unknown => None,
        };
        Self {
            key: &found.key,
            source: wanted.source.as_deref(),
            action,
            before,
            after: Some(after),
            live: found.live.as_ref(),
            refusal,
            stays: matches!(found.dry_run, DryRun::Unchanged),
        }
    }

    /// Between two manifests; nobody looked at what is live.
    pub(super) fn between(
        key: &'a crate::ObjectKey,
        source: Option<&'a str>,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Self {
        let action = match (&before, &after) {
            (None, _) => Action::Create,
            (Some(before), None) if resource_policy(before) == Some("keep") => Action::Keep,
            (Some(_), None) => Action::Delete,
            (before, after) if before == after => Action::Same,
            _ => Action::Change,
        };
        Self { key, source, action, before, after, live: None, refusal: None, stays: false }
    }

    fn dropped(key: &'a crate::ObjectKey, live: &'a Value) -> Self {
        let kept = resource_policy(live) == Some("keep");
        Self {
            key,
            source: None,
            action: if kept { Action::Keep } else { Action::Delete },
            before: Some(cleaned(live)),
            after: None,
            live: Some(live),
            refusal: None,
            stays: false,
        }
    }

    pub(super) fn planned(
        &self,
        mask: &Mask,
        restarting: &consequence::Restarting,
    ) -> PlannedObject {
        let diff = match self.action {
            Action::Create | Action::Change | Action::Delete => {
                diff::diff(self.before.as_ref(), self.after.as_ref(), mask)
            }
            Action::Same | Action::Keep => None,
        };
        PlannedObject {
            key: self.key.clone(),
            action: self.action,
            source: self.source.map(str::to_owned),
            diff,
            consequence: consequence::of(self, restarting),
            refusal: self.refusal.cloned(),
            stays: self.stays,
        }
    }
}

/// What becomes of `live` when `sent` is laid over it: a good guess where the server could not be asked.
pub(crate) fn laid_over(live: &Value, sent: &Value) -> Value {
    match (live, sent) {
        (Value::Object(live), Value::Object(sent)) => {
            let mut merged = live.clone();
            for (name, value) in sent {
                let value = match live.get(name) {
                    Some(known) => laid_over(known, value),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(sent)) if live.len() == sent.len() => {
            live.iter().zip(sent).map(|(live, sent)| laid_over(live, sent)).collect()
        }
        (_, sent) => sent.clone(),
    }
}

/// Helm refuses to touch objects that do not carry the release's marks, unless the revision that runs
/// already has them in its manifest. A rollback does not look.
fn refuse_foreign(
    desired: &Desired,
    live: &LiveState,
    operation: Operation,
) -> Result<(), PlanError> {
    let operation = match operation {
        Operation::Install => "install",
        Operation::Upgrade => "update",
        Operation::Rollback { .. } => return Ok(()),
    };
    let marks = desired.marks();
    let objects: Vec<Foreign> = live
        .desired
        .iter()
        .filter(|object| operation == "install" || !live.base.contains(&object.key))
        .filter_map(|object| {
            let found = object.live.as_ref()?;
            let problem = marks.foreign(found)?;
            Some(Foreign { key: object.key.clone(), problem, release: release_of(found) })
        })
        .collect();
    if objects.is_empty() { Ok(()) } else { Err(PlanError::NotOwned { operation, objects }) }
}
