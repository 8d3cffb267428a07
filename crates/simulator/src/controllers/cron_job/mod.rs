//! `CronJob`s: a Job at each time of a schedule, by the cluster's clock; old Jobs are cleared away.

mod schedule;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

pub(crate) use self::schedule::Schedule;
use super::reconcile::{Next, Reconciler};
use crate::{
    cluster::{Cluster, DeleteOptions, EventSource, Propagation, WriteOptions},
    object,
    status::StatusError,
    store::StoredObject,
};

const SOURCE: EventSource = EventSource::controller("cronjob-controller");
const RESOURCE: &str = "cronjobs.batch";
/// So many times are looked at one by one; of more that were missed only the last day's count.
const MISSED: usize = 100;

/// The controller.
pub(super) fn controller() -> Reconciler {
    Reconciler { resource: RESOURCE, owned: &["jobs.batch"], selecting: &[], reconcile }
}

fn reconcile(cluster: &Cluster, stored: &StoredObject) -> Result<Next, StatusError> {
    let cron_job = stored.value();
    if stored.is_deleting() {
        return Ok(Next::OnChange);
    }
    let jobs = cluster.controlled_by("jobs.batch", &stored.uid);
    announce(cluster, &cron_job, &jobs);
    clear_away(cluster, &cron_job, &jobs)?;
    let Ok(schedule) = Schedule::parse(object::text(&cron_job, &["spec", "schedule"])) else {
        return Ok(Next::OnChange);
    };
    let zone = zone_of(&cron_job);
    let now = Timestamp::now();
    // Jobs that somebody else made of the `CronJob` are not its own runs.
    let mut active: Vec<Value> = jobs.iter().filter(|job| !is_finished(job)).cloned().collect();
    active.retain(|job| is_known(&cron_job, job));
    let mut scheduled = None;
    let suspended = object::at(&cron_job, &["spec", "suspend"]) == Some(&json!(true));
    if !suspended
        && let Some(time) = due(&cron_job, &schedule, &zone, now)
        && may_start(cluster, &cron_job, &mut active)?
    {
        active.extend(start(cluster, &cron_job, time)?);
        scheduled = Some(time);
    }
    cluster.update_status(RESOURCE, &stored.namespace, &stored.name, |cron_job| {
        tell(cron_job, &active, &jobs, scheduled);
    })?;
    let next = schedule.next(now, &zone).filter(|_| !suspended);
    let wait = next.and_then(|next| next.duration_since(now).try_into().ok());
    Ok(wait.map_or(Next::OnChange, Next::After))
}

/// Whether the `CronJob` started the Job itself.
fn is_known(cron_job: &Value, job: &Value) -> bool {
    let mut known = object::list(cron_job, &["status", "active"]).iter();
    known.any(|it| it["uid"] == job["metadata"]["uid"])
}

fn zone_of(cron_job: &Value) -> TimeZone {
    let name = object::text(cron_job, &["spec", "timeZone"]);
    TimeZone::get(if name.is_empty() { "UTC" } else { name }).unwrap_or(TimeZone::UTC)
}

fn time_at(value: &Value, path: &[&str]) -> Option<Timestamp> {
    object::text(value, path).parse().ok()
}

/// The last time of the schedule that has come and has had no Job yet.
fn due(
    cron_job: &Value,
    schedule: &Schedule,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Timestamp> {
    let since = time_at(cron_job, &["status", "lastScheduleTime"])
        .or_else(|| time_at(cron_job, &["metadata", "creationTimestamp"]))?;
    let deadline = object::integer(cron_job, &["spec", "startingDeadlineSeconds"]);
    let seconds_ago = |seconds: i64| now.checked_sub(jiff::SignedDuration::from_secs(seconds)).ok();
    let since = since.max(deadline.and_then(seconds_ago).unwrap_or(since));
    let (mut from, mut last) = (since, None);
    for count in 0.. {
        let Some(time) = schedule.next(from, zone).filter(|time| *time <= now) else { break };
        (from, last) = (time, Some(time));
        if count == MISSED {
            from = from.max(seconds_ago(24 * 60 * 60)?);
        }
    }
    last
}

/// Whether the policy lets another Job start; Jobs that it replaces are deleted.
fn may_start(
    cluster: &Cluster,
    cron_job: &Value,
    active: &mut Vec<Value>,
) -> Result<bool, StatusError> {
    match object::text(cron_job, &["spec", "concurrencyPolicy"]) {
        "Forbid" if !active.is_empty() => {
            let text = "Not starting job because prior execution is running and concurrency policy is Forbid";
            cluster.emit(SOURCE, cron_job, "", "Normal", "JobAlreadyActive", text);
            Ok(false)
        }
        "Replace" => {
            for job in active.drain(..) {
                delete(cluster, cron_job, &job)?;
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Makes the Job of a time; `None` if it is there already.
fn start(
    cluster: &Cluster,
    cron_job: &Value,
    time: Timestamp,
) -> Result<Option<Value>, StatusError> {
    const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    let template = object::at(cron_job, &["spec", "jobTemplate"]).cloned().unwrap_or_default();
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    object::remove(&mut metadata, "creationTimestamp");
    metadata["name"] = json!(format!("{}-{}", object::name(cron_job), time.as_second() / 60));
    metadata["namespace"] = json!(object::namespace(cron_job));
    metadata["ownerReferences"] = json!([object::controller_reference(cron_job)]);
    object::map_mut(&mut metadata, "annotations")
        .insert(SCHEDULED.to_owned(), json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"],
    });
    let options = WriteOptions::manager("kube-controller-manager");
    match cluster.create("jobs.batch", job, &options) {
        Ok(job) => {
            let text = format!("Created job {}", job.name);
            cluster.emit(SOURCE, cron_job, "", "Normal", "SuccessfulCreate", &text);
            Ok(Some(job.value()))
        }
        Err(error) if error.is_already_exists() => Ok(None),
        Err(error) => {
            let text = format!("Error creating job: {error}");
            cluster.emit(SOURCE, cron_job, "", "Warning", "FailedCreate", &text);
            Err(error)
        }
    }
}

fn is_finished(job: &Value) -> bool {
    !outcome(job).is_empty()
}

/// `Complete`, `Failed` or nothing.
fn outcome(job: &Value) -> &'static str {
    let ended = |kind: &&&str| object::condition(job, kind) == "True";
    ["Complete", "Failed"].iter().find(ended).copied().unwrap_or_default()
}

/// Says of each Job that was active when last looked at how it ended, and of each active one that
/// was not that it is a stranger.
fn announce(cluster: &Cluster, cron_job: &Value, jobs: &[Value]) {
    for job in jobs {
        let name = object::name(job);
        match (is_known(cron_job, job), is_finished(job)) {
            (true, true) => {
                let text = format!("Saw completed job: {name}, condition: {}", outcome(job));
                cluster.emit(SOURCE, cron_job, "", "Normal", "SawCompletedJob", &text);
            }
            (false, false) => {
                let text =
                    format!("Saw a job that the controller did not create or forgot: {name}");
                cluster.emit(SOURCE, cron_job, "", "Warning", "UnexpectedJob", &text);
            }
            _ => {}
        }
    }
}

/// Deletes the oldest ended Jobs beyond what is to be kept.
fn clear_away(cluster: &Cluster, cron_job: &Value, jobs: &[Value]) -> Result<(), StatusError> {
    for (ended, limit) in
        [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")]
    {
        let Some(keep) = object::integer(cron_job, &["spec", limit]) else { continue };
        let mut ended: Vec<&Value> = jobs.iter().filter(|job| outcome(job) == ended).collect();
        ended.sort_by_key(|job| object::text(job, &["status", "startTime"]));
        let surplus = ended.len().saturating_sub(usize::try_from(keep).unwrap_or(0));
        for job in &ended[..surplus] {
            delete(cluster, cron_job, job)?;
        }
    }
    Ok(())
}

fn delete(cluster: &Cluster, cron_job: &Value, job: &Value) -> Result<(), StatusError> {
    let options = DeleteOptions::propagation(Propagation::Background);
    let name = object::name(job);
    match cluster.delete("jobs.batch", object::namespace(job), name, &options) {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let text = format!("Deleted job {name}");
    cluster.emit(SOURCE, cron_job, "", "Normal", "SuccessfulDelete", &text);
    Ok(())
}

fn tell(cron_job: &mut Value, active: &[Value], jobs: &[Value], scheduled: Option<Timestamp>) {
    let succeeded = jobs.iter().filter(|job| outcome(job) == "Complete");
    let last = succeeded.map(|job| object::text(job, &["status", "completionTime"])).max();
    let last = last.map(str::to_owned);
    let status = object::map_mut(cron_job, "status");
    if active.is_empty() {
        status.shift_remove("active");
    } else {
        let references: Vec<Value> = active.iter().map(reference).collect();
        status.insert("active".to_owned(), json!(references));
    }
    if let Some(time) = scheduled {
        let text = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        status.insert("lastScheduleTime".to_owned(), json!(text));
    }
    // Jobs are cleared away; the time of the last success stays.
    let known = status.get("lastSuccessfulTime").and_then(Value::as_str).unwrap_or_default();
    if let Some(last) = last.filter(|last| last.as_str() > known) {
        status.insert("lastSuccessfulTime".to_owned(), json!(last));
    }
}

fn reference(job: &Value) -> Value {
    json!({
        "kind": "Job",
        "namespace": object::namespace(job),
        "name": object::name(job),
        "uid": object::uid(job),
        "apiVersion": "batch/v1",
        "resourceVersion": object::resource_version(job),
    })
}
