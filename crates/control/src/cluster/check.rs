//! Looking at a cluster: whether it answers, which version it has, and what Landfall may not do there.

use std::time::Duration;

use jiff::Timestamp;
use rollout::rights::{Impersonation, Missing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, ClusterRow};
use super::unreachable;
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::objects::Sealer;
use crate::rights::Subject;
use crate::store::ids::ClusterId;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// Longest that a look at a cluster may take: someone waits for it.
const LONGEST: Duration = Duration::from_secs(20);

/// How a cluster was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterCheck {
    /// When.
    pub at: Timestamp,
    /// Its Kubernetes version; none: it did not answer, or did not let Landfall in.
    pub version: Option<String>,
    /// Why it did not, with what to do, as sentences.
    pub problem: Option<String>,
    /// The user that the cluster takes Landfall for, where it says so.
    pub user: Option<String>,
    /// What Landfall may not do there.
    pub missing: Vec<MissingRight>,
}

/// A right that Landfall's account in a cluster lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingRight {
    /// What may not be done, such as `create`.
    pub verbs: Vec<String>,
    /// With what, such as `deployments.apps`.
    pub resource: String,
    /// In which namespace; none: in the whole cluster.
    pub namespace: Option<String>,
    /// What it is needed for: a sentence that goes on from "to".
    pub purpose: String,
}

impl From<Missing> for MissingRight {
    fn from(missing: Missing) -> Self {
        let Missing { verbs, resource, namespace, purpose } = missing;
        Self { verbs, resource, namespace, purpose }
    }
}

impl ClusterCheck {
    /// What to do about what is missing; empty if nothing is.
    pub fn remedy(&self) -> &'static str {
        if self.missing.is_empty() {
            return "";
        }
        "Apply what `landfall cluster rbac` prints, or give the account these rights another way; then check again."
    }
}

fn identity(id: ClusterId) -> String {
    format!("clusters/check/{id}")
}

/// The last check of a cluster's row; one that cannot be opened is none.
pub(super) fn open(
    sealer: &Sealer,
    id: ClusterId,
    sealed: Option<Vec<u8>>,
) -> Option<ClusterCheck> {
    let json = sealer.open(&identity(id), &sealed?).ok()?;
    serde_json::from_slice(&json).ok()
}

impl Control {
    /// Looks at a cluster again and keeps what was found, also that it did not answer.
    pub async fn cluster_check(&self, actor: &Actor, cluster: &str) -> Result<ClusterCheck, Error> {
        let row = self.cluster_row(actor, cluster).await?;
        actor.write(Subject::Infrastructure, "check clusters", || {
            Error::not_found("cluster", cluster)
        })?;
        self.cluster_forget(row.id);
        let impersonation = if row.demands_impersonation {
            Impersonation::Only
        } else if store::has_accounts(self.db().read(), row.id).await? {
            Impersonation::Also
        } else {
            Impersonation::No
        };
        let looked = match self.cluster_connect(&row).await {
            Ok(connection) => look(&connection, &row.namespaces, impersonation).await,
            Err(error) => Err(error),
        };
        let check = match looked {
            Ok(check) => check,
            Err(error @ (Error::Unreachable { .. } | Error::Invalid(_))) => ClusterCheck {
                at: now(),
                version: None,
                problem: Some(error.to_string().trim().to_owned()),
                user: None,
                missing: Vec::new(),
            },
            Err(error) => return Err(error),
        };
        self.keep_check(&row, &check).await?;
        Ok(check)
    }

    async fn keep_check(&self, row: &ClusterRow, check: &ClusterCheck) -> Result<(), Error> {
        let sealed = self.seal_check(row.id, check)?;
        store::set_check(self.db().write(), row.id, &sealed, check).await?;
        self.wakes().send(Wake::Clusters).await;
        Ok(())
    }

    pub(super) fn seal_check(&self, id: ClusterId, check: &ClusterCheck) -> Result<Vec<u8>, Error> {
        const DOING: &str = "keep how a cluster was";
        let json = serde_json::to_vec(check).map_err(|e| Error::internal(DOING, e))?;
        let sealed = self.objects().sealer().seal(&identity(id), &json);
        sealed.map_err(|e| Error::internal(DOING, e))
    }
}

/// Asks a cluster for its version, whether it lets Landfall in, and what it does not allow.
pub(super) async fn look(
    cluster: &rollout::Cluster,
    namespaces: &[String],
    impersonation: Impersonation,
) -> Result<ClusterCheck, Error> {
    let asking = async {
        let version = cluster.version().await?;
        // The version is told to anyone.
        cluster.capabilities().await?;
        let standing = rollout::rights::check(cluster, namespaces, impersonation).await?;
        Ok::<_, rollout::ClusterError>((version, standing))
    };
    match tokio::time::timeout(LONGEST, asking).await {
        Ok(Ok((version, standing))) => Ok(ClusterCheck {
            at: now(),
            version: Some(version.git_version),
            problem: None,
            user: standing.user,
            missing: standing.missing.into_iter().map(MissingRight::from).collect(),
        }),
        Ok(Err(error)) => Err(unreachable(&error)),
        Err(_) => Err(Error::Unreachable {
            what: format!(
                "Cluster `{}` did not answer within {} s.",
                cluster.name(),
                LONGEST.as_secs()
            ),
            remedy: "Check that its address is right and that it can be reached from here."
                .to_owned(),
            source: None,
        }),
    }
}
