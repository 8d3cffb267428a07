//! The chart versions that an App's registry offers.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::names::ReleaseTag;

/// What the registry offers of an App's chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChartVersions {
    /// The registry as people read it: `https://charts.example.com, chart parcel`.
    pub registry: String,
    /// When the list was read.
    pub read_at: Timestamp,
    /// Newest version first (by semantic version). Empty for Apps whose archives are uploaded.
    pub versions: Vec<ChartVersion>,
}

/// One chart version of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        self.unfinished(actor, &app)
    }
}
