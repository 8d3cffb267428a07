//! `ReplicaSets`: as many pods as asked for.

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

const SOURCE: EventSource = EventSource::controller("replicaset-controller");

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "replicasets.apps", owned: &["pods"], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let set = stored.value();
    let mut pods = pods_of::active(cluster, stored);
    let wanted = object::integer(&set, &["spec", "replicas"]).unwrap_or(1);
    if !stored.is_deleting() {
        for _ in pods_of::count(pods.len())..wanted {
            let mut pod = pods_of::from_template(&set);
            object::metadata_mut(&mut pod)
                .insert("generateName".to_owned(), json!(format!("{}-", stored.name)));
            pods_of::create(cluster, SOURCE, &set, pod)?;
        }
        pods_of::least_loss_first(&mut pods);
        let surplus = usize::try_from(pods_of::count(pods.len()) - wanted).unwrap_or(0);
        for pod in pods.drain(..surplus) {
            pods_of::delete(cluster, SOURCE, &set, &pod)?;
        }
    }
    let pods = pods_of::active(cluster, stored);
    cluster.update_status("replicasets.apps", &stored.namespace, &stored.name, |set| {
        tell(set, &pods);
    })?;
    Ok(Next::OnChange)
}

fn tell(set: &mut Value, pods: &[Value]) {
    let ready = pods_of::count(pods.iter().filter(|pod| pods_of::is_ready(pod)).count());
    let generation = set["metadata"]["generation"].clone();
    let status = object::map_mut(set, "status");
    status.insert("replicas".to_owned(), json!(pods.len()));
    for (key, number) in [
        ("fullyLabeledReplicas", pods_of::count(pods.len())),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
    ] {
        // Kubernetes leaves zeros out here.
        if number == 0 {
            status.shift_remove(key);
        } else {
            status.insert(key.to_owned(), json!(number));
        }
    }
    status.insert("observedGeneration".to_owned(), generation);
}
