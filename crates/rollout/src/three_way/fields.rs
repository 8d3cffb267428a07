//! How the fields of built-in kinds merge in a strategic merge patch.
//!
//! Helm takes this from the types compiled into it, not from the server: which patch it sends depends on its own
//! version alone. So it is a table here, too: `merge_fields.txt` states only what differs from "maps merge, lists are
//! replaced". A line without a leading space names a type, or a kind as `group/Kind` (of every version) or
//! `group/version/Kind`; the lines below it name fields with their strategies and the type of what is in them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The group versions whose kinds Helm's client knows. Objects of others are patched by JSON merge patch.
const BUILT_IN: &[(&str, &[&str])] = &[
    ("", &["v1"]),
    ("admissionregistration.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("apiextensions.k8s.io", &["v1"]),
    ("apps", &["v1", "v1beta1", "v1beta2"]),
    ("authentication.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("authorization.k8s.io", &["v1", "v1beta1"]),
    ("autoscaling", &["v1", "v2"]),
    ("batch", &["v1", "v1beta1"]),
    ("certificates.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("coordination.k8s.io", &["v1", "v1alpha2", "v1beta1"]),
    ("discovery.k8s.io", &["v1", "v1beta1"]),
    ("events.k8s.io", &["v1", "v1beta1"]),
    ("extensions", &["v1beta1"]),
    ("flowcontrol.apiserver.k8s.io", &["v1", "v1beta1", "v1beta2", "v1beta3"]),
    ("internal.apiserver.k8s.io", &["v1alpha1"]),
    ("lifecycle.k8s.io", &["v1alpha1"]),
    ("networking.k8s.io", &["v1", "v1beta1"]),
    ("node.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("policy", &["v1", "v1beta1"]),
    ("rbac.authorization.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("resource.k8s.io", &["v1", "v1alpha3", "v1beta1", "v1beta2"]),
    ("scheduling.k8s.io", &["v1", "v1alpha3", "v1beta1"]),
    ("storage.k8s.io", &["v1", "v1alpha1", "v1beta1"]),
    ("storagemigration.k8s.io", &["v1", "v1beta1"]),
];

static TYPES: LazyLock<HashMap<&'static str, Type>> =
    LazyLock::new(|| parse(include_str!("merge_fields.txt")));

type Type = HashMap<&'static str, Field>;

/// How one field merges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) strategy: Strategy,
    /// Whether the patch names the keys that stay: all others go, whoever set them.
    pub(super) retain_keys: bool,
    /// What is in it, or in each of its items.
    within: Option<&'static str>,
}

/// What a patch does with a field's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Maps merge, lists are replaced.
    #[default]
    Usual,
    /// It is replaced as a whole.
    Replace,
    /// The list merges, its items joined by this key.
    MergeBy(&'static str),
    /// The list of scalars merges as a set.
    MergeValues,
}

/// A place in an object: the type of the map there, as far as it says anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(Option<&'static Type>);

impl Place {
    /// The whole object; `None` for kinds that Helm's client does not know.
    pub(super) fn of_kind(group: &str, version: &str, kind: &str) -> Option<Self> {
        let (_, versions) = BUILT_IN.iter().find(|(known, _)| *known == group)?;
        if !versions.contains(&version) {
            return None;
        }
        let of_group = if group.is_empty() { "v1" } else { group };
        let names = [format!("{of_group}/{kind}"), format!("{of_group}/{version}/{kind}")];
        let found = names.iter().find_map(|name| TYPES.get(name.as_str()));
        Some(Self(found.or_else(|| TYPES.get("object"))))
    }

    /// How a key of the map here merges.
    pub(super) fn field(self, key: &str) -> Field {
        self.0.and_then(|fields| fields.get(key)).copied().unwrap_or_default()
    }
}

impl Field {
    /// The map in this field, or each map in its list.
    pub(super) fn place(self) -> Place {
        Place(self.within.and_then(|name| TYPES.get(name)))
    }
}

fn parse(text: &'static str) -> HashMap<&'static str, Type> {
    let mut types: HashMap<&'static str, Type> = HashMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix(' ') {
            None => current = line,
            Some(field) => {
                let (name, field) = parse_field(field);
                types.entry(current).or_default().insert(name, field);
            }
        }
    }
    types
}

/// `volumes merge:name,retainKeys Volume`: strategies are in lower case, types are not (`object` apart).
fn parse_field(line: &'static str) -> (&'static str, Field) {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let mut field = Field::default();
    for word in words {
        if word == "object" || word.starts_with(char::is_uppercase) {
            field.within = Some(word);
            continue;
        }
        for strategy in word.split(',') {
            match strategy.split_once(':') {
                Some((_, key)) => field.strategy = Strategy::MergeBy(key),
                None if strategy == "merge" => field.strategy = Strategy::MergeValues,
                None if strategy == "replace" => field.strategy = Strategy::Replace,
                None => field.retain_keys = true,
            }
        }
    }
    (name, field)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type that a field names is there, every kind is one that the client knows, and no line means nothing.
    #[test]
    fn table_is_complete() {
        for (name, fields) in &*TYPES {
            if let Some((rest, kind)) = name.rsplit_once('/') {
                let (group, version) = rest.rsplit_once('/').unwrap_or((rest, ""));
                let group = if group == "v1" { "" } else { group };
                let (_, versions) = BUILT_IN.iter().find(|(known, _)| *known == group).unwrap();
                assert!(version.is_empty() || versions.contains(&version), "{name} {kind}");
                assert!(fields.contains_key("metadata"), "{name}");
            }
            for (key, field) in fields {
                assert_ne!(*field, Field::default(), "{name}.{key}");
                assert!(
                    field.within.is_none_or(|within| TYPES.contains_key(within)),
                    "{name}.{key}"
                );
            }
        }
    }

    /// Paths lead to the strategies that Kubernetes' types have there.
    #[test]
    fn places() {
        let at = |group, kind, path: &[&str]| {
            let (last, way) = path.split_last().unwrap();
            let root = Place::of_kind(group, "v1", kind).unwrap();
            let place = way.iter().fold(root, |place, key| place.field(key).place());
            place.field(last).strategy
        };
        let pod = ["spec", "template", "spec"];
        assert_eq!(
            at("apps", "Deployment", &[&pod[..], &["containers", "env"]].concat()),
            Strategy::MergeBy("name")
        );
        assert_eq!(
            at("apps", "DaemonSet", &[&pod[..], &["tolerations"]].concat()),
            Strategy::Usual
        );
        assert_eq!(at("", "ConfigMap", &["metadata", "finalizers"]), Strategy::MergeValues);
        assert_eq!(at("", "Service", &["spec", "ports"]), Strategy::MergeBy("port"));
        assert_eq!(at("policy", "PodDisruptionBudget", &["spec", "selector"]), Strategy::Replace);
        assert!(Place::of_kind("example.org", "v1", "Order").is_none());
        assert!(Place::of_kind("apps", "v2", "Deployment").is_none());
    }
}
