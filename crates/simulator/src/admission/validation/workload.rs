//! Validation of workloads: selectors, pod templates, containers, what may not change.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{immutable, names};
use crate::{
    controllers::cron_job::Schedule, kinds::Kind, object, selector::LabelSelector, status::Cause,
};

/// What is wrong with a Deployment, `StatefulSet`, `DaemonSet`, `ReplicaSet` or Job.
pub(super) fn workload(kind: &Kind, value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    for field in ["replicas", "parallelism", "completions", "backoffLimit"] {
        if spec.get(field).and_then(Value::as_i64).is_some_and(|number| number < 0) {
            let detail = "must be greater than or equal to 0";
            causes.push(Cause::invalid(format!("spec.{field}"), &spec[field], detail));
        }
    }
    selector(kind, value, causes);
    if spec.get("template").is_none() {
        causes.push(Cause::required("spec.template", ""));
    } else {
        names::label_problems(&spec["template"]["metadata"], "spec.template.metadata", causes);
        // A StatefulSet's claims become volumes of its pods.
        let claims = object::list(spec, &["volumeClaimTemplates"]);
        pod_spec(&spec["template"]["spec"], "spec.template.spec", claims, causes);
        let policy = object::text(spec, &["template", "spec", "restartPolicy"]);
        let field = "spec.template.spec.restartPolicy";
        if kind.kind == "Job" {
            if policy == "Always" {
                let allowed = ["OnFailure", "Never"];
                causes.push(Cause::required(
                    field,
                    &format!("valid values: \"{}\", \"{}\"", allowed[0], allowed[1]),
                ));
            }
        } else if policy != "Always" {
            causes.push(Cause::not_supported(field, &json!(policy), &["Always"]));
        }
    }
    match kind.kind.as_str() {
        "Job" => {
            immutable(value, old, &["spec", "selector"], causes);
            immutable(value, old, &["spec", "template"], causes);
            immutable(value, old, &["spec", "completionMode"], causes);
        }
        "StatefulSet" => stateful_set_update(value, old, causes),
        "ReplicationController" => {}
        _ => immutable(value, old, &["spec", "selector"], causes),
    }
}

fn selector(kind: &Kind, value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let Some(selector) = spec.get("selector") else {
        if kind.kind != "ReplicationController" {
            causes.push(Cause::required("spec.selector", ""));
        }
        return;
    };
    let parsed = LabelSelector::from_object(selector);
    if parsed.is_empty() {
        causes.push(Cause::invalid(
            "spec.selector",
            selector,
            "empty selector is invalid for deployment",
        ));
    } else if !parsed.matches_object(&spec["template"]) {
        let labels = &spec["template"]["metadata"]["labels"];
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        ));
    }
}

fn stateful_set_update(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    const MUTABLE: [&str; 8] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
        "volumeClaimTemplates",
    ];
    let Some(old) = old else { return };
    let fixed = |set: &Value| {
        let mut spec = set["spec"].clone();
        for key in MUTABLE {
            object::remove(&mut spec, key);
        }
        // Of claims, what a manifest says; the server adds to them.
        let claims = object::list(set, &["spec", "volumeClaimTemplates"]).iter();
        let claims: Vec<(Value, Value)> = claims
            .map(|claim| (claim["metadata"]["name"].clone(), claim["spec"].clone()))
            .collect();
        (spec, claims)
    };
    if fixed(old) != fixed(value) {
        causes.push(Cause::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
             'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
             'minReadySeconds' are forbidden",
        ));
    }
}

/// What is wrong with a `CronJob`.
pub(super) fn cron_job(value: &Value, causes: &mut Vec<Cause>) {
    let schedule = object::text(value, &["spec", "schedule"]);
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(detail) = Schedule::parse(schedule) {
        causes.push(Cause::invalid("spec.schedule", &json!(schedule), &detail));
    }
    let zone = object::text(value, &["spec", "timeZone"]);
    if !zone.is_empty() && TimeZone::get(zone).is_err() {
        let detail = format!("unknown time zone {zone}");
        causes.push(Cause::invalid("spec.timeZone", &json!(zone), &detail));
    }
    // A Job's name is eleven characters longer.
    if object::name(value).len() > 52 {
        let detail = "must be no more than 52 characters";
        let name = json!(object::name(value));
        causes.push(Cause::invalid("metadata.name", &name, detail));
    }
    let spec = &value["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    pod_spec(spec, "spec.jobTemplate.spec.template.spec", &[], causes);
}

/// What is wrong with a pod.
pub(super) fn pod(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    pod_spec(&value["spec"], "spec", &[], causes);
    let Some(old) = old else { return };
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for key in
            ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"]
        {
            object::remove(&mut spec, key);
        }
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
            {
                object::remove(container, "image");
                // Kubernetes takes the pull policy along when an image changes.
                object::remove(container, "imagePullPolicy");
            }
        }
        spec
    };
    if fixed(old) != fixed(value) {
        causes.push(Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,\
             `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
             additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to \
             be set to 1 if it was previously negative)",
        ));
    }
}

fn pod_spec(spec: &Value, path: &str, claims: &[Value], causes: &mut Vec<Cause>) {
    let containers = object::list(spec, &["containers"]);
    if containers.is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let policies = ["Always", "OnFailure", "Never"];
    if let Some(policy) = spec.get("restartPolicy")
        && !policies.iter().any(|it| policy == it)
    {
        causes.push(Cause::not_supported(format!("{path}.restartPolicy"), policy, &policies));
    }
    let volumes: Vec<&str> =
        object::list(spec, &["volumes"]).iter().map(|it| object::text(it, &["name"])).collect();
    for (index, name) in volumes.iter().enumerate() {
        if volumes[..index].contains(name) {
            causes.push(Cause::duplicate(format!("{path}.volumes[{index}].name"), &json!(name)));
        }
    }
    let mounted: Vec<&str> = claims.iter().map(object::name).chain(volumes).collect();
    let mut names_seen: Vec<&str> = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in object::list(spec, &[list]).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            check_container(container, &path, &mounted, causes);
            let name = object::text(container, &["name"]);
            if !name.is_empty() && names_seen.contains(&name) {
                causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
            }
            names_seen.push(name);
        }
    }
}

fn check_container(container: &Value, path: &str, volumes: &[&str], causes: &mut Vec<Cause>) {
    let name = object::text(container, &["name"]);
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else if let Err(why) = names::dns_label(name) {
        causes.push(Cause::invalid(format!("{path}.name"), &json!(name), &why));
    }
    let image = object::text(container, &["image"]);
    if image.is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(format!("{path}.image"), &json!(image), detail));
    }
    let policies = ["Always", "IfNotPresent", "Never"];
    if let Some(policy) = container.get("imagePullPolicy")
        && !policies.iter().any(|it| policy == it)
    {
        causes.push(Cause::not_supported(format!("{path}.imagePullPolicy"), policy, &policies));
    }
    for (index, mount) in object::list(container, &["volumeMounts"]).iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let name = object::text(mount, &["name"]);
        if !volumes.contains(&name) {
            causes.push(Cause {
                reason: "FieldValueNotFound",
                message: format!("Not found: {name:?}"),
                field: format!("{path}.name"),
            });
        }
        if object::text(mount, &["mountPath"]).is_empty() {
            causes.push(Cause::required(format!("{path}.mountPath"), ""));
        }
    }
    for (index, port) in object::list(container, &["ports"]).iter().enumerate() {
        super::check_port(
            port,
            "containerPort",
            &format!("{path}.ports[{index}].containerPort"),
            causes,
        );
    }
    for (index, variable) in object::list(container, &["env"]).iter().enumerate() {
        if object::text(variable, &["name"]).is_empty() {
            causes.push(Cause::required(format!("{path}.env[{index}].name"), ""));
        }
        if variable.get("valueFrom").is_some() && !object::text(variable, &["value"]).is_empty() {
            causes.push(Cause::invalid(
                format!("{path}.env[{index}].valueFrom"),
                &json!(""),
                "may not be specified when `value` is not empty",
            ));
        }
    }
}
