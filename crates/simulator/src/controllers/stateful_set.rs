//! `StatefulSets`: numbered pods, each with its own claims, made and replaced in order.

use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::{Cluster, EventSource, WriteOptions},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("statefulset-controller");
const REVISION: &str = "controller-revision-hash";
const INDEX: &str = "apps.kubernetes.io/pod-index";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "statefulsets.apps", owned: &["pods"], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let set = stored.value();
    let revision = format!("{}-{}", stored.name, pods_of::template_hash(&set));
    if !stored.is_deleting() {
        step(cluster, stored, &set, &revision)?;
    }
    let pods = pods_of::active(cluster, stored);
    cluster.update_status("statefulsets.apps", &stored.namespace, &stored.name, |set| {
        tell(set, &pods, &revision);
    })?;
    Ok(Next::OnChange)
}

fn wanted(set: &Value) -> i64 {
    object::integer(set, &["spec", "replicas"]).unwrap_or(1)
}

/// The number at the end of a pod's name.
fn ordinal(pod: &Value) -> i64 {
    object::name(pod).rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(-1)
}

/// One step: create the next missing pod, else delete one too many, else replace an outdated one.
fn step(
    cluster: &Cluster,
    stored: &StoredObject,
    set: &Value,
    revision: &str,
) -> Result<(), StatusError> {
    let parallel = object::text(set, &["spec", "podManagementPolicy"]) == "Parallel";
    let all = cluster.controlled_by("pods", &stored.uid);
    let replicas = wanted(set);
    for number in 0..replicas {
        match all.iter().find(|pod| ordinal(pod) == number) {
            None => create(cluster, set, number, revision)?,
            Some(pod)
                if matches!(pods_of::phase(pod), "Failed" | "Succeeded")
                    && !object::is_deleting(pod) =>
            {
                pods_of::delete(cluster, SOURCE, set, pod)?;
            }
            Some(pod) if pods_of::is_ready(pod) && !object::is_deleting(pod) => continue,
            Some(pod) if outdated(set, pod, revision) && !object::is_deleting(pod) => {
                // A broken pod of an old template would block its own repair.
                pods_of::delete(cluster, SOURCE, set, pod)?;
            }
            Some(_) => {}
        }
        if !parallel {
            return Ok(());
        }
    }
    let surplus = all.iter().filter(|pod| ordinal(pod) >= replicas);
    if let Some(last) = surplus.max_by_key(|pod| ordinal(pod)) {
        return if object::is_deleting(last) {
            Ok(())
        } else {
            pods_of::delete(cluster, SOURCE, set, last)
        };
    }
    if all.iter().any(|pod| object::is_deleting(pod) || !pods_of::is_ready(pod)) {
        return Ok(());
    }
    let old = all.iter().filter(|pod| outdated(set, pod, revision));
    match old.max_by_key(|pod| ordinal(pod)) {
        Some(pod) => pods_of::delete(cluster, SOURCE, set, pod),
        None => Ok(()),
    }
}

/// Whether a rolling update replaces the pod.
fn outdated(set: &Value, pod: &Value, revision: &str) -> bool {
    let partition = object::integer(set, &["spec", "updateStrategy", "rollingUpdate", "partition"])
        .unwrap_or(0);
    object::text(set, &["spec", "updateStrategy", "type"]) != "OnDelete"
        && pod["metadata"]["labels"][REVISION] != *revision
        && ordinal(pod) >= partition
}

fn create(cluster: &Cluster, set: &Value, number: i64, revision: &str) -> Result<(), StatusError> {
    let name = format!("{}-{number}", object::name(set));
    let mut pod = pods_of::from_template(set);
    object::metadata_mut(&mut pod).insert("name".to_owned(), json!(name));
    pods_of::set_label(&mut pod, REVISION, revision);
    pods_of::set_label(&mut pod, INDEX, &number.to_string());
    pods_of::set_label(&mut pod, POD_NAME, &name);
    let spec = object::map_mut(&mut pod, "spec");
    spec.insert("hostname".to_owned(), json!(name));
    spec.insert("subdomain".to_owned(), set["spec"]["serviceName"].clone());
    let claims = object::list(set, &["spec", "volumeClaimTemplates"]);
    for template in claims {
        let claim = create_claim(cluster, set, template, &name)?;
        let volume = json!({
            "name": object::name(template),
            "persistentVolumeClaim": { "claimName": claim },
        });
        let volumes =
            object::map_mut(&mut pod, "spec").entry("volumes").or_insert_with(|| json!([]));
        if let Some(volumes) = volumes.as_array_mut() {
            // The set's own claim wins over a volume of the same name in the template.
            volumes.retain(|other| other["name"] != volume["name"]);
            volumes.push(volume);
        }
    }
    match cluster.create("pods", pod, &WriteOptions::manager("kube-controller-manager")) {
        Ok(_) => {
            let text = format!("Create Pod {name} in StatefulSet {} successful", object::name(set));
            cluster.emit(SOURCE, set, "", "Normal", "SuccessfulCreate", &text);
            Ok(())
        }
        Err(error) if error.is_already_exists() => Ok(()),
        Err(error) => {
            let text = format!(
                "create Pod {name} in StatefulSet {} failed error: {error}",
                object::name(set)
            );
            cluster.emit(SOURCE, set, "", "Warning", "FailedCreate", &text);
            Err(error)
        }
    }
}

/// Makes the claim if it is not there; claims outlive their pods, and by default the set.
fn create_claim(
    cluster: &Cluster,
    set: &Value,
    template: &Value,
    pod: &str,
) -> Result<String, StatusError> {
    let name = format!("{}-{pod}", object::name(template));
    let mut claim = template.clone();
    let labels = set["spec"]["selector"]["matchLabels"].clone();
    let metadata = object::metadata_mut(&mut claim);
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(object::namespace(set)));
    metadata.insert("labels".to_owned(), labels);
    metadata.shift_remove("creationTimestamp");
    object::remove(&mut claim, "status");
    claim["apiVersion"] = json!("v1");
    claim["kind"] = json!("PersistentVolumeClaim");
    match cluster.create(
        "persistentvolumeclaims",
        claim,
        &WriteOptions::manager("kube-controller-manager"),
    ) {
        Ok(_) => {
            let text = format!(
                "create Claim {name} Pod {pod} in StatefulSet {} success",
                object::name(set)
            );
            cluster.emit(SOURCE, set, "", "Normal", "SuccessfulCreate", &text);
            Ok(name)
        }
        Err(error) if error.is_already_exists() => Ok(name),
        Err(error) => Err(error),
    }
}

fn tell(set: &mut Value, pods: &[Value], revision: &str) {
    let of_revision = |pod: &&Value| pod["metadata"]["labels"][REVISION] == *revision;
    let ready = pods.iter().filter(|pod| pods_of::is_ready(pod)).count();
    let updated = pods.iter().filter(of_revision).count();
    let replicas = wanted(set);
    let generation = set["metadata"]["generation"].clone();
    let status = object::map_mut(set, "status");
    let done = pods_of::count(updated) >= replicas && pods_of::count(ready) >= replicas;
    let before =
        status.get("currentRevision").and_then(Value::as_str).unwrap_or(revision).to_owned();
    let current_revision = if done { revision.to_owned() } else { before };
    let of_current =
        pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == *current_revision).count();
    status.insert("observedGeneration".to_owned(), generation);
    status.insert("replicas".to_owned(), json!(pods.len()));
    status.insert("readyReplicas".to_owned(), json!(ready));
    status.insert("availableReplicas".to_owned(), json!(ready));
    status.insert("currentReplicas".to_owned(), json!(of_current));
    status.insert("updatedReplicas".to_owned(), json!(updated));
    status.insert("currentRevision".to_owned(), json!(current_revision));
    status.insert("updateRevision".to_owned(), json!(revision));
    status.entry("collisionCount").or_insert_with(|| json!(0));
}
