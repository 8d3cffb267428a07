//! The chart versions that an App's registry offers.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::names::ReleaseTag;
use crate::rights::Subject;
use crate::store::sql::now;

use super::store;
use crate::release::store as releases;

/// What the registry offers of an App's chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartVersions {
    /// The registry as people read it: `https://charts.example.com, chart parcel`.
    pub registry: String,
    /// When the list was read.
    pub read_at: Timestamp,
    /// Newest version first (by semantic version). Empty for Apps whose archives are uploaded.
    pub versions: Vec<ChartVersion>,
}

/// One chart version of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartVersion {
    /// The version.
    pub version: String,
    /// The App version that the chart states.
    pub app_version: Option<String>,
    /// The chart's one-line description.
    pub description: Option<String>,
    /// When it was pushed, as the registry says.
    pub created_at: Option<Timestamp>,
    /// SHA-256 of the archive in hex, as the registry says.
    pub digest: Option<String>,
    /// Whether it is the newest that is not a pre-release.
    pub newest: bool,
    /// Whether it is a pre-release.
    pub prerelease: bool,
    /// Tags of this App's Releases that already use it.
    pub used_by: Vec<ReleaseTag>,
}

impl Control {
    /// Reads the chart versions that the App's registry offers now.
    pub async fn chart_versions(&self, actor: &Actor, app: &str) -> Result<ChartVersions, Error> {
        actor.read(Subject::Apps, || Error::not_found("App", app))?;
        let app = self.app_row(actor, app).await?;
        let registry = app.chart.describe();
        let Some(source) = self.app_source(&app)? else {
            return Ok(ChartVersions { registry, read_at: now(), versions: Vec::new() });
        };
        let offer = self.read_offer(&source).await?;
        let used = releases::tags_by_chart_version(self.db().read(), app.id).await?;
        let newest = offer.versions.iter().position(|offered| !is_prerelease(&offered.version));
        let version = |(n, offered): (usize, helm::registry::OfferedVersion)| {
            let version = offered.version;
            let tags = used.iter().filter(|(known, _)| *known == version);
            ChartVersion {
                app_version: offered.app_version,
                description: offered.description,
                created_at: offered.created.and_then(|created| created.parse().ok()),
                digest: offered.archive_digest.map(|digest| digest.hex()),
                newest: newest == Some(n),
                prerelease: is_prerelease(&version),
                used_by: tags.map(|(_, tag)| tag.clone()).collect(),
                version,
            }
        };
        let versions = offer.versions.into_iter().enumerate().map(version).collect();
        Ok(ChartVersions { registry, read_at: now(), versions })
    }

    /// An App's own row, by id or name, if the actor may see Apps.
    pub(crate) async fn app_row(&self, actor: &Actor, app: &str) -> Result<store::AppRow, Error> {
        let missing = || Error::not_found("App", app);
        actor.read(Subject::Apps, missing)?;
        let c = self.db().read();
        let found = match (app.parse(), app.parse()) {
            (Ok(id), _) => store::by_id(c, id).await?,
            (Err(_), Ok(name)) => store::by_name(c, &name).await?,
            (Err(_), Err(_)) => None,
        };
        found.ok_or_else(missing)
    }
}

/// Whether a chart version is a pre-release.
fn is_prerelease(version: &str) -> bool {
    version.parse::<ReleaseTag>().is_ok_and(|tag| tag.is_prerelease())
}
