//! Deployments: a `ReplicaSet` per template, and the way from one to the next.

mod rolling;
mod status;

use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::{Cluster, DeleteOptions, EventSource, Part, Propagation, WriteOptions},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("deployment-controller");
const MANAGER: &str = "kube-controller-manager";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler {
        resource: "deployments.apps",
        owned: &["replicasets.apps"],
        selecting: &[],
        reconcile,
    }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let deployment = stored.value();
    if stored.is_deleting() {
        return Ok(Next::OnChange);
    }
    let mut sets = cluster.controlled_by("replicasets.apps", &stored.uid);
    if object::at(&deployment, &["spec", "paused"]) != Some(&json!(true)) {
        let hash = pods_of::template_hash(&deployment);
        let new = match sets.iter().position(|set| set["metadata"]["labels"][HASH] == *hash) {
            Some(at) => sets.remove(at),
            None => create_set(cluster, &deployment, &hash, &sets)?,
        };
        note_revision(cluster, stored, &new)?;
        rolling::step(cluster, &deployment, &new, &sets)?;
        forget_old(cluster, &deployment, &sets)?;
        let new = cluster.get("replicasets.apps", &stored.namespace, object::name(&new))?.value();
        return status::tell(cluster, stored, Some(&new), &sets);
    }
    status::tell(cluster, stored, None, &sets)
}

/// The replicas that the spec asks for.
fn wanted(object: &Value) -> i64 {
    object::integer(object, &["spec", "replicas"]).unwrap_or(1)
}

fn create_set(
    cluster: &Cluster,
    deployment: &Value,
    hash: &str,
    old: &[Value],
) -> Result<Value, StatusError> {
    let mut template = deployment["spec"]["template"].clone();
    pods_of::set_label(&mut template, HASH, hash);
    let mut selector = deployment["spec"]["selector"].clone();
    object::map_mut(&mut selector, "matchLabels").insert(HASH.to_owned(), json!(hash));
    let set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "namespace": object::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "annotations": { REVISION: (newest_revision(old) + 1).to_string() },
            "ownerReferences": [object::controller_reference(deployment)],
        },
        // It grows by the same steps as any other new set.
        "spec": { "replicas": 0, "selector": selector, "template": template },
    });
    match cluster.create("replicasets.apps", set, &WriteOptions::manager(MANAGER)) {
        Ok(created) => Ok(created.value()),
        Err(error) => {
            cluster.emit(
                SOURCE,
                deployment,
                "",
                "Warning",
                "ReplicaSetCreateError",
                &error.to_string(),
            );
            Err(error)
        }
    }
}

fn revision(object: &Value) -> i64 {
    object::annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn newest_revision(sets: &[Value]) -> i64 {
    sets.iter().map(revision).max().unwrap_or(0)
}

/// The set in use has the highest revision, a set that is used again included, and the Deployment carries it too.
fn note_revision(cluster: &Cluster, stored: &StoredObject, new: &Value) -> Result<(), StatusError> {
    let others: Vec<Value> = cluster
        .controlled_by("replicasets.apps", &stored.uid)
        .into_iter()
        .filter(|set| object::uid(set) != object::uid(new))
        .collect();
    let number = if revision(new) > newest_revision(&others) {
        revision(new)
    } else {
        newest_revision(&others) + 1
    };
    let set_revision = |object: &mut Value| {
        let annotations =
            object::metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
        annotations[REVISION] = json!(number.to_string());
        Ok(())
    };
    let options = WriteOptions::manager(MANAGER);
    for (resource, name) in
        [("replicasets.apps", object::name(new)), ("deployments.apps", &*stored.name)]
    {
        let current = cluster.get(resource, &stored.namespace, name)?;
        if revision(&current.value()) != number {
            cluster.update(
                resource,
                &stored.namespace,
                name,
                Part::Main,
                &options,
                set_revision,
            )?;
        }
    }
    Ok(())
}

/// Old sets without pods are kept for rollbacks, but only so many.
fn forget_old(cluster: &Cluster, deployment: &Value, old: &[Value]) -> Result<(), StatusError> {
    let kept = object::integer(deployment, &["spec", "revisionHistoryLimit"]).unwrap_or(10);
    let mut empty: Vec<&Value> = old
        .iter()
        .filter(|set| {
            wanted(set) == 0 && object::integer(set, &["status", "replicas"]).unwrap_or(0) == 0
        })
        .collect();
    empty.sort_by_key(|set| revision(set));
    let surplus = empty.len().saturating_sub(usize::try_from(kept).unwrap_or(0));
    for set in empty.into_iter().take(surplus) {
        let options = DeleteOptions::propagation(Propagation::Background);
        cluster.delete("replicasets.apps", object::namespace(set), object::name(set), &options)?;
    }
    Ok(())
}
