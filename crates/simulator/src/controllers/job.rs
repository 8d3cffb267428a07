//! Jobs: pods that run to their end, so many times, with so many failures allowed.

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

const SOURCE: EventSource = EventSource::controller("job-controller");
/// Kubernetes' default of `backoffLimit`.
const BACK_OFF_LIMIT: i64 = 6;

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "jobs.batch", owned: &["pods"], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let job = stored.value();
    let ended = ["Complete", "Failed"].iter().any(|kind| object::condition(&job, kind) == "True");
    if stored.is_deleting() || ended || object::at(&job, &["spec", "suspend"]) == Some(&json!(true))
    {
        return Ok(Next::OnChange);
    }
    let completions = object::integer(&job, &["spec", "completions"]).unwrap_or(1);
    let limit = object::integer(&job, &["spec", "backoffLimit"]).unwrap_or(BACK_OFF_LIMIT);
    let mut pods = Pods::of(cluster, stored);
    if pods.failed <= limit {
        let parallel = object::integer(&job, &["spec", "parallelism"]).unwrap_or(1);
        let active = pods_of::count(pods.active.len());
        let missing = (completions - pods.succeeded).min(parallel) - active;
        for _ in 0..missing {
            let mut pod = pods_of::from_template(&job);
            object::metadata_mut(&mut pod)
                .insert("generateName".to_owned(), json!(format!("{}-", stored.name)));
            pods_of::set_label(&mut pod, "batch.kubernetes.io/job-name", &stored.name);
            pods_of::set_label(&mut pod, "job-name", &stored.name);
            pods_of::create(cluster, SOURCE, &job, pod)?;
        }
        pods = Pods::of(cluster, stored);
    }
    let outcome = Outcome { pods, completions, limit };
    cluster.update_status("jobs.batch", &stored.namespace, &stored.name, |job| {
        tell(job, &outcome);
    })?;
    outcome.announce(cluster, &job);
    Ok(Next::OnChange)
}

/// A Job's pods, all from one look: a pod that ended between two looks would be in neither count, and another would be
/// made in its place.
struct Pods {
    active: Vec<Value>,
    succeeded: i64,
    failed: i64,
}

impl Pods {
    fn of(cluster: &Cluster, job: &StoredObject) -> Self {
        let mut active = cluster.controlled_by("pods", &job.uid);
        let in_phase = |phase: &str| {
            pods_of::count(active.iter().filter(|pod| pods_of::phase(pod) == phase).count())
        };
        let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
        active.retain(pods_of::is_active);
        Self { active, succeeded, failed }
    }
}

struct Outcome {
    pods: Pods,
    completions: i64,
    limit: i64,
}

impl Outcome {
    fn is_complete(&self) -> bool {
        self.pods.succeeded >= self.completions
    }

    fn is_failed(&self) -> bool {
        self.pods.failed > self.limit
    }

    fn announce(&self, cluster: &Cluster, job: &Value) {
        if self.is_complete() {
            cluster.emit(SOURCE, job, "", "Normal", "Completed", "Job completed");
        } else if self.is_failed() {
            let text = "Job has reached the specified backoff limit";
            cluster.emit(SOURCE, job, "", "Warning", "BackoffLimitExceeded", text);
        }
    }
}

fn tell(job: &mut Value, outcome: &Outcome) {
    let now = object::now();
    let pods = &outcome.pods;
    let ready = pods.active.iter().filter(|pod| pods_of::is_ready(pod)).count();
    let status = object::map_mut(job, "status");
    status.entry("startTime").or_insert_with(|| json!(now));
    status.insert("ready".to_owned(), json!(ready));
    status.insert("terminating".to_owned(), json!(0));
    status.insert("uncountedTerminatedPods".to_owned(), json!({}));
    let counts = [
        ("active", pods_of::count(pods.active.len())),
        ("succeeded", pods.succeeded),
        ("failed", pods.failed),
    ];
    for (key, number) in counts {
        // Kubernetes leaves zeros out here.
        if number == 0 {
            status.shift_remove(key);
        } else {
            status.insert(key.to_owned(), json!(number));
        }
    }
    if outcome.is_complete() {
        object::map_mut(job, "status").insert("completionTime".to_owned(), json!(now));
        let text = "Reached expected number of succeeded pods";
        object::set_condition(job, "SuccessCriteriaMet", "True", "CompletionsReached", text);
        object::set_condition(job, "Complete", "True", "CompletionsReached", text);
    } else if outcome.is_failed() {
        let text = "Job has reached the specified backoff limit";
        object::set_condition(job, "FailureTarget", "True", "BackoffLimitExceeded", text);
        object::set_condition(job, "Failed", "True", "BackoffLimitExceeded", text);
    }
}
