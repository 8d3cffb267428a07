//! Clusters that Landfall may deploy to, and how to reach them.

pub(crate) mod access;
pub(crate) mod store;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::EnvironmentCounts;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::{Checks, Error, Problem};
use crate::names::ClusterName;
use crate::rights::Subject;
use crate::store::ids::ClusterId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{commit, search};

pub(crate) use access::unreachable;
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterBrief {
    /// Its id.
    pub id: ClusterId,
    /// Its name.
    pub name: ClusterName,
    /// Simulated ones are marked wherever they are shown.
    pub kind: ClusterKind,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
        actor.write(Subject::Infrastructure, "add clusters", no_page)?;
        let (name, admits) = check(&new.name, &new.admits)?;
        let id = ClusterId::generate();
        self.refuse_taken(&name).await?;
        let connection = self.connect_simulated(id, &name).await?;
        let version = answering(&connection).await?;
        let row = store::NewRow {
            id,
            name: &name,
            kind: ClusterKind::Simulated,
            admits,
            server: None,
            access_sealed: None,
            version: &version,
            at: now(),
            by: &actor.by(),
        };
        self.insert_cluster(actor, &row).await
    }

    /// Adds a real cluster. It must answer.
    pub async fn cluster_add(&self, actor: &Actor, new: NewCluster) -> Result<Cluster, Error> {
        actor.write(Subject::Infrastructure, "add clusters", no_page)?;
        let (name, admits) = check(&new.name, &new.admits)?;
        self.refuse_taken(&name).await?;
        let id = ClusterId::generate();
        let connection =
            self.connect_real(&name, &new.server, new.ca_pem.clone(), new.token.clone()).await?;
        let version = answering(&connection).await?;
        let row = store::NewRow {
            id,
            name: &name,
            kind: ClusterKind::Kubernetes,
            admits,
            server: Some(&new.server),
            access_sealed: Some(self.seal_access(id, &new)?),
            version: &version,
            at: now(),
            by: &actor.by(),
        };
        self.insert_cluster(actor, &row).await
    }

    async fn insert_cluster(
        &self,
        actor: &Actor,
        row: &store::NewRow<'_>,
    ) -> Result<Cluster, Error> {
        let tx = self.db().begin().await?;
        if let Err(failed) = store::insert(&tx, row).await {
            return Err(if failed.violates("clusters_name", "clusters.name") {
                taken(row.name)
            } else {
                failed.into()
            });
        }
        let act = Act {
            action: "cluster.add",
            kind: "cluster",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({
                "kind": row.kind, "admits": row.admits, "server": row.server,
            }),
        };
        audit::write(&tx, actor, act).await?;
        search::index(&tx, "cluster", &row.id.to_string(), [row.name.as_str()]).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Clusters).await;
        self.cluster_get(actor, &row.id.to_string()).await
    }

    async fn refuse_taken(&self, name: &ClusterName) -> Result<(), Error> {
        match store::by_name(self.db().read(), name).await? {
            Some(_) => Err(taken(name)),
            None => Ok(()),
        }
    }

    /// One cluster, by id or name.
    pub async fn cluster_get(&self, actor: &Actor, cluster: &str) -> Result<Cluster, Error> {
        let row = self.cluster_row(actor, cluster).await?;
        store::view(actor.sees_production())
            .list()
            .when("c.id = ?", row.id)
            .one(self.db().read(), store::read)
            .await?
            .ok_or_else(|| Error::not_found("cluster", cluster))
    }

    /// Clusters by name; `search`: words that begin a part of the name.
    pub async fn cluster_list(
        &self,
        actor: &Actor,
        search: &str,
        page: &PageRequest,
    ) -> Result<Page<Cluster>, Error> {
        actor.read(Subject::Infrastructure, no_page)?;
        let order = Order { column: "name", direction: Direction::Ascending };
        store::view(actor.sees_production())
            .list()
            .search("cluster", search)
            .page(self.db().read(), page, order, store::read, |cluster| {
                (SortKey::Text(cluster.name.to_string()), cluster.id.to_string())
            })
            .await
    }

    /// Asks the cluster whether it is there, and notes its version.
    pub async fn cluster_check(&self, actor: &Actor, cluster: &str) -> Result<ClusterCheck, Error> {
        let row = self.cluster_row(actor, cluster).await?;
        self.cluster_forget(row.id);
        let connection = self.cluster_connect(row.id).await?;
        let version = answering(&connection).await?;
        store::set_version(self.db().write(), row.id, &version, now()).await?;
        self.wakes().send(Wake::Clusters).await;
        Ok(ClusterCheck { version })
    }

    /// A cluster's own row, by id or name, if the actor may see clusters.
    pub(crate) async fn cluster_row(
        &self,
        actor: &Actor,
        cluster: &str,
    ) -> Result<store::ClusterRow, Error> {
        let missing = || Error::not_found("cluster", cluster);
        actor.read(Subject::Infrastructure, missing)?;
        let c = self.db().read();
        let found = match (cluster.parse(), cluster.parse()) {
            (Ok(id), _) => store::by_id(c, id).await?,
            (Err(_), Ok(name)) => store::by_name(c, &name).await?,
            (Err(_), Err(_)) => None,
        };
        found.ok_or_else(missing)
    }
}

/// The version of a cluster that answers and lets Landfall in: the version alone is told to anyone.
async fn answering(cluster: &rollout::Cluster) -> Result<String, Error> {
    let version = cluster.version().await.map_err(|e| unreachable(&e))?;
    cluster.capabilities().await.map_err(|e| unreachable(&e))?;
    Ok(version.git_version)
}

fn no_page() -> Error {
    Error::not_found("page", "clusters")
}

fn taken(name: &ClusterName) -> Error {
    let message = format!("There is a cluster with the name `{name}` already.");
    Error::invalid("name", message, "Use another name.")
}

fn check(name: &str, admits: &str) -> Result<(ClusterName, Admits), Error> {
    let mut checks = Checks::default();
    let name = checks.name::<ClusterName>("name", name.trim());
    let admits = match admits {
        "" => Some(Admits::Sandbox),
        word => word.parse().ok(),
    };
    if admits.is_none() {
        let remedy = "Choose sandbox, production or both.";
        checks.add(Problem::new("admits", "It is not clear what this cluster admits.", remedy));
    }
    checks.done()?;
    name.zip(admits).ok_or_else(|| Error::internal("check a cluster", "nothing was checked"))
}
