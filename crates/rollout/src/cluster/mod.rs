//! A connection to one Kubernetes cluster.
//!
//! A thin layer over `kube`'s client: objects are plain JSON (a chart may hold fields that no typed
//! struct knows), every request has a time-out, transient failures are retried, and every error
//! names the cluster, the object and the remedy. What is read and written is decided elsewhere.

mod config;
mod discovery;
mod error;
mod lookup;
mod pulse;
mod quoted;
mod request;
mod retry;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use helm::capabilities::KubeVersion;
use kube::Client;
use tokio::sync::RwLock;

pub use config::{ClusterConfig, Credentials};
pub(crate) use discovery::{Discovery, Resource};
pub use error::ClusterError;
pub use lookup::LookupReader;
pub use pulse::Pulse;
pub(crate) use request::{ApplyMode, Effect, FIELD_MANAGER, LogOptions};
pub(crate) use watch::Change;

use crate::ObjectKey;

/// A cluster. Clones share the connection and the cached discovery.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    client: Client,
    request_timeout: Duration,
    first_pause: Duration,
    discovery: RwLock<Option<Arc<Discovery>>>,
    pulse: Pulse,
}

/// What a cluster says about itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClusterVersion {
    /// `v1.37.1`.
    #[serde(rename = "gitVersion")]
    pub git_version: String,
    /// `1`.
    #[serde(default)]
    pub major: String,
    /// `37`; some providers append a `+`.
    #[serde(default)]
    pub minor: String,
}

impl Cluster {
    /// Prepares the connection; nothing is sent yet. Must be called within a tokio runtime.
    pub fn connect(config: ClusterConfig) -> Result<Self, ClusterError> {
        let name = config.name.clone();
        let (request_timeout, pulse) = (config.request_timeout, config.pulse.clone());
        let client = config::client(config)?;
        let discovery = RwLock::new(None);
        let first_pause = retry::FIRST_PAUSE;
        let inner = Inner { name, client, request_timeout, first_pause, discovery, pulse };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A cluster behind a client made elsewhere: for tests that script the API server.
    #[cfg(test)]
    pub(crate) fn with_client(name: &str, client: Client) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            client,
            request_timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(1),
            discovery: RwLock::new(None),
            pulse: Pulse::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The name people know it by.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its version, asked anew: also the test of whether it can be reached and lets us in.
    pub async fn version(&self) -> Result<ClusterVersion, ClusterError> {
        let doing = "asking for its version";
        let answer = self.get_path("/version", doing).await?;
        serde_json::from_value(answer).map_err(|error| self.unreadable(doing, &error))
    }

    /// What charts are told about this cluster: `.Capabilities`.
    pub async fn capabilities(&self) -> Result<helm::Capabilities, ClusterError> {
        let version = self.version().await?;
        let discovery = self.discovery().await?;
        Ok(helm::Capabilities {
            kube_version: KubeVersion::from_cluster(
                &version.git_version,
                &version.major,
                &version.minor,
            ),
            api_versions: discovery.api_versions(),
        })
    }

    /// The kinds the cluster serves; asked once and kept.
    pub(crate) async fn discovery(&self) -> Result<Arc<Discovery>, ClusterError> {
        if let Some(known) = &*self.inner.discovery.read().await {
            return Ok(Arc::clone(known));
        }
        self.rediscover(None).await
    }

    /// The resource behind a kind. A kind that is not known may have been added meanwhile, so
    /// discovery is asked once more before it is called unknown.
    pub(crate) async fn resource(&self, key: &ObjectKey) -> Result<Resource, ClusterError> {
        let known = self.discovery().await?;
        if let Some(resource) = known.resource(&key.api_version, &key.kind) {
            return Ok(resource.clone());
        }
        let fresh = self.rediscover(Some(&known)).await?;
        fresh.resource(&key.api_version, &key.kind).cloned().ok_or_else(|| {
            ClusterError::NoSuchKind { cluster: self.name().to_owned(), key: Box::new(key.clone()) }
        })
    }

    /// Asks for the kinds anew, unless someone else did since `stale` was read.
    async fn rediscover(
        &self,
        stale: Option<&Arc<Discovery>>,
    ) -> Result<Arc<Discovery>, ClusterError> {
        let mut slot = self.inner.discovery.write().await;
        if let Some(known) = &*slot
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, known))
        {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(discovery::discover(self).await?);
        *slot = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    fn unreadable(&self, doing: &str, error: &serde_json::Error) -> ClusterError {
        ClusterError::Answer {
            cluster: self.name().to_owned(),
            doing: doing.to_owned(),
            problem: error.to_string(),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cluster").field(&self.inner.name).finish()
    }
}
