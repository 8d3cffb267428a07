//! From the old `ReplicaSets` to the new one, within the bounds of the strategy.

use serde_json::{Value, json};

use super::{MANAGER, SOURCE, wanted};
use crate::{
    cluster::{Cluster, Part, WriteOptions},
    controllers::pods_of::number_or_percent,
    object,
    status::StatusError,
};

/// One step: as many new pods and as few old ones as is allowed now. Later steps follow from the changes it causes.
pub(super) fn step(
    cluster: &Cluster,
    deployment: &Value,
    new: &Value,
    old: &[Value],
) -> Result<(), StatusError> {
    let replicas = wanted(deployment);
    if object::text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
        for set in old {
            scale(cluster, deployment, set, 0)?;
        }
        let stopped =
            old.iter().all(|set| object::integer(set, &["status", "replicas"]).unwrap_or(0) == 0);
        return if stopped { scale(cluster, deployment, new, replicas) } else { Ok(()) };
    }
    let bound = |field: &str, round_up| {
        let value = object::at(deployment, &["spec", "strategy", "rollingUpdate", field]);
        number_or_percent(value, replicas, 25, round_up)
    };
    let surge = bound("maxSurge", true);
    let mut unavailable = bound("maxUnavailable", false);
    if surge == 0 && unavailable == 0 {
        // Both at zero would never move; Kubernetes does the same.
        unavailable = 1;
    }
    let old_total: i64 = old.iter().map(wanted).sum();
    let room = (replicas + surge - old_total - wanted(new)).max(0);
    let grown = replicas.min(wanted(new) + room);
    scale(cluster, deployment, new, grown)?;
    shrink_old(cluster, deployment, new, old, replicas - unavailable)
}

/// Takes away old pods as long as at least `keep` pods stay available.
fn shrink_old(
    cluster: &Cluster,
    deployment: &Value,
    new: &Value,
    old: &[Value],
    keep: i64,
) -> Result<(), StatusError> {
    let available =
        |set: &Value| object::integer(set, &["status", "availableReplicas"]).unwrap_or(0);
    let total: i64 = old.iter().chain([new]).map(available).sum();
    let mut spare = (total - keep).max(0);
    for set in old {
        let broken = (wanted(set) - available(set)).max(0);
        // Pods that serve nobody are no loss.
        let going = wanted(set).min(broken + spare);
        spare -= (going - broken).max(0);
        scale(cluster, deployment, set, wanted(set) - going)?;
    }
    Ok(())
}

fn scale(
    cluster: &Cluster,
    deployment: &Value,
    set: &Value,
    replicas: i64,
) -> Result<(), StatusError> {
    let before = wanted(set);
    if before == replicas {
        return Ok(());
    }
    let (namespace, name) = (object::namespace(set), object::name(set));
    let options = WriteOptions::manager(MANAGER);
    cluster.update("replicasets.apps", namespace, name, Part::Main, &options, |set| {
        object::map_mut(set, "spec").insert("replicas".to_owned(), json!(replicas));
        Ok(())
    })?;
    let way = if replicas > before { "up" } else { "down" };
    let text = format!("Scaled {way} replica set {name} from {before} to {replicas}");
    cluster.emit(SOURCE, deployment, "", "Normal", "ScalingReplicaSet", &text);
    Ok(())
}
