//! The Helm releases that a cluster holds, whoever made them.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use helm::release::{Status, storage};
use serde_json::Value;

use super::StoredRevision;
use super::store::{Extent, secret_key, stored_revision};
use crate::{Cluster, ClusterError};

/// How many records are read at once.
const AT_ONCE: usize = 8;

/// A Helm release with its newest revision.
#[derive(Clone, Debug)]
pub struct FoundRelease {
    /// Where its records are.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its newest revision.
    pub newest: StoredRevision,
}

/// Helm releases by namespace and name, of one namespace or of all, those left out that are uninstalled or that
/// `wanted` does not want; at most `most`, and whether there are more.
///
/// Records may be large, so only the newest one of what is wanted is read.
pub async fn list_releases(
    cluster: &Cluster,
    namespace: Option<&str>,
    most: usize,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<(Vec<FoundRelease>, bool), ClusterError> {
    let resource = cluster.resource(&secret_key(namespace.unwrap_or_default(), "")).await?;
    let listed = cluster.list_metadata(&resource, namespace, Some("owner=helm")).await?;
    let mut places = newest(&listed.items);
    places.retain(|place| !place.uninstalled && wanted(&place.namespace, &place.name));
    let more = places.len() > most;
    places.truncate(most);
    let resource = &resource;
    let reads = places.into_iter().map(|place| async move {
        let Place { namespace, name, revision, .. } = place;
        let key = secret_key(&namespace, &storage::secret_name(&name, revision));
        let record = cluster.get(resource, &key).await?;
        // One that is gone since, or cannot be read, is left out, as Helm does.
        let newest = record.as_ref().and_then(|record| stored_revision(record, Extent::Outline));
        Ok::<_, ClusterError>(newest.map(|newest| FoundRelease { namespace, name, newest }))
    });
    let reads: Vec<_> = reads.collect();
    let found: Vec<Option<FoundRelease>> =
        stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok((found.into_iter().flatten().collect(), more))
}

/// A release as the labels of its records tell it.
#[derive(Debug, PartialEq)]
struct Place {
    namespace: String,
    name: String,
    revision: u32,
    uninstalled: bool,
}

/// The newest revision of each release, by namespace and name.
fn newest(secrets: &[Value]) -> Vec<Place> {
    let mut found: BTreeMap<(String, String), Place> = BTreeMap::new();
    for secret in secrets {
        let metadata = &secret["metadata"];
        let label = |label: &str| metadata["labels"][label].as_str().unwrap_or_default().to_owned();
        let (name, namespace) = (label("name"), metadata["namespace"].as_str().unwrap_or_default());
        let Ok(revision) = label("version").parse::<u32>() else { continue };
        // Labels are anyone's; a record is where Helm looks for it.
        if metadata["name"].as_str() != Some(&storage::secret_name(&name, revision)) {
            continue;
        }
        let place = Place {
            namespace: namespace.to_owned(),
            name: name.clone(),
            revision,
            uninstalled: label("status") == Status::Uninstalled.as_str(),
        };
        let known = found.entry((namespace.to_owned(), name));
        known
            .and_modify(|known| {
                if known.revision < revision {
                    known.revision = revision;
                    known.uninstalled = place.uninstalled;
                }
            })
            .or_insert(place);
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(namespace: &str, release: &str, revision: u32, status: &str) -> Value {
        json!({ "metadata": {
            "name": storage::secret_name(release, revision),
            "namespace": namespace,
            "labels": { "owner": "helm", "name": release, "version": revision.to_string(), "status": status },
        }})
    }

    /// Of each release the newest revision counts, by number and not by text; what only looks like a record does not.
    #[test]
    fn newest_revisions() {
        let mut stray = secret("prod", "shop", 11, "deployed");
        stray["metadata"]["name"] = json!("mine");
        let secrets = [
            secret("prod", "shop", 9, "superseded"),
            secret("prod", "shop", 10, "deployed"),
            secret("prod", "gone", 1, "uninstalled"),
            secret("lab", "shop", 2, "failed"),
            stray,
        ];
        let place = |namespace: &str, name: &str, revision, uninstalled| Place {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            revision,
            uninstalled,
        };
        assert_eq!(
            newest(&secrets),
            [
                place("lab", "shop", 2, false),
                place("prod", "gone", 1, true),
                place("prod", "shop", 10, false),
            ]
        );
    }
}
