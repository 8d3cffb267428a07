//! Changing a cluster: what it admits, where it may be used, and what Landfall signs in with.

use rollout::rights::Impersonation;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Cluster, ClusterKind, NewAccess, check, connected, namespaces, no_page, store};
use crate::actor::Actor;
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::{Checks, Error, Problem};
use crate::rights::Subject;
use crate::store::commit;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// What changes; what is not given stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct ClusterChange {
    /// `sandbox`, `production` or `both`.
    #[serde(default)]
    pub admits: Option<String>,
    /// The namespaces that Landfall may use; none of them: all.
    #[serde(default)]
    pub namespaces: Option<Vec<String>>,
    /// Whether every environment must act as a service account of its own.
    #[serde(default)]
    pub demands_impersonation: Option<bool>,
    /// New credentials, and a new address if that changes; the cluster must answer.
    #[serde(flatten)]
    pub access: NewAccess,
}

impl Control {
    /// Changes a cluster. New credentials count only if the cluster lets Landfall in with them; Ops that run keep those
    /// they began with.
    pub async fn cluster_change(
        &self,
        actor: &Actor,
        cluster: &str,
        change: ClusterChange,
    ) -> Result<Cluster, Error> {
        let row = self.cluster_row(actor, cluster).await?;
        actor.write(Subject::Infrastructure, "change clusters", no_page)?;
        let mut checks = Checks::default();
        let mut new = row.clone();
        if let Some(word) = &change.admits {
            match word.parse() {
                Ok(admits) => new.admits = admits,
                Err(_) => checks.add(Problem::new(
                    "admits",
                    "It is not clear what this cluster admits.",
                    "Choose sandbox, production or both.",
                )),
            }
        }
        if let Some(typed) = &change.namespaces {
            new.namespaces = namespaces(&mut checks, typed);
        }
        checks.done()?;
        new.demands_impersonation =
            change.demands_impersonation.unwrap_or(row.demands_impersonation);
        let replaced = change.access.is_given();
        let access = if replaced {
            if row.kind == ClusterKind::Simulated {
                let message = "A simulated cluster has no credentials to replace.";
                return Err(Error::invalid(
                    given_field(&change.access),
                    message,
                    "Leave them out.",
                ));
            }
            let access = self.read_access(&change.access)?;
            let impersonation =
                if new.demands_impersonation { Impersonation::Only } else { Impersonation::No };
            let connection = connected(self.real_config(&row.name, &access).await?)?;
            let check = check::look(&connection, &new.namespaces, impersonation).await?;
            new.access_sealed = Some(self.seal_access(row.id, &access)?);
            Some((access, check))
        } else {
            None
        };
        let server = self.cluster_get(actor, &row.id.to_string()).await?.server;
        let tx = self.db().begin().await?;
        store::update(&tx, &new).await?;
        let mut told = serde_json::json!({
            "admits": new.admits, "namespaces": new.namespaces,
            "demands_impersonation": new.demands_impersonation, "server": server,
        });
        if let Some((access, check)) = &access {
            let sealed = self.seal_check(row.id, check)?;
            store::update_access(&tx, &new, access, now()).await?;
            store::set_check(&tx, row.id, &sealed, check).await?;
            told["server"] = access.server.clone().into();
            told["credentials"] = "replaced".into();
        }
        let act = Act {
            action: "cluster.change",
            kind: "cluster",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: serde_json::json!({
                "admits": row.admits, "namespaces": row.namespaces,
                "demands_impersonation": row.demands_impersonation,
                "server": server,
            }),
            new: told,
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        if replaced {
            self.cluster_forget(row.id);
        }
        self.wakes().send(Wake::Clusters).await;
        self.cluster_get(actor, &row.id.to_string()).await
    }
}

/// The field that what is wrong with the whole access is told at.
fn given_field(access: &NewAccess) -> &'static str {
    if access.kubeconfig.expose_secret().is_empty() { "server" } else { "kubeconfig" }
}
