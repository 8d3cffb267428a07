//! `APIServices`: whether what they point at is there. Nothing is asked of it and nothing served for it.

use std::time::Duration;

use serde_json::Value;

use super::reconcile::{Next, Reconciler};
use crate::{cluster::Cluster, object, status::StatusError, store::StoredObject};

const RESOURCE: &str = "apiservices.apiregistration.k8s.io";
/// How soon a Service that is not there is looked for again.
const RETRY: Duration = Duration::from_secs(1);

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: RESOURCE, owned: &[], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let value = stored.value();
    let service = &value["spec"]["service"];
    let (namespace, name) =
        (object::text(service, &["namespace"]), object::text(service, &["name"]));
    let (status, reason, message) = if name.is_empty() {
        ("True", "Local", "Local APIServices are always available".to_owned())
    } else if cluster.store().get("services", namespace, name).is_none() {
        let message = format!("service/{name} in {namespace:?} is not present");
        ("False", "ServiceNotFound", message)
    } else {
        ("True", "Passed", "all checks passed".to_owned())
    };
    cluster.update_status(RESOURCE, "", &stored.name, |value: &mut Value| {
        object::set_condition(value, "Available", status, reason, &message);
    })?;
    Ok(if status == "True" { Next::OnChange } else { Next::After(RETRY) })
}
