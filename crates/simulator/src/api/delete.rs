//! `DELETE` of an object or a collection, and eviction of a pod.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    call::{Call, ResourceCall},
    list::{self, Selection},
    reply::{self, Body},
};
use crate::{
    cluster::{Cluster, DeleteOptions, Deleted, Propagation},
    kinds::Kind,
    status::StatusError,
    store::StoredObject,
};

/// Answers `DELETE` on an object.
pub(super) fn one(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let options = options(call)?;
    let kind = &resource.kind;
    let deleted = cluster.delete(&kind.storage, resource.namespace(), resource.name(), &options)?;
    match deleted {
        Deleted::Gone(last) => Ok(reply::json_value(StatusCode::OK, &success(kind, &last))),
        Deleted::Waiting(object) => reply::object(StatusCode::OK, call, kind, &object),
    }
}

/// Answers `DELETE` on a collection: each selected object is deleted as if alone.
pub(super) fn collection(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let options = options(call)?;
    let kind = &resource.kind;
    let selection = Selection::of(call, resource)?;
    let (revision, objects) = selection.list(cluster);
    for object in &objects {
        match cluster.delete(&kind.storage, &object.namespace, &object.name, &options) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    let metadata = json!({ "resourceVersion": revision.to_string() });
    Ok(reply::json_bytes(StatusCode::OK, list::plain(kind, &objects, &metadata)))
}

/// Answers `POST …/pods/NAME/eviction`: the pod is deleted; disruption budgets are not asked.
pub(super) fn evict(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let eviction = call.json()?;
    let options = match eviction.get("deleteOptions") {
        Some(options) => parse(options)?,
        None => DeleteOptions::default(),
    };
    cluster.delete("pods", resource.namespace(), resource.name(), &options)?;
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(reply::json_value(StatusCode::CREATED, &status))
}

/// Options from the body, else from the query.
fn options(call: &Call) -> Result<DeleteOptions, StatusError> {
    let mut options =
        if call.body.is_empty() { DeleteOptions::default() } else { parse(&call.json()?)? };
    if let Some(seconds) = call.number("gracePeriodSeconds") {
        options.grace_period_seconds = Some(seconds);
    }
    match call.query("propagationPolicy") {
        "" => {}
        "Orphan" => options.propagation_policy = Some(Propagation::Orphan),
        "Background" => options.propagation_policy = Some(Propagation::Background),
        "Foreground" => options.propagation_policy = Some(Propagation::Foreground),
        other => {
            return Err(StatusError::bad_request(format!(
                "propagationPolicy: Unsupported value: {other:?}: supported values: \
                 \"Foreground\", \"Background\", \"Orphan\""
            )));
        }
    }
    if call.write_options()?.dry_run {
        options.dry_run = vec!["All".to_owned()];
    }
    Ok(options)
}

fn parse(options: &Value) -> Result<DeleteOptions, StatusError> {
    // Kubernetes takes null for "not given" in every field.
    let given = crate::patch::Nulls::Drop.of(options);
    serde_json::from_value(given).map_err(|error| {
        StatusError::bad_request(format!("unable to decode DeleteOptions: {error}"))
    })
}

fn success(kind: &Kind, last: &StoredObject) -> Value {
    let mut details = json!({ "name": &*last.name, "kind": kind.plural, "uid": &*last.uid });
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    })
}
