//! Definitions of custom resources that a chart brings in its `crds/` folders.
//!
//! They are never rendered, belong to no release (they carry no marks) and are never deleted: with a definition all
//! its objects would go. [`CrdPolicy`] says what happens to them. Helm creates them on install alone; here they are
//! looked at with every install and upgrade, so that a chart that brings a further one works.

mod install;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use install::{Installed, install};

use crate::ObjectKey;
use crate::cluster::Resource;
use crate::manifest::{DesiredObject, ManifestError, read_objects};

/// What becomes of a chart's definitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrdPolicy {
    /// Nothing: somebody else sees to them.
    Skip,
    /// Those that do not exist are created; the others stay as they are.
    #[default]
    Create,
    /// Those that exist are brought up to the chart's as well.
    CreateAndUpgrade,
}

/// The definitions a chart wants.
#[derive(Clone, Debug, Default)]
pub struct Crds {
    pub(crate) policy: CrdPolicy,
    /// In the chart's order; the source is the file.
    pub(crate) objects: Vec<DesiredObject>,
}

/// A file below `crds/` that cannot be installed. Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    /// It cannot be read.
    #[error("failed to install CRD {path}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: ManifestError,
    },
    /// It holds nothing.
    #[error("failed to install CRD {path}: resources are empty")]
    Empty {
        /// The file.
        path: String,
    },
}

impl Crds {
    /// Reads the files, each a path and its text. With [`CrdPolicy::Skip`] they are not even looked at.
    pub fn parse(
        files: impl IntoIterator<Item = (String, String)>,
        policy: CrdPolicy,
    ) -> Result<Self, CrdError> {
        let mut objects = Vec::new();
        if policy == CrdPolicy::Skip {
            return Ok(Self { policy, objects });
        }
        for (path, text) in files {
            let found = read_objects(&text)
                .map_err(|source| CrdError::Unreadable { path: path.clone(), source })?;
            if found.is_empty() {
                return Err(CrdError::Empty { path });
            }
            let named = |object| DesiredObject { source: Some(path.clone()), ..object };
            objects.extend(found.into_iter().map(named));
        }
        Ok(Self { policy, objects })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// What the definitions add to `.Capabilities.APIVersions`: `example.org/v1`, `example.org/v1/Order`.
    pub fn api_versions(&self) -> Vec<String> {
        let kinds = self.kinds().map(|kind| format!("{}/{}", kind.api_version, kind.kind));
        let mut all: Vec<String> = self.kinds().map(|kind| kind.api_version).chain(kinds).collect();
        all.sort();
        all.dedup();
        all
    }

    /// How objects of a kind will be reached once it is defined.
    pub(crate) fn resource(&self, key: &ObjectKey) -> Option<Resource> {
        self.kinds().find(|kind| kind.api_version == key.api_version && kind.kind == key.kind)
    }

    /// The kinds defined, in each version that is served.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Resource> + '_ {
        let is_definition = |object: &&DesiredObject| object.key.kind == "CustomResourceDefinition";
        self.objects.iter().filter(is_definition).flat_map(|object| kinds_of(&object.object))
    }
}

fn kinds_of(definition: &Value) -> Vec<Resource> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
    let (Some(group), Some(kind), Some(plural)) =
        (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"))
    else {
        return Vec::new();
    };
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true)
        .filter_map(|version| version["name"].as_str())
        .map(|version| Resource {
            api_version: format!("{group}/{version}"),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: text("/spec/scope") == Some("Namespaced"),
        })
        .collect()
}
