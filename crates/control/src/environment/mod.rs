//! App Environments: running instances of an App, each in a namespace of a cluster.
//!
//! What changes an environment is a deployment (`deployment`); this folder makes environments,
//! shows them, and keeps their values in revisions.

mod account;
mod create;
mod list;
pub(crate) mod place;
mod remove;
pub(crate) mod store;
mod values;
mod why;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::AppBrief;
use crate::closed::closed_set;
use crate::cluster::ClusterBrief;
use crate::control::Control;
use crate::deployment::{DeploymentState, OnFailure, Trigger};
use crate::domain::DomainBrief;
use crate::error::Error;
use crate::names::{EnvironmentName, HelmReleaseName, Namespace, ReleaseTag, ServiceAccount};
use crate::observed::ObservedRevision;
use crate::op::OpBrief;
use crate::rights::Subject;
use crate::store::ids::{DeploymentId, EnvironmentId, OpId, ReleaseId};

pub(crate) use store::EnvironmentRow;

pub use account::EnvironmentChange;
pub use list::{EnvironmentFilter, EnvironmentSort, EnvironmentTotals};
#[cfg(test)]
pub(crate) use list::{matching, order};
pub use remove::{Outline, OutlineObject, RemoveEnvironment};
pub use values::EnvironmentValues;
pub use why::{SetBy, ValueOrigin};

closed_set! {
    /// What an environment is for. Rights depend on it.
    pub enum EnvironmentKind {
        /// For customers.
        Production = "production",
        /// For trying things.
        Sandbox = "sandbox",
    }
}

closed_set! {
    /// The life of an environment.
    pub enum EnvironmentState {
        /// Its first deployment has not succeeded yet.
        Creating = "creating",
        /// It runs.
        Active = "active",
        /// It is being uninstalled.
        Deleting = "deleting",
        /// It is gone; its history stays.
        Deleted = "deleted",
    }
}

closed_set! {
    /// What to say of an environment in one word: what happens, else how the last deployment ended.
    pub enum EnvironmentStatus {
        /// A deployment runs.
        Deploying = "deploying",
        /// A deployment waits for its turn, none runs.
        Queued = "queued",
        /// The last deployment succeeded.
        Running = "running",
        /// The last deployment failed.
        Failed = "failed",
        /// The last deployment needs a confirmation: the cluster had changed since its preview.
        NeedsConfirmation = "needs_confirmation",
        /// The last deployment was cancelled or superseded before anything else happened.
        Idle = "idle",
        /// Its removal runs, or waits for its turn.
        Deleting = "deleting",
        /// Its removal ended before everything was gone: it can be removed again.
        RemovalFailed = "removal_failed",
        /// It was removed.
        Deleted = "deleted",
    }
}

/// An environment, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentBrief {
    /// Its id.
    pub id: EnvironmentId,
    /// Its name.
    pub name: EnvironmentName,
    /// Production or sandbox.
    pub kind: EnvironmentKind,
    /// Whether it is gone: its name may be another one's by now.
    #[serde(default)]
    pub deleted: bool,
}

/// The Release that an environment runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrentRelease {
    /// Its id.
    pub id: ReleaseId,
    /// Its tag.
    pub tag: ReleaseTag,
    /// How it stands to the newest of the App.
    pub standing: Standing,
}

/// How a Release stands to the newest of its App.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is the newest.
    Newest,
    /// So many newer ones were added since (archived ones and pre-releases not counted), at most 99.
    Behind(i64),
    /// It was added after the newest: a pre-release, or archived since.
    Ahead,
}

/// Objects that are ready, of those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Ready ones.
    pub ready: i64,
    /// All.
    pub total: i64,
}

/// The last deployment of an environment, as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastDeployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its number here.
    pub number: i64,
    /// The tag it applies.
    pub tag: ReleaseTag,
    /// What made it.
    pub trigger: Trigger,
    /// For a rollback, the number of the deployment that it repeats.
    pub repeats: Option<i64>,
    /// How it stands.
    pub state: DeploymentState,
    /// Who made it.
    pub by: By,
    /// What is wrong, in one line.
    pub culprit: Option<String>,
    /// The tag it rolled back to after its failure.
    pub rolled_back_to: Option<ReleaseTag>,
    /// The revision of the Helm release that it rolled back to, where others had made it.
    pub rolled_back_to_revision: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its Op began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// An environment, as lists and its own page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Its name.
    pub name: EnvironmentName,
    /// Its App.
    pub app: AppBrief,
    /// Production or sandbox.
    pub kind: EnvironmentKind,
    /// Where it runs.
    pub cluster: ClusterBrief,
    /// In which namespace.
    pub namespace: Namespace,
    /// As which Helm release.
    pub release_name: HelmReleaseName,
    /// The service account that it acts as there; none: Landfall's own account.
    pub service_account: Option<ServiceAccount>,
    /// Its life.
    pub state: EnvironmentState,
    /// What to say of it in one word.
    pub status: EnvironmentStatus,
    /// What it runs; none while its first deployment has not succeeded.
    pub release: Option<CurrentRelease>,
    /// The last deployment that succeeded: what it runs since when.
    pub current_deployment: Option<CurrentDeployment>,
    /// Its objects, as the last Op saw them.
    pub ready: Option<Ready>,
    /// The revision of the Helm release that no deployment of the environment wrote, if it was the newest when the
    /// cluster was last looked at: the adopted one, or one made outside Landfall since.
    pub observed: Option<ObservedRevision>,
    /// The custom domain that it was told to answer on.
    pub domain: Option<DomainBrief>,
    /// Its last deployment.
    pub last: Option<LastDeployment>,
    /// The Op that runs, else the next that is queued.
    pub op: Option<OpBrief>,
    /// The Op that last removed it, or tried to.
    pub removal: Option<OpId>,
    /// The newest revision of its values; 0: none.
    pub values_revision: i64,
    /// The App values revision that it holds; none: it follows the newest.
    pub holds: Option<i64>,
    /// When its last deployment was made; without one, when it was.
    pub last_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
}

/// The deployment whose result an environment runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrentDeployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its number.
    pub number: i64,
    /// When it had succeeded.
    pub finished_at: Timestamp,
    /// Who made it.
    pub by: By,
    /// Its Op, which knows the objects.
    pub op: OpId,
}

/// What the form "New environment" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewEnvironment {
    /// Its name.
    pub name: String,
    /// The App, by id or name.
    pub app: String,
    /// `production` or `sandbox`.
    pub kind: String,
    /// The cluster, by id or name.
    pub cluster: String,
    /// The namespace; empty: the App's name and the environment's, as a label.
    pub namespace: String,
    /// The Helm release name; empty: the environment's name.
    pub release_name: String,
    /// The service account that it acts as, as `name` or `namespace/name`; empty: Landfall's own account.
    pub service_account: String,
    /// The Release to begin with, by tag; empty: the newest.
    pub release: String,
    /// Its own Helm values, as YAML; empty: none.
    pub values: String,
    /// What happens if the first deployment fails; none: the kind's default.
    pub on_failure: Option<OnFailure>,
}

impl EnvironmentBrief {
    /// What it is found by: its name, or its id once the name may be another one's.
    pub fn address(&self) -> String {
        address(self.deleted, &self.name, self.id)
    }
}

impl Environment {
    /// What it is found by: its name, or its id once the name may be another one's.
    pub fn address(&self) -> String {
        address(self.state == EnvironmentState::Deleted, &self.name, self.id)
    }
}

fn address(deleted: bool, name: &EnvironmentName, id: EnvironmentId) -> String {
    if deleted { id.to_string() } else { name.to_string() }
}

impl EnvironmentKind {
    /// What happens if a deployment fails, unless something else is chosen.
    pub const fn default_on_failure(self) -> OnFailure {
        match self {
            Self::Production => OnFailure::RollBack,
            Self::Sandbox => OnFailure::Leave,
        }
    }

    /// The kind with "environments", for messages.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Production => "production environments",
            Self::Sandbox => "sandbox environments",
        }
    }
}

impl Control {
    /// One environment, by id or name. A name finds the living one; an id also finds a deleted one.
    pub async fn environment_get(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Environment, Error> {
        let row = self.environment_row(actor, environment).await?;
        let sealer = self.objects().sealer();
        store::view()
            .list()
            .when("e.id = ?", row.id)
            .one(self.db().read(), |row| store::read(row, sealer))
            .await?
            .ok_or_else(|| Error::not_found("environment", environment))
    }

    /// An environment's own row, by id or name, if the actor may see it.
    pub(crate) async fn environment_row(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentRow, Error> {
        let missing = || Error::not_found("environment", environment);
        let c = self.db().read();
        let found = match (environment.parse(), environment.parse()) {
            (Ok(id), _) => store::by_id(c, id).await?,
            (Err(_), Ok(name)) => store::by_name(c, &name).await?,
            (Err(_), Err(_)) => None,
        };
        let row = found.ok_or_else(missing)?;
        actor.read(Subject::Environments(row.kind), missing)?;
        Ok(row)
    }

    /// The same, if the actor may also deploy there and the environment lives.
    pub(crate) async fn environment_to_deploy(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentRow, Error> {
        let row = self.environment_row(actor, environment).await?;
        let act = format!("deploy to {}", row.kind.plural());
        let missing = || Error::not_found("environment", environment);
        actor.write(Subject::Environments(row.kind), &act, missing)?;
        match row.state {
            EnvironmentState::Creating | EnvironmentState::Active => Ok(row),
            EnvironmentState::Deleting | EnvironmentState::Deleted => {
                Err(not_deployable(&row.name, row.state))
            }
        }
    }
}

/// Nothing is deployed to what is being removed.
pub(crate) fn not_deployable(name: &EnvironmentName, state: EnvironmentState) -> Error {
    let what = match state {
        EnvironmentState::Deleted => format!("The environment `{name}` was deleted."),
        _ => format!("The environment `{name}` is being deleted."),
    };
    Error::conflict(what, "Nothing can be deployed to it.")
}
