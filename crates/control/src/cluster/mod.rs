//! Clusters that Landfall may deploy to, and how to reach them.

mod access;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, By};
use crate::app::EnvironmentCounts;
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::names::ClusterName;
use crate::store::ids::ClusterId;
use crate::store::paging::{Page, PageRequest};

pub use access::{AccessFuture, SimulatedClusters};

closed_set! {
    /// What kind of cluster it is.
    pub enum ClusterKind {
        /// Landfall's own Kubernetes API that pretends: no containers run.
        Simulated = "simulated",
        /// Reached by an address and credentials.
        Kubernetes = "kubernetes",
    }
}

closed_set! {
    /// Which environments a cluster admits.
    pub enum Admits {
        /// Sandbox ones only.
        Sandbox = "sandbox",
        /// Production ones only.
        Production = "production",
        /// Both.
        Both = "both",
    }
}

impl Admits {
    /// Whether environments of `kind` may be made there.
    pub const fn allows(self, kind: EnvironmentKind) -> bool {
        matches!(
            (self, kind),
            (Self::Both, _)
                | (Self::Sandbox, EnvironmentKind::Sandbox)
                | (Self::Production, EnvironmentKind::Production)
        )
    }
}

/// A cluster, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterBrief {
    /// Its id.
    pub id: ClusterId,
    /// Its name.
    pub name: ClusterName,
    /// Simulated ones are marked wherever they are shown.
    pub kind: ClusterKind,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its id.
    pub id: ClusterId,
    /// Its name.
    pub name: ClusterName,
    /// Simulated or real.
    pub kind: ClusterKind,
    /// Which environments it admits.
    pub admits: Admits,
    /// The API server's address; none for simulated ones.
    pub server: Option<String>,
    /// The Kubernetes version it said last.
    pub version: Option<String>,
    /// When it last answered.
    pub checked_at: Option<Timestamp>,
    /// Living environments there, of what the asker may see.
    pub environments: EnvironmentCounts,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
}

/// What the form "Add simulated cluster" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewSimulatedCluster {
    /// Its name.
    pub name: String,
    /// `sandbox`, `production` or `both`.
    pub admits: String,
}

/// A real cluster, by address and credentials.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// Its name.
    pub name: String,
    /// `sandbox`, `production` or `both`.
    pub admits: String,
    /// `https://host:port` of the API server.
    pub server: String,
    /// The certificate authority, in PEM.
    pub ca_pem: String,
    /// The bearer token.
    pub token: SecretString,
}

/// The state of a cluster, asked just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterCheck {
    /// The Kubernetes version.
    pub version: String,
}

impl Control {
    /// Adds a simulated cluster and starts it.
    pub async fn cluster_add_simulated(
        &self,
        actor: &Actor,
        new: NewSimulatedCluster,
    ) -> Result<Cluster, Error> {
        self.unfinished(actor, &new)
    }

    /// Adds a real cluster. It must answer.
    pub async fn cluster_add(&self, actor: &Actor, new: NewCluster) -> Result<Cluster, Error> {
        self.unfinished(actor, &new)
    }

    /// One cluster, by id or name.
    pub async fn cluster_get(&self, actor: &Actor, cluster: &str) -> Result<Cluster, Error> {
        self.unfinished(actor, &cluster)
    }

    /// Clusters by name.
    pub async fn cluster_list(
        &self,
        actor: &Actor,
        page: &PageRequest,
    ) -> Result<Page<Cluster>, Error> {
        self.unfinished(actor, &page)
    }

    /// Asks the cluster whether it is there, and notes its version.
    pub async fn cluster_check(&self, actor: &Actor, cluster: &str) -> Result<ClusterCheck, Error> {
        self.unfinished(actor, &cluster)
    }
}
