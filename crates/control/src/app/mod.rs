//! Apps: products with a chart reference, registry credentials and Helm values in revisions.
//!
//! What a release of an App is made of lives in `release`; this folder only names the registry and
//! asks it for chart versions.

mod domains;
mod keyring;
pub(crate) mod registry;
mod settings;
pub(crate) mod store;
mod values;
mod versions;

use helm::registry::Reference;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Invalid, Problem, sentence};
use crate::names::AppName;
use crate::release::ReleaseBrief;
use crate::rights::Subject;
use crate::store::ids::AppId;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::wake::Wake;
use crate::store::{commit, search};
use crate::values::check_values;

pub use domains::{DomainSettings, DomainSettingsChange, IssuerKind};
pub use keyring::TrustedKey;
pub use settings::{
    AppSettings, CrdPolicy, HelmMode, ProvenancePolicy, SettingsChange, SettingsRevision,
};
pub use values::{NewValues, SavedValues, ValuesRevision};
pub use versions::{ChartVersion, ChartVersions};

/// Where an App's chart comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppBrief {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
}

/// An App.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentCounts {
    /// Production ones; 0 where the asker may not see them.
    pub production: i64,
    /// Sandbox ones.
    pub sandbox: i64,
}

/// Who uses the newest App values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValuesUse {
    /// Environments that follow.
    pub follow: i64,
    /// Environments that hold a revision.
    pub hold: i64,
}

/// What the form "New App" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewApp {
    /// The App's name.
    #[serde(default)]
    pub name: String,
    /// `repository`, `oci` or `upload`; empty: what the URL is of.
    #[serde(default)]
    pub chart_kind: String,
    /// The repository's or registry's URL.
    #[serde(default)]
    pub chart_url: String,
    /// The chart's name, for a repository or uploads; of a registry where the URL ends before it.
    #[serde(default)]
    pub chart_name: String,
    /// The registry user, if it asks for one.
    pub registry_username: Option<String>,
    /// The registry password.
    #[schema(value_type = Option<String>, format = Password)]
    pub registry_password: Option<SecretString>,
    /// Seconds to wait for objects to become ready, 1 to 86,400; none: 300.
    pub wait_seconds: Option<u32>,
    /// The first App Helm values, as YAML; empty: none.
    #[serde(default)]
    pub values: String,
    /// The template of domain values (see the App's settings); empty: none.
    #[serde(default)]
    pub domain_template: String,
}

impl Control {
    /// Makes an App.
    ///
    /// Reads the registry first, so that a wrong URL or chart name is told at its field; registry
    /// credentials need the right to infrastructure.
    pub async fn app_create(&self, actor: &Actor, new: NewApp) -> Result<App, Error> {
        let missing = || Error::not_found("page", "apps");
        actor.write(Subject::Apps, "make Apps", missing)?;
        let credentials = new.registry_username.is_some() || new.registry_password.is_some();
        if credentials {
            actor.write(Subject::Infrastructure, "set registry credentials", missing)?;
        }
        let mut checks = Checks::default();
        let name = checks.name::<AppName>("name", new.name.trim());
        let chart = checks.take(chart_reference(&new))?;
        checks.take(check_values("values", &new.values))?;
        checks.take(domains::check(&new.domain_template))?;
        if let Some(Err(problem)) = new.wait_seconds.map(|n| settings::check_wait(n.into())) {
            checks.add(problem);
        }
        if let Some(name) = &name
            && store::by_name(self.db().read(), name).await?.is_some()
        {
            checks.add(taken(name));
        }
        if let Some(chart) = &chart
            && let Some(source) = registry::Source::new(
                chart,
                new.registry_username.as_deref(),
                new.registry_password.as_ref(),
            )
        {
            checks.take(self.read_offer(&source).await.map(drop).map_err(at_url))?;
        }
        checks.done()?;
        let (name, chart) = name
            .zip(chart)
            .ok_or_else(|| Error::internal("check an App", "nothing was checked"))?;
        self.insert_app(actor, new, &name, &chart).await
    }

    async fn insert_app(
        &self,
        actor: &Actor,
        new: NewApp,
        name: &AppName,
        chart: &ChartReference,
    ) -> Result<App, Error> {
        let (id, at, by) = (AppId::generate(), now(), actor.by());
        let password = match &new.registry_password {
            None => None,
            Some(password) => {
                let identity = registry::password_identity(id);
                let bytes = password.expose_secret().as_bytes();
                let sealed = self.objects().sealer().seal(&identity, bytes);
                Some(sealed.map_err(|e| Error::internal("encrypt a password", e))?)
            }
        };
        let values = self.objects().put_text(&new.values).await?;
        let defaults = AppSettings::default();
        let wait_seconds = new.wait_seconds.unwrap_or(defaults.wait_seconds);
        let domains = DomainSettings { template: new.domain_template, ..DomainSettings::default() };
        let settings = AppSettings { wait_seconds, domains, ..defaults };
        let row = store::NewRow {
            id,
            name,
            chart,
            registry_username: new.registry_username.as_deref(),
            registry_password_sealed: password,
            settings: &settings,
            at,
            by: &by,
        };
        let tx = self.db().begin().await?;
        if let Err(failed) = store::insert(&tx, &row).await {
            return Err(if failed.violates("apps_name", "apps.name_key") {
                Error::Invalid(Invalid { problems: vec![taken(name)] })
            } else {
                failed.into()
            });
        }
        if let Some(values) = values {
            let row = store::ValuesRow {
                revision: 1,
                values,
                note: String::new(),
                created_at: at,
                created_by: by.clone(),
            };
            store::add_values(&tx, id, 0, &row).await?;
        }
        search::index(&tx, "app", &id.to_string(), [name.as_str()]).await?;
        let act = Act {
            action: "app.create",
            kind: "app",
            id: id.to_string(),
            name: name.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({ "chart": chart.describe() }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Apps).await;
        self.app_get(actor, &id.to_string()).await
    }

    /// One App, by id or name.
    pub async fn app_get(&self, actor: &Actor, app: &str) -> Result<App, Error> {
        let row = self.app_row(actor, app).await?;
        store::view(actor.sees_production())
            .list()
            .when("a.id = ?", row.id)
            .one(self.db().read(), store::read)
            .await?
            .ok_or_else(|| Error::not_found("App", app))
    }

    /// Apps by name; `search`: words that begin a part of the name.
    pub async fn app_list(
        &self,
        actor: &Actor,
        search: &str,
        page: &PageRequest,
    ) -> Result<Page<App>, Error> {
        actor.read(Subject::Apps, || Error::not_found("page", "apps"))?;
        let order = Order { column: "name_key", direction: Direction::Ascending };
        store::view(actor.sees_production())
            .list()
            .search("app", search)
            .page(self.db().read(), page, order, store::read, |app| {
                (SortKey::Text(app.name.key()), app.id.to_string())
            })
            .await
    }
}

fn taken(name: &AppName) -> Problem {
    let message = format!("There is an App with the name `{name}` already.");
    Problem::new("name", message, "Use another name.")
}

/// A repository that does not answer is told at its field.
fn at_url(error: Error) -> Error {
    match error {
        Error::Unreachable { what, remedy, .. } => Error::invalid("chart_url", what, remedy),
        other => other,
    }
}

/// The chart reference as typed, checked as far as that goes without asking anyone.
fn chart_reference(new: &NewApp) -> Result<ChartReference, Error> {
    let url = new.chart_url.trim().trim_end_matches('/').to_owned();
    let chart = new.chart_name.trim().to_owned();
    let mut checks = Checks::default();
    let is_oci = Reference::is_oci(&url);
    let kind = match new.chart_kind.as_str() {
        "" if is_oci => "oci",
        "" => "repository",
        kind => kind,
    };
    let name_needed = kind != "oci" || !chart.is_empty();
    if name_needed && (chart.is_empty() || chart.contains(['/', ' '])) {
        let remedy = "Write it as in Chart.yaml, such as `parcel`.";
        checks.add(Problem::new("chart_name", "This is not the name of a chart.", remedy));
    }
    let reference = match kind {
        "repository" if is_oci => {
            let message = "This is the address of an OCI registry, not of a repository.";
            checks.add(Problem::new("chart_url", message, "Choose oci as the kind."));
            None
        }
        "repository" => Some(ChartReference::Repository { url, chart }),
        "upload" => Some(ChartReference::Upload { chart }),
        "oci" => checks.take(oci_reference(&url, &chart))?,
        other => {
            let message = format!("`{other}` is not a kind of chart source.");
            let remedy = "Choose repository, oci or upload.";
            checks.add(Problem::new("chart_kind", message, remedy));
            None
        }
    };
    checks.done()?;
    reference.ok_or_else(|| Error::internal("check a chart reference", "nothing was checked"))
}

/// A chart in a registry. The address may end before the chart's name, as in dependencies; it names
/// no version, because each Release has its own.
fn oci_reference(url: &str, chart: &str) -> Result<ChartReference, Error> {
    const FORM: &str = "Write it as oci://HOST/PATH/CHART.";
    let wrong = |message: &str, remedy: &str| Err(Error::invalid("chart_url", message, remedy));
    if !Reference::is_oci(url) {
        return wrong("This is not the address of an OCI registry.", FORM);
    }
    let url = match url.rsplit_once('/') {
        _ if chart.is_empty() => url.to_owned(),
        Some((_, last)) if last == chart => url.to_owned(),
        _ => format!("{url}/{chart}"),
    };
    match Reference::parse(&url) {
        Err(e) => wrong(&sentence(&e.to_string()), FORM),
        Ok(reference) if reference.tag.is_some() || reference.digest.is_some() => {
            wrong("An App's chart has no version of its own.", "Leave the tag or digest out.")
        }
        Ok(_) => Ok(ChartReference::Oci { url }),
    }
}
