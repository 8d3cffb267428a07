//! How a cluster is reached: simulated ones through whoever runs the simulator, others by address.

use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::store::{self, ClusterRow};
use super::{ClusterKind, NewCluster};
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::{Cause, Error, sentence};
use crate::names::ClusterName;
use crate::outbound::{self, RefusedAddress};
use crate::store::ids::ClusterId;

/// What [`SimulatedClusters::access`] returns.
pub type AccessFuture<'a> =
    Pin<Box<dyn Future<Output = Result<rollout::ClusterConfig, Cause>> + Send + 'a>>;

/// Runs simulated clusters. Given by the binary, because this crate does not know the simulator.
pub trait SimulatedClusters: Send + Sync {
    /// How to reach the simulated cluster; starts it if it does not run yet. The same id gets the
    /// same cluster with its objects, again after a restart if it is kept in a file.
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a>;
}

/// How a real cluster is reached, as it is sealed in its row.
#[derive(Serialize, Deserialize)]
struct StoredAccess {
    server: String,
    ca_pem: String,
    token: String,
}

fn identity(id: ClusterId) -> String {
    format!("clusters/access/{id}")
}

impl Control {
    /// Seals how a cluster is reached, for its row.
    pub(super) fn seal_access(&self, id: ClusterId, new: &NewCluster) -> Result<Vec<u8>, Error> {
        let access = StoredAccess {
            server: new.server.clone(),
            ca_pem: new.ca_pem.clone(),
            token: new.token.expose_secret().to_owned(),
        };
        let json = serde_json::to_vec(&access)
            .map_err(|e| Error::internal("store how a cluster is reached", e))?;
        let sealed = self.objects().sealer().seal(&identity(id), &json);
        sealed.map_err(|e| Error::internal("encrypt how a cluster is reached", e))
    }

    /// A connection to a cluster; made once and kept.
    pub(crate) async fn cluster_connect(&self, id: ClusterId) -> Result<rollout::Cluster, Error> {
        let known =
            self.clusters().lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(cluster) = known {
            return Ok(cluster);
        }
        let row = store::by_id(self.db().read(), id).await?;
        let row = row.ok_or_else(|| Error::not_found("cluster", id))?;
        let cluster = self.connect(&row).await?;
        let mut clusters = self.clusters().lock().unwrap_or_else(PoisonError::into_inner);
        Ok(clusters.entry(id).or_insert(cluster).clone())
    }

    /// Forgets a connection: how the cluster is reached may have changed.
    pub(crate) fn cluster_forget(&self, id: ClusterId) {
        self.clusters().lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    async fn connect(&self, row: &ClusterRow) -> Result<rollout::Cluster, Error> {
        match row.kind {
            ClusterKind::Simulated => self.connect_simulated(row.id, &row.name).await,
            ClusterKind::Kubernetes => {
                let sealed = row.access_sealed.as_deref().unwrap_or_default();
                let json = self
                    .objects()
                    .sealer()
                    .open(&identity(row.id), sealed)
                    .map_err(|e| Error::internal("decrypt how a cluster is reached", e))?;
                let access: StoredAccess = serde_json::from_slice(&json)
                    .map_err(|e| Error::internal("read how a cluster is reached", e))?;
                let token: SecretString = access.token.into();
                self.connect_real(&row.name, &access.server, access.ca_pem, token).await
            }
        }
    }

    /// Connects to a simulated cluster, which starts if it does not run.
    pub(super) async fn connect_simulated(
        &self,
        id: ClusterId,
        name: &ClusterName,
    ) -> Result<rollout::Cluster, Error> {
        let Some(simulated) = &self.config().simulated else {
            return Err(Error::Unreachable {
                what: format!("The simulated cluster `{name}` does not run in this process."),
                remedy: "Use a server that runs simulated clusters.".to_owned(),
                source: None,
            });
        };
        let config = simulated.access(id, name).await.map_err(|source| Error::Unreachable {
            what: format!(
                "The simulated cluster `{name}` was not reached: {}.",
                whole_text(&*source)
            ),
            remedy: String::new(),
            source: Some(source),
        })?;
        rollout::Cluster::connect(config).map_err(|e| unreachable(&e))
    }

    /// Connects to a real cluster, at an address that was checked; its certificate is checked
    /// against the name that was given.
    pub(super) async fn connect_real(
        &self,
        name: &ClusterName,
        server: &str,
        ca_pem: String,
        token: SecretString,
    ) -> Result<rollout::Cluster, Error> {
        let wrong =
            |message: String| Error::invalid("server", message, "Write it as https://HOST:PORT.");
        let mut url: Url = server.parse().map_err(|e| wrong(format!("This is not a URL: {e}.")))?;
        if url.scheme() != "https" {
            return Err(wrong("Clusters are reached by https only.".to_owned()));
        }
        let address = self.outbound().checked_address(&url).await.map_err(|refused| {
            let remedy = outbound::refused(&*refused).map(RefusedAddress::remedy);
            let remedy = remedy.unwrap_or_else(|| "Give another address.".to_owned());
            Error::invalid("server", sentence(&whole_text(&*refused)), remedy)
        })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut config = rollout::ClusterConfig::with_token(name.as_str(), "", Some(ca_pem), token);
        if url.set_ip_host(address.ip()).is_ok() {
            config.tls_server_name = Some(host);
        }
        url.as_str().trim_end_matches('/').clone_into(&mut config.server);
        rollout::Cluster::connect(config).map_err(|e| unreachable(&e))
    }
}

/// A cluster that did not answer, in its own words.
pub(crate) fn unreachable(error: &rollout::ClusterError) -> Error {
    Error::Unreachable { what: sentence(&error.to_string()), remedy: String::new(), source: None }
}
