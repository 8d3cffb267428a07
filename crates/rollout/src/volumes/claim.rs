//! Claims: found by labels, and what they are made of again.

use serde_json::{Map, Value, json};

use super::{API, Snapshot, VolumeError, claim_key, quantity, served, snapshot_key, text};
use crate::{Cluster, ObjectKey};

/// A claim that has a volume.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it asks for: `8Gi`.
    pub size: String,
    pub(super) object: Value,
}

/// The claims with these labels, by name. Each has a volume, and the cluster can snapshot them; else this says why not.
pub async fn find(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
) -> Result<Vec<Claim>, VolumeError> {
    served(cluster, &snapshot_key(namespace, "")).await?;
    let resource = cluster.resource(&claim_key(namespace, "")).await?;
    let listed = cluster.list(&resource, Some(namespace), Some(selector)).await?;
    let mut found = Vec::new();
    for object in listed.items {
        let name = text(&object, "/metadata/name").to_owned();
        let phase = match text(&object, "/status/phase") {
            "" => "Pending",
            phase => phase,
        };
        if phase != "Bound" || object["metadata"]["deletionTimestamp"].is_string() {
            let phase = if phase == "Bound" { "Terminating" } else { phase };
            let (claim, phase) = (claim_key(namespace, &name), phase.to_owned());
            return Err(VolumeError::NotBound { claim, phase });
        }
        let size = text(&object, "/spec/resources/requests/storage").to_owned();
        found.push(Claim { namespace: namespace.to_owned(), name, size, object });
    }
    if found.is_empty() {
        let (selector, namespace) = (selector.to_owned(), namespace.to_owned());
        return Err(VolumeError::NoClaim { selector, namespace });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// What a claim is to be made of again: what its maker said, without what controllers added and without its volume. It asks
/// for as much as the snapshot needs.
pub(super) fn kept(claim: &Value, restore_size: &str) -> Value {
    let mut spec = claim["spec"].clone();
    if let Value::Object(fields) = &mut spec {
        for gone in ["volumeName", "dataSource", "dataSourceRef"] {
            fields.remove(gone);
        }
    }
    let asked = text(claim, "/spec/resources/requests/storage");
    if quantity::bytes(restore_size) > quantity::bytes(asked) {
        spec["resources"]["requests"]["storage"] = json!(restore_size);
    }
    let not_by_controllers = |name: &str| {
        let group = name.split_once('/').map_or("", |(group, _)| group);
        // The class of old: it says what the claim's maker wanted.
        name == "volume.beta.kubernetes.io/storage-class"
            || !(["pv.kubernetes.io", "volume.kubernetes.io", "volume.beta.kubernetes.io"]
                .contains(&group)
                || group == "landfall.dev"
                || name == "kubectl.kubernetes.io/last-applied-configuration")
    };
    let mut metadata = Map::new();
    if let Some(Value::Object(labels)) = claim.pointer("/metadata/labels") {
        metadata.insert("labels".to_owned(), json!(labels));
    }
    if let Some(Value::Object(annotations)) = claim.pointer("/metadata/annotations") {
        let kept: Map<String, Value> = annotations
            .iter()
            .filter(|(name, _)| not_by_controllers(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        metadata.insert("annotations".to_owned(), Value::Object(kept));
    }
    json!({ "metadata": metadata, "spec": spec })
}

/// Where volumes come from and go to: Helm releases and namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The release whose claims were snapshotted.
    pub from_release: &'a str,
    /// The release whose claims they become.
    pub to_release: &'a str,
    /// The namespace of the latter.
    pub to_namespace: &'a str,
}

/// A volume to be put back.
#[derive(Clone, Debug)]
pub struct Volume {
    pub(super) snapshot: Snapshot,
    pub(super) claim: ObjectKey,
    /// The claim to be made, but for its source.
    pub(super) object: Value,
    /// Whether it becomes another claim than the one that was snapshotted.
    pub(super) is_moved: bool,
}

impl Volume {
    /// What a snapshot becomes: its own claim, or that of another release.
    pub fn of(snapshot: &Snapshot, way: Move<'_>) -> Self {
        let is_moved = way.from_release != way.to_release || way.to_namespace != snapshot.namespace;
        let mut object = snapshot.made_of.clone();
        let mut name = snapshot.claim.clone();
        if is_moved {
            name = renamed(&name, way);
            rename(&mut object, way);
        }
        object["apiVersion"] = json!("v1");
        object["kind"] = json!("PersistentVolumeClaim");
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!(way.to_namespace);
        let claim = claim_key(way.to_namespace, &name);
        Self { snapshot: snapshot.clone(), claim, object, is_moved }
    }

    /// The claim that it is put into.
    pub fn claim(&self) -> &ObjectKey {
        &self.claim
    }

    /// Whether it would be put into the claim that was snapshotted although it is to go elsewhere.
    pub fn stays(&self) -> bool {
        self.is_moved
            && self.snapshot.claim == self.claim.name
            && self.claim.namespace.as_deref() == Some(&*self.snapshot.namespace)
    }

    /// Whether the claim is Helm's: part of a release's manifest, not made from a template by a `StatefulSet`.
    pub(super) fn is_helms(&self) -> bool {
        self.object.pointer("/metadata/annotations/meta.helm.sh~1release-name").is_some()
    }

    /// The claim whole.
    pub(super) fn with_source(&self, snapshot: &str, annotation: (&str, &str)) -> Value {
        let mut object = self.object.clone();
        object["spec"]["dataSource"] = source(snapshot);
        object["metadata"]["annotations"][annotation.0] = json!(annotation.1);
        object
    }
}

/// A claim's source.
fn source(snapshot: &str) -> Value {
    let group = API.split_once('/').map_or(API, |(group, _)| group);
    json!({ "apiGroup": group, "kind": "VolumeSnapshot", "name": snapshot })
}

/// A name with the release's in it replaced, where it stands as a word of its own between `-` and `.`.
fn renamed(name: &str, way: Move<'_>) -> String {
    let is_edge = |c: Option<char>| c.is_none_or(|c| c == '-' || c == '.');
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(way.from_release).filter(|_| !way.from_release.is_empty()) {
        let after = &rest[at + way.from_release.len()..];
        let before = if at == 0 { out.chars().next_back() } else { rest[..at].chars().next_back() };
        out.push_str(&rest[..at]);
        let is_word = is_edge(before) && is_edge(after.chars().next());
        out.push_str(if is_word { way.to_release } else { way.from_release });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Labels and annotations of the release become those of the other one.
fn rename(object: &mut Value, way: Move<'_>) {
    for field in ["labels", "annotations"] {
        let Some(Value::Object(marks)) = object["metadata"].get_mut(field) else { continue };
        for (name, value) in marks.iter_mut() {
            if name == "meta.helm.sh/release-namespace" {
                *value = json!(way.to_namespace);
            } else if let Some(text) = value.as_str() {
                *value = json!(renamed(text, way));
            }
        }
    }
}
