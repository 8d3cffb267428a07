//! `PersistentVolumeClaims`: each gets a volume of its own after a while. Nothing is stored.

use std::time::Duration;

use serde_json::{Value, json};

use super::reconcile::{Next, Reconciler};
use crate::{
    cluster::{Cluster, EventSource, Part, WriteOptions},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("simulator.landfall.dev/provisioner");

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "persistentvolumeclaims", owned: &[], selecting: &[], reconcile }
}

/// How often a claim whose class is not there is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

fn class_exists(cluster: &Cluster, claim: &Value) -> bool {
    let class = object::text(claim, &["spec", "storageClassName"]);
    class.is_empty() || cluster.store().get("storageclasses.storage.k8s.io", "", class).is_some()
}

/// Says that the claim's class is not there.
fn refuse(cluster: &Cluster, claim: &Value) -> Result<Next, StatusError> {
    let (namespace, name) = (object::namespace(claim), object::name(claim));
    if object::text(claim, &["status", "phase"]).is_empty() {
        cluster.update_status("persistentvolumeclaims", namespace, name, |claim| {
            object::map_mut(claim, "status").insert("phase".to_owned(), json!("Pending"));
        })?;
    }
    let class = object::text(claim, &["spec", "storageClassName"]);
    let text = format!("storageclass.storage.k8s.io \"{class}\" not found");
    let source = EventSource::controller("persistentvolume-controller");
    cluster.emit(source, claim, "", "Warning", "ProvisioningFailed", &text);
    Ok(Next::After(LOOK_AGAIN))
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let claim = stored.value();
    let (namespace, name) = (&*stored.namespace, &*stored.name);
    match object::text(&claim, &["status", "phase"]) {
        "Bound" => return Ok(Next::OnChange),
        _ if !class_exists(cluster, &claim) => return refuse(cluster, &claim),
        "" => {
            cluster.update_status("persistentvolumeclaims", namespace, name, |claim| {
                object::map_mut(claim, "status").insert("phase".to_owned(), json!("Pending"));
            })?;
            let text = format!(
                "External provisioner is provisioning volume for claim \"{namespace}/{name}\""
            );
            cluster.emit(SOURCE, &claim, "", "Normal", "Provisioning", &text);
            let wait = cluster.timing().volume_bind;
            if !wait.is_zero() {
                return Ok(Next::After(wait));
            }
        }
        _ => {}
    }
    let volume = format!("pvc-{}", stored.uid);
    let class = object::text(&claim, &["spec", "storageClassName"]);
    let capacity = claim["spec"]["resources"]["requests"].clone();
    let modes = claim["spec"]["accessModes"].clone();
    let body = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": volume },
        "spec": {
            "capacity": capacity,
            "accessModes": modes,
            "claimRef": object::reference(&claim, ""),
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": class,
            "volumeMode": "Filesystem",
            "csi": { "driver": "simulator.landfall.dev", "volumeHandle": volume },
        },
        "status": { "phase": "Bound" },
    });
    let options = WriteOptions::manager("kube-controller-manager");
    match cluster.create("persistentvolumes", body, &options) {
        Err(error) if !error.is_already_exists() => return Err(error),
        _ => {}
    }
    cluster.update("persistentvolumeclaims", namespace, name, Part::Main, &options, |claim| {
        object::map_mut(claim, "spec").insert("volumeName".to_owned(), json!(volume));
        Ok(())
    })?;
    cluster.update_status("persistentvolumeclaims", namespace, name, |claim| {
        let status = object::map_mut(claim, "status");
        status.insert("phase".to_owned(), json!("Bound"));
        status.insert("accessModes".to_owned(), modes.clone());
        status.insert("capacity".to_owned(), capacity.clone());
    })?;
    let text = format!("Successfully provisioned volume {volume}");
    cluster.emit(SOURCE, &claim, "", "Normal", "ProvisioningSucceeded", &text);
    Ok(Next::OnChange)
}
