//! Apps: products with a chart reference, registry credentials and Helm values in revisions.
//!
//! What a release of an App is made of lives in `release`; this folder only names the registry and
//! asks it for chart versions.

mod settings;
mod values;
mod versions;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, By};
use crate::control::Control;
use crate::error::Error;
use crate::names::AppName;
use crate::release::ReleaseBrief;
use crate::store::ids::AppId;
use crate::store::paging::{Page, PageRequest};

pub use settings::AppSettings;
pub use values::{NewValues, ValuesRevision};
pub use versions::{ChartVersion, ChartVersions};

/// Where an App's chart comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChartReference {
    /// A chart of an HTTP chart repository (`index.yaml`).
    Repository {
        /// The repository's URL, without `index.yaml`.
        url: String,
        /// The chart's name there.
        chart: String,
    },
    /// A chart in an OCI registry.
    Oci {
        /// `oci://host/path/chart`.
        url: String,
    },
    /// Archives are uploaded, one with each Release.
    Upload {
        /// The chart's name, which every uploaded archive must have.
        chart: String,
    },
}

/// An App, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppBrief {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
}

/// An App.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
    /// Where its chart comes from.
    pub chart: ChartReference,
    /// The registry user; the password is never shown.
    pub registry_username: Option<String>,
    /// Whether a registry password is kept.
    pub has_registry_password: bool,
    /// The template that makes values of a custom domain, if the App takes domains.
    pub domain_template: Option<String>,
    /// Policies and patterns.
    pub settings: AppSettings,
    /// The newest revision of its Helm values; 0: none were ever saved.
    pub values_revision: i64,
    /// Its newest release: last added, neither archived nor a pre-release.
    pub newest: Option<ReleaseBrief>,
    /// Releases that are not archived.
    pub releases: i64,
    /// Living environments that the asker may see.
    pub environments: EnvironmentCounts,
    /// Of those, how many follow the newest values and how many hold a revision.
    pub values_use: ValuesUse,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
}

/// Living environments by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentCounts {
    /// Production ones; 0 where the asker may not see them.
    pub production: i64,
    /// Sandbox ones.
    pub sandbox: i64,
}

/// Who uses the newest App values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuesUse {
    /// Environments that follow.
    pub follow: i64,
    /// Environments that hold a revision.
    pub hold: i64,
}

/// What the form "New App" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewApp {
    /// The App's name.
    pub name: String,
    /// `repository`, `oci` or `upload`.
    pub chart_kind: String,
    /// The repository's or registry's URL.
    pub chart_url: String,
    /// The chart's name, for a repository or uploads.
    pub chart_name: String,
    /// The registry user, if it asks for one.
    pub registry_username: Option<String>,
    /// The registry password.
    pub registry_password: Option<SecretString>,
    /// The first App Helm values, as YAML; empty: none.
    pub values: String,
    /// The domain template, as YAML with `{{ }}` places; empty: none.
    pub domain_template: String,
}

impl Control {
    /// Makes an App.
    ///
    /// Reads the registry first, so that a wrong URL or chart name is told at its field; registry
    /// credentials need the right to infrastructure.
    pub async fn app_create(&self, actor: &Actor, new: NewApp) -> Result<App, Error> {
        self.unfinished(actor, &new)
    }

    /// One App, by id or name.
    pub async fn app_get(&self, actor: &Actor, app: &str) -> Result<App, Error> {
        self.unfinished(actor, &app)
    }

    /// Apps by name.
    pub async fn app_list(&self, actor: &Actor, page: &PageRequest) -> Result<Page<App>, Error> {
        self.unfinished(actor, &page)
    }
}
