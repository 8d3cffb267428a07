//! The `scale` subresource: reading and setting a workload's replicas.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    call::{Call, ResourceCall},
    reply::{self, Body},
};
use crate::{
    cluster::{Cluster, Part},
    object, patch,
    status::StatusError,
    store::StoredObject,
};

/// Answers `GET`, `PUT` and `PATCH` of `…/NAME/scale`.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let storage = &resource.kind.storage;
    let (namespace, name) = (resource.namespace(), resource.name());
    if call.method == Method::GET {
        let stored = cluster.get(storage, namespace, name)?;
        return Ok(reply::json_value(StatusCode::OK, &scale_of(&stored)));
    }
    if call.method != Method::PUT && call.method != Method::PATCH {
        return Err(StatusError::method_not_allowed());
    }
    let options = call.write_options()?;
    let body = call.json()?;
    let is_patch = call.method == Method::PATCH;
    let is_json_patch = call.content_type.starts_with("application/json-patch+json");
    let current = cluster.get(storage, namespace, name)?;
    let mut wanted = scale_of(&current);
    match (is_patch, is_json_patch) {
        (true, true) => patch::json_patch(&mut wanted, &body)?,
        (true, false) => patch::merge_patch(&mut wanted, &body),
        (false, _) => wanted = body,
    }
    let replicas = object::integer(&wanted, &["spec", "replicas"]).unwrap_or(0);
    let expected = object::resource_version(&wanted).to_owned();
    let stored = cluster.update(storage, namespace, name, Part::Main, &options, |object| {
        object::map_mut(object, "spec").insert("replicas".to_owned(), json!(replicas));
        if !is_patch && !expected.is_empty() {
            object::metadata_mut(object).insert("resourceVersion".to_owned(), json!(expected));
        }
        Ok(())
    })?;
    Ok(reply::json_value(StatusCode::OK, &scale_of(&stored)))
}

fn scale_of(stored: &StoredObject) -> Value {
    let object = stored.value();
    let labels = object::at(&object, &["spec", "selector", "matchLabels"])
        .or_else(|| object::at(&object, &["spec", "selector"]))
        .and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object::name(&object),
            "namespace": object::namespace(&object),
            "uid": object::uid(&object),
            "resourceVersion": object::resource_version(&object),
            "creationTimestamp": object["metadata"]["creationTimestamp"],
        },
        "spec": { "replicas": object::integer(&object, &["spec", "replicas"]).unwrap_or(1) },
        "status": {
            "replicas": object::integer(&object, &["status", "replicas"]).unwrap_or(0),
            "selector": selector.join(","),
        },
    })
}
