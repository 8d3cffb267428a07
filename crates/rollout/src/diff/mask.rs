//! Keeping secrets out of differences.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// What stands for a secret that stays.
const HIDDEN: &str = "(hidden)";
/// What stands for a secret that goes, or comes, or changes.
const HIDDEN_OLD: &str = "(hidden, before)";
const HIDDEN_NEW: &str = "(hidden, after)";
/// Where `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Shorter texts stand everywhere by chance; masking them would hide what is no secret.
const SHORTEST: usize = 4;

/// What is hidden besides everything in Secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask {
    texts: Vec<SecretString>,
}

impl Mask {
    /// Hides `texts` wherever they stand in a value.
    pub(crate) fn new(texts: &[SecretString]) -> Self {
        let long_enough = |text: &&SecretString| text.expose_secret().len() >= SHORTEST;
        Self { texts: texts.iter().filter(long_enough).cloned().collect() }
    }

    /// Both states with secrets replaced, so that equal ones stay equal and others differ.
    pub(super) fn both(
        &self,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        let (mut masked_old, mut masked_new) = (old.cloned(), new.cloned());
        if let Some(state) = &mut masked_old {
            mask_secret(state, new, HIDDEN_OLD);
            self.texts_in(state);
        }
        if let Some(state) = &mut masked_new {
            mask_secret(state, old, HIDDEN_NEW);
            self.texts_in(state);
        }
        (masked_old, masked_new)
    }

    fn texts_in(&self, value: &mut Value) {
        if self.texts.is_empty() {
            return;
        }
        match value {
            Value::String(text) => {
                for secret in &self.texts {
                    if text.contains(secret.expose_secret()) {
                        *text = text.replace(secret.expose_secret(), HIDDEN);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.texts_in(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.texts_in(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Replaces every value of a Secret; those the other state has too by the word for what stays.
fn mask_secret(state: &mut Value, other: Option<&Value>, changed: &str) {
    if state["kind"] != "Secret" {
        return;
    }
    let word = |same: bool| Value::from(if same { HIDDEN } else { changed });
    for field in ["data", "stringData"] {
        let Some(Value::Object(values)) = state.get_mut(field) else { continue };
        let others: Option<&Map<String, Value>> =
            other.and_then(|other| other.get(field)).and_then(Value::as_object);
        for (key, value) in values {
            // An object that only comes or only goes has nothing to be compared with.
            let same = other.is_none() || others.and_then(|others| others.get(key)) == Some(value);
            *value = word(same);
        }
    }
    if let Some(copy) = state.pointer_mut("/metadata/annotations") {
        let old = other.and_then(|other| other.pointer("/metadata/annotations"));
        if let Some(copy) = copy.get_mut(LAST_APPLIED) {
            let same = old.and_then(|old| old.get(LAST_APPLIED)) == Some(copy);
            *copy = word(same);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Given texts are hidden wherever they stand, too short ones are not.
    #[test]
    fn texts_are_hidden() {
        let mask = Mask::new(&["hunter22".into(), "ab".into()]);
        let state = json!({ "kind": "ConfigMap", "data": { "url": "pg://u:hunter22@db/ab" } });
        let (_, new) = mask.both(None, Some(&state));
        assert_eq!(new.unwrap()["data"]["url"], "pg://u:(hidden)@db/ab");
    }

    /// The copy that `kubectl apply` keeps of a Secret is hidden too.
    #[test]
    fn copies_are_hidden() {
        let state = json!({
            "kind": "Secret",
            "metadata": { "annotations": { LAST_APPLIED: "{\"data\":{\"a\":\"c2VjcmV0\"}}" } },
            "data": { "a": "c2VjcmV0" },
        });
        let (old, new) = Mask::default().both(Some(&state), Some(&state));
        assert_eq!(old, new);
        assert!(!new.unwrap().to_string().contains("c2VjcmV0"));
    }
}
