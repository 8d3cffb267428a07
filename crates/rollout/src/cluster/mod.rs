//! A connection to one Kubernetes cluster.
//!
//! A thin layer over `kube`'s client: objects are plain JSON (a chart may hold fields that no typed
//! struct knows), every request has a time-out, transient failures are retried, and every error
//! names the cluster, the object and the remedy. What is read and written is decided elsewhere.

mod admission;
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
use std::time::{Duration, Instant};

use helm::capabilities::KubeVersion;
use tokio::sync::{Mutex, RwLock};

pub(crate) use admission::Admission;
use config::Clients;
pub use config::{ClusterConfig, Credentials};
pub(crate) use discovery::{Discovery, Resource};
pub use error::ClusterError;
pub(crate) use error::root_cause as cause;
pub use lookup::LookupReader;
pub use pulse::Pulse;
pub(crate) use request::{ApplyMode, Effect, FIELD_MANAGER, LogOptions};
pub(crate) use watch::{Change, Followed};

use crate::ObjectKey;

/// A cluster. Clones share the connection and the cached discovery.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    clients: Clients,
    request_timeout: Duration,
    first_pause: Duration,
    discovery: RwLock<Option<Arc<Discovery>>>,
    admission: Mutex<Option<(Instant, Arc<Admission>)>>,
    version: Mutex<Option<(Instant, ClusterVersion)>>,
    pulse: Pulse,
}

/// How long an answer stays good that changes once in months and is asked for in each deployment.
const GOOD_FOR: Duration = Duration::from_secs(10);

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
        let clients = config::clients(config)?;
        let inner = Inner {
            name,
            clients,
            request_timeout,
            first_pause: retry::FIRST_PAUSE,
            discovery: RwLock::new(None),
            admission: Mutex::new(None),
            version: Mutex::new(None),
            pulse,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A cluster behind a client made elsewhere: for tests that script the API server.
    #[cfg(test)]
    pub(crate) fn with_client(name: &str, client: kube::Client) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            clients: Clients::new(client.clone(), client),
            request_timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(1),
            discovery: RwLock::new(None),
            admission: Mutex::new(None),
            version: Mutex::new(None),
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

    /// The version, at most seconds old.
    async fn recent_version(&self) -> Result<ClusterVersion, ClusterError> {
        let mut slot = self.inner.version.lock().await;
        if let Some((at, version)) = &*slot
            && at.elapsed() < GOOD_FOR
        {
            return Ok(version.clone());
        }
        let version = self.version().await?;
        *slot = Some((Instant::now(), version.clone()));
        Ok(version)
    }

    /// What charts are told about this cluster: `.Capabilities`.
    pub async fn capabilities(&self) -> Result<helm::Capabilities, ClusterError> {
        let version = self.recent_version().await?;
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

    /// What looks at objects as they are written; at most seconds old.
    pub(crate) async fn admission(&self) -> Result<Arc<Admission>, ClusterError> {
        let mut slot = self.inner.admission.lock().await;
        if let Some((at, admission)) = &*slot
            && at.elapsed() < GOOD_FOR
        {
            return Ok(Arc::clone(admission));
        }
        let fresh = Arc::new(admission::read(self).await?);
        *slot = Some((Instant::now(), Arc::clone(&fresh)));
        Ok(fresh)
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
