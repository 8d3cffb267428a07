//! What addresses of lists say, the same for pages and API: search, filters, sort, cursor; and which things are compared.
//!
//! Everything arrives as text, empty where a form's field was left empty. Things may be named by id
//! or name; words of closed sets are checked here, so that a wrong one is told at its field.

use std::str::FromStr;

use control::account::PersonFilter;
use control::audit::AuditFilter;
use control::batch::BatchFilter;
use control::deployment::{ComparisonRequest, DeploymentFilter};
use control::environment::{EnvironmentFilter, EnvironmentSort};
use control::release::ReleaseFilter;
use control::store::ids::{AppId, BatchId, ClusterId, EnvironmentId, ReleaseId};
use control::store::paging::{Direction, PageRequest};
use control::{Actor, Control, Error, UnknownWord};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// `next` or `previous` of an earlier answer; without it the first page.
    pub(crate) cursor: String,
    /// Rows wanted, 1 to 200; 50 without it.
    pub(crate) limit: String,
}

/// Which things with a name.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words that begin a part of the name.
    pub(crate) search: String,
}

/// Which environments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct EnvironmentQuery {
    /// Words that name, namespace, cluster or App have; each as a prefix of a word.
    pub(crate) search: String,
    /// `production` or `sandbox`.
    pub(crate) kind: String,
    /// An App, by id or name.
    pub(crate) app: String,
    /// A cluster, by id or name.
    pub(crate) cluster: String,
    /// A Release, by id or as `app/tag`.
    pub(crate) release: String,
    /// `deploying`, `queued`, `running`, `failed`, `needs_confirmation` or `idle`.
    pub(crate) status: String,
    /// `last_deployment` (default) or `name`.
    pub(crate) sort: String,
    /// `ascending` or `descending`; names ascend and times descend without it.
    pub(crate) direction: String,
}

/// Which Releases.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// Words that tag, chart version or changelog have; each as a prefix of a word.
    pub(crate) search: String,
    /// An App, by id or name.
    pub(crate) app: String,
    /// `true`: archived ones instead of the others.
    pub(crate) archived: String,
}

/// Which two deployments are compared.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ComparisonQuery {
    /// The deployment's number; without it the one that runs.
    pub(crate) number: String,
    /// What it is compared with, on the left: `environment#number`, `#number`, or an environment for what runs there.
    /// Without it the deployment before.
    pub(crate) with: String,
}

/// Which value of an environment.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhyQuery {
    /// Its path, such as `api.replicas`.
    pub(crate) key: String,
}

/// Which deployments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeploymentQuery {
    /// Words that begin a part of the environment's name, or `environment#number`.
    pub(crate) search: String,
    /// An environment, by id or name.
    pub(crate) environment: String,
    /// An App, by id or name.
    pub(crate) app: String,
    /// A Release, by id or as `app/tag`.
    pub(crate) release: String,
    /// `production` or `sandbox`.
    pub(crate) kind: String,
    /// `queued`, `running`, `succeeded`, `failed`, `cancelled`, `superseded` or `needs_confirmation`.
    pub(crate) state: String,
    /// `manual`, `environment_created`, `values_updated`, `rollback`, ….
    pub(crate) trigger: String,
    /// A batch, by id.
    pub(crate) batch: String,
}

/// Which people.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PersonQuery {
    /// Words that begin a part of the name or of the e-mail address.
    pub(crate) search: String,
    /// `administrator`, `operations`, `developer` or `qa`.
    pub(crate) role: String,
}

/// Which entries of the audit log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Words that begin a part of the thing's name, of who did it, or of the action.
    pub(crate) search: String,
    /// By this person or token (id).
    pub(crate) by: String,
    /// This action, such as `release.add`.
    pub(crate) action: String,
    /// On this thing (id).
    pub(crate) subject: String,
    /// From this day (`2026-11-27`, in UTC) or moment on.
    pub(crate) since: String,
    /// Up to and with this day, or before this moment.
    pub(crate) until: String,
}

impl PersonQuery {
    pub(crate) fn filter(&self) -> Result<PersonFilter, Error> {
        Ok(PersonFilter { search: self.search.clone(), role: word("role", &self.role)? })
    }
}

impl AuditQuery {
    pub(crate) fn filter(&self) -> Result<AuditFilter, Error> {
        let text = |text: &str| given(text).map(str::to_owned);
        Ok(AuditFilter {
            search: self.search.clone(),
            by: text(&self.by),
            action: text(&self.action),
            subject: text(&self.subject),
            since: moment("since", &self.since, false)?,
            until: moment("until", &self.until, true)?,
        })
    }
}

/// A moment as typed: a day in UTC (its end if `end`), or a time with its zone.
fn moment(field: &str, typed: &str, end: bool) -> Result<Option<Timestamp>, Error> {
    let Some(text) = given(typed) else { return Ok(None) };
    let day = text.parse::<Date>().ok().filter(|_| !text.contains(['T', ':']));
    let read = match day {
        Some(day) if end => day.tomorrow().and_then(|day| day.in_tz("UTC")),
        Some(day) => day.in_tz("UTC"),
        None => return text.parse().map(Some).map_err(|_| no_moment(field, text)),
    };
    read.map(|day| Some(day.timestamp())).map_err(|_| no_moment(field, text))
}

fn no_moment(field: &str, text: &str) -> Error {
    let remedy = "Give a day such as 2026-11-27, or a moment such as 2026-11-27T17:30:00Z.";
    Error::invalid(field, format!("`{text}` is not a day."), remedy)
}

impl PageQuery {
    pub(crate) fn request(&self) -> Result<PageRequest, Error> {
        let limit = match self.limit.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                Error::invalid("limit", format!("`{text}` is not a number."), "Give 1 to 200.")
            })?),
        };
        Ok(PageRequest { cursor: given(&self.cursor).map(str::to_owned), limit })
    }
}

impl EnvironmentQuery {
    pub(crate) async fn filter(
        &self,
        control: &Control,
        actor: &Actor,
    ) -> Result<EnvironmentFilter, Error> {
        Ok(EnvironmentFilter {
            search: self.search.clone(),
            kind: word("kind", &self.kind)?,
            app: app(control, actor, &self.app).await?,
            cluster: cluster(control, actor, &self.cluster).await?,
            release: release(control, actor, &self.release).await?,
            status: word("status", &self.status)?,
        })
    }

    pub(crate) fn sort(&self) -> Result<(EnvironmentSort, Direction), Error> {
        let sort = match self.sort.as_str() {
            "" | "last_deployment" => EnvironmentSort::LastDeployment,
            "name" => EnvironmentSort::Name,
            other => {
                let message = format!("`{other}` is not something to sort by.");
                return Err(Error::invalid("sort", message, "Give `last_deployment` or `name`."));
            }
        };
        let direction = match (self.direction.as_str(), sort) {
            ("ascending", _) | ("", EnvironmentSort::Name) => Direction::Ascending,
            ("descending" | "", _) => Direction::Descending,
            (other, _) => {
                let message = format!("`{other}` is not a direction.");
                return Err(Error::invalid(
                    "direction",
                    message,
                    "Give `ascending` or `descending`.",
                ));
            }
        };
        Ok((sort, direction))
    }
}

/// Which batches.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchQuery {
    /// An App, by id or name.
    pub(crate) app: String,
    /// `true`: only those that have not ended.
    pub(crate) open: String,
}

impl BatchQuery {
    pub(crate) async fn filter(
        &self,
        control: &Control,
        actor: &Actor,
    ) -> Result<BatchFilter, Error> {
        let app = app(control, actor, &self.app).await?;
        Ok(BatchFilter { app, open: self.open == "true" })
    }
}

impl ComparisonQuery {
    pub(crate) fn request(&self) -> Result<ComparisonRequest, Error> {
        let number = self.number.trim().trim_start_matches('#');
        let number = match number {
            "" => None,
            number => Some(number.parse().map_err(|_| {
                let message = format!("`{number}` is not a deployment's number.");
                Error::invalid("number", message, "Write it as `7`.")
            })?),
        };
        Ok(ComparisonRequest { with: self.with.clone(), number })
    }
}

impl ReleaseQuery {
    pub(crate) async fn filter(
        &self,
        control: &Control,
        actor: &Actor,
    ) -> Result<ReleaseFilter, Error> {
        Ok(ReleaseFilter {
            app: app(control, actor, &self.app).await?,
            search: self.search.clone(),
            archived: self.archived == "true",
        })
    }
}

impl DeploymentQuery {
    pub(crate) async fn filter(
        &self,
        control: &Control,
        actor: &Actor,
    ) -> Result<DeploymentFilter, Error> {
        Ok(DeploymentFilter {
            search: self.search.clone(),
            environment: environment(control, actor, &self.environment).await?,
            app: app(control, actor, &self.app).await?,
            release: release(control, actor, &self.release).await?,
            kind: word("kind", &self.kind)?,
            state: word("state", &self.state)?,
            trigger: word("trigger", &self.trigger)?,
            batch: batch(&self.batch)?,
        })
    }
}

/// What was given, unless it is empty.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A word of a closed set; none where the field was left empty.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(
    field: &str,
    text: &str,
) -> Result<Option<T>, Error> {
    given(text).map(str::parse).transpose().map_err(|unknown: UnknownWord| {
        Error::invalid(
            field,
            format!("`{}` is not known here.", unknown.input),
            format!("Give one of {}.", unknown.allowed),
        )
    })
}

async fn app(control: &Control, actor: &Actor, text: &str) -> Result<Option<AppId>, Error> {
    match given(text) {
        None => Ok(None),
        Some(text) => Ok(Some(control.app_get(actor, text).await?.id)),
    }
}

async fn cluster(control: &Control, actor: &Actor, text: &str) -> Result<Option<ClusterId>, Error> {
    match given(text) {
        None => Ok(None),
        Some(text) => Ok(Some(control.cluster_get(actor, text).await?.id)),
    }
}

async fn environment(
    control: &Control,
    actor: &Actor,
    text: &str,
) -> Result<Option<EnvironmentId>, Error> {
    match given(text) {
        None => Ok(None),
        Some(text) => Ok(Some(control.environment_get(actor, text).await?.id)),
    }
}

fn batch(text: &str) -> Result<Option<BatchId>, Error> {
    given(text).map(str::parse).transpose().map_err(|_| {
        Error::invalid("batch", format!("`{text}` is not a batch."), "Give its id, `bat_…`.")
    })
}

/// A Release by id, or as `app/tag`.
async fn release(control: &Control, actor: &Actor, text: &str) -> Result<Option<ReleaseId>, Error> {
    let Some(text) = given(text) else { return Ok(None) };
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let (app, tag) = text.split_once('/').ok_or_else(|| {
        Error::invalid(
            "release",
            format!("`{text}` is not a Release."),
            "Give its id, or `app/tag`.",
        )
    })?;
    Ok(Some(control.release_find(actor, app, tag).await?.id))
}
