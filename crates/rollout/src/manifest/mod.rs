//! The objects a release wants: its manifest taken apart.
//!
//! Nothing here talks to a cluster; whether a kind has namespaces is found out later.

mod marks;
mod read;

use helm::release::Hook;
use helm::render::{INSTALL_ORDER, compare_kinds};
use serde_json::Value;

pub(crate) use marks::{Marks, in_namespace, release_of, resource_policy};
pub(crate) use read::read_objects;

use crate::ObjectKey;
use crate::crds::Crds;

/// What should run: the rendered manifest of a release as objects, and what else its chart brings.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Helm's release name.
    pub release: String,
    /// The release's namespace; objects without one of their own go there.
    pub namespace: String,
    /// The objects in Helm's install order; those of one kind in the manifest's order.
    pub objects: Vec<DesiredObject>,
    /// The chart's hooks, for a rollback those stored with the release.
    pub hooks: Vec<Hook>,
    /// The definitions of custom resources the chart brings; none for a rollback.
    pub crds: Crds,
    /// The Helm revision this repeats, if it is a rollback.
    pub rollback_to: Option<u32>,
}

/// One object as the chart rendered it.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObject {
    /// Its identity as written: the namespace is absent where the chart left it out.
    pub key: ObjectKey,
    /// The template it came from: `shop/templates/web.yaml`.
    pub source: Option<String>,
    /// The object.
    pub object: Value,
}

/// A manifest that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A document is not YAML.
    #[error("{template} did not render to valid YAML{}: {message}", line.map(|l| format!(" (line {l} of the document)")).unwrap_or_default())]
    Yaml {
        /// The template of the document.
        template: String,
        /// Line within the document, from 1.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A document is not a Kubernetes object.
    #[error("{template} did not render to a Kubernetes object: {problem}")]
    NotAnObject {
        /// The template of the document.
        template: String,
        /// What it misses: `apiVersion not set`.
        problem: String,
    },
    /// Two documents describe the same object.
    #[error(
        "{key} stands in the manifest twice ({first} and {second}); give one of them another name"
    )]
    Twice {
        /// The object.
        key: Box<ObjectKey>,
        /// The template of the first document.
        first: String,
        /// The template of the second.
        second: String,
    },
}

impl Desired {
    /// Reads a manifest as `helm get manifest` prints it.
    pub fn parse(
        release: &str,
        namespace: &str,
        manifest: &str,
        hooks: Vec<Hook>,
        crds: Crds,
    ) -> Result<Self, ManifestError> {
        let mut objects = read_objects(manifest)?;
        refuse_doubles(&objects, namespace)?;
        objects.sort_by(|a, b| compare_kinds(&INSTALL_ORDER, &a.key.kind, &b.key.kind));
        Ok(Self {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            objects,
            hooks,
            crds,
            rollback_to: None,
        })
    }

    /// The same for a rollback: `manifest` and `hooks` are those stored with revision `to`.
    pub fn parse_rollback(
        release: &str,
        namespace: &str,
        manifest: &str,
        hooks: Vec<Hook>,
        to: u32,
    ) -> Result<Self, ManifestError> {
        let desired = Self::parse(release, namespace, manifest, hooks, Crds::default())?;
        Ok(Self { rollback_to: Some(to), ..desired })
    }

    /// What Helm writes on every object of this release.
    pub(crate) fn marks(&self) -> Marks<'_> {
        Marks { release: &self.release, namespace: &self.namespace }
    }
}

fn refuse_doubles(objects: &[DesiredObject], namespace: &str) -> Result<(), ManifestError> {
    let mut seen = std::collections::HashMap::new();
    for object in objects {
        let place = object.key.namespace.as_deref().unwrap_or(namespace).to_owned();
        let identity = (object.key.group().to_owned(), &object.key.kind, place, &object.key.name);
        if let Some(first) = seen.insert(identity, object) {
            return Err(ManifestError::Twice {
                key: Box::new(object.key.clone()),
                first: template(first.source.as_deref()),
                second: template(object.source.as_deref()),
            });
        }
    }
    Ok(())
}

/// How errors name the template of a document.
fn template(source: Option<&str>) -> String {
    source.unwrap_or("a document without a source line").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(source: &str, kind: &str, name: &str) -> String {
        format!(
            "---\n# Source: {source}\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        )
    }

    fn parse(manifest: &str) -> Result<Desired, ManifestError> {
        Desired::parse("shop", "prod", manifest, Vec::new(), Crds::default())
    }

    /// Objects stand in install order, those of one kind as the manifest has them.
    #[test]
    fn install_order() {
        let manifest = document("c/a.yaml", "Service", "a")
            + &document("c/b.yaml", "ConfigMap", "z")
            + &document("c/c.yaml", "Nonesuch", "none")
            + &document("c/d.yaml", "ConfigMap", "b");
        let keys: Vec<String> =
            parse(&manifest).unwrap().objects.iter().map(|o| o.key.to_string()).collect();
        assert_eq!(keys, ["ConfigMap/z", "ConfigMap/b", "Service/a", "Nonesuch/none"]);
    }

    /// The same object twice, once with the release's namespace spelt out, is refused with both places.
    #[test]
    fn doubles_are_refused() {
        let manifest = document("c/a.yaml", "Service", "a")
            + &document("c/b.yaml", "Service", "a\n  namespace: prod");
        let error = parse(&manifest).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"Service/prod/a stands in the manifest twice (c/a.yaml and c/b.yaml); give one of them another name");
    }
}
