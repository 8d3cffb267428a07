//! `POST`, `PUT` and `PATCH`: reading the body, checking it against the path, writing.

use std::sync::Arc;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    call::{Call, ResourceCall},
    convert,
    reply::{self, Body},
};
use crate::{
    admission::{self, Strictness},
    cluster::{Cluster, Part, WriteOptions},
    kinds::Kind,
    object,
    patch::{self, Apply},
    status::{Cause, StatusError},
};

/// Answers `POST` on a collection.
pub(super) fn create(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let options = options(call, resource)?;
    let (value, warnings) = submitted(cluster, call, resource, call.json()?)?;
    let stored = cluster.create(&resource.kind.storage, value, &options)?;
    let response = reply::object(StatusCode::CREATED, call, &resource.kind, &stored)?;
    Ok(reply::with_warnings(response, &warnings))
}

/// Answers `PUT` on an object or its status.
pub(super) fn update(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let options = options(call, resource)?;
    let (value, warnings) = submitted(cluster, call, resource, call.json()?)?;
    if object::name(&value) != resource.name() {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            object::name(&value),
            resource.name()
        )));
    }
    let stored = cluster.update(
        &resource.kind.storage,
        resource.namespace(),
        resource.name(),
        part(resource),
        &options,
        |current| {
            *current = value.clone();
            Ok(())
        },
    )?;
    let response = reply::object(StatusCode::OK, call, &resource.kind, &stored)?;
    Ok(reply::with_warnings(response, &warnings))
}

/// Answers `PUT …/namespaces/NAME/finalize`: the finalizers of a namespace's `spec`.
pub(super) fn finalize(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let options = call.write_options()?;
    let wanted = call.json()?;
    let finalizers = wanted["spec"].get("finalizers").cloned().unwrap_or_else(|| json!([]));
    let storage = &resource.kind.storage;
    let stored =
        cluster.update(storage, "", resource.name(), Part::Main, &options, |namespace| {
            object::map_mut(namespace, "spec").insert("finalizers".to_owned(), finalizers.clone());
            Ok(())
        })?;
    reply::object(StatusCode::OK, call, &resource.kind, &stored)
}

/// Answers `PATCH` on an object or its status.
pub(super) fn patch(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let media_type = call.content_type.split(';').next().unwrap_or_default().trim().to_owned();
    if media_type.starts_with("application/apply-patch") {
        return apply(cluster, call, resource);
    }
    let options = options(call, resource)?;
    let body = call.json()?;
    if !body.is_object() && media_type != "application/json-patch+json" {
        return Err(StatusError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            admission::json_type(&body)
        )));
    }
    let kind = &resource.kind;
    let stored_kind = cluster.kind(&kind.storage)?;
    let shape = kind.shape();
    let mut warnings = Vec::new();
    let stored = cluster.update(
        &kind.storage,
        resource.namespace(),
        resource.name(),
        part(resource),
        &options,
        |current| {
            let mut value = convert::to_stored(&stored_kind, kind, current.clone());
            match media_type.as_str() {
                "application/merge-patch+json" => patch::merge_patch(&mut value, &body),
                "application/json-patch+json" => patch::json_patch(&mut value, &body)?,
                "application/strategic-merge-patch+json" if kind.custom.is_none() => {
                    patch::strategic_merge(&mut value, &body, &shape);
                }
                _ => {
                    let strategic = match kind.custom {
                        None => "application/strategic-merge-patch+json, ",
                        Some(_) => "",
                    };
                    return Err(StatusError::unsupported_media_type(format!(
                        "the body of the request was in an unknown format - accepted media types \
                         include: application/json-patch+json, application/merge-patch+json, \
                         {strategic}application/apply-patch+yaml",
                    )));
                }
            }
            let strictness = Strictness::of(call.query("fieldValidation"));
            warnings = admission::decode(kind, &mut value, strictness)
                .map_err(|why| StatusError::invalid_patch(&value, &why.to_string()))?;
            *current = convert::to_stored(kind, &stored_kind, value);
            Ok(())
        },
    )?;
    let response = reply::object(StatusCode::OK, call, kind, &stored)?;
    Ok(reply::with_warnings(response, &warnings))
}

/// Answers a server-side apply.
fn apply(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let kind = &resource.kind;
    let options = options(call, resource)?;
    if call.query("fieldManager").is_empty() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(StatusError::invalid_options("PatchOptions", &[cause]));
    }
    let stored_kind = cluster.kind(&kind.storage)?;
    let mut config = call.json()?;
    check_identity(kind, resource, &mut config)?;
    let config = convert::to_stored(kind, &stored_kind, config);
    let apply = Apply {
        config: &config,
        manager: &options.manager,
        force: call.flag("force"),
        api_version: &options.api_version,
        part: part(resource),
    };
    let (created, stored) = cluster.apply(&kind.storage, &apply, &options)?;
    let code = if created { StatusCode::CREATED } else { StatusCode::OK };
    reply::object(code, call, kind, &stored)
}

/// Who writes and how, and in which version of a custom resource.
fn options(call: &Call, resource: &ResourceCall) -> Result<WriteOptions, StatusError> {
    let mut options = call.write_options()?;
    if resource.kind.custom.is_some() {
        options.api_version = resource.kind.api_version();
    }
    Ok(options)
}

/// The part of an object that a path addresses.
fn part(resource: &ResourceCall) -> Part {
    match resource.subresource.as_deref() {
        Some("status") => Part::Status,
        _ => Part::Main,
    }
}

/// A submitted object checked against its path and its kind's fields, in the form it is stored in;
/// with warnings about what was dropped from it.
fn submitted(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
    mut value: Value,
) -> Result<(Value, Vec<String>), StatusError> {
    let kind = &resource.kind;
    check_identity(kind, resource, &mut value)?;
    let strictness = Strictness::of(call.query("fieldValidation"));
    let warnings =
        admission::decode(kind, &mut value, strictness).map_err(|why| why.of_object(kind))?;
    Ok((convert::to_stored(kind, cluster.kind(&kind.storage)?.as_ref(), value), warnings))
}

/// Checks `apiVersion`, `kind` and `metadata.namespace` against the path and completes them.
fn check_identity(
    kind: &Arc<Kind>,
    resource: &ResourceCall,
    value: &mut Value,
) -> Result<(), StatusError> {
    if !value.is_object() {
        return Err(StatusError::bad_request(
            "couldn't get version/kind; json parse error: the body is not an object",
        ));
    }
    let api_version = object::text(value, &["apiVersion"]);
    if !api_version.is_empty() && api_version != kind.api_version() {
        return Err(StatusError::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            kind.api_version()
        )));
    }
    let given = object::text(value, &["kind"]);
    if !given.is_empty() && given != kind.kind {
        return Err(StatusError::bad_request(format!(
            "the kind in the data ({given}) does not match the expected kind ({})",
            kind.kind
        )));
    }
    let namespace = object::namespace(value).to_owned();
    if kind.namespaced && !namespace.is_empty() && namespace != resource.namespace() {
        return Err(StatusError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    value["apiVersion"] = json!(kind.api_version());
    value["kind"] = json!(kind.kind);
    let metadata = object::metadata_mut(value);
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), json!(resource.namespace()));
    }
    if let (Some(name), false) = (&resource.name, metadata.contains_key("name")) {
        metadata.insert("name".to_owned(), json!(name));
    }
    Ok(())
}
