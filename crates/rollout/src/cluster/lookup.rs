//! Answering the template function `lookup` from a cluster.

use helm::LookupError;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::Cluster;
use crate::ObjectKey;

/// Lets a rendering, which is synchronous, ask a cluster.
///
/// Must be used on a thread where blocking is allowed (`tokio::task::spawn_blocking`), never on one
/// that runs tasks. Each lookup takes at most the connection's request time-out, tries included
/// a few times that.
pub struct LookupReader {
    cluster: Cluster,
    handle: Handle,
}

impl Cluster {
    /// A reader for rendering; `handle` is the runtime that carries the requests.
    pub fn reader(&self, handle: Handle) -> LookupReader {
        LookupReader { cluster: self.clone(), handle }
    }

    async fn look_up(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, crate::ClusterError> {
        let key = ObjectKey {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()).filter(|n| !n.is_empty()),
            name: name.to_owned(),
        };
        let resource = match self.resource(&key).await {
            Err(crate::ClusterError::NoSuchKind { .. }) => return Ok(None),
            other => other?,
        };
        if !name.is_empty() {
            return self.get(&resource, &key).await;
        }
        let listed = self.list(&resource, key.namespace.as_deref(), None).await?;
        Ok(Some(json!({
            "apiVersion": api_version,
            "kind": format!("{kind}List"),
            "metadata": { "resourceVersion": listed.resource_version },
            "items": listed.items,
        })))
    }
}

impl helm::ClusterReader for LookupReader {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, LookupError> {
        self.handle
            .block_on(self.cluster.look_up(api_version, kind, namespace, name))
            .map_err(|error| LookupError { message: error.to_string() })
    }
}
