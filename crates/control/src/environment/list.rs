//! The list of environments: what may be filtered, how it may be sorted.

use serde::{Deserialize, Serialize};

use super::{Environment, EnvironmentKind, EnvironmentStatus};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::{AppId, ClusterId, ReleaseId};
use crate::store::paging::{Count, Direction, Page, PageRequest};

/// Which living environments a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EnvironmentFilter {
    /// Words that name, namespace, cluster or App have; each as a prefix of a word.
    pub search: String,
    /// Of this kind only.
    pub kind: Option<EnvironmentKind>,
    /// Of this App only.
    pub app: Option<AppId>,
    /// On this cluster only.
    pub cluster: Option<ClusterId>,
    /// That run this Release.
    pub release: Option<ReleaseId>,
    /// In this state of affairs.
    pub status: Option<EnvironmentStatus>,
}

/// What environments are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentSort {
    /// The time of the last deployment (or of making).
    #[default]
    LastDeployment,
    /// The name.
    Name,
}

/// Numbers for the head of the list, of what the asker may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentTotals {
    /// Living environments.
    pub all: Count,
    /// With a deployment running.
    pub deploying: Count,
    /// With a deployment queued.
    pub queued: Count,
    /// Whose last deployment failed.
    pub failed: Count,
}

impl Control {
    /// Living environments.
    pub async fn environment_list(
        &self,
        actor: &Actor,
        filter: &EnvironmentFilter,
        sort: (EnvironmentSort, Direction),
        page: &PageRequest,
    ) -> Result<Page<Environment>, Error> {
        self.unfinished(actor, &(filter, sort, page))
    }

    /// The numbers at the head of the list.
    pub async fn environment_totals(&self, actor: &Actor) -> Result<EnvironmentTotals, Error> {
        self.unfinished(actor, &())
    }
}
