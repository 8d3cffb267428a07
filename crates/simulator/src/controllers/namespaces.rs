//! What every namespace gets: the `ServiceAccount` `default` and the cluster's authority as a
//! `ConfigMap`.

use serde_json::json;

use crate::{
    cluster::{Cluster, WriteOptions},
    store::{ChangeKind, StoredObject},
};

/// Fills new namespaces for ever.
pub(super) async fn run(cluster: Cluster, ca_pem: String) {
    loop {
        let (namespaces, mut watch) = cluster.list_and_watch("namespaces");
        for namespace in &namespaces {
            fill(&cluster, namespace, &ca_pem);
        }
        while let Ok(changes) = watch.next().await {
            for change in changes.iter().filter(|change| change.kind == ChangeKind::Added) {
                fill(&cluster, &change.object, &ca_pem);
            }
        }
    }
}

fn fill(cluster: &Cluster, namespace: &StoredObject, ca_pem: &str) {
    let objects = [
        (
            "serviceaccounts",
            json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": { "name": "default", "namespace": &*namespace.name },
            }),
        ),
        (
            "configmaps",
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": "kube-root-ca.crt", "namespace": &*namespace.name },
                "data": { "ca.crt": ca_pem },
            }),
        ),
    ];
    for (resource, object) in objects {
        let name = crate::object::name(&object);
        if cluster.store().get(resource, &namespace.name, name).is_none()
            && let Err(error) = cluster.create(resource, object, &WriteOptions::default())
        {
            // A namespace may be deleted as fast as it was made.
            tracing::debug!(%error, resource, "a namespace's own object was not made");
        }
    }
}
