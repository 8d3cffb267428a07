//! Lists of deployments, and one deployment with what it consisted of.

use serde::Deserialize;

use super::{Deployment, DeploymentContent, DeploymentDetail, DeploymentState, Trigger};
use crate::actor::Actor;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::store::ids::{AppId, BatchId, DeploymentId, EnvironmentId, ReleaseId};
use crate::store::paging::{Page, PageRequest};

/// Which deployments a list shows. Always newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DeploymentFilter {
    /// Of this environment only.
    pub environment: Option<EnvironmentId>,
    /// Of this App only.
    pub app: Option<AppId>,
    /// Of this Release only.
    pub release: Option<ReleaseId>,
    /// In environments of this kind only.
    pub kind: Option<EnvironmentKind>,
    /// In this state only.
    pub state: Option<DeploymentState>,
    /// Made by this only.
    pub trigger: Option<Trigger>,
    /// Of this batch only.
    pub batch: Option<BatchId>,
}

impl Control {
    /// Deployments over all environments that the asker may see, newest first.
    pub async fn deployment_list(
        &self,
        actor: &Actor,
        filter: &DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>, Error> {
        self.unfinished(actor, &(filter, page))
    }

    /// One deployment, by id.
    pub async fn deployment_get(
        &self,
        actor: &Actor,
        deployment: DeploymentId,
    ) -> Result<DeploymentDetail, Error> {
        self.unfinished(actor, &deployment)
    }

    /// One deployment, by its environment (id or name) and number.
    pub async fn deployment_find(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
    ) -> Result<DeploymentDetail, Error> {
        self.unfinished(actor, &(environment, number))
    }

    /// What a deployment consisted of.
    pub async fn deployment_content(
        &self,
        actor: &Actor,
        deployment: DeploymentId,
    ) -> Result<DeploymentContent, Error> {
        self.unfinished(actor, &deployment)
    }
}
