//! What both ways to an environment have in common, making one and adopting a Helm release: checks of its name and of
//! where it is to be, and its rows.

use super::{EnvironmentKind, EnvironmentRow, store};
use crate::actor::By;
use crate::app::store::AppRow;
use crate::cluster::store::ClusterRow;
use crate::control::Control;
use crate::error::{Checks, Error, Invalid, Problem};
use crate::names::{EnvironmentName, Namespace};
use crate::objects::Address;
use crate::store::sql::now;
use crate::store::{Tx, search};

/// An environment to be written.
pub(crate) struct NewPlace<'a> {
    pub(crate) row: &'a EnvironmentRow,
    pub(crate) app: &'a AppRow,
    pub(crate) cluster: &'a ClusterRow,
    /// Its own values, and where they come from.
    pub(crate) values: Option<(&'a Address, &'a str)>,
    pub(crate) by: &'a By,
}

/// Writes an environment's row, its values, and the words that it is found by.
pub(crate) async fn insert(tx: &Tx, new: &NewPlace<'_>) -> Result<(), Error> {
    let NewPlace { row, app, cluster, values, by } = *new;
    let at = now();
    let new_row = store::NewRow {
        id: row.id,
        name: &row.name,
        app: row.app,
        cluster: row.cluster,
        namespace: &row.namespace,
        release_name: &row.release_name,
        service_account: row.service_account.as_ref(),
        kind: row.kind,
        state: row.state,
        at,
        by,
    };
    if let Err(failed) = store::insert(tx, &new_row).await {
        return Err(taken(row, cluster, failed));
    }
    if let Some((values, note)) = values {
        let values =
            store::NewValuesRow { environment: row.id, values, note, deployment: None, at, by };
        store::add_values(tx, None, &values).await?;
    }
    let words =
        [row.name.as_str(), row.namespace.as_str(), cluster.name.as_str(), app.name.as_str()];
    Ok(search::index(tx, "environment", &row.id.to_string(), words).await?)
}

impl Control {
    /// Notes a name that another environment has.
    pub(crate) async fn refuse_taken_name(
        &self,
        checks: &mut Checks,
        name: Option<&EnvironmentName>,
    ) -> Result<(), Error> {
        if let Some(name) = name
            && store::by_name(self.db().read(), name).await?.is_some()
        {
            checks.add(name_taken(name));
        }
        Ok(())
    }
}

/// A cluster that does not admit the kind, told at a field with what to do there.
pub(crate) fn refuse_kind(
    checks: &mut Checks,
    cluster: Option<&ClusterRow>,
    kind: EnvironmentKind,
    (field, remedy): (&str, &str),
) {
    if let Some(cluster) = cluster.filter(|cluster| !cluster.admits.allows(kind)) {
        let message =
            format!("Cluster `{}` admits {} environments only.", cluster.name, cluster.admits);
        checks.add(Problem::new(field, message, remedy));
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

fn name_taken(name: &EnvironmentName) -> Problem {
    let message = format!("There is an environment with the name `{name}` already.");
    Problem::new("name", message, "Use another name.")
}

/// What a unique index refused, told at the field.
fn taken(row: &EnvironmentRow, cluster: &ClusterRow, failed: crate::store::StoreError) -> Error {
    let place = "environments.cluster_id, environments.namespace, environments.release_name";
    if failed.violates("environments_name", "environments.name") {
        Error::Invalid(Invalid { problems: vec![name_taken(&row.name)] })
    } else if failed.violates("environments_place", place) {
        place_taken(row, cluster)
    } else {
        failed.into()
    }
}

pub(super) fn place_taken(row: &EnvironmentRow, cluster: &ClusterRow) -> Error {
    let message = format!(
        "Another environment has the Helm release `{}` in namespace `{}` of cluster `{}`.",
        row.release_name, row.namespace, cluster.name
    );
    Error::invalid("namespace", message, "Use another namespace or release name.")
}
