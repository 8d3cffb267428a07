//! When a Job is ready: once it has started, or, where asked for, once it is complete.

use serde_json::Value;

use super::Readiness;
use super::condition::{Condition, conditions};
use super::fields::{number, text};

pub(super) fn readiness(object: &Value, complete: bool) -> Readiness {
    let parallelism = number(object, "/spec/parallelism", 1);
    let completions = number(object, "/spec/completions", parallelism);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    let (succeeded, failed) = (status("succeeded"), status("failed"));
    for condition in conditions(object).filter(Condition::is_true) {
        match condition.kind {
            "Complete" => {
                let message = format!("Job Completed. succeeded: {succeeded}/{completions}");
                return Readiness::current(message);
            }
            "Failed" => {
                return Readiness::failed(format!("Job Failed. failed: {failed}/{completions}"));
            }
            "Suspended" if !complete => return Readiness::current("Job is suspended"),
            _ => {}
        }
    }
    if complete {
        return Readiness::in_progress("Job in progress");
    }
    if text(object, "/status/startTime", "").is_empty() {
        return Readiness::in_progress("Job not started");
    }
    Readiness::current(format!(
        "Job in progress. success:{succeeded}, active: {}, failed: {failed}",
        status("active")
    ))
}
