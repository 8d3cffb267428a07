//! The namespace of a release: whether it is there.

use crate::{Cluster, ClusterError, ObjectKey};

/// The key of a Namespace.
pub(crate) fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_owned(),
    }
}

/// Whether a namespace is there.
pub(crate) async fn namespace_exists(
    cluster: &Cluster,
    namespace: &str,
) -> Result<bool, ClusterError> {
    let key = namespace_key(namespace);
    let resource = cluster.resource(&key).await?;
    match cluster.get(&resource, &key).await {
        Ok(found) => Ok(found.is_some()),
        // Who may not look at namespaces may not create one either: it has to be there.
        Err(ClusterError::Forbidden { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
