//! The `scale` subresource: reading and setting a workload's replicas.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    call::{Call, ResourceCall},
    reply::{self, Body},
};
use crate::{
    cluster::{Cluster, Part},
    kinds::Kind,
    object, patch,
    status::{Cause, StatusError},
    store::StoredObject,
};

/// Answers `GET`, `PUT` and `PATCH` of `…/NAME/scale`.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let kind = &resource.kind;
    let storage = &kind.storage;
    let (namespace, name) = (resource.namespace(), resource.name());
    if call.method == Method::GET {
        let stored = cluster.get(storage, namespace, name)?;
        return Ok(reply::json_value(StatusCode::OK, &scale_of(kind, &stored)));
    }
    if call.method != Method::PUT && call.method != Method::PATCH {
        return Err(StatusError::method_not_allowed());
    }
    let options = call.write_options()?;
    let body = call.json()?;
    let is_patch = call.method == Method::PATCH;
    let is_json_patch = call.content_type.starts_with("application/json-patch+json");
    let current = cluster.get(storage, namespace, name)?;
    let mut wanted = scale_of(kind, &current);
    match (is_patch, is_json_patch) {
        (true, true) => patch::json_patch(&mut wanted, &body)?,
        (true, false) => patch::merge_patch(&mut wanted, &body),
        (false, _) => wanted = body,
    }
    let replicas = object::integer(&wanted, &["spec", "replicas"]).unwrap_or(0);
    if replicas < 0 {
        let detail = "must be greater than or equal to 0";
        let cause = Cause::invalid("spec.replicas", &json!(replicas), detail);
        return Err(StatusError::invalid_kind("Scale", "autoscaling", name, &[cause]));
    }
    let expected = object::resource_version(&wanted).to_owned();
    let paths = Paths::of(kind);
    let stored = cluster.update(storage, namespace, name, Part::Main, &options, |object| {
        set(object, &paths.spec, json!(replicas));
        if !is_patch && !expected.is_empty() {
            object::metadata_mut(object).insert("resourceVersion".to_owned(), json!(expected));
        }
        Ok(())
    })?;
    Ok(reply::json_value(StatusCode::OK, &scale_of(kind, &stored)))
}

/// Where the numbers are.
struct Paths {
    spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
}

impl Paths {
    fn of(kind: &Kind) -> Self {
        let custom = kind.custom.as_ref().and_then(|custom| custom.scale.as_ref());
        match custom {
            Some(scale) => Self {
                spec: scale.spec.clone(),
                status: scale.status.clone(),
                selector: scale.selector.clone(),
            },
            None => Self {
                spec: vec!["spec".to_owned(), "replicas".to_owned()],
                status: vec!["status".to_owned(), "replicas".to_owned()],
                selector: None,
            },
        }
    }
}

fn find<'v>(object: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// Sets a value, making the maps on the way.
fn set(object: &mut Value, path: &[String], value: Value) {
    match path {
        [] => *object = value,
        [last] => {
            if !object.is_object() {
                *object = json!({});
            }
            object[last] = value;
        }
        [first, rest @ ..] => {
            object::map_mut(object, first);
            set(&mut object[first], rest, value);
        }
    }
}

fn scale_of(kind: &Kind, stored: &StoredObject) -> Value {
    let object = stored.value();
    let paths = Paths::of(kind);
    let number = |path: &[String]| find(&object, path).and_then(Value::as_i64);
    let mut status = json!({ "replicas": number(&paths.status).unwrap_or(0) });
    let selector = match (&paths.selector, &kind.custom) {
        (Some(path), _) => find(&object, path).and_then(Value::as_str).map(str::to_owned),
        (None, None) => Some(selector_of(&object)),
        (None, Some(_)) => None,
    };
    if let Some(selector) = selector.filter(|it| !it.is_empty()) {
        status["selector"] = json!(selector);
    }
    let mut metadata = json!({
        "name": object::name(&object),
        "uid": object::uid(&object),
        "resourceVersion": object::resource_version(&object),
        "creationTimestamp": object["metadata"]["creationTimestamp"],
    });
    if kind.namespaced {
        metadata["namespace"] = json!(object::namespace(&object));
    }
    let mut spec = json!({});
    // Go leaves a zero out; a built-in workload without a number has one.
    let replicas = number(&paths.spec).unwrap_or(i64::from(kind.custom.is_none()));
    if replicas != 0 {
        spec["replicas"] = json!(replicas);
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    })
}

/// The selector of a built-in workload as a text.
fn selector_of(object: &Value) -> String {
    let labels = object::at(object, &["spec", "selector", "matchLabels"])
        .or_else(|| object::at(object, &["spec", "selector"]))
        .and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    selector.join(",")
}
