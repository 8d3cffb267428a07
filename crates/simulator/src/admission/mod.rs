//! What happens to an object between the request and the store: decoding, metadata, defaults,
//! validation, what an update may change.
//!
//! Not here: admission webhooks and policies; the simulator stores their configurations and never
//! calls them.

mod custom;
mod decode;
mod defaults;
mod definition;
mod names;
mod network;
mod quota;
mod validation;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::{
    decode::{Strictness, decode, json_type},
    network::ServiceNetwork,
};
use crate::{
    cluster::{self, Cluster, Part},
    kinds::{Kind, custom::DEFINITIONS},
    object,
    status::{Cause, StatusError},
};

/// Makes a submitted object a new one: namespace and name checked, metadata and defaults set.
pub(crate) fn prepare_create(
    cluster: &Cluster,
    kind: &Arc<Kind>,
    value: &mut Value,
) -> Result<(), StatusError> {
    quota::check_account(cluster, kind, value)?;
    check_definition(cluster, kind, object::name(value))?;
    if object::name(value).is_empty() {
        let prefix = object::text(value, &["metadata", "generateName"]).to_owned();
        if prefix.is_empty() {
            let cause = Cause::required("metadata.name", "name or generateName is required");
            return Err(StatusError::invalid(kind, "", &[cause]));
        }
        // Suffixes are random; a name in use only needs another one.
        let free = |name: &String| {
            cluster.store().get(&kind.storage, object::namespace(value), name).is_none()
        };
        let prefix: String = prefix.chars().take(58).collect();
        let name = std::iter::repeat_with(|| format!("{prefix}{}", cluster::name_suffix()))
            .find(free)
            .unwrap_or_default();
        object::metadata_mut(value).insert("name".to_owned(), json!(name));
    }
    if kind.namespaced {
        check_namespace(cluster, kind, value)?;
    } else {
        object::metadata_mut(value).shift_remove("namespace");
    }
    if !object::text(value, &["metadata", "resourceVersion"]).is_empty() {
        return Err(StatusError::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    cluster::stamp(value);
    if kind.status {
        // A status is what a controller found out; clients cannot bring one along.
        object::remove(value, "status");
    }
    if has_generation(kind) {
        object::metadata_mut(value).insert("generation".to_owned(), json!(1));
    }
    fill(kind, value);
    if kind.storage == "persistentvolumeclaims" {
        set_default_class(cluster, value);
    }
    network::allocate(cluster, kind, value, None)?;
    check(kind, value, None)?;
    quota::check_counts(cluster, kind, value)
}

/// Makes a submitted new version of an object a valid one: immutable metadata and the other part
/// are those of `old`, the generation grows if something but metadata and status changed.
pub(crate) fn prepare_update(
    cluster: &Cluster,
    kind: &Arc<Kind>,
    part: Part,
    old: &Value,
    new: &mut Value,
) -> Result<(), StatusError> {
    check_preconditions(kind, old, new)?;
    keep_metadata(old, new);
    match part {
        Part::Status => {
            let status = object::remove(new, "status");
            let metadata = object::remove(new, "metadata");
            let managers = metadata.as_ref().and_then(|it| it.get("managedFields")).cloned();
            *new = old.clone();
            set(new, "status", status);
            let metadata = object::metadata_mut(new);
            match managers {
                Some(managers) => {
                    metadata.insert("managedFields".to_owned(), managers);
                }
                None => {
                    metadata.shift_remove("managedFields");
                }
            }
            if kind.custom.is_some() {
                fill(kind, new);
                check(kind, new, Some(old))?;
            }
            return Ok(());
        }
        Part::Main if kind.status => set(new, "status", old.get("status").cloned()),
        Part::Main => {}
    }
    fill(kind, new);
    network::allocate(cluster, kind, new, Some(old))?;
    check(kind, new, Some(old))?;
    // Without the subresource, the status of a custom resource is a field as any other.
    let apart: &[&str] = match &kind.custom {
        Some(_) if !kind.status => &["apiVersion", "metadata"],
        _ => &["apiVersion", "metadata", "status"],
    };
    let changed = without(old, apart) != without(new, apart);
    if changed && let Some(generation) = object::integer(old, &["metadata", "generation"]) {
        object::metadata_mut(new).insert("generation".to_owned(), json!(generation + 1));
    }
    Ok(())
}

/// Defaults of the kind or of its schema.
fn fill(kind: &Kind, value: &mut Value) {
    match &kind.custom {
        Some(custom) => custom::fill(value, &custom.schema),
        None => defaults::fill(kind, value),
    }
    if kind.storage == DEFINITIONS {
        definition::remember_stored_version(value);
    }
}

/// A claim that names no class has the default one, from its first moment; an empty name is one.
fn set_default_class(cluster: &Cluster, claim: &mut Value) {
    if object::at(claim, &["spec", "storageClassName"]).is_some() {
        return;
    }
    let is_default = |class: &Value| {
        object::annotation(class, "storageclass.kubernetes.io/is-default-class") == Some("true")
    };
    let (_, classes) = cluster.store().list("storageclasses.storage.k8s.io", None);
    if let Some(class) = classes.iter().map(|class| class.value()).find(is_default) {
        let name = object::name(&class).to_owned();
        object::map_mut(claim, "spec").insert("storageClassName".to_owned(), json!(name));
    }
}

/// A Job without labels has those of its pods, which nobody owns: Kubernetes sets them as it reads.
pub(crate) fn label_as_template(kind: &Kind, value: &mut Value) {
    let labelled = value["metadata"]["labels"].as_object().is_some_and(|it| !it.is_empty());
    if kind.storage != "jobs.batch" || labelled {
        return;
    }
    let labels = object::at(value, &["spec", "template", "metadata", "labels"]).cloned();
    if let Some(labels) = labels {
        object::metadata_mut(value).insert("labels".to_owned(), labels);
    }
}

/// Nothing new comes into a resource whose definition is on its way out.
fn check_definition(cluster: &Cluster, kind: &Kind, name: &str) -> Result<(), StatusError> {
    let Some(custom) = &kind.custom else { return Ok(()) };
    if cluster.is_terminating(&custom.definition) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(StatusError::forbidden(kind, name, why));
    }
    Ok(())
}

fn set(value: &mut Value, key: &str, to: Option<Value>) {
    match to {
        Some(to) => value[key] = to,
        None => {
            object::remove(value, key);
        }
    }
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let kept = value.as_object().into_iter().flatten();
    let kept = kept.filter(|(key, _)| !keys.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Kinds whose specs are versioned for controllers.
fn has_generation(kind: &Kind) -> bool {
    kind.custom.is_some()
        || matches!(
            kind.kind.as_str(),
            "Deployment"
                | "ReplicaSet"
                | "StatefulSet"
                | "DaemonSet"
                | "ReplicationController"
                | "Job"
                | "CronJob"
                | "Pod"
                | "Ingress"
                | "NetworkPolicy"
                | "PodDisruptionBudget"
                | "IngressClass"
                | "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "EndpointSlice"
                | "CustomResourceDefinition"
                | "HorizontalPodAutoscaler"
                | "PriorityClass"
                | "MutatingAdmissionPolicy"
                | "MutatingAdmissionPolicyBinding"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
                | "FlowSchema"
                | "PriorityLevelConfiguration"
                | "DeviceClass"
                | "ResourceSlice"
        )
}

fn check_namespace(cluster: &Cluster, kind: &Kind, value: &Value) -> Result<(), StatusError> {
    let namespace = cluster.get("namespaces", "", object::namespace(value))?;
    if namespace.is_deleting() {
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            namespace.name
        );
        return Err(StatusError::forbidden(kind, object::name(value), &why));
    }
    Ok(())
}

/// A submitted uid or resource version is a condition.
fn check_preconditions(kind: &Kind, old: &Value, new: &Value) -> Result<(), StatusError> {
    let name = object::name(old);
    let (had, given) = (object::uid(old), object::uid(new));
    if !given.is_empty() && given != had {
        let why =
            format!("Precondition failed: UID in precondition: {given}, UID in object meta: {had}");
        return Err(StatusError::conflict_because(kind, name, &why));
    }
    let given = object::resource_version(new);
    if !given.is_empty() && given != object::resource_version(old) {
        return Err(StatusError::conflict(kind, name));
    }
    Ok(())
}

/// What the server alone sets stays as it was.
fn keep_metadata(old: &Value, new: &mut Value) {
    let metadata = object::metadata_mut(new);
    for key in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "generateName",
    ] {
        match old["metadata"].get(key) {
            Some(value) => {
                metadata.insert(key.to_owned(), value.clone());
            }
            None => {
                metadata.shift_remove(key);
            }
        }
    }
    metadata.shift_remove("selfLink");
    // Left out, field ownership stays; an explicit empty list gives it up.
    if metadata.get("managedFields").is_none_or(Value::is_null)
        && let Some(managers) = old["metadata"].get("managedFields")
    {
        metadata.insert("managedFields".to_owned(), managers.clone());
    }
    for key in ["apiVersion", "kind"] {
        if new.get(key).is_none() {
            new[key] = old[key].clone();
        }
    }
}

fn check(kind: &Kind, value: &Value, old: Option<&Value>) -> Result<(), StatusError> {
    let mut causes = names::problems(kind, value);
    match &kind.custom {
        Some(custom) => causes.extend(custom::problems(value, &custom.schema)),
        None => causes.extend(validation::problems(kind, value, old)),
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(StatusError::invalid(kind, object::name(value), &causes))
}
