//! Adopting a Helm release that others made: its environment is there at once, without a deployment.
//!
//! The release's records are read and nothing is written: the next deployment goes on from its newest revision.

use std::time::Duration;

use helm::release::Status;
use jiff::Timestamp;
use rollout::record::{History, StoredRevision};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::note::chart_of;
use super::{ObservedCause, store};
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::cluster::store::ClusterRow;
use crate::cluster::unreachable;
use crate::control::Control;
use crate::environment::place::{self, NewPlace, chosen, refuse_kind, refuse_namespace};
use crate::environment::store as environments;
use crate::environment::{Environment, EnvironmentKind, EnvironmentRow, EnvironmentState};
use crate::error::{Checks, Error};
use crate::names::{EnvironmentName, HelmReleaseName, Namespace, ReleaseTag};
use crate::release::store::{self as releases, ReleaseRow};
use crate::rights::{self, Access, Subject};
use crate::store::commit;
use crate::store::ids::EnvironmentId;
use crate::store::wake::Wake;

/// How long a cluster may take to tell of its releases.
const PATIENCE: Duration = Duration::from_secs(30);
/// Releases that a list shows at most; a namespace or a search finds the others.
const LISTED: usize = 200;

/// What the form "Adopt a Helm release" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AdoptRelease {
    /// The cluster, by id or name.
    pub cluster: String,
    /// The namespace that holds the release's records.
    pub namespace: String,
    /// The Helm release.
    pub release_name: String,
    /// The App that it is an instance of, by id or name.
    pub app: String,
    /// The environment's name; empty: that of the Helm release.
    pub name: String,
    /// `production` or `sandbox`.
    pub kind: String,
    /// The Release that runs, by tag: it must have the version of the chart. Empty: the last added that has it, or none.
    pub release: String,
}

/// An environment just adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adopted {
    /// The environment, active.
    pub environment: Environment,
    /// What should be known of it, as sentences.
    pub warnings: Vec<String>,
}

/// A Helm release that no environment has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adoptable {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its newest revision.
    pub revision: i64,
    /// Helm's status of that.
    pub status: String,
    /// The chart's name.
    pub chart_name: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what is in the chart.
    pub app_version: Option<String>,
    /// When the revision was made.
    pub made_at: Option<Timestamp>,
}

/// The Helm releases of a cluster that no environment has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdoptableReleases {
    /// By namespace and name.
    pub releases: Vec<Adoptable>,
    /// Whether there are more than are listed.
    pub more: bool,
}

/// A form that was checked before the cluster is asked.
struct Checked {
    row: EnvironmentRow,
    app: AppRow,
    cluster: ClusterRow,
    release: Option<ReleaseTag>,
}

impl Control {
    /// The Helm releases of a cluster, or of one of its namespaces, that no environment has. Asks the cluster.
    pub async fn adoptable_releases(
        &self,
        actor: &Actor,
        cluster: &str,
        namespace: &str,
    ) -> Result<AdoptableReleases, Error> {
        let cluster = self.cluster_row(actor, cluster.trim()).await?;
        may_adopt(actor, &cluster)?;
        let namespace = match namespace.trim() {
            "" => None,
            typed => {
                let mut checks = Checks::default();
                let name = checks.name::<Namespace>("namespace", typed);
                checks.done()?;
                name
            }
        };
        let owned = environments::places(self.db().read(), cluster.id).await?;
        let connection = self.cluster_connect(&cluster).await?;
        let free =
            |namespace: &str, name: &str| !owned.contains(&(namespace.to_owned(), name.to_owned()));
        // A cluster that is used in some namespaces only is not asked about others.
        let namespaces: Vec<Option<&str>> = match &namespace {
            Some(namespace) => vec![Some(namespace.as_str())],
            None if cluster.namespaces.is_empty() => vec![None],
            None => cluster.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect(),
        };
        let (mut found, mut more) = (Vec::new(), false);
        for namespace in namespaces {
            let most = LISTED - found.len();
            let listing = rollout::record::list_releases(&connection, namespace, most, free);
            let (here, more_here) = in_time(&cluster, listing).await?;
            found.extend(here);
            more |= more_here;
        }
        let releases = found.into_iter().map(|found| {
            let (chart_name, chart_version, app_version) = chart_of(&found.newest);
            Adoptable {
                namespace: found.namespace,
                name: found.name,
                revision: found.newest.revision().into(),
                status: found.newest.status().to_string(),
                chart_name,
                chart_version,
                app_version,
                made_at: found.newest.release.info.last_deployed,
            }
        });
        Ok(AdoptableReleases { releases: releases.collect(), more })
    }

    /// Makes an environment of a Helm release that is there. Asks the cluster, and changes nothing in it.
    pub async fn environment_adopt(
        &self,
        actor: &Actor,
        new: AdoptRelease,
    ) -> Result<Adopted, Error> {
        let Checked { row, app, cluster, release } = self.check_adoption(actor, &new).await?;
        let connection = self.cluster_connect(&cluster).await?;
        let (namespace, name) = (row.namespace.as_str(), row.release_name.as_str());
        let reading = rollout::record::read_history(&connection, self, namespace, name);
        let history = in_time(&cluster, reading).await?;
        let newest = adoptable(&cluster, &row, &app, &history)?;
        let running = self.running_release(&app, newest, release.as_ref()).await?;
        let values = if newest.release.config.is_empty() {
            None
        } else {
            self.objects().put_text(&values_text(newest)?).await?
        };
        let cause = ObservedCause::Adopted;
        let mut observed = self.observe(row.id, app.id, cause, newest).await?;
        observed.release = running.as_ref().map(|release| release.id);
        observed.by = Some(actor.by());
        let by = actor.by();
        let tx = self.db().begin().await?;
        let note = format!("of Helm revision {}", newest.revision());
        let values = values.as_ref().map(|values| (values, note.as_str()));
        place::insert(&tx, &NewPlace { row: &row, app: &app, cluster: &cluster, values, by: &by })
            .await?;
        store::insert(&tx, &observed).await?;
        store::set_newest(&tx, row.id, Some(observed.id)).await?;
        let current = running.as_ref().map(|release| release.id);
        environments::set_adopted(&tx, row.id, current).await?;
        environments::refresh_status(&tx, row.id).await?;
        let act = Act {
            action: "environment.adopt",
            kind: "environment",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({
                "kind": row.kind, "app": app.name, "cluster": cluster.name,
                "namespace": row.namespace, "release_name": row.release_name,
                "helm_revision": newest.revision(), "chart_version": observed.chart_version,
                "release": running.as_ref().map(|release| &release.tag),
            }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        let environment = self.environment_get(actor, &row.id.to_string()).await?;
        Ok(Adopted { environment, warnings: warnings(newest, running.as_ref(), &app) })
    }

    /// Checks what can be checked without the cluster; everything that is wrong is told at once.
    async fn check_adoption(&self, actor: &Actor, new: &AdoptRelease) -> Result<Checked, Error> {
        let mut checks = Checks::default();
        let cluster = self.cluster_row(actor, new.cluster.trim()).await;
        let cluster = chosen(&mut checks, "cluster", &new.cluster, cluster)?;
        if let Some(cluster) = &cluster {
            may_adopt(actor, cluster)?;
        }
        let kind = match (new.kind.as_str(), cluster.as_ref()) {
            // A cluster that admits only one kind says which.
            ("", Some(cluster)) if !cluster.admits.allows(EnvironmentKind::Sandbox) => {
                EnvironmentKind::Production
            }
            ("", _) => EnvironmentKind::Sandbox,
            (word, _) => word.parse().map_err(|unknown| {
                Error::invalid("kind", format!("{unknown}."), "Choose one of them.")
            })?,
        };
        let act = format!("make {}", kind.plural());
        actor.write(Subject::Environments(kind), &act, || Error::not_found("kind", kind))?;
        let namespace = checks.name::<Namespace>("namespace", new.namespace.trim());
        let release_name = checks.name::<HelmReleaseName>("release_name", new.release_name.trim());
        let app = chosen(&mut checks, "app", &new.app, self.app_row(actor, new.app.trim()).await)?;
        let typed = Some(new.name.trim()).filter(|name| !name.is_empty());
        let name = checks.name::<EnvironmentName>("name", typed.unwrap_or(new.release_name.trim()));
        refuse_kind(&mut checks, cluster.as_ref(), kind, ("kind", "Choose the other kind."));
        self.refuse_taken_name(&mut checks, name.as_ref()).await?;
        if let (Some(cluster), Some(namespace)) = (&cluster, &namespace) {
            refuse_namespace(&mut checks, cluster, namespace);
        }
        let release = match new.release.trim() {
            "" => None,
            tag => checks.name::<ReleaseTag>("release", tag),
        };
        checks.done()?;
        let (Some(cluster), Some(app), Some(name), Some(namespace), Some(release_name)) =
            (cluster, app, name, namespace, release_name)
        else {
            return Err(Error::internal("check an adoption", "nothing was checked"));
        };
        let c = self.db().read();
        if environments::by_place(c, cluster.id, &namespace, &release_name).await?.is_some() {
            let message = format!(
                "Helm release `{release_name}` in namespace `{namespace}` of cluster `{}` belongs to an environment already.",
                cluster.name
            );
            return Err(Error::invalid("release_name", message, "Choose another release."));
        }
        let row = EnvironmentRow {
            id: EnvironmentId::generate(),
            name,
            app: app.id,
            cluster: cluster.id,
            namespace,
            release_name,
            service_account: None,
            kind,
            state: EnvironmentState::Active,
            holds_app_values: None,
            current_release: None,
            current_deployment: None,
            removal: None,
            observed: None,
        };
        Ok(Checked { row, app, cluster, release })
    }

    /// The Release that runs, as far as name and version of its chart tell.
    async fn running_release(
        &self,
        app: &AppRow,
        newest: &StoredRevision,
        asked: Option<&ReleaseTag>,
    ) -> Result<Option<ReleaseRow>, Error> {
        let (chart, version, _) = chart_of(newest);
        let found = releases::by_chart(self.db().read(), app.id, &chart, &version).await?;
        let Some(tag) = asked else { return Ok(found.into_iter().next()) };
        let Some(release) = found.into_iter().find(|release| release.tag == *tag) else {
            let message =
                format!("{} has no release `{tag}` of chart {chart} {version}.", app.name);
            let remedy = "Leave it empty, or choose a release of that version.";
            return Err(Error::invalid("release", message, remedy));
        };
        Ok(Some(release))
    }
}

/// What a cluster answers, in time.
async fn in_time<T>(
    cluster: &ClusterRow,
    asking: impl Future<Output = Result<T, rollout::ClusterError>>,
) -> Result<T, Error> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(|error| unreachable(&error)),
        Err(_) => Err(Error::Unreachable {
            what: format!(
                "Cluster `{}` did not tell its Helm releases within {} s.",
                cluster.name,
                PATIENCE.as_secs()
            ),
            remedy: "Name a namespace, or try again later.".to_owned(),
            source: None,
        }),
    }
}

/// Nobody knows whether a release of others is production: it takes the right to change every kind that its cluster admits.
fn may_adopt(actor: &Actor, cluster: &ClusterRow) -> Result<(), Error> {
    for kind in EnvironmentKind::ALL.iter().filter(|kind| cluster.admits.allows(**kind)) {
        let subject = Subject::Environments(*kind);
        if actor.access(subject) != Access::Write {
            let (name, admits) = (&cluster.name, kind.plural());
            return Err(Error::Forbidden {
                role: actor.role(),
                act: format!("adopt what runs on cluster `{name}`, which admits {admits}"),
                remedy: rights::who_may(subject),
            });
        }
    }
    Ok(())
}

/// The newest revision of a release that can be adopted.
fn adoptable<'a>(
    cluster: &ClusterRow,
    row: &EnvironmentRow,
    app: &AppRow,
    history: &'a History,
) -> Result<&'a StoredRevision, Error> {
    let EnvironmentRow { namespace, release_name, .. } = row;
    let refused = |message: String, remedy: &str| Error::invalid("release_name", message, remedy);
    let Some(newest) = history.last() else {
        let message = format!(
            "There is no Helm release `{release_name}` in namespace `{namespace}` of cluster `{}`.",
            cluster.name
        );
        return Err(refused(message, "Choose one of the list."));
    };
    if newest.status() == Status::Uninstalled {
        let message =
            format!("Helm release `{release_name}` was uninstalled; only its history is left.");
        return Err(refused(message, "Make a new environment instead."));
    }
    let (chart, ..) = chart_of(newest);
    let wanted = app.chart.chart_name();
    if chart != wanted {
        let message = format!(
            "Helm release `{release_name}` has chart `{chart}`; that of {} is `{wanted}`.",
            app.name
        );
        return Err(Error::invalid("app", message, "Choose the App whose chart it is."));
    }
    Ok(newest)
}

/// The values that the release was given, as YAML.
fn values_text(newest: &StoredRevision) -> Result<String, Error> {
    const DOING: &str = "read the values of a Helm release";
    let json = serde_json::to_string(&newest.release.config);
    let json = json.map_err(|e| Error::internal(DOING, e))?;
    let values = helm::values::parse_values(&json).map_err(|e| Error::internal(DOING, e))?;
    goyaml::to_string(&values).map_err(|e| Error::internal(DOING, e))
}

fn warnings(newest: &StoredRevision, running: Option<&ReleaseRow>, app: &AppRow) -> Vec<String> {
    let mut warnings = Vec::new();
    let (revision, status) = (newest.revision(), newest.status());
    match status {
        Status::Deployed | Status::Superseded => {}
        pending if pending.is_pending() => warnings.push(format!(
            "Revision {revision} is {pending}: Helm is at work on it, or was stopped. The next deployment waits while it may be at work, ten minutes from its beginning at most, and then marks the revision failed."
        )),
        other => warnings.push(format!(
            "Revision {revision} is {other}: look at what runs before the next deployment."
        )),
    }
    if running.is_none() {
        let (chart, version, _) = chart_of(newest);
        warnings.push(format!(
            "{} has no release of chart {chart} {version}, so it is not known which one runs.",
            app.name
        ));
    }
    warnings
}
