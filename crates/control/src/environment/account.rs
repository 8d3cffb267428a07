//! The service account that an environment acts as on its cluster.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Environment, EnvironmentRow, EnvironmentState, store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::cluster::store::{self as clusters, ClusterRow};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::names::{Namespace, ServiceAccount};
use crate::rights::Subject;
use crate::store::commit;

const FIELD: &str = "service_account";

/// What changes of an environment besides its deployments; what is not given stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct EnvironmentChange {
    /// The service account that it acts as, as `name` or `namespace/name`; empty: Landfall's own account.
    pub service_account: Option<String>,
}

impl Control {
    /// Changes an environment. Its next Op acts as the new account, one that runs goes on as the one it began as.
    pub async fn environment_change(
        &self,
        actor: &Actor,
        environment: &str,
        change: EnvironmentChange,
    ) -> Result<Environment, Error> {
        let row = self.environment_row(actor, environment).await?;
        let act = format!("change {}", row.kind.plural());
        let missing = || Error::not_found("environment", environment);
        actor.write(Subject::Environments(row.kind), &act, missing)?;
        if row.state == EnvironmentState::Deleted {
            let what = format!("The environment `{}` was deleted.", row.name);
            return Err(Error::conflict(what, "Nothing of it can be changed."));
        }
        let Some(typed) = &change.service_account else {
            return self.environment_get(actor, &row.id.to_string()).await;
        };
        let cluster = clusters::by_id(self.db().read(), row.cluster).await?;
        let cluster = cluster.ok_or_else(|| Error::not_found("cluster", row.cluster))?;
        let mut checks = Checks::default();
        let account = account(&mut checks, actor, typed, &cluster, &row.namespace);
        checks.done()?;
        if account != row.service_account {
            let tx = self.db().begin().await?;
            store::set_account(&tx, row.id, account.as_ref()).await?;
            audit::write(&tx, actor, changed(&row, account.as_ref())).await?;
            commit(tx).await?;
        }
        self.environment_get(actor, &row.id.to_string()).await
    }
}

fn changed<'n>(row: &'n EnvironmentRow, account: Option<&ServiceAccount>) -> Act<'n> {
    Act {
        action: "environment.change",
        kind: "environment",
        id: row.id.to_string(),
        name: row.name.as_str(),
        old: serde_json::json!({ "service_account": row.service_account }),
        new: serde_json::json!({ "service_account": account }),
    }
}

/// The account as typed: of the environment's own namespace where none is said. Who may not change clusters takes
/// none of another namespace, whose rights are not this environment's.
pub(super) fn account(
    checks: &mut Checks,
    actor: &Actor,
    typed: &str,
    cluster: &ClusterRow,
    namespace: &Namespace,
) -> Option<ServiceAccount> {
    let typed = typed.trim();
    if typed.is_empty() {
        if cluster.demands_impersonation {
            let message = format!(
                "On cluster `{}` environments act as service accounts of their own.",
                cluster.name
            );
            checks.add(Problem::new(FIELD, message, "Name one that exists there."));
        }
        return None;
    }
    let whole = if typed.contains('/') { typed.to_owned() } else { format!("{namespace}/{typed}") };
    let account = checks.name::<ServiceAccount>(FIELD, &whole)?;
    if account.namespace() != namespace.as_str() && !actor.may_write(Subject::Infrastructure) {
        let message = format!("`{account}` is an account of another namespace.");
        let remedy = "Name one of the environment's own namespace, or ask Operations.";
        checks.add(Problem::new(FIELD, message, remedy));
        return None;
    }
    Some(account)
}
