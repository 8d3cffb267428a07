//! What a pod or another object may take of its namespace: its service account has to be there, quotas of counts have
//! to have room for it. Quotas of processors, memory and storage are stored and not counted.

use serde_json::Value;

use crate::{cluster::Cluster, kinds::Kind, object, status::StatusError};

/// Refuses a pod whose service account is not there. `default` comes with the namespace and is not asked for.
pub(super) fn check_account(
    cluster: &Cluster,
    kind: &Kind,
    value: &Value,
) -> Result<(), StatusError> {
    let account = object::text(value, &["spec", "serviceAccountName"]);
    if kind.storage != "pods" || account.is_empty() || account == "default" {
        return Ok(());
    }
    let namespace = object::namespace(value);
    if cluster.store().get("serviceaccounts", namespace, account).is_some() {
        return Ok(());
    }
    let name = match object::name(value) {
        "" => object::text(value, &["metadata", "generateName"]),
        name => name,
    };
    let why = format!(
        "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
    );
    Err(StatusError::forbidden(kind, name, &why))
}

/// Refuses an object that would be one more than a quota allows.
pub(super) fn check_counts(
    cluster: &Cluster,
    kind: &Kind,
    value: &Value,
) -> Result<(), StatusError> {
    let namespace = object::namespace(value);
    let (_, quotas) = cluster.store().list("resourcequotas", Some(namespace));
    for quota in quotas {
        let name = [kind.storage.clone(), format!("count/{}", kind.storage)];
        let hard = quota.value()["spec"]["hard"].clone();
        let Some((name, limit)) = name.iter().find_map(|name| Some((name, number(&hard[name])?)))
        else {
            continue;
        };
        let (_, objects) = cluster.store().list(&kind.storage, Some(namespace));
        let used = objects.iter().filter(|object| counts(&object.value())).count();
        if u64::try_from(used).is_ok_and(|used| used < limit) {
            continue;
        }
        let why = format!(
            "exceeded quota: {}, requested: {name}=1, used: {name}={used}, limited: {name}={limit}",
            quota.name
        );
        return Err(StatusError::forbidden(kind, object::name(value), &why));
    }
    Ok(())
}

/// Pods that have ended take nothing any more.
fn counts(object: &Value) -> bool {
    !matches!(object::text(object, &["status", "phase"]), "Succeeded" | "Failed")
}

fn number(quantity: &Value) -> Option<u64> {
    quantity.as_u64().or_else(|| quantity.as_str()?.parse().ok())
}
