//! Manifests that a record has no room for.
//!
//! Kubernetes stores 1 MiB in a Secret. In the place of a manifest that is larger, however it is packed, stands one that
//! Helm refuses to build and that says who has it. An empty one would be taken for a release without objects: a rollback
//! to it would delete everything, an uninstall would leave everything behind.

use futures_util::future::BoxFuture;

/// The kind that no cluster knows; Helm's refusal names it.
const KIND: &str = "ManifestKeptByLandfall";
const ANNOTATION: &str = "landfall.dev/manifest";

/// Gives out manifests that were kept elsewhere.
pub trait KeptManifests: Send + Sync {
    /// The manifest behind a [`NewRevision::reference`](super::NewRevision::reference), if it is there.
    fn manifest<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Option<String>>;
}

/// Keeps nothing: for callers whose manifests always fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingKept;

impl KeptManifests for NothingKept {
    fn manifest<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }
}

/// What stands in the place of a manifest that is kept under `reference`.
pub(super) fn stand_in(release: &str, reference: &str) -> String {
    format!(
        "---\n# This revision's manifest is larger than a release record can be. Landfall has it: deploy, roll back and\n\
         # remove this release there.\napiVersion: landfall.dev/v1\nkind: {KIND}\nmetadata:\n  name: {release}\n  \
         annotations:\n    {ANNOTATION}: {reference}\n"
    )
}

/// Whether a manifest is a stand-in, and for what.
pub(super) fn reference(manifest: &str) -> Option<&str> {
    // A real manifest is not searched through: a stand-in is short.
    if manifest.len() > 4096 || !manifest.contains(&format!("\nkind: {KIND}\n")) {
        return None;
    }
    let start = format!("{ANNOTATION}: ");
    manifest.lines().find_map(|line| line.trim().strip_prefix(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in is YAML of one object, and is known again.
    #[test]
    fn stand_ins() {
        let text = stand_in("shop", "rendering/ab12");
        assert_eq!(reference(&text), Some("rendering/ab12"));
        let objects = crate::manifest::read_objects(&text).unwrap();
        assert_eq!(objects[0].key.kind, KIND);
        assert_eq!(reference("---\nkind: ConfigMap\n"), None);
    }
}
