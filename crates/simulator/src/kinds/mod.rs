//! The kinds the simulator serves and what it knows of each: names, scope, subresources.
//!
//! One table ([`table`]) lists them. What a kind's fields are and how their lists merge is in
//! [`schema`]; how `kubectl get` shows it in [`columns`]. Rules of behaviour (defaults, validation)
//! are not here but in `admission`.

pub(crate) mod columns;
pub mod custom;
pub(crate) mod enums;
pub mod schema;
mod selectable;
pub mod table;

use std::{collections::HashMap, sync::Arc};

use self::{
    custom::Custom,
    schema::{Schema, Shape},
};

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
    /// What a kind of custom resources has beyond a built-in one.
    pub custom: Option<Arc<Custom>>,
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

    /// The kind of its lists.
    pub fn list_kind(&self) -> String {
        match &self.custom {
            Some(custom) => custom.list_kind.clone(),
            None => format!("{}List", self.kind),
        }
    }

    /// The shape of its objects.
    pub fn shape(&self) -> Shape {
        match &self.custom {
            Some(custom) => custom.shape.clone(),
            None => {
                Schema::builtin().of_kind(&self.api_version(), &self.kind).unwrap_or(Shape::Any)
            }
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

/// The set of served kinds: the built-in ones, and those of established definitions.
///
/// A set never changes; a cluster that learns of a definition takes another one.
#[derive(Debug, Default, Clone)]
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

    /// Adds a kind. The first kind of a storage id is the form its objects are stored in, unless
    /// a version of a definition says that it is.
    fn add(&mut self, kind: Kind) {
        let kind = Arc::new(kind);
        if kind.custom.as_ref().is_some_and(|custom| custom.stored) {
            self.by_storage.insert(kind.storage.clone(), Arc::clone(&kind));
        }
        self.by_storage.entry(kind.storage.clone()).or_insert_with(|| Arc::clone(&kind));
        if kind.custom.as_ref().is_some_and(|custom| !custom.served) {
            return;
        }
        self.by_path.insert(
            (kind.group.clone(), kind.version.clone(), kind.plural.clone()),
            Arc::clone(&kind),
        );
        self.served.push(kind);
    }

    /// The set with the kinds of a definition in the place of those it had before.
    #[must_use]
    pub fn with_definition(&self, definition: &serde_json::Value) -> Self {
        let mut kinds = self.without_definition(crate::object::name(definition));
        for kind in custom::kinds_of(definition) {
            kinds.add(kind);
        }
        kinds
    }

    /// The set without the kinds of a definition.
    #[must_use]
    pub fn without_definition(&self, name: &str) -> Self {
        let others =
            |kind: &Arc<Kind>| kind.custom.as_ref().is_none_or(|custom| custom.definition != name);
        let mut kinds = self.clone();
        kinds.served.retain(|kind| others(kind));
        kinds.by_path.retain(|_, kind| others(kind));
        kinds.by_storage.retain(|_, kind| others(kind));
        kinds
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

    /// The ids of all resources, each once.
    pub fn storages(&self) -> impl Iterator<Item = &str> {
        self.by_storage.keys().map(String::as_str)
    }
}
