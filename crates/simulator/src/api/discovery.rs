//! Discovery: groups, versions, resources, the server's version and its health.
//!
//! Both forms are served: the old one (a document per group version) and the aggregated one that
//! `kubectl` and `helm` ask for first.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    openapi,
    reply::{self, Body},
    review,
};
use crate::{
    kinds::{Kind, Kinds, custom::by_priority, table},
    status::StatusError,
};

/// The version the simulator says it is.
const MAJOR: &str = "1";
const MINOR: &str = "37";
pub(super) const GIT_VERSION: &str = "v1.37.1";

const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const REVIEW_GROUPS: &[&str] = &["authentication.k8s.io", "authorization.k8s.io"];

/// Answers every path that is not a resource's.
pub(super) fn answer(call: &Call, kinds: &Kinds) -> Result<Response<Body>, StatusError> {
    if call.method != http::Method::GET {
        return Err(StatusError::method_not_allowed());
    }
    let segments: Vec<&str> = call.path.split('/').filter(|it| !it.is_empty()).collect();
    let body = match segments.as_slice() {
        [] => {
            json!({ "paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] })
        }
        ["version"] => version(),
        ["healthz" | "livez" | "readyz", ..] => return Ok(plain_text("ok")),
        ["api"] if wants_aggregated(call) => return Ok(aggregated(kinds, true)),
        ["apis"] if wants_aggregated(call) => return Ok(aggregated(kinds, false)),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups(kinds).iter().map(|group| group_document(kinds, group)).collect::<Vec<_>>(),
        }),
        ["apis", group] if groups(kinds).iter().any(|it| it == group) => {
            let mut document = group_document(kinds, group);
            document["kind"] = json!("APIGroup");
            document["apiVersion"] = json!("v1");
            document
        }
        ["api", version] => resources(kinds, "", version)?,
        ["apis", group, version] => resources(kinds, group, version)?,
        ["openapi", "v2"] => {
            return Ok(content(openapi::v2::document(kinds), openapi::v2::CONTENT_TYPE));
        }
        ["openapi", "v3"] => openapi::index(kinds),
        ["openapi", "v3", "api", version] => openapi::document(kinds, "", version)?,
        ["openapi", "v3", "apis", group, version] => openapi::document(kinds, group, version)?,
        _ => return Err(StatusError::no_such_path()),
    };
    Ok(reply::json_value(StatusCode::OK, &body))
}

fn version() -> Value {
    json!({
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": "36",
        "gitVersion": GIT_VERSION,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "landfall/simulator",
    })
}

fn plain_text(text: &'static str) -> Response<Body> {
    content(text.as_bytes().to_vec(), "text/plain")
}

fn content(bytes: Vec<u8>, content_type: &'static str) -> Response<Body> {
    let mut response = reply::json_bytes(StatusCode::OK, bytes);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The named groups, in the order of the table.
pub(super) fn groups(kinds: &Kinds) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    let served = kinds.served().iter().map(|kind| kind.group.as_str());
    for group in served.chain(REVIEW_GROUPS.iter().copied()) {
        if !group.is_empty() && !groups.iter().any(|it| it == group) {
            groups.push(group.to_owned());
        }
    }
    groups
}

/// Whether a path is one of a group that is built in.
pub(super) fn is_of_builtin_group(path: &str) -> bool {
    let mut segments = path.split('/').filter(|it| !it.is_empty());
    match (segments.next(), segments.next()) {
        (Some("api"), _) => true,
        (Some("apis"), Some(group)) => {
            REVIEW_GROUPS.contains(&group) || table::builtin().any(|kind| kind.group == group)
        }
        _ => false,
    }
}

/// The versions of a group, preferred first.
pub(super) fn versions(kinds: &Kinds, group: &str) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for kind in kinds.served().iter().filter(|kind| kind.group == group) {
        if !versions.contains(&kind.version) {
            versions.push(kind.version.clone());
        }
    }
    // Several definitions may share a group; the best version of all of them is preferred.
    if kinds.served().iter().any(|kind| kind.group == group && kind.custom.is_some()) {
        versions.sort_by(|a, b| by_priority(a, b));
    }
    if REVIEW_GROUPS.contains(&group) {
        versions.push("v1".to_owned());
    }
    versions
}

fn group_document(kinds: &Kinds, group: &str) -> Value {
    let versions: Vec<Value> = versions(kinds, group)
        .iter()
        .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
        .collect();
    json!({ "name": group, "versions": versions, "preferredVersion": versions[0] })
}

pub(super) fn of_version<'a>(
    kinds: &'a Kinds,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = &'a Arc<Kind>> {
    kinds.served().iter().filter(move |kind| kind.group == group && kind.version == version)
}

/// The `APIResourceList` of a group version.
fn resources(kinds: &Kinds, group: &str, version: &str) -> Result<Value, StatusError> {
    let mut resources = Vec::new();
    for kind in of_version(kinds, group, version) {
        let mut resource = json!({
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": VERBS,
        });
        add_names(&mut resource, kind);
        resources.push(resource);
        for sub in subresources(kind) {
            let mut resource = json!({
                "name": format!("{}/{}", kind.plural, sub.name),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": sub.kind,
                "verbs": sub.verbs,
            });
            if sub.group != kind.group || sub.version != kind.version {
                resource["group"] = json!(sub.group);
                resource["version"] = json!(sub.version);
            }
            resources.push(resource);
        }
    }
    if version == "v1" {
        resources.extend(review::of_group(group).map(|(plural, kind, namespaced)| {
            json!({
                "name": plural,
                "singularName": kind.to_lowercase(),
                "namespaced": namespaced,
                "kind": kind,
                "verbs": ["create"],
            })
        }));
    }
    if resources.is_empty() {
        return Err(StatusError::no_such_path());
    }
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }))
}

fn add_names(resource: &mut Value, kind: &Kind) {
    if !kind.short_names.is_empty() {
        resource["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        resource["categories"] = json!(kind.categories);
    }
}

struct Subresource {
    name: &'static str,
    group: String,
    version: String,
    kind: String,
    verbs: &'static [&'static str],
}

fn subresources(kind: &Kind) -> Vec<Subresource> {
    let own = |name, verbs| Subresource {
        name,
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        verbs,
    };
    let mut all = Vec::new();
    if kind.storage == "pods" {
        all.push(own("log", &["get"]));
        all.push(Subresource {
            name: "eviction",
            group: "policy".to_owned(),
            version: "v1".to_owned(),
            kind: "Eviction".to_owned(),
            verbs: &["create"],
        });
    }
    if kind.scale {
        all.push(Subresource {
            name: "scale",
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs: &["get", "patch", "update"],
        });
    }
    if kind.status {
        all.push(own("status", &["get", "patch", "update"]));
    }
    all
}

/// Whether a media type the client accepts is the aggregated document, version 2.
fn wants_aggregated(call: &Call) -> bool {
    call.accept.split(',').any(|media_type| {
        let has = |wanted: &str| media_type.split(';').any(|it| it.trim() == wanted);
        has("as=APIGroupDiscoveryList") && has("v=v2")
    })
}

/// All groups and resources in one document.
fn aggregated(kinds: &Kinds, core: bool) -> Response<Body> {
    let names = if core { vec![String::new()] } else { groups(kinds) };
    let items: Vec<Value> = names
        .iter()
        .map(|group| {
            let versions: Vec<Value> = versions(kinds, group)
                .iter()
                .map(|version| {
                    json!({
                        "version": version,
                        "resources": aggregated_resources(kinds, group, version),
                        "freshness": "Current",
                    })
                })
                .collect();
            let mut metadata = Map::new();
            if !core {
                metadata.insert("name".to_owned(), json!(group));
            }
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    let mut response = reply::json_value(StatusCode::OK, &document);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        ),
    );
    response
}

fn aggregated_resources(kinds: &Kinds, group: &str, version: &str) -> Vec<Value> {
    let scope = |namespaced| if namespaced { "Namespaced" } else { "Cluster" };
    let kind_document = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let mut resources: Vec<Value> = of_version(kinds, group, version)
        .map(|kind| {
            let mut resource = json!({
                "resource": kind.plural,
                "responseKind": kind_document(group, version, &kind.kind),
                "scope": scope(kind.namespaced),
                "singularResource": kind.singular,
                "verbs": VERBS,
            });
            add_names(&mut resource, kind);
            let subresources: Vec<Value> = subresources(kind)
                .iter()
                .map(|sub| {
                    json!({
                        "subresource": sub.name,
                        "responseKind": kind_document(&sub.group, &sub.version, &sub.kind),
                        "verbs": sub.verbs,
                    })
                })
                .collect();
            if !subresources.is_empty() {
                resource["subresources"] = json!(subresources);
            }
            resource
        })
        .collect();
    if version == "v1" {
        resources.extend(review::of_group(group).map(|(plural, kind, namespaced)| {
            json!({
                "resource": plural,
                "responseKind": kind_document(group, version, kind),
                "scope": scope(namespaced),
                "singularResource": kind.to_lowercase(),
                "verbs": ["create"],
            })
        }));
    }
    resources
}
