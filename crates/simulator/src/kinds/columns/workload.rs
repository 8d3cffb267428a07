//! Columns of workloads: the groups `apps`, `batch` and `autoscaling`.

use serde_json::{Value, json};

use super::{
    AGE, NAME, PLAIN, Printer,
    cells::{self, age, containers, count, images, labels, or_none, ready_of, selector, since},
    name, text,
};
use crate::object;

/// How a workload kind is shown.
pub(super) fn workload(kind: &str) -> Printer {
    match kind {
        "Deployment" => Printer {
            columns: &[
                NAME,
                ("Ready", 0),
                ("Up-to-date", 0),
                ("Available", 0),
                AGE,
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    ready_of(it, "replicas"),
                    count(it, &["status", "updatedReplicas"]),
                    count(it, &["status", "availableReplicas"]),
                    age(it),
                    containers(it),
                    images(it),
                    selector(it),
                ]
            },
        },
        "ReplicaSet" => Printer {
            columns: &[
                NAME,
                ("Desired", 0),
                ("Current", 0),
                ("Ready", 0),
                AGE,
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    count(it, &["spec", "replicas"]),
                    count(it, &["status", "replicas"]),
                    count(it, &["status", "readyReplicas"]),
                    age(it),
                    containers(it),
                    images(it),
                    selector(it),
                ]
            },
        },
        "StatefulSet" => Printer {
            columns: &[NAME, ("Ready", 0), AGE, ("Containers", 1), ("Images", 1)],
            cells: |it| {
                vec![name(it), ready_of(it, "replicas"), age(it), containers(it), images(it)]
            },
        },
        "DaemonSet" => Printer {
            columns: &[
                NAME,
                ("Desired", 0),
                ("Current", 0),
                ("Ready", 0),
                ("Up-to-date", 0),
                ("Available", 0),
                ("Node Selector", 0),
                AGE,
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    count(it, &["status", "desiredNumberScheduled"]),
                    count(it, &["status", "currentNumberScheduled"]),
                    count(it, &["status", "numberReady"]),
                    count(it, &["status", "updatedNumberScheduled"]),
                    count(it, &["status", "numberAvailable"]),
                    labels(&it["spec"]["template"]["spec"]["nodeSelector"]),
                    age(it),
                    containers(it),
                    images(it),
                    selector(it),
                ]
            },
        },
        "Job" => Printer {
            columns: &[
                NAME,
                ("Status", 0),
                ("Completions", 0),
                ("Duration", 0),
                AGE,
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    json!(cells::job_status(it)),
                    ready_of(it, "completions"),
                    cells::job_duration(it),
                    age(it),
                    containers(it),
                    images(it),
                    selector(it),
                ]
            },
        },
        "CronJob" => Printer {
            columns: &[
                NAME,
                ("Schedule", 0),
                ("Timezone", 0),
                ("Suspend", 0),
                ("Active", 0),
                ("Last Schedule", 0),
                AGE,
                ("Containers", 1),
                ("Images", 1),
                ("Selector", 1),
            ],
            cells: |it| {
                vec![
                    name(it),
                    text(it, &["spec", "schedule"]),
                    or_none(object::text(it, &["spec", "timeZone"])),
                    json!(if it["spec"]["suspend"] == json!(true) { "True" } else { "False" }),
                    json!(object::list(it, &["status", "active"]).len()),
                    match &it["status"]["lastScheduleTime"] {
                        Value::Null => json!("<none>"),
                        time => since(time),
                    },
                    age(it),
                    containers(&it["spec"]["jobTemplate"]),
                    images(&it["spec"]["jobTemplate"]),
                    json!("<none>"),
                ]
            },
        },
        "HorizontalPodAutoscaler" => Printer {
            columns: &[
                NAME,
                ("Reference", 0),
                ("Targets", 0),
                ("MinPods", 0),
                ("MaxPods", 0),
                ("Replicas", 0),
                AGE,
            ],
            cells: |it| {
                let target = &it["spec"]["scaleTargetRef"];
                let (kind, target) =
                    (object::text(target, &["kind"]), object::text(target, &["name"]));
                vec![
                    name(it),
                    json!(format!("{kind}/{target}")),
                    json!(targets(it)),
                    count(it, &["spec", "minReplicas"]),
                    count(it, &["spec", "maxReplicas"]),
                    count(it, &["status", "currentReplicas"]),
                    age(it),
                ]
            },
        },
        "ControllerRevision" => Printer {
            columns: &[NAME, ("Controller", 0), ("Revision", 0), AGE],
            cells: |it| {
                let owner = object::owner_references(it).first().cloned().unwrap_or_default();
                let (kind, owner) = (
                    object::text(&owner, &["kind"]).to_lowercase(),
                    object::text(&owner, &["name"]).to_owned(),
                );
                vec![name(it), json!(format!("{kind}/{owner}")), it["revision"].clone(), age(it)]
            },
        },
        _ => PLAIN,
    }
}

/// What an autoscaler aims at. Nothing is measured in a simulated cluster.
fn targets(autoscaler: &Value) -> String {
    let old = object::at(autoscaler, &["spec", "targetCPUUtilizationPercentage"]);
    if let Some(percent) = old {
        return format!("cpu: <unknown>/{percent}%");
    }
    let metrics = object::list(autoscaler, &["spec", "metrics"]).iter();
    let shown: Vec<String> = metrics
        .map(|metric| {
            let resource = &metric["resource"];
            let target = &resource["target"];
            let goal = match &target["averageUtilization"] {
                Value::Null => object::text(target, &["averageValue"]).to_owned(),
                percent => format!("{percent}%"),
            };
            match object::text(resource, &["name"]) {
                "" => "<unknown>".to_owned(),
                name => format!("{name}: <unknown>/{goal}"),
            }
        })
        .collect();
    if shown.is_empty() { "<none>".to_owned() } else { shown.join(", ") }
}
