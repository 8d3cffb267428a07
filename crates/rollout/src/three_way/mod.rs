//! What Helm's client sends to change an object of a release that it applies on the client side.
//!
//! Three states make the patch: the object as the revision before had it in its manifest (the original), as it is in
//! the cluster (live), and as it shall be (the target). What the target says is set, whoever changed it meanwhile; what
//! only the original had goes; what neither of them knows stays.
//!
//! Kinds that Helm's client knows get a strategic merge patch of all three ([`strategic`]), others a JSON merge patch from
//! the original to the target ([`merge`]): that one does not see what others have changed. An object that the revision
//! before did not have has no original; of an other kind Helm then sends nothing at all, here it is brought from what it is
//! to the target.
//!
//! Pure: nothing is sent from here. Directives that a manifest itself holds (`$patch`) are not looked for.

mod fields;
mod merge;
mod strategic;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::ObjectKey;
use fields::Place;
use merge::Deletions;

/// A patch of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patch {
    /// How the server has to read it.
    pub(crate) content_type: &'static str,
    /// What is sent.
    pub(crate) body: Map<String, Value>,
}

impl Patch {
    /// The patch that leads a live object to the target.
    pub(crate) fn three_way(
        key: &ObjectKey,
        original: Option<&Value>,
        live: &Value,
        target: &Value,
    ) -> Self {
        let nothing = Map::new();
        let original = original.and_then(Value::as_object);
        let live = live.as_object().unwrap_or(&nothing);
        let target = target.as_object().unwrap_or(&nothing);
        match Place::of_kind(key.group(), key.version(), &key.kind) {
            Some(place) => Self {
                content_type: "application/strategic-merge-patch+json",
                body: strategic::patch(original.unwrap_or(&nothing), live, target, place),
            },
            None => Self {
                content_type: "application/merge-patch+json",
                body: match original {
                    Some(original) => merge::patch(original, target, Deletions::Included),
                    None => merge::patch(live, target, Deletions::LeftOut),
                },
            },
        }
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }
}
