//! `DaemonSets`: a pod per node; there is one node.

use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::{Cluster, EventSource},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("daemonset-controller");
const REVISION: &str = "controller-revision-hash";

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "daemonsets.apps", owned: &["pods"], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let set = stored.value();
    let hash = pods_of::template_hash(&set);
    if !stored.is_deleting() {
        let pods = cluster.controlled_by("pods", &stored.uid);
        let on_delete = object::text(&set, &["spec", "updateStrategy", "type"]) == "OnDelete";
        match pods.iter().find(|pod| !object::is_deleting(pod)) {
            Some(pod) if pod["metadata"]["labels"][REVISION] != *hash && !on_delete => {
                pods_of::delete(cluster, SOURCE, &set, pod)?;
            }
            // The old pod has to be gone first: it holds the node's ports.
            None if pods.is_empty() => {
                let mut pod = pods_of::from_template(&set);
                object::metadata_mut(&mut pod)
                    .insert("generateName".to_owned(), json!(format!("{}-", stored.name)));
                pods_of::set_label(&mut pod, REVISION, &hash);
                pods_of::create(cluster, SOURCE, &set, pod)?;
            }
            _ => {}
        }
    }
    let pods = pods_of::active(cluster, stored);
    cluster.update_status("daemonsets.apps", &stored.namespace, &stored.name, |set| {
        tell(set, &pods, &hash);
    })?;
    Ok(Next::OnChange)
}

fn tell(set: &mut Value, pods: &[Value], hash: &str) {
    let ready = pods.iter().filter(|pod| pods_of::is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == *hash).count();
    let generation = set["metadata"]["generation"].clone();
    let status = object::map_mut(set, "status");
    status.insert("observedGeneration".to_owned(), generation);
    for (key, number) in [
        ("currentNumberScheduled", pods.len()),
        ("desiredNumberScheduled", 1),
        ("numberMisscheduled", 0),
        ("numberReady", ready),
        ("numberAvailable", ready),
        ("numberUnavailable", 1 - ready.min(1)),
        ("updatedNumberScheduled", updated),
    ] {
        status.insert(key.to_owned(), json!(number));
    }
}
