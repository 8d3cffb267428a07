//! `GET` of a collection: selectors, paging, resource versions.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    call::{Call, ResourceCall},
    convert,
    reply::{self, Body, Form},
};
use crate::{
    cluster::Cluster,
    kinds::{Kind, columns},
    selector::{FieldSelector, LabelSelector},
    status::StatusError,
    store::StoredObject,
};

/// What a client asks for of a collection.
#[derive(Debug)]
pub(super) struct Selection {
    kind: Arc<Kind>,
    namespace: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// Reads selectors and namespace of a request.
    pub(super) fn of(call: &Call, resource: &ResourceCall) -> Result<Self, StatusError> {
        let fields = FieldSelector::parse(call.query("fieldSelector"))?;
        for field in fields.fields() {
            resource.kind.check_selectable(field).map_err(StatusError::bad_request)?;
        }
        Ok(Self {
            kind: Arc::clone(&resource.kind),
            namespace: resource.namespace.clone(),
            labels: LabelSelector::parse(call.query("labelSelector"))?,
            fields,
        })
    }

    /// Whether an object is in the selection.
    pub(super) fn takes(&self, object: &StoredObject) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| namespace == &*object.namespace)
            && self.fields.name().is_none_or(|name| name == &*object.name)
            && self.fields.namespace().is_none_or(|namespace| namespace == &*object.namespace)
            && object.matches(&self.labels)
            && (!self.fields.needs_object()
                || self.fields.matches(&convert::served_value(&self.kind, object)))
    }

    /// The selected objects, with the revision at which they are the whole truth.
    pub(super) fn list(&self, cluster: &Cluster) -> (u64, Vec<Arc<StoredObject>>) {
        let (revision, mut objects) =
            cluster.store().list(&self.kind.storage, self.namespace.as_deref());
        objects.retain(|object| self.takes(object));
        (revision, objects)
    }
}

/// Where the next page begins.
#[derive(Debug, Serialize, Deserialize)]
struct Continue {
    /// The revision of the first page, which all pages state.
    rv: u64,
    /// Namespace and name of the last object answered.
    after: (String, String),
}

/// Answers `GET` of a collection.
///
/// Pages are cut from the present state: a client that then watches from the stated resource
/// version is told of every change that happened between its pages.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let selection = Selection::of(call, resource)?;
    let (mut revision, mut objects) = selection.list(cluster);
    check_version(call, revision)?;
    if !call.query("continue").is_empty() {
        let position = read_continue(call.query("continue"))?;
        revision = position.rv;
        let (namespace, name) = (position.after.0.as_str(), position.after.1.as_str());
        objects.retain(|object| (&*object.namespace, &*object.name) > (namespace, name));
    }
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    let limit = call.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
    if limit > 0 && objects.len() > limit {
        metadata["remainingItemCount"] = json!(objects.len() - limit);
        objects.truncate(limit);
        if let Some(last) = objects.last() {
            let after = (last.namespace.to_string(), last.name.to_string());
            let next = serde_json::to_vec(&Continue { rv: revision, after });
            let next = next.map_err(|error| StatusError::internal(error.to_string()))?;
            metadata["continue"] = json!(URL_SAFE_NO_PAD.encode(next));
        }
    }
    let body = match Form::of(call)? {
        Form::Object => plain(&resource.kind, &objects, &metadata),
        Form::Metadata => {
            let items = objects.iter().map(|object| reply::metadata_only(&object.value()));
            let list = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": items.collect::<Vec<Value>>(),
            });
            list.to_string().into_bytes()
        }
        Form::Table => {
            let kind = &resource.kind;
            let values = objects.iter().map(|object| convert::served_value(kind, object));
            let rows = values.map(|object| columns::row(kind, &object)).collect();
            let include_object = call.query("includeObject");
            reply::table(include_object, kind, rows, &metadata, true).to_string().into_bytes()
        }
    };
    Ok(reply::json_bytes(StatusCode::OK, body))
}

/// A list written straight from the stored texts.
pub(super) fn plain(kind: &Kind, objects: &[Arc<StoredObject>], metadata: &Value) -> Vec<u8> {
    let head = format!(
        "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
        kind.list_kind(),
        kind.api_version()
    );
    let size: usize = objects.iter().map(|object| object.json().len() + 1).sum();
    let mut body = Vec::with_capacity(head.len() + size + 2);
    body.extend_from_slice(head.as_bytes());
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&convert::served(kind, object));
    }
    body.extend_from_slice(b"]}");
    body
}

/// Refuses what cannot be promised about the age of the answer.
pub(super) fn check_version(call: &Call, revision: u64) -> Result<(), StatusError> {
    let given = call.query("resourceVersion");
    if given.is_empty() || given == "0" {
        return Ok(());
    }
    let wanted: u64 = given
        .parse()
        .map_err(|_| StatusError::bad_request(format!("invalid resource version {given:?}")))?;
    if wanted > revision {
        return Err(StatusError::too_large_resource_version(wanted, revision));
    }
    if call.query("resourceVersionMatch") == "Exact" && wanted < revision {
        return Err(StatusError::expired(format!(
            "The provided resource version {wanted} is too old: the simulator keeps no old lists"
        )));
    }
    Ok(())
}

fn read_continue(text: &str) -> Result<Continue, StatusError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok();
    decoded
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| StatusError::bad_request("continue key is not valid"))
}
