//! What a rendering changes against the one that was deployed, told from the two manifests alone.
//!
//! No cluster is asked: it serves previews over a whole fleet, which would ask a thousand. What others have changed in
//! the cluster since, what the server fills in, and whether it would accept the objects is told by the
//! [plan](super::plan()) of each deployment. Hooks are not compared: they run with every deployment.
//!
//! Two environments change alike when the same objects (by kind, and by name relative to the release's) change in the
//! same fields from and to the same, relative to release and namespace, with the same consequence. [`Compared::likeness`]
//! is equal exactly then.

mod apart;
mod drawn;
mod fields;
mod likeness;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use helm::render::{INSTALL_ORDER, compare_kinds};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::planner::ObjectState;
use super::{Action, PlannedObject, consequence};
use crate::ObjectKey;
use crate::crds::Crds;
use crate::diff::{Mask, cleaned};
use crate::manifest::{Desired, DesiredObject, ManifestError, read_objects};

pub use apart::{Apart, ObjectDifference, Side, differences};
pub use likeness::{Relative, likeness_of_text};

/// What to compare.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// Helm's release name.
    pub release: &'a str,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The manifest as it was deployed.
    pub before: &'a str,
    /// The new one.
    pub after: &'a str,
    /// The new one rendered once more, where it may be another one each time: what differs between the two is drawn
    /// anew with every deployment and is not compared.
    pub again: Option<&'a str>,
    /// Texts that diffs must not show.
    pub sensitive: &'a [SecretString],
    /// Makes the likeness, so that a guessable value cannot be tested against it.
    pub key: &'a [u8],
}

/// What a rendering changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The objects that change, in install order, then those that are deleted. Secrets masked.
    pub objects: Vec<PlannedObject>,
    /// What the fields that change are called: `replicas`, `LOG_LEVEL`, in the order of the objects, each once. Digests
    /// of other content are left out.
    pub fields: Vec<String>,
    /// Whether something is drawn anew with every deployment, and was left out.
    pub drawn: bool,
    /// Keyed digest, hex: equal for what changes alike.
    pub likeness: String,
}

/// Compares two manifests.
///
/// Fails where the new one is not a set of Kubernetes objects, or the old one cannot be read.
pub fn compare(what: &Comparison<'_>) -> Result<Compared, ManifestError> {
    let Comparison { release, namespace, .. } = *what;
    let desired = Desired::parse(release, namespace, what.after, Vec::new(), Crds::default())?;
    let mut after: Vec<DesiredObject> = desired.objects;
    let mut before = read_objects(what.before)?;
    before.sort_by(|a, b| compare_kinds(&INSTALL_ORDER, &a.key.kind, &b.key.kind));
    let drawn = match what.again {
        Some(again) if again != what.after => {
            drawn::leave_out(&mut before, &mut after, &read_objects(again)?, namespace)
        }
        _ => false,
    };
    let pairs = paired(&before, &after, namespace);
    let states: Vec<ObjectState<'_>> = pairs.into_iter().map(Pair::state).collect();
    let restarting = consequence::Restarting::of(&states);
    let mask = Mask::new(what.sensitive);
    let relative = Relative::to(release, namespace);
    let mut likeness = likeness::Likeness::keyed(what.key);
    let (mut objects, mut names) = (Vec::new(), Vec::new());
    for state in &states {
        if matches!(state.action, Action::Same | Action::Keep) {
            continue;
        }
        let planned = state.planned(&mask, &restarting);
        let changes = fields::changes(state.before.as_ref(), state.after.as_ref());
        likeness.object(&relative, &planned, &changes);
        if state.action == Action::Change {
            names.extend(
                changes.iter().filter(|change| !change.is_digest()).map(fields::Change::name),
            );
        }
        objects.push(planned);
    }
    let mut seen = HashSet::new();
    names.retain(|name: &String| seen.insert(name.clone()));
    Ok(Compared { objects, fields: names, drawn, likeness: likeness.finish() })
}

/// An object before and after.
struct Pair<'a> {
    key: &'a ObjectKey,
    source: Option<&'a str>,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

impl<'a> Pair<'a> {
    fn state(self) -> ObjectState<'a> {
        let cleaned = |value: Option<&Value>| value.map(cleaned);
        ObjectState::between(self.key, self.source, cleaned(self.before), cleaned(self.after))
    }
}

/// What an object is known by: the version does not count.
fn identity<'a>(key: &'a ObjectKey, namespace: &'a str) -> (&'a str, &'a str, &'a str, &'a str) {
    (key.group(), &key.kind, key.namespace.as_deref().unwrap_or(namespace), &key.name)
}

fn paired<'a>(
    before: &'a [DesiredObject],
    after: &'a [DesiredObject],
    namespace: &str,
) -> Vec<Pair<'a>> {
    let same = |a: &DesiredObject, b: &DesiredObject| {
        identity(&a.key, namespace) == identity(&b.key, namespace)
    };
    let find = |among: &'a [DesiredObject], wanted: &DesiredObject| {
        among.iter().find(|object| same(object, wanted))
    };
    let kept = after.iter().map(|new| Pair {
        key: &new.key,
        source: new.source.as_deref(),
        before: find(before, new).map(|old| &old.object),
        after: Some(&new.object),
    });
    let gone = before.iter().filter(|old| find(after, old).is_none()).map(|old| Pair {
        key: &old.key,
        source: None,
        before: Some(&old.object),
        after: None,
    });
    kept.chain(gone).collect()
}
