//! The kinds the simulator serves and what it knows of each: names, scope, subresources.
//!
//! One table ([`table`]) lists them. What a kind's fields are and how their lists merge is in
//! [`schema`]; how `kubectl get` shows it in [`columns`]. Rules of behaviour (defaults, validation)
//! are not here but in `admission`.

pub(crate) mod columns;
pub mod schema;
pub mod table;

use std::{collections::HashMap, sync::Arc};

/// One served kind: a group, a version and the names clients use for it.
#[derive(Debug, Clone)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: String,
    /// Version within the group, such as `v1`.
    pub version: String,
    /// The kind's name, such as `Deployment`.
    pub kind: String,
    /// Name in URLs, such as `deployments`.
    pub plural: String,
    /// Singular for people, such as `deployment`.
    pub singular: String,
    /// Short names of `kubectl`, such as `deploy`.
    pub short_names: Vec<String>,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Groups of kinds such as `all`.
    pub categories: Vec<String>,
    /// Whether `/status` is a subresource.
    pub status: bool,
    /// Whether `/scale` is a subresource.
    pub scale: bool,
    /// Id of the resource its objects are stored under: `pods`, `deployments.apps`. Two versions of
    /// a kind, and the two Event kinds, share one.
    pub storage: String,
}

impl Kind {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `pods` or `deployments.apps`: how error messages name the resource.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `Pod` or `Deployment.apps`: how validation messages name the kind.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }
}

/// The set of served kinds.
///
/// It is a value and not a static table so that a cluster can later gain kinds (custom resources).
#[derive(Debug, Default)]
pub struct Kinds {
    served: Vec<Arc<Kind>>,
    by_path: HashMap<(String, String, String), Arc<Kind>>,
    by_storage: HashMap<String, Arc<Kind>>,
}

impl Kinds {
    /// The kinds built into Kubernetes that the simulator knows.
    pub fn builtin() -> Self {
        let mut kinds = Self::default();
        for kind in table::builtin() {
            kinds.add(kind);
        }
        kinds
    }

    /// Adds a kind. The first kind of a storage id is the form its objects are stored in.
    pub fn add(&mut self, kind: Kind) {
        let kind = Arc::new(kind);
        self.by_path.insert(
            (kind.group.clone(), kind.version.clone(), kind.plural.clone()),
            Arc::clone(&kind),
        );
        self.by_storage.entry(kind.storage.clone()).or_insert_with(|| Arc::clone(&kind));
        self.served.push(kind);
    }

    /// All kinds, in the order of discovery.
    pub fn served(&self) -> &[Arc<Kind>] {
        &self.served
    }

    /// The kind at a URL path.
    pub fn at_path(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// The kind whose form objects of a resource id (`deployments.apps`) are stored in.
    pub fn stored(&self, storage: &str) -> Option<&Arc<Kind>> {
        self.by_storage.get(storage)
    }

    /// The kind with this `apiVersion` and `kind`, as owner references name it.
    pub fn by_gvk(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.served.iter().find(|it| it.kind == kind && it.api_version() == api_version)
    }
}
