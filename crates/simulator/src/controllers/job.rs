//! Jobs: pods that run to their end, so many times, with so many failures allowed and so much time;
//! ended ones are cleared away if they say when. Indexed ones are treated as all others.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    pods_of,
    reconcile::{Next, Reconciler},
};
use crate::{
    cluster::{Cluster, DeleteOptions, EventSource, Propagation},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("job-controller");
/// Kubernetes' default of `backoffLimit`.
const BACK_OFF_LIMIT: i64 = 6;

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: "jobs.batch", owned: &["pods"], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let job = stored.value();
    if stored.is_deleting() {
        return Ok(Next::OnChange);
    }
    if ["Complete", "Failed"].iter().any(|kind| object::condition(&job, kind) == "True") {
        return clear_away(cluster, stored, &job);
    }
    let suspended = object::at(&job, &["spec", "suspend"]) == Some(&json!(true));
    if suspended && object::condition(&job, "Suspended") == "True" {
        return Ok(Next::OnChange);
    }
    let goal = Goal::of(&job);
    let mut pods = Pods::of(cluster, stored);
    let left = time_left(&job);
    let late = left.is_some_and(|left| left.is_zero());
    if suspended || late {
        for pod in &pods.active {
            pods_of::delete(cluster, SOURCE, &job, pod)?;
        }
        pods.failed += if late { pods_of::count(pods.active.len()) } else { 0 };
        pods.active.clear();
    } else if pods.failed <= goal.limit {
        let active = pods_of::count(pods.active.len());
        for _ in 0..goal.wanted(&pods) - active {
            let mut pod = pods_of::from_template(&job);
            object::metadata_mut(&mut pod)
                .insert("generateName".to_owned(), json!(format!("{}-", stored.name)));
            pods_of::set_label(&mut pod, "batch.kubernetes.io/job-name", &stored.name);
            pods_of::set_label(&mut pod, "job-name", &stored.name);
            pods_of::create(cluster, SOURCE, &job, pod)?;
        }
        pods = Pods::of(cluster, stored);
    }
    let outcome = Outcome { pods, goal, suspended, late };
    cluster.update_status("jobs.batch", &stored.namespace, &stored.name, |job| {
        tell(job, &outcome);
    })?;
    outcome.announce(cluster, &job);
    Ok(match left {
        Some(left) if !late && !suspended => Next::After(left),
        // The start is known from now on, and with it the end.
        None if job["spec"].get("activeDeadlineSeconds").is_some() => Next::After(SOON),
        _ => Next::OnChange,
    })
}

/// When a Job whose deadline begins now is looked at again.
const SOON: Duration = Duration::from_millis(50);

/// What is left of `activeDeadlineSeconds`; `None` if there is none or the Job has not begun.
fn time_left(job: &Value) -> Option<Duration> {
    let seconds = object::integer(job, &["spec", "activeDeadlineSeconds"])?;
    until(object::text(job, &["status", "startTime"]), seconds)
}

/// The time until so many seconds after a point in time, zero if they are over.
fn until(since: &str, seconds: i64) -> Option<Duration> {
    let since: Timestamp = since.parse().ok()?;
    let end = since.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    Some(end.duration_since(Timestamp::now()).try_into().unwrap_or(Duration::ZERO))
}

/// Deletes an ended Job once its `ttlSecondsAfterFinished` is over.
fn clear_away(cluster: &Cluster, stored: &StoredObject, job: &Value) -> Result<Next, StatusError> {
    let Some(seconds) = object::integer(job, &["spec", "ttlSecondsAfterFinished"]) else {
        return Ok(Next::OnChange);
    };
    let conditions = object::list(job, &["status", "conditions"]).iter();
    let ended = conditions
        .filter(|it| it["type"] == "Complete" || it["type"] == "Failed")
        .find_map(|it| it["lastTransitionTime"].as_str());
    match until(ended.unwrap_or_default(), seconds) {
        Some(left) if left.is_zero() => {
            let mut options = DeleteOptions::propagation(Propagation::Foreground);
            options.preconditions.uid = Some(stored.uid.to_string());
            cluster.delete("jobs.batch", &stored.namespace, &stored.name, &options)?;
            Ok(Next::OnChange)
        }
        Some(left) => Ok(Next::After(left)),
        None => Ok(Next::OnChange),
    }
}

/// What a Job wants to reach.
struct Goal {
    /// So many pods have to succeed; `None`: one, and then all others have to end.
    completions: Option<i64>,
    parallelism: i64,
    limit: i64,
}

impl Goal {
    fn of(job: &Value) -> Self {
        let number = |key: &str| object::integer(job, &["spec", key]);
        Self {
            completions: number("completions"),
            parallelism: number("parallelism").unwrap_or(1),
            limit: number("backoffLimit").unwrap_or(BACK_OFF_LIMIT),
        }
    }

    /// How many pods should be at work.
    fn wanted(&self, pods: &Pods) -> i64 {
        match self.completions {
            Some(completions) => (completions - pods.succeeded).min(self.parallelism),
            None if pods.succeeded > 0 => pods_of::count(pods.active.len()),
            None => self.parallelism,
        }
    }

    fn is_reached(&self, pods: &Pods) -> bool {
        match self.completions {
            Some(completions) => pods.succeeded >= completions,
            None => pods.succeeded > 0 && pods.active.is_empty(),
        }
    }
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
    goal: Goal,
    suspended: bool,
    late: bool,
}

impl Outcome {
    fn is_complete(&self) -> bool {
        !self.suspended && !self.late && self.goal.is_reached(&self.pods)
    }

    /// Reason and text of a failure.
    fn failure(&self) -> Option<(&'static str, &'static str)> {
        if self.late {
            Some(("DeadlineExceeded", "Job was active longer than specified deadline"))
        } else if self.pods.failed > self.goal.limit {
            Some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
        } else {
            None
        }
    }

    /// Says what has happened since `before`.
    fn announce(&self, cluster: &Cluster, before: &Value) {
        let emit = |kind, reason, text| cluster.emit(SOURCE, before, "", kind, reason, text);
        let was_suspended = object::condition(before, "Suspended") == "True";
        if self.is_complete() {
            emit("Normal", "Completed", "Job completed");
        } else if let Some((reason, text)) = self.failure() {
            emit("Warning", reason, text);
        } else if self.suspended {
            emit("Normal", "Suspended", "Job suspended");
        } else if was_suspended {
            emit("Normal", "Resumed", "Job resumed");
        }
    }
}

fn tell(job: &mut Value, outcome: &Outcome) {
    let now = object::now();
    let pods = &outcome.pods;
    let ready = pods.active.iter().filter(|pod| pods_of::is_ready(pod)).count();
    let resumed = !outcome.suspended && object::condition(job, "Suspended") == "True";
    let status = object::map_mut(job, "status");
    if outcome.suspended {
        status.shift_remove("startTime");
    } else {
        status.entry("startTime").or_insert_with(|| json!(now));
    }
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
    if outcome.suspended {
        condition(job, "Suspended", "True", "JobSuspended", "Job suspended");
    } else if resumed {
        condition(job, "Suspended", "False", "JobResumed", "Job resumed");
    }
    if outcome.is_complete() {
        object::map_mut(job, "status").insert("completionTime".to_owned(), json!(now));
        let text = "Reached expected number of succeeded pods";
        condition(job, "SuccessCriteriaMet", "True", "CompletionsReached", text);
        condition(job, "Complete", "True", "CompletionsReached", text);
    } else if let Some((reason, text)) = outcome.failure() {
        condition(job, "FailureTarget", "True", reason, text);
        condition(job, "Failed", "True", reason, text);
    }
}

/// Conditions of Jobs say when they were looked at, too.
fn condition(job: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    object::set_condition(job, kind, status, reason, message);
    let conditions = job["status"]["conditions"].as_array_mut();
    for condition in conditions.into_iter().flatten() {
        if condition.get("lastProbeTime").is_none() {
            condition["lastProbeTime"] = condition["lastTransitionTime"].clone();
        }
    }
}
