//! JSON merge patches (RFC 7386): maps merge, `null` removes, everything else replaces.

use serde_json::{Map, Value};

/// Whether a patch takes away what the target does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletions {
    Included,
    LeftOut,
}

/// The patch that leads from one map to another.
pub(super) fn patch(
    from: &Map<String, Value>,
    target: &Map<String, Value>,
    deletions: Deletions,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, wanted) in target {
        match (from.get(key), wanted) {
            (Some(Value::Object(from)), Value::Object(wanted)) => {
                let below = self::patch(from, wanted, deletions);
                if !below.is_empty() {
                    patch.insert(key.clone(), Value::Object(below));
                }
            }
            (from, wanted) if from != Some(wanted) => {
                patch.insert(key.clone(), wanted.clone());
            }
            _ => {}
        }
    }
    if deletions == Deletions::Included {
        let gone = from.keys().filter(|key| !target.contains_key(*key));
        patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    }
    patch
}
