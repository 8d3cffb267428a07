//! How a cluster is reached: simulated ones through whoever runs the simulator, others by address and credentials.

use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::store::{self, ClusterRow};
use super::{AccessKind, ClusterKind, kubeconfig};
use crate::config::InCluster;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::environment::EnvironmentRow;
use crate::error::{Cause, Error, sentence};
use crate::names::{ClusterName, ServiceAccount};
use crate::outbound::{self, RefusedAddress};
use crate::store::ids::ClusterId;

/// Longest that looking up the address of a cluster may take.
const RESOLVE: Duration = Duration::from_secs(10);

/// What [`SimulatedClusters::access`] returns.
pub type AccessFuture<'a> =
    Pin<Box<dyn Future<Output = Result<rollout::ClusterConfig, Cause>> + Send + 'a>>;

/// Runs simulated clusters. Given by the binary, because this crate does not know the simulator.
pub trait SimulatedClusters: Send + Sync {
    /// How to reach the simulated cluster; starts it if it does not run yet. The same id gets the
    /// same cluster with its objects, again after a restart if it is kept in a file.
    fn access<'a>(&'a self, id: ClusterId, name: &'a ClusterName) -> AccessFuture<'a>;
}

/// How a real cluster is reached: by a kubeconfig, by address and token, or from inside it. Never answered.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewAccess {
    /// A kubeconfig; everything it needs must stand in it.
    #[schema(value_type = String)]
    #[serde(default)]
    pub kubeconfig: SecretString,
    /// Which of the kubeconfig's contexts; empty: the current one.
    #[serde(default)]
    pub context: String,
    /// `https://host:port` of the API server, where no kubeconfig is given.
    #[serde(default)]
    pub server: String,
    /// The certificate authority, in PEM; empty: the system's.
    #[serde(default)]
    pub ca_pem: String,
    /// The bearer token.
    #[schema(value_type = String)]
    #[serde(default)]
    pub token: SecretString,
    /// The cluster that this server runs in, as the service account of its pod.
    #[serde(default)]
    pub in_cluster: bool,
}

impl NewAccess {
    /// Whether anything is given.
    pub(super) fn is_given(&self) -> bool {
        let given = |text: &str| !text.trim().is_empty();
        self.in_cluster
            || given(self.kubeconfig.expose_secret())
            || given(self.token.expose_secret())
            || given(&self.context)
            || given(&self.server)
            || given(&self.ca_pem)
    }
}

/// How a real cluster is reached, as it is sealed in its row.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Access {
    pub(super) server: String,
    ca_pem: String,
    tls_server_name: Option<String>,
    token: String,
    certificate_pem: String,
    key_pem: String,
    in_cluster: bool,
    /// The context it was taken from.
    #[serde(skip)]
    pub(super) context: Option<String>,
}

impl Access {
    pub(super) fn kind(&self) -> AccessKind {
        if self.in_cluster {
            AccessKind::InCluster
        } else if self.certificate_pem.is_empty() {
            AccessKind::Token
        } else {
            AccessKind::ClientCertificate
        }
    }

    /// Where what is wrong with it is told.
    fn field(&self) -> &'static str {
        if self.context.is_some() { "kubeconfig" } else { "server" }
    }
}

/// A connection that was made, and what for: it is good as long as that is so.
#[derive(Clone)]
pub(crate) struct Connection {
    cluster: rollout::Cluster,
    access_sealed: Option<Vec<u8>>,
}

fn identity(id: ClusterId) -> String {
    format!("clusters/access/{id}")
}

impl Control {
    /// Whether this server runs in a cluster that it may be told to deploy to.
    pub fn runs_in_cluster(&self) -> bool {
        self.config().in_cluster.as_ref().is_some_and(InCluster::is_there)
    }

    /// Checks the form of an access.
    pub(super) fn read_access(&self, new: &NewAccess) -> Result<Access, Error> {
        let kubeconfig = new.kubeconfig.expose_secret();
        let token = new.token.expose_secret().trim();
        if new.in_cluster {
            let Some(here) = self.config().in_cluster.as_ref().filter(|here| here.is_there())
            else {
                let message = "This server does not run in a cluster with a service account.";
                return Err(Error::invalid("in_cluster", message, "Give a kubeconfig."));
            };
            return Ok(Access {
                server: here.server.clone(),
                in_cluster: true,
                ..Access::default()
            });
        }
        if !kubeconfig.trim().is_empty() {
            if !new.server.trim().is_empty() || !token.is_empty() {
                let message = "A kubeconfig has address and credentials of its own.";
                return Err(Error::invalid("kubeconfig", message, "Give either."));
            }
            let read = kubeconfig::read(kubeconfig, new.context.trim())?;
            let mut access = Access {
                server: read.server,
                ca_pem: read.ca_pem,
                tls_server_name: read.tls_server_name,
                context: Some(read.name),
                ..Access::default()
            };
            match read.sign_in {
                kubeconfig::SignIn::Token(token) => access.token = token,
                kubeconfig::SignIn::Certificate { certificate_pem, key_pem } => {
                    (access.certificate_pem, access.key_pem) = (certificate_pem, key_pem);
                }
            }
            return Ok(access);
        }
        if new.server.trim().is_empty() {
            let message = "It is not said how the cluster is reached.";
            return Err(Error::invalid(
                "kubeconfig",
                message,
                "Give a kubeconfig, or address and token.",
            ));
        }
        if token.is_empty() {
            let remedy = "Give that of an account: `landfall cluster rbac` makes one.";
            return Err(Error::invalid("token", "A token is missing.", remedy));
        }
        Ok(Access {
            server: new.server.trim().to_owned(),
            ca_pem: new.ca_pem.clone(),
            token: token.to_owned(),
            ..Access::default()
        })
    }

    /// Seals how a cluster is reached, for its row.
    pub(super) fn seal_access(&self, id: ClusterId, access: &Access) -> Result<Vec<u8>, Error> {
        let sealer = self.objects().sealer();
        sealer.seal_json(&identity(id), access, "store how a cluster is reached")
    }

    fn open_access(&self, row: &ClusterRow) -> Result<Access, Error> {
        let sealed = row.access_sealed.as_deref().unwrap_or_default();
        let sealer = self.objects().sealer();
        sealer.open_json(&identity(row.id), sealed, "read how a cluster is reached")
    }

    /// A connection to an environment's cluster, as the account that the environment acts as.
    pub(crate) async fn environment_connect(
        &self,
        environment: &EnvironmentRow,
    ) -> Result<rollout::Cluster, Error> {
        let row = store::by_id(self.db().read(), environment.cluster).await?;
        let row = row.ok_or_else(|| Error::not_found("cluster", environment.cluster))?;
        if row.demands_impersonation && environment.service_account.is_none() {
            let what = format!(
                "On cluster `{}` environments act as service accounts of their own, and `{}` names none.",
                row.name, environment.name
            );
            return Err(Error::conflict(what, "Set the environment's service account."));
        }
        self.connect_as(&row, environment.service_account.as_ref()).await
    }

    /// A connection to a cluster as Landfall's own account there.
    pub(crate) async fn cluster_connect(
        &self,
        row: &ClusterRow,
    ) -> Result<rollout::Cluster, Error> {
        self.connect_as(row, None).await
    }

    /// A connection, made once and kept while it is good: another process may have changed how the cluster is reached,
    /// and a cluster that does not answer may have moved to another address.
    async fn connect_as(
        &self,
        row: &ClusterRow,
        account: Option<&ServiceAccount>,
    ) -> Result<rollout::Cluster, Error> {
        let key = (row.id, account.cloned());
        let pulse = self.pulse(row.id);
        let known = {
            let kept = self.connections().lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&key).cloned()
        };
        if let Some(known) = known
            && known.access_sealed == row.access_sealed
            && !pulse.is_silent()
        {
            return Ok(known.cluster);
        }
        let mut config = match row.kind {
            ClusterKind::Simulated => self.simulated_config(row.id, &row.name).await?,
            ClusterKind::Kubernetes => self.real_config(&row.name, &self.open_access(row)?).await?,
        };
        config.impersonate = account.map(ServiceAccount::user);
        config.pulse = pulse;
        let cluster = connected(config)?;
        let made =
            Connection { cluster: cluster.clone(), access_sealed: row.access_sealed.clone() };
        self.connections().lock().unwrap_or_else(PoisonError::into_inner).insert(key, made);
        Ok(cluster)
    }

    /// Whether a cluster answers, as all connections of this process see it.
    pub(crate) fn pulse(&self, cluster: ClusterId) -> rollout::cluster::Pulse {
        let mut pulses = self.pulses().lock().unwrap_or_else(PoisonError::into_inner);
        pulses.entry(cluster).or_default().clone()
    }

    /// Forgets the connections to a cluster: its kinds may have changed.
    pub(super) fn cluster_forget(&self, id: ClusterId) {
        let mut kept = self.connections().lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(cluster, _), _| *cluster != id);
    }

    /// How a simulated cluster is reached, which starts if it does not run.
    pub(super) async fn simulated_config(
        &self,
        id: ClusterId,
        name: &ClusterName,
    ) -> Result<rollout::ClusterConfig, Error> {
        let Some(simulated) = &self.config().simulated else {
            return Err(Error::Unreachable {
                what: format!("The simulated cluster `{name}` does not run in this process."),
                remedy: "Use a server that runs simulated clusters.".to_owned(),
                source: None,
            });
        };
        simulated.access(id, name).await.map_err(|source| Error::Unreachable {
            what: format!(
                "The simulated cluster `{name}` was not reached: {}.",
                whole_text(&*source)
            ),
            remedy: String::new(),
            source: Some(source),
        })
    }

    /// How a real cluster is reached: at an address that was checked; its certificate is checked
    /// against the name that was given.
    pub(super) async fn real_config(
        &self,
        name: &ClusterName,
        access: &Access,
    ) -> Result<rollout::ClusterConfig, Error> {
        if access.in_cluster {
            return self.in_cluster_config(name);
        }
        let field = access.field();
        let wrong =
            |message: String| Error::invalid(field, message, "Write it as https://HOST:PORT.");
        let parsed: Result<Url, _> = access.server.parse();
        let mut url =
            parsed.map_err(|e| wrong(format!("The server's address is not a URL: {e}.")))?;
        if url.scheme() != "https" {
            return Err(wrong("Clusters are reached by https only.".to_owned()));
        }
        let checked = tokio::time::timeout(RESOLVE, self.outbound().checked_address(&url)).await;
        let checked = checked.unwrap_or_else(|_| Err("its name was not found in time".into()));
        let address = checked.map_err(|refused| {
            let remedy = outbound::refused(&*refused).map(RefusedAddress::remedy);
            let remedy = remedy.unwrap_or_else(|| "Give another address.".to_owned());
            Error::invalid(field, sentence(&whole_text(&*refused)), remedy)
        })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let credentials = match access.kind() {
            AccessKind::ClientCertificate => rollout::cluster::Credentials::ClientCertificate {
                certificate_pem: access.certificate_pem.clone(),
                key_pem: access.key_pem.clone().into(),
            },
            AccessKind::Token | AccessKind::InCluster => {
                rollout::cluster::Credentials::Token(access.token.clone().into())
            }
        };
        let ca_pem = Some(access.ca_pem.clone()).filter(|pem| !pem.trim().is_empty());
        let mut config = rollout::ClusterConfig::new(name.as_str(), "", ca_pem, credentials);
        if url.set_ip_host(address.ip()).is_ok() {
            config.tls_server_name = Some(host);
        }
        if access.tls_server_name.is_some() {
            config.tls_server_name.clone_from(&access.tls_server_name);
        }
        url.as_str().trim_end_matches('/').clone_into(&mut config.server);
        Ok(config)
    }

    /// The cluster that this server runs in. Its address comes from the pod's surroundings, not from a user.
    fn in_cluster_config(&self, name: &ClusterName) -> Result<rollout::ClusterConfig, Error> {
        let gone = |source: Option<Cause>| Error::Unreachable {
            what: format!(
                "Cluster `{name}` is that of the pod that this server ran in, and it has no service account here."
            ),
            remedy: "Run Landfall in that cluster, or give the cluster a kubeconfig.".to_owned(),
            source,
        };
        let here = self.config().in_cluster.as_ref().ok_or_else(|| gone(None))?;
        let ca_pem = std::fs::read_to_string(here.authority()).map_err(|e| gone(Some(e.into())))?;
        let credentials = rollout::cluster::Credentials::TokenFile(here.token());
        Ok(rollout::ClusterConfig::new(name.as_str(), &here.server, Some(ca_pem), credentials))
    }
}

/// A connection; what is wrong with certificates shows here.
pub(super) fn connected(config: rollout::ClusterConfig) -> Result<rollout::Cluster, Error> {
    rollout::Cluster::connect(config).map_err(|e| unreachable(&e))
}

/// A cluster that did not answer, in its own words.
pub(crate) fn unreachable(error: &rollout::ClusterError) -> Error {
    Error::Unreachable { what: sentence(&error.to_string()), remedy: String::new(), source: None }
}
