//! `OpenAPI` as far as clients ask for it: what a kind's fields are (`kubectl explain`, strategic
//! merge), which patches its resource takes, that `fieldValidation` is understood.
//!
//! Version 3 has a document per group version, written from the table of built-in types or from
//! the schemas of definitions. Parameters and answers of operations are named, not described.

mod types;
pub(super) mod v2;

use serde_json::{Map, Value, json};

use self::types::Types;
use super::discovery;
use crate::{
    kinds::{Kind, Kinds},
    status::StatusError,
};

/// The paths of all documents.
pub(super) fn index(kinds: &Kinds) -> Value {
    let mut paths = Map::new();
    for group in std::iter::once(String::new()).chain(discovery::groups(kinds)) {
        for version in discovery::versions(kinds, &group) {
            let path = root(&group, &version).trim_start_matches('/').to_owned();
            let url = format!("/openapi/v3/{path}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

/// The document of a group version.
pub(super) fn document(kinds: &Kinds, group: &str, version: &str) -> Result<Value, StatusError> {
    if !discovery::versions(kinds, group).iter().any(|it| it == version) {
        return Err(StatusError::no_such_path());
    }
    let (mut paths, mut types) = (Map::new(), Types::default());
    for kind in discovery::of_version(kinds, group, version) {
        let name = types.add_kind(kind);
        add_paths(&mut paths, kind, &name);
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": discovery::GIT_VERSION },
        "paths": paths,
        "components": { "schemas": types.schemas() },
    }))
}

/// `/api/v1` or `/apis/apps/v1`.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

fn add_paths(paths: &mut Map<String, Value>, kind: &Kind, type_name: &str) {
    let root = root(&kind.group, &kind.version);
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{root}{scope}/{}", kind.plural);
    let operation = |action: &str| operation(kind, type_name, action);
    let mut object = json!({
        "get": operation("get"),
        "put": operation("put"),
        "patch": operation("patch"),
        "delete": operation("delete"),
    });
    if kind.namespaced {
        paths.insert(format!("{root}/{}", kind.plural), json!({ "get": operation("list") }));
    }
    paths.insert(
        collection.clone(),
        json!({
            "get": operation("list"),
            "post": operation("post"),
            "delete": operation("deletecollection"),
        }),
    );
    paths.insert(format!("{collection}/{{name}}"), object.clone());
    if kind.status {
        object.as_object_mut().and_then(|it| it.shift_remove("delete"));
        paths.insert(format!("{collection}/{{name}}/status"), object);
    }
}

fn operation(kind: &Kind, type_name: &str, action: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{type_name}") });
    let content = json!({ "application/json": { "schema": schema } });
    let mut operation = json!({
        "responses": { "200": { "description": "OK", "content": content } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": kind.group, "version": kind.version, "kind": kind.kind,
        },
    });
    let parameters: &[&str] = match action {
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        _ => &[],
    };
    operation["parameters"] = parameters.iter().map(|name| parameter(name)).collect();
    match action {
        "patch" => {
            let mut content = Map::new();
            for patch in patch_types(kind) {
                let schema = json!({ "schema": { "type": "object" } });
                content.insert(format!("application/{patch}"), schema);
            }
            operation["requestBody"] = json!({ "content": content, "required": true });
        }
        "post" | "put" => {
            operation["requestBody"] = json!({ "content": content, "required": true });
        }
        _ => {}
    }
    operation
}

fn parameter(name: &str) -> Value {
    let value_type = match name {
        "force" => "boolean",
        "gracePeriodSeconds" => "integer",
        _ => "string",
    };
    json!({ "name": name, "in": "query", "schema": { "type": value_type, "uniqueItems": true } })
}

fn patch_types(kind: &Kind) -> &'static [&'static str] {
    const ALL: &[&str] =
        &["apply-patch+yaml", "json-patch+json", "merge-patch+json", "strategic-merge-patch+json"];
    if kind.custom.is_some() { &ALL[..3] } else { ALL }
}
