//! What is told of a hook that failed.

use helm::release::{Hook, HookEvent};

use crate::ObjectKey;
use crate::culprit::{self, Culprit};

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

    /// The same with someone to blame, where nobody was found: lists show who it is.
    pub(super) fn blamed(mut self: Box<Self>, namespace: &str) -> Box<Self> {
        if self.culprits.is_empty() {
            let key = ObjectKey {
                api_version: String::new(),
                kind: self.kind.clone(),
                namespace: Some(namespace.to_owned()),
                name: self.name.clone(),
            };
            let text = format!("the {} hook failed: {}", self.event, self.text);
            self.culprits.push(culprit::of_hook(key, &text));
        }
        self
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
