//! Which kinds a cluster serves, and under which paths.
//!
//! Asks for the aggregated form (two requests for everything) and falls back to one request per group
//! version where the server does not know it. One group that cannot be read (an aggregated API whose
//! backend is down) does not spoil the rest.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::{Cluster, ClusterError};
use crate::ObjectKey;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// The kinds a cluster serves.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    group_versions: Vec<String>,
    kinds: HashMap<(String, String), Resource>,
}

/// How one kind is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// `apps/v1`.
    pub(crate) api_version: String,
    /// `Deployment`.
    pub(crate) kind: String,
    /// `deployments`.
    pub(crate) plural: String,
    /// Whether objects of it live in namespaces.
    pub(crate) namespaced: bool,
}

impl Resource {
    /// The path of the collection, of a namespace or of all of them.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => {
                format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural)
            }
            None => format!("/{root}/{}/{}", self.api_version, self.plural),
        }
    }

    /// The key of an object of this kind as the cluster sees it: with `default_namespace` where the
    /// kind has namespaces and none is given, without any where it has none.
    pub(crate) fn locate(&self, key: &ObjectKey, default_namespace: &str) -> ObjectKey {
        let namespace = self
            .namespaced
            .then(|| key.namespace.clone().unwrap_or_else(|| default_namespace.to_owned()));
        ObjectKey { namespace, ..key.clone() }
    }
}

impl Discovery {
    pub(crate) fn resource(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        self.kinds.get(&(api_version.to_owned(), kind.to_owned()))
    }

    /// `v1`, `apps/v1`, `apps/v1/Deployment` …, sorted.
    pub(super) fn api_versions(&self) -> Vec<String> {
        let kinds = self.kinds.keys().map(|(version, kind)| format!("{version}/{kind}"));
        let mut all: Vec<String> = self.group_versions.iter().cloned().chain(kinds).collect();
        all.sort();
        all.dedup();
        all
    }

    fn add(&mut self, group_version: &str, kind: &str, plural: &str, namespaced: bool) {
        // Of several resources with one kind the first is the object itself.
        self.kinds.entry((group_version.to_owned(), kind.to_owned())).or_insert_with(|| Resource {
            api_version: group_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
        });
    }
}

/// Asks the cluster.
pub(super) async fn discover(cluster: &Cluster) -> Result<Discovery, ClusterError> {
    let doing = "asking which kinds it serves";
    let core = cluster.get_path_accepting("/api", AGGREGATED, doing).await?;
    let groups = cluster.get_path_accepting("/apis", AGGREGATED, doing).await?;
    let mut discovery = Discovery::default();
    let mut plain = Vec::new();
    for answer in [core, groups] {
        if answer["kind"] == "APIGroupDiscoveryList" {
            read_aggregated(&answer, &mut discovery);
        } else {
            plain.extend(group_versions(&answer));
        }
    }
    let answers = stream::iter(plain)
        .map(|group_version| async move {
            let root = if group_version.contains('/') { "apis" } else { "api" };
            let answer = cluster.get_path(&format!("/{root}/{group_version}"), doing).await;
            (group_version, answer)
        })
        .buffered(8);
    let mut answers = std::pin::pin!(answers);
    while let Some((group_version, answer)) = answers.next().await {
        match answer {
            Ok(answer) => read_resources(&group_version, &answer, &mut discovery),
            Err(error) => tracing::warn!(%error, group_version, "an API group cannot be read"),
        }
    }
    Ok(discovery)
}

/// `APIGroupDiscoveryList`: groups, their versions, their resources in one document.
fn read_aggregated(answer: &Value, discovery: &mut Discovery) {
    for group in items(answer, "items") {
        let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for version in items(group, "versions") {
            let version_name = version["version"].as_str().unwrap_or_default();
            let group_version = match name {
                "" => version_name.to_owned(),
                name => format!("{name}/{version_name}"),
            };
            for resource in items(version, "resources") {
                // A resource that only has subresources carries no kind of its own.
                let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str);
                let (Some(kind), Some(plural)) = (kind, resource["resource"].as_str()) else {
                    continue;
                };
                discovery.add(&group_version, kind, plural, resource["scope"] == "Namespaced");
            }
            discovery.group_versions.push(group_version);
        }
    }
}

/// The versions in an `APIVersions` or `APIGroupList`.
fn group_versions(answer: &Value) -> Vec<String> {
    let core = items(answer, "versions").filter_map(Value::as_str).map(str::to_owned);
    let grouped = items(answer, "groups")
        .flat_map(|group| items(group, "versions"))
        .filter_map(|version| version["groupVersion"].as_str())
        .map(str::to_owned);
    core.chain(grouped).collect()
}

/// `APIResourceList` of one group version.
fn read_resources(group_version: &str, answer: &Value, discovery: &mut Discovery) {
    discovery.group_versions.push(group_version.to_owned());
    for resource in items(answer, "resources") {
        let (Some(kind), Some(plural)) = (resource["kind"].as_str(), resource["name"].as_str())
        else {
            continue;
        };
        if !plural.contains('/') {
            discovery.add(group_version, kind, plural, resource["namespaced"] == true);
        }
    }
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}
