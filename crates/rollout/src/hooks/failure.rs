//! What is told of a hook that failed.

use helm::release::{Hook, HookEvent};

use crate::culprit::Culprit;

/// A hook that failed. Prints its event, its name and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct HookFailure {
    /// The event.
    pub event: HookEvent,
    /// Its object's kind.
    pub kind: String,
    /// Its object's name.
    pub name: String,
    /// The template it comes from.
    pub path: String,
    /// Why, in Helm's words.
    pub text: String,
    /// What held it up, or how its container ended, as far as known.
    pub culprits: Vec<Culprit>,
}

impl std::fmt::Display for HookFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { event, kind, name, text, .. } = self;
        write!(f, "{event} hook {kind} {name} failed: {text}")
    }
}

impl HookFailure {
    /// The failure as Helm's description of a failed revision has it.
    pub fn in_helms_words(&self) -> String {
        match &self.event {
            HookEvent::PreInstall | HookEvent::PostInstall => {
                format!("failed {}: {}", self.event, self.text)
            }
            event => format!("{event} hooks failed: {}", self.text),
        }
    }

    pub(super) fn new(hook: &Hook, event: &HookEvent, text: String) -> Self {
        Self {
            event: event.clone(),
            kind: hook.kind.clone(),
            name: hook.name.clone(),
            path: hook.path.clone(),
            text,
            culprits: Vec::new(),
        }
    }
}
