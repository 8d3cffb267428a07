//! Clusters that Landfall may deploy to, and how to reach them.

pub(crate) mod access;
mod change;
mod check;
mod kubeconfig;
mod rights;
pub(crate) mod store;

use std::collections::BTreeSet;

use jiff::Timestamp;
use rollout::rights::Impersonation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::EnvironmentCounts;
use crate::audit::{self, Act};
use crate::closed::closed_set;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::{Checks, Error, Problem};
use crate::names::{ClusterName, Namespace};
use crate::rights::Subject;
use crate::store::ids::ClusterId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{commit, search};

use access::connected;
pub use access::{AccessFuture, NewAccess, SimulatedClusters};
pub(crate) use access::{Connection, unreachable};
pub use change::ClusterChange;
pub use check::{ClusterCheck, MissingRight};
pub use rights::{RightsRequest, split as split_names};

/// Namespaces that a cluster can be limited to: each is looked at when it is checked.
const NAMESPACES: usize = 50;

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
    /// What Landfall signs in to a cluster with.
    pub enum AccessKind {
        /// A bearer token.
        Token = "token",
        /// A client certificate.
        ClientCertificate = "client_certificate",
        /// The service account of the pod that the server runs in.
        InCluster = "in_cluster",
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
    /// What Landfall signs in with; none for simulated ones.
    pub access: Option<AccessKind>,
    /// The kubeconfig's context that it was taken from.
    pub context: Option<String>,
    /// When the credentials were given.
    pub access_changed_at: Option<Timestamp>,
    /// The namespaces that Landfall may use there; none of them: all.
    pub namespaces: Vec<String>,
    /// Whether every environment there must act as a service account of its own.
    pub demands_impersonation: bool,
    /// How it was when it was last looked at.
    pub check: Option<ClusterCheck>,
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

/// What the form "Add cluster" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewCluster {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `sandbox`, `production` or `both`.
    #[serde(default)]
    pub admits: String,
    /// The namespaces that Landfall may use there; none of them: all.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Whether every environment there must act as a service account of its own.
    #[serde(default)]
    pub demands_impersonation: bool,
    /// How it is reached.
    #[serde(flatten)]
    pub access: NewAccess,
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
        let connection = connected(self.simulated_config(id, &name).await?)?;
        let check = check::look(&connection, &[], Impersonation::No).await?;
        let row = store::NewRow {
            id,
            name: &name,
            kind: ClusterKind::Simulated,
            admits,
            access: None,
            namespaces: &[],
            demands_impersonation: false,
            check_sealed: self.seal_check(id, &check)?,
            check: &check,
            at: now(),
            by: &actor.by(),
        };
        self.insert_cluster(actor, &row).await
    }

    /// Adds a real cluster. It must answer and let Landfall in; what it does not allow is told by its check.
    pub async fn cluster_add(&self, actor: &Actor, new: NewCluster) -> Result<Cluster, Error> {
        actor.write(Subject::Infrastructure, "add clusters", no_page)?;
        let (name, admits) = check(&new.name, &new.admits)?;
        let mut checks = Checks::default();
        let namespaces = namespaces(&mut checks, &new.namespaces);
        checks.done()?;
        self.refuse_taken(&name).await?;
        let id = ClusterId::generate();
        let access = self.read_access(&new.access)?;
        let connection = connected(self.real_config(&name, &access).await?)?;
        let impersonation =
            if new.demands_impersonation { Impersonation::Only } else { Impersonation::No };
        let check = check::look(&connection, &namespaces, impersonation).await?;
        let row = store::NewRow {
            id,
            name: &name,
            kind: ClusterKind::Kubernetes,
            admits,
            access: Some((self.seal_access(id, &access)?, &access)),
            namespaces: &namespaces,
            demands_impersonation: new.demands_impersonation,
            check_sealed: self.seal_check(id, &check)?,
            check: &check,
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
                "kind": row.kind, "admits": row.admits, "server": row.server(),
                "access": row.access.as_ref().map(|(_, access)| access.kind()),
                "namespaces": row.namespaces, "demands_impersonation": row.demands_impersonation,
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
            .one(self.db().read(), |row| store::read(row, self.objects().sealer()))
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
        let sealer = self.objects().sealer();
        store::view(actor.sees_production())
            .list()
            .search("cluster", search)
            .page(
                self.db().read(),
                page,
                order,
                |row| store::read(row, sealer),
                |cluster| (SortKey::Text(cluster.name.to_string()), cluster.id.to_string()),
            )
            .await
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

/// Namespaces as typed, each once.
fn namespaces(checks: &mut Checks, typed: &[String]) -> Vec<String> {
    const FIELD: &str = "namespaces";
    let names: BTreeSet<&str> =
        typed.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    if names.len() > NAMESPACES {
        let remedy = format!("Name {NAMESPACES} at most, or none to use them all.");
        checks.add(Problem::new(FIELD, "These are too many namespaces.", remedy));
        return Vec::new();
    }
    let names = names.into_iter().filter_map(|name| checks.name::<Namespace>(FIELD, name));
    names.map(String::from).collect()
}
