//! What a Deployment says of itself: counts and the conditions that `kubectl rollout status` and Helm wait for.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wanted;
use crate::{
    cluster::Cluster,
    controllers::{pods_of::number_or_percent, reconcile::Next},
    object,
    status::StatusError,
    store::StoredObject,
};

/// Kubernetes' default of `progressDeadlineSeconds`.
const PROGRESS_DEADLINE: i64 = 600;

/// Counts over the sets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

/// Writes the status; asks to be called again when the progress deadline could pass.
pub(super) fn tell(
    cluster: &Cluster,
    stored: &StoredObject,
    new: Option<&Value>,
    old: &[Value],
) -> Result<Next, StatusError> {
    let number = |set: &Value, field: &str| object::integer(set, &["status", field]).unwrap_or(0);
    let sum = |field: &str| old.iter().chain(new).map(|set| number(set, field)).sum();
    let counts = Counts {
        replicas: sum("replicas"),
        updated: new.map_or(0, |new| number(new, "replicas")),
        ready: sum("readyReplicas"),
        available: sum("availableReplicas"),
    };
    let set_name = new.map(|set| object::name(set).to_owned()).unwrap_or_default();
    let mut next = Next::OnChange;
    cluster.update_status("deployments.apps", &stored.namespace, &stored.name, |deployment| {
        next = write(deployment, &counts, &set_name);
    })?;
    Ok(next)
}

fn write(deployment: &mut Value, counts: &Counts, set_name: &str) -> Next {
    let replicas = wanted(deployment);
    let before = deployment["status"].clone();
    let generation = deployment["metadata"]["generation"].clone();
    let status = object::map_mut(deployment, "status");
    status.insert("observedGeneration".to_owned(), generation);
    let unavailable = (counts.replicas.max(replicas) - counts.available).max(0);
    for (key, number) in [
        ("replicas", counts.replicas),
        ("updatedReplicas", counts.updated),
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.available),
        ("unavailableReplicas", unavailable),
    ] {
        // Kubernetes leaves zeros out here.
        if number == 0 {
            status.shift_remove(key);
        } else {
            status.insert(key.to_owned(), json!(number));
        }
    }
    available_condition(deployment, counts, replicas);
    let moved = ["updatedReplicas", "readyReplicas", "availableReplicas", "replicas"]
        .iter()
        .any(|key| before.get(key) != deployment["status"].get(key));
    progressing_condition(deployment, counts, replicas, set_name, moved)
}

fn available_condition(deployment: &mut Value, counts: &Counts, replicas: i64) {
    let bound = object::at(deployment, &["spec", "strategy", "rollingUpdate", "maxUnavailable"]);
    let recreate = object::text(deployment, &["spec", "strategy", "type"]) == "Recreate";
    let unavailable = if recreate { 0 } else { number_or_percent(bound, replicas, 25, false) };
    if counts.available >= replicas - unavailable {
        let text = "Deployment has minimum availability.";
        object::set_condition(deployment, "Available", "True", "MinimumReplicasAvailable", text);
    } else {
        let text = "Deployment does not have minimum availability.";
        object::set_condition(deployment, "Available", "False", "MinimumReplicasUnavailable", text);
    }
}

fn progressing_condition(
    deployment: &mut Value,
    counts: &Counts,
    replicas: i64,
    set_name: &str,
    moved: bool,
) -> Next {
    let complete =
        counts.updated == replicas && counts.replicas == replicas && counts.available == replicas;
    if complete {
        let text = format!("ReplicaSet \"{set_name}\" has successfully progressed.");
        object::set_condition(deployment, "Progressing", "True", "NewReplicaSetAvailable", &text);
        return Next::OnChange;
    }
    let deadline = object::integer(deployment, &["spec", "progressDeadlineSeconds"])
        .unwrap_or(PROGRESS_DEADLINE);
    let left = deadline - seconds_without_progress(deployment);
    if left <= 0 && !moved {
        let text = format!("ReplicaSet \"{set_name}\" has timed out progressing.");
        object::set_condition(
            deployment,
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            &text,
        );
        return Next::OnChange;
    }
    let text = format!("ReplicaSet \"{set_name}\" is progressing.");
    object::set_condition(deployment, "Progressing", "True", "ReplicaSetUpdated", &text);
    if moved {
        note_progress(deployment);
    }
    Next::After(Duration::from_secs(u64::try_from(left.max(1)).unwrap_or(1)))
}

fn progressing(deployment: &mut Value) -> Option<&mut Value> {
    let conditions = deployment.get_mut("status")?.get_mut("conditions")?.as_array_mut()?;
    conditions.iter_mut().find(|condition| condition["type"] == "Progressing")
}

fn note_progress(deployment: &mut Value) {
    if let Some(condition) = progressing(deployment) {
        condition["lastUpdateTime"] = json!(object::now());
    }
}

fn seconds_without_progress(deployment: &mut Value) -> i64 {
    let Some(condition) = progressing(deployment) else {
        return 0;
    };
    let last = condition.get("lastUpdateTime").unwrap_or(&condition["lastTransitionTime"]);
    let last: Option<Timestamp> = last.as_str().and_then(|text| text.parse().ok());
    last.map_or(0, |last| Timestamp::now().as_second() - last.as_second())
}
