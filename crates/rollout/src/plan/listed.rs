//! Reading what a release has many of with one request per kind, instead of one per object.
//!
//! A request costs an API server more than what is in its answer. Objects of Helm's releases bear a label, by which they are
//! listed; what the first page of a list does not have is asked for by its name, as everything is that a release has few of.
//! So nothing is taken for absent because a list lacks it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use serde_json::Value;

use crate::cluster::Resource;
use crate::manifest::Desired;
use crate::{Cluster, ClusterError, ObjectKey};

/// So many objects of a kind are worth a list.
const MANY: usize = 4;
/// A page has room for others' objects as well: so many times what is looked for.
const ROOM: usize = 3;
/// What objects of Helm's releases bear.
const MANAGED: &str = "app.kubernetes.io/managed-by=Helm";

/// Objects that lists had, until they are taken.
#[derive(Default)]
pub(super) struct Listed(Mutex<HashMap<ObjectKey, Value>>);

impl Listed {
    /// Lists the kinds that many of the desired objects are of.
    pub(super) async fn read(cluster: &Cluster, desired: &Desired) -> Result<Self, ClusterError> {
        let mut kinds: HashMap<(&str, &str), Vec<&ObjectKey>> = HashMap::new();
        for object in &desired.objects {
            let key = &object.key;
            kinds.entry((key.api_version.as_str(), key.kind.as_str())).or_default().push(key);
        }
        let mut lists = Vec::new();
        for keys in kinds.into_values().filter(|keys| keys.len() >= MANY) {
            let Ok(resource) = cluster.resource(keys[0]).await else { continue };
            let mut places: HashMap<Option<String>, usize> = HashMap::new();
            for key in keys {
                let located = resource.locate(key, &desired.namespace);
                *places.entry(located.namespace).or_default() += 1;
            }
            let many = places.into_iter().filter(|(_, count)| *count >= MANY);
            lists.extend(many.map(|(namespace, count)| (resource.clone(), namespace, count)));
        }
        let pages = lists.iter().map(|(resource, namespace, count)| {
            page(cluster, resource, namespace.as_deref(), count * ROOM)
        });
        let items = try_join_all(pages).await?.into_iter().flatten();
        Ok(Self(Mutex::new(items.map(|item| (ObjectKey::of(&item), item)).collect())))
    }

    /// The object, if a list had it.
    pub(super) fn take(&self, key: &ObjectKey) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }
}

/// Nothing where lists are refused, forbidden for example: objects may be readable all the same.
async fn page(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    limit: usize,
) -> Result<Vec<Value>, ClusterError> {
    match cluster.list_first(resource, namespace, MANAGED, limit).await {
        Err(error) if !error.is_transient() => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crds::Crds;
    use crate::testing::FakeServer;

    const PATH: &str = "/api/v1/namespaces/prod/configmaps";

    fn desired(names: &[&str]) -> Desired {
        let manifest: String = names
            .iter()
            .map(|name| {
                format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
            })
            .collect();
        Desired::parse("shop", "prod", &manifest, Vec::new(), Crds::default()).unwrap()
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("prod".to_owned()),
            name: name.to_owned(),
        }
    }

    async fn listed(server: &FakeServer, names: &[&str]) -> Listed {
        Listed::read(&server.cluster(), &desired(names)).await.unwrap()
    }

    /// Many objects come with one request; what is not among them is not known.
    #[tokio::test]
    async fn many() {
        let server = FakeServer::default();
        for name in ["a", "b", "c"] {
            let labels = json!({ "app.kubernetes.io/managed-by": "Helm" });
            let metadata = json!({ "name": name, "namespace": "prod", "labels": labels });
            server.put(&format!("{PATH}/{name}"), json!({ "metadata": metadata, "data": {} }));
        }
        let listed = listed(&server, &["a", "b", "c", "d"]).await;
        let asked = server.take_requests();
        assert_eq!(asked.iter().filter(|it| it.as_str() == format!("GET {PATH}")).count(), 1);
        assert_eq!(listed.take(&key("a")).unwrap()["kind"], "ConfigMap");
        assert_eq!(listed.take(&key("a")), None, "it was taken");
        assert_eq!(listed.take(&key("d")), None);
    }

    /// A few are not worth a list, and who may not list goes without.
    #[tokio::test]
    async fn few_and_forbidden() {
        let server = FakeServer::default();
        listed(&server, &["a", "b", "c"]).await;
        assert!(!server.take_requests().contains(&format!("GET {PATH}")));
        server.fail(&format!("GET {PATH}"), crate::testing::Fault::Refuse(403));
        let listed = listed(&server, &["a", "b", "c", "d"]).await;
        assert_eq!(listed.take(&key("a")), None);
    }
}
