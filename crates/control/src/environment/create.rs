//! Making an environment: its row, its values, its first deployment and that one's Op, at once.

use super::account::account;
use super::{
    Environment, EnvironmentKind, EnvironmentRow, EnvironmentState, NewEnvironment, store,
};
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::cluster::store::ClusterRow;
use crate::control::Control;
use crate::deployment::{PlanPolicy, Queued, Started, Trigger, queue};
use crate::error::{Checks, Error, Invalid, Problem};
use crate::names::{AppName, EnvironmentName, HelmReleaseName, Namespace};
use crate::release::store::{self as releases, ReleaseRow};
use crate::rights::Subject;
use crate::store::ids::EnvironmentId;
use crate::store::sql::now;
use crate::store::{commit, search};
use crate::values::check_values;

/// A form that was checked.
struct Checked {
    row: EnvironmentRow,
    app: AppRow,
    cluster: ClusterRow,
    release: ReleaseRow,
}

impl Control {
    /// Makes an environment and the deployment `environment_created` with its Op.
    pub async fn environment_create(
        &self,
        actor: &Actor,
        new: NewEnvironment,
    ) -> Result<(Environment, Started), Error> {
        let kind = match new.kind.as_str() {
            "" => EnvironmentKind::Sandbox,
            word => word.parse().map_err(|unknown| {
                Error::invalid("kind", format!("{unknown}."), "Choose one of them.")
            })?,
        };
        let act = format!("make {}", kind.plural());
        actor.write(Subject::Environments(kind), &act, || Error::not_found("kind", kind))?;
        let Checked { row, app, cluster, release } =
            self.check_environment(actor, kind, &new).await?;
        self.refuse_foreign_release(&row, &cluster).await?;
        let values = self.objects().put_text(&new.values).await?;
        let at = now();
        let by = actor.by();
        let queued = Queued {
            trigger: Trigger::EnvironmentCreated,
            policy: PlanPolicy::Replan,
            on_failure: new.on_failure.unwrap_or(kind.default_on_failure()),
            values: values.clone(),
            app_values_revision: app.values_revision,
            ..Queued::empty(release.id)
        };
        let tx = self.db().begin().await?;
        let new_row = store::NewRow {
            id: row.id,
            name: &row.name,
            app: row.app,
            cluster: row.cluster,
            namespace: &row.namespace,
            release_name: &row.release_name,
            service_account: row.service_account.as_ref(),
            kind,
            state: row.state,
            at,
            by: &by,
        };
        if let Err(failed) = store::insert(&tx, &new_row).await {
            return Err(taken(&row, &cluster, failed));
        }
        if let Some(values) = &values {
            let values = store::NewValuesRow {
                environment: row.id,
                values,
                note: "made with the environment",
                deployment: None,
                at,
                by: &by,
            };
            store::add_values(&tx, &values).await?;
        }
        let words =
            [row.name.as_str(), row.namespace.as_str(), cluster.name.as_str(), app.name.as_str()];
        search::index(&tx, "environment", &row.id.to_string(), words).await?;
        queue(&tx, actor, &row, &queued).await?;
        let act = Act {
            action: "environment.create",
            kind: "environment",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: serde_json::Value::Null,
            new: serde_json::json!({
                "kind": kind, "app": app.name, "cluster": cluster.name, "namespace": row.namespace,
                "release_name": row.release_name, "release": release.tag,
                "service_account": row.service_account,
            }),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        let started = self.started(actor, &row, &queued).await?;
        Ok((self.environment_get(actor, &row.id.to_string()).await?, started))
    }

    /// A release that is there and belongs to no environment is adopted, not upgraded over.
    async fn refuse_foreign_release(
        &self,
        row: &EnvironmentRow,
        cluster: &ClusterRow,
    ) -> Result<(), Error> {
        let EnvironmentRow { namespace, release_name, .. } = row;
        let c = self.db().read();
        if store::by_place(c, cluster.id, namespace, release_name).await?.is_some() {
            return Err(place_taken(row, cluster));
        }
        match self.foreign_release_at(row).await? {
            Some(there) => Err(Error::invalid("release_name", there.told(), there.remedy())),
            None => Ok(()),
        }
    }

    /// Checks the form; everything that is wrong is told at once.
    async fn check_environment(
        &self,
        actor: &Actor,
        kind: EnvironmentKind,
        new: &NewEnvironment,
    ) -> Result<Checked, Error> {
        let mut checks = Checks::default();
        let name = checks.name::<EnvironmentName>("name", new.name.trim());
        let app = chosen(&mut checks, "app", &new.app, self.app_row(actor, new.app.trim()).await)?;
        let cluster = self.cluster_row(actor, new.cluster.trim()).await;
        let cluster = chosen(&mut checks, "cluster", &new.cluster, cluster)?;
        checks.take(check_values("values", &new.values))?;
        if let Some(cluster) = cluster.as_ref().filter(|cluster| !cluster.admits.allows(kind)) {
            let message =
                format!("Cluster `{}` admits {} environments only.", cluster.name, cluster.admits);
            checks.add(Problem::new("cluster", message, "Choose another cluster."));
        }
        let release = match &app {
            Some(app) => self.first_release(&mut checks, app, new.release.trim()).await?,
            None => None,
        };
        let namespace = match (new.namespace.trim(), &app, &name) {
            ("", Some(app), Some(name)) => default_namespace(&app.name, name),
            (typed, ..) => typed.to_owned(),
        };
        let namespace = match (namespace.as_str(), &app, &name) {
            // What is missing is told at App and name already.
            ("", None, _) | ("", _, None) => None,
            (namespace, ..) => checks.name::<Namespace>("namespace", namespace),
        };
        let service_account = match (&cluster, &namespace) {
            (Some(cluster), Some(namespace)) => {
                refuse_namespace(&mut checks, cluster, namespace);
                account(&mut checks, actor, &new.service_account, cluster, namespace)
            }
            _ => None,
        };
        let release_name = match (new.release_name.trim(), &name) {
            ("", name) => name.as_ref().and_then(|name| name.as_str().parse().ok()),
            (typed, _) => checks.name::<HelmReleaseName>("release_name", typed),
        };
        if let Some(name) = &name
            && store::by_name(self.db().read(), name).await?.is_some()
        {
            checks.add(name_taken(name));
        }
        checks.done()?;
        let (Some(name), Some(app), Some(cluster), Some(release), Some(namespace), Some(helm)) =
            (name, app, cluster, release, namespace, release_name)
        else {
            return Err(Error::internal("check an environment", "nothing was checked"));
        };
        let row = EnvironmentRow {
            id: EnvironmentId::generate(),
            name,
            app: app.id,
            cluster: cluster.id,
            namespace,
            release_name: helm,
            service_account,
            kind,
            state: EnvironmentState::Creating,
            holds_app_values: None,
            current_release: None,
            current_deployment: None,
            removal: None,
            observed: None,
        };
        Ok(Checked { row, app, cluster, release })
    }

    /// The Release to begin with: by tag, else the newest.
    async fn first_release(
        &self,
        checks: &mut Checks,
        app: &AppRow,
        tag: &str,
    ) -> Result<Option<ReleaseRow>, Error> {
        let c = self.db().read();
        let found = match tag.parse() {
            _ if tag.is_empty() => releases::newest(c, app.id).await?,
            Ok(tag) => releases::by_tag(c, app.id, &tag).await?,
            Err(_) => None,
        };
        if found.is_none() {
            checks.add(if tag.is_empty() {
                let message = format!("{} has no release.", app.name);
                Problem::new("release", message, "Add a release first.")
            } else {
                let message = format!("{} has no release `{tag}`.", app.name);
                Problem::new("release", message, "Choose one of the list.")
            });
        }
        Ok(found)
    }
}

/// Something chosen from a list: what is not there is told at its field.
pub(crate) fn chosen<T>(
    checks: &mut Checks,
    field: &str,
    typed: &str,
    found: Result<T, Error>,
) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { what, .. }) => {
            let message = if typed.trim().is_empty() {
                format!("No {what} is chosen.")
            } else {
                format!("There is no {what} `{}`.", typed.trim())
            };
            checks.add(Problem::new(field, message, "Choose one of the list."));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// A cluster that Landfall may use in some namespaces only.
pub(crate) fn refuse_namespace(checks: &mut Checks, cluster: &ClusterRow, namespace: &Namespace) {
    let allowed = &cluster.namespaces;
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == namespace.as_str()) {
        let message = format!("Cluster `{}` is not used in namespace `{namespace}`.", cluster.name);
        let remedy = format!("Choose one of {}.", allowed.join(", "));
        checks.add(Problem::new("namespace", message, remedy));
    }
}

pub(crate) fn name_taken(name: &EnvironmentName) -> Problem {
    let message = format!("There is an environment with the name `{name}` already.");
    Problem::new("name", message, "Use another name.")
}

/// What a unique index refused, told at the field.
pub(crate) fn taken(
    row: &EnvironmentRow,
    cluster: &ClusterRow,
    failed: crate::store::StoreError,
) -> Error {
    let place = "environments.cluster_id, environments.namespace, environments.release_name";
    if failed.violates("environments_name", "environments.name") {
        Error::Invalid(Invalid { problems: vec![name_taken(&row.name)] })
    } else if failed.violates("environments_place", place) {
        place_taken(row, cluster)
    } else {
        failed.into()
    }
}

fn place_taken(row: &EnvironmentRow, cluster: &ClusterRow) -> Error {
    let message = format!(
        "Another environment has the Helm release `{}` in namespace `{}` of cluster `{}`.",
        row.release_name, row.namespace, cluster.name
    );
    Error::invalid("namespace", message, "Use another namespace or release name.")
}

/// `app-environment` as a namespace; what does not fit is cut.
fn default_namespace(app: &AppName, environment: &EnvironmentName) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let app: String = app.as_str().chars().map(plain).collect();
    let app = app.trim_matches('-');
    let room = 63 - environment.as_str().len() - 1;
    match app.get(..app.len().min(room)).map(|app| app.trim_matches('-')) {
        Some(app) if !app.is_empty() => format!("{app}-{environment}"),
        _ => environment.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default namespace is a label whatever the App is called.
    #[test]
    fn default_namespaces() {
        let long = "e".repeat(53);
        for (app, environment, wanted) in [
            ("Parcel", "northwind-prod", "parcel-northwind-prod"),
            ("Parcel Plus 2", "qa", "parcel-plus-2-qa"),
            ("Größe", "qa", "gr--e-qa"),
            ("包裹", "qa", "qa"),
            ("A very long name indeed", long.as_str(), &format!("a-very-lo-{long}")),
        ] {
            let made = default_namespace(&app.parse().unwrap(), &environment.parse().unwrap());
            assert_eq!(made, wanted);
            assert!(made.parse::<Namespace>().is_ok());
        }
    }
}
