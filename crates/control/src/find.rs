//! Finding anything by name, for `Ctrl K`: environments, releases, Apps, clusters, `env#7`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::Error;
use crate::release::ReleaseFilter;
use crate::store::paging::PageRequest;

closed_set! {
    /// What was found.
    pub enum FoundKind {
        /// An environment.
        Environment = "environment",
        /// A deployment, by `environment#number`.
        Deployment = "deployment",
        /// A Release.
        Release = "release",
        /// An App.
        App = "app",
        /// A cluster.
        Cluster = "cluster",
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// What it is.
    pub kind: FoundKind,
    /// Its id.
    pub id: String,
    /// Its name, as it is written: `northwind-prod`, `northwind-prod#42`, `2.4.1`, `Parcel`.
    pub name: String,
    /// What tells it from others of that name: the App, the release, the kind of cluster.
    pub detail: String,
}

impl Control {
    /// Things whose name has words that begin with those of `text`; at most `limit` of each kind.
    pub async fn find(&self, actor: &Actor, text: &str, limit: u32) -> Result<Vec<Found>, Error> {
        let text = text.trim();
        if let Some((environment, number)) = text.split_once('#')
            && let Ok(number) = number.parse()
        {
            return self.find_deployment(actor, environment, number).await;
        }
        let page = PageRequest { cursor: None, limit: Some(limit) };
        let mut found = Vec::new();
        let environments = self.environments_found(actor, text, limit).await?;
        found.extend(environments.into_iter().map(|environment| Found {
            kind: FoundKind::Environment,
            id: environment.id.to_string(),
            name: environment.name.to_string(),
            detail: format!("{}, {}", environment.app.name, environment.kind),
        }));
        let filter = ReleaseFilter { search: text.to_owned(), ..ReleaseFilter::default() };
        let releases = self.release_list(actor, &filter, &page).await?;
        found.extend(releases.items.into_iter().map(|release| Found {
            kind: FoundKind::Release,
            id: release.id.to_string(),
            name: release.tag.to_string(),
            detail: format!(
                "{}, {} {}",
                release.app.name, release.chart.name, release.chart.version
            ),
        }));
        let apps = self.app_list(actor, text, &page).await?;
        found.extend(apps.items.into_iter().map(|app| Found {
            kind: FoundKind::App,
            id: app.id.to_string(),
            name: app.name.to_string(),
            detail: app.chart.describe(),
        }));
        let clusters = self.cluster_list(actor, text, &page).await?;
        found.extend(clusters.items.into_iter().map(|cluster| Found {
            kind: FoundKind::Cluster,
            id: cluster.id.to_string(),
            name: cluster.name.to_string(),
            detail: cluster.kind.to_string(),
        }));
        Ok(found)
    }

    async fn find_deployment(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
    ) -> Result<Vec<Found>, Error> {
        match self.deployment_find(actor, environment, number).await {
            Ok(detail) => Ok(vec![Found {
                kind: FoundKind::Deployment,
                id: detail.deployment.id.to_string(),
                name: format!("{}#{number}", detail.deployment.environment.name),
                detail: format!("{}, {}", detail.deployment.release.tag, detail.deployment.state),
            }]),
            Err(Error::NotFound { .. }) => Ok(Vec::new()),
            Err(other) => Err(other),
        }
    }
}
