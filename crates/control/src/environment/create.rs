//! Making an environment: its row, its values, its first deployment and that one's Op, at once.

use super::account::account;
use super::place::{self, NewPlace, chosen, place_taken, refuse_kind, refuse_namespace};
use super::{
    Environment, EnvironmentKind, EnvironmentRow, EnvironmentState, NewEnvironment, store,
};
use crate::actor::Actor;
use crate::app::store::AppRow;
use crate::audit::{self, Act};
use crate::cluster::store::ClusterRow;
use crate::control::Control;
use crate::deployment::{PlanPolicy, Queued, Started, Trigger, queue};
use crate::error::{Checks, Error, Problem};
use crate::names::{AppName, EnvironmentName, HelmReleaseName, Namespace};
use crate::release::newest_instead;
use crate::release::store::{self as releases, ReleaseRow};
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::EnvironmentId;
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
        let values = values.as_ref().map(|values| (values, "made with the environment"));
        place::insert(&tx, &NewPlace { row: &row, app: &app, cluster: &cluster, values, by: &by })
            .await?;
        queue(&tx, &by, &row, &queued).await?;
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
        refuse_kind(&mut checks, cluster.as_ref(), kind, ("cluster", "Choose another cluster."));
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
        self.refuse_taken_name(&mut checks, name.as_ref()).await?;
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
                Problem::new("release", message, newest_instead(c, app.id).await?)
            });
        }
        Ok(found)
    }
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
