//! What is drawn anew at every rendering (passwords, certificates, times): found by rendering twice, and left out.

use serde_json::Value;

use super::identity;
use crate::manifest::DesiredObject;

/// Stands where something is drawn and nothing was deployed before.
const DRAWN: &str = "(drawn anew)";

/// Gives `after` what `before` has wherever `again` differs from it, and leaves out objects whose very name is drawn.
/// Whether anything was.
pub(super) fn leave_out(
    before: &mut Vec<DesiredObject>,
    after: &mut Vec<DesiredObject>,
    again: &[DesiredObject],
    namespace: &str,
) -> bool {
    let same = |a: &DesiredObject, b: &DesiredObject| {
        identity(&a.key, namespace) == identity(&b.key, namespace)
    };
    let named_anew: Vec<Option<String>> = after
        .iter()
        .filter(|new| !again.iter().any(|twin| same(twin, new)))
        .map(|new| new.source.clone())
        .collect();
    after.retain(|new| again.iter().any(|twin| same(twin, new)));
    // What such an object was called the last time belongs to the same template.
    before
        .retain(|old| !named_anew.contains(&old.source) || after.iter().any(|new| same(new, old)));
    let mut any = !named_anew.is_empty();
    for new in after {
        let Some(twin) = again.iter().find(|twin| same(twin, new)) else { continue };
        let old = before.iter().find(|old| same(old, new)).map(|old| &old.object);
        any |= settle(&mut new.object, &twin.object, old);
    }
    any
}

/// The same below one value; whether anything was drawn.
fn settle(new: &mut Value, twin: &Value, old: Option<&Value>) -> bool {
    match (new, twin) {
        (Value::Object(new), Value::Object(twin)) if new.keys().eq(twin.keys()) => {
            let mut any = false;
            for (name, value) in new {
                any |= settle(value, &twin[name.as_str()], old.and_then(|old| old.get(name)));
            }
            any
        }
        (Value::Array(new), Value::Array(twin)) if new.len() == twin.len() => {
            let mut any = false;
            for (at, value) in new.iter_mut().enumerate() {
                any |= settle(value, &twin[at], old.and_then(|old| old.get(at)));
            }
            any
        }
        (new, twin) if new == twin => false,
        (new, _) => {
            *new = old.cloned().unwrap_or_else(|| DRAWN.into());
            true
        }
    }
}
