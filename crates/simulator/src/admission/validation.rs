//! Validation of what charts get wrong: required fields, doubled names, immutable fields; with the
//! API server's words and paths.
//!
//! It is far from all that Kubernetes checks. What is not checked here is accepted.

mod workload;

use std::fmt::Write;

use serde_json::{Value, json};

use super::names;
use crate::{
    kinds::{
        Kind,
        schema::{Place, Shape},
    },
    object,
    status::Cause,
};

const IMMUTABLE: &str = "field is immutable";

/// What is wrong with an object; `old` is what it replaces.
pub(super) fn problems(kind: &Kind, value: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind.kind.as_str() {
        "Pod" => workload::pod(value, old, &mut causes),
        "Deployment"
        | "StatefulSet"
        | "DaemonSet"
        | "ReplicaSet"
        | "Job"
        | "ReplicationController" => workload::workload(kind, value, old, &mut causes),
        "CronJob" => workload::cron_job(value, &mut causes),
        "Service" => service(value, old, &mut causes),
        "ConfigMap" | "Secret" => data(kind, value, old, &mut causes),
        "Ingress" => ingress(value, &mut causes),
        "PersistentVolumeClaim" => claim(value, old, &mut causes),
        "CustomResourceDefinition" => super::definition::problems(value, old, &mut causes),
        "StorageClass" => storage_class(value, old, &mut causes),
        "RoleBinding" | "ClusterRoleBinding" => role_binding(value, old, &mut causes),
        _ => {}
    }
    let shape = kind.shape();
    required(value, Place::root(&shape), &mut String::new(), &mut causes);
    causes
}

/// Fields that the schema requires and nothing above has complained of already.
fn required(value: &Value, place: Place<'_>, path: &mut String, causes: &mut Vec<Cause>) {
    let length = path.len();
    match value {
        Value::Object(map) => {
            if let Shape::Struct(index) = place.shape {
                for (name, field) in &crate::kinds::schema::Schema::builtin().get(*index).fields {
                    let missing = match map.get(*name) {
                        None | Some(Value::Null) => true,
                        // An empty text is how Go writes a field that was never set.
                        Some(value) => *value == json!("") && *name == "name",
                    };
                    let field_path =
                        if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                    let known = causes.iter().any(|cause| {
                        cause.field == field_path
                            || field_path.starts_with(&format!("{}.", cause.field))
                    });
                    if field.required && missing && !known && is_plain(&field.shape) {
                        causes.push(Cause::required(field_path, ""));
                    }
                }
            }
            for (key, value) in map.iter().filter(|(key, _)| *key != "status") {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                required(value, place.key(key), path, causes);
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                let _ = write!(path, "[{index}]");
                required(item, place.item(), path, causes);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Lists and maps that are "required" may be empty, which Go writes as nothing.
fn is_plain(shape: &Shape) -> bool {
    matches!(shape, Shape::String | Shape::Int(_) | Shape::IntOrString)
}

/// Complains of a field that changed and must not.
pub(super) fn immutable(
    value: &Value,
    old: Option<&Value>,
    path: &[&str],
    causes: &mut Vec<Cause>,
) {
    let Some(old) = old else { return };
    let (had, has) = (object::at(old, path), object::at(value, path));
    if had != has {
        let shown = has.cloned().unwrap_or_default();
        causes.push(Cause::invalid(path.join("."), &shown, IMMUTABLE));
    }
}

fn service(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let service_type = object::text(spec, &["type"]);
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !types.contains(&service_type) {
        causes.push(Cause::not_supported("spec.type", &spec["type"], &types));
    }
    let ports = object::list(spec, &["ports"]);
    let headless = spec["clusterIP"] == "None";
    if ports.is_empty() && !headless && service_type != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if service_type == "ExternalName" && object::text(spec, &["externalName"]).is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    }
    let mut seen: Vec<(&Value, &Value)> = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if ports.len() > 1 && object::text(port, &["name"]).is_empty() {
            causes.push(Cause::required(format!("{path}.name"), ""));
        }
        check_port(port, "port", &format!("{path}.port"), causes);
        if seen.contains(&(&port["port"], &port["protocol"])) {
            let shown = json!({ "port": port["port"], "protocol": port["protocol"] });
            causes.push(Cause::duplicate(path, &shown));
        }
        seen.push((&port["port"], &port["protocol"]));
    }
    let had_address = old.is_some_and(|old| !object::text(old, &["spec", "clusterIP"]).is_empty());
    let same_type = old.is_some_and(|old| old["spec"]["type"] == spec["type"]);
    if had_address && same_type && service_type != "ExternalName" {
        let before = causes.len();
        immutable(value, old, &["spec", "clusterIP"], causes);
        if causes.len() > before {
            causes.truncate(before);
            let detail = "may not change once set";
            causes.push(Cause::invalid("spec.clusterIPs[0]", &json!([spec["clusterIP"]]), detail));
        }
    }
}

fn check_port(map: &Value, key: &str, path: &str, causes: &mut Vec<Cause>) {
    if let Some(number) = map.get(key).and_then(Value::as_i64)
        && !(1..=65535).contains(&number)
    {
        causes.push(Cause::invalid(path, &map[key], "must be between 1 and 65535, inclusive"));
    }
}

fn data(kind: &Kind, value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut size = 0;
    for part in ["data", "binaryData"] {
        for (key, text) in value[part].as_object().into_iter().flatten() {
            size += text.as_str().map_or(0, str::len);
            if key.is_empty() || key.len() > 253 || !key.chars().all(plain) {
                causes.push(Cause::invalid(
                    format!("{part}[{key}]"),
                    &json!(key),
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
                     (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation \
                     is '[-._a-zA-Z0-9]+')",
                ));
            }
            let encoded = kind.kind == "Secret" || part == "binaryData";
            if encoded && STANDARD.decode(text.as_str().unwrap_or_default()).is_err() {
                causes.push(Cause::invalid(
                    format!("{part}[{key}]"),
                    &json!("<hidden>"),
                    "illegal base64 data",
                ));
            }
        }
    }
    if size > 1 << 20 && kind.kind == "ConfigMap" || size * 3 / 4 > 1 << 20 {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            message: "Too long: may not be more than 1048576 bytes".to_owned(),
            field: if kind.kind == "Secret" { "data" } else { "" }.to_owned(),
        });
    }
    if kind.kind == "Secret" {
        immutable(value, old, &["type"], causes);
    }
    if old.is_some_and(|old| old["immutable"] == json!(true)) {
        for part in ["data", "binaryData", "immutable"] {
            if old.map(|old| &old[part]) != Some(&value[part]) {
                causes.push(Cause::forbidden(part, "field is immutable when `immutable` is set"));
            }
        }
    }
}

fn ingress(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let rules = object::list(spec, &["rules"]);
    if rules.is_empty() && spec.get("defaultBackend").is_none() {
        causes.push(Cause::invalid(
            "spec",
            &Value::Array(Vec::new()),
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    for (index, rule) in rules.iter().enumerate() {
        let host = object::text(rule, &["host"]);
        let plain = host.strip_prefix("*.").unwrap_or(host);
        if !host.is_empty()
            && let Err(why) = names::dns_subdomain(plain)
        {
            causes.push(Cause::invalid(format!("spec.rules[{index}].host"), &rule["host"], &why));
        }
        for (number, path) in object::list(rule, &["http", "paths"]).iter().enumerate() {
            let field = format!("spec.rules[{index}].http.paths[{number}]");
            let path_type = object::text(path, &["pathType"]);
            let types = ["Exact", "ImplementationSpecific", "Prefix"];
            if path_type.is_empty() {
                causes.push(Cause::required(
                    format!("{field}.pathType"),
                    "pathType must be specified",
                ));
            } else if !types.contains(&path_type) {
                causes.push(Cause::not_supported(
                    format!("{field}.pathType"),
                    &path["pathType"],
                    &types,
                ));
            }
            let text = object::text(path, &["path"]);
            if path_type != "ImplementationSpecific" && !text.starts_with('/') {
                causes.push(Cause::invalid(
                    format!("{field}.path"),
                    &json!(text),
                    "must be an absolute path",
                ));
            }
        }
    }
}

fn claim(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if object::list(value, &["spec", "accessModes"]).is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if object::at(value, &["spec", "resources", "requests", "storage"]).is_none() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    let Some(old) = old else { return };
    let fixed = |claim: &Value| {
        let mut spec = claim["spec"].clone();
        // What may change: the size, and the volume once it is bound.
        for key in ["resources", "volumeName", "volumeAttributesClassName"] {
            object::remove(&mut spec, key);
        }
        // A claim that was made before there was a default class may get one.
        if object::at(old, &["spec", "storageClassName"]).is_none() {
            object::remove(&mut spec, "storageClassName");
        }
        spec
    };
    if fixed(old) != fixed(value) {
        causes.push(Cause::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and \
             volumeAttributesClassName for bound claims",
        ));
    }
}

fn storage_class(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        if old.is_some_and(|old| old[key] != value[key]) {
            causes.push(Cause::forbidden(key, "updates to this field are forbidden."));
        }
    }
}

fn role_binding(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if let Some(old) = old
        && old["roleRef"] != value["roleRef"]
    {
        causes.push(Cause::invalid("roleRef", &value["roleRef"], "cannot change roleRef"));
    }
}
