//! `CustomResourceDefinition`s: their defaults, and what is refused of them, in the API server's
//! words. Schemas have to be structural, as far as leaving out types goes.

use serde_json::{Value, json};

use crate::{object, status::Cause};

/// Defaults of a definition.
pub(super) fn fill(definition: &mut Value) {
    let spec = object::map_mut(definition, "spec");
    let kind = spec.get("names").map(|names| object::text(names, &["kind"]).to_owned());
    let kind = kind.unwrap_or_default();
    let default = |map: &mut serde_json::Map<String, Value>, key: &str, value: Value| {
        if map.get(key).is_none_or(|it| it.is_null() || *it == json!("")) {
            map.insert(key.to_owned(), value);
        }
    };
    if let Some(Value::Object(names)) = spec.get_mut("names")
        && !kind.is_empty()
    {
        default(names, "singular", json!(kind.to_lowercase()));
        default(names, "listKind", json!(format!("{kind}List")));
    }
    default(spec, "conversion", json!({ "strategy": "None" }));
    if spec.get("preserveUnknownFields") == Some(&json!(false)) {
        // Go leaves it out where it says nothing.
        spec.shift_remove("preserveUnknownFields");
    }
    let webhook = spec.get_mut("conversion").and_then(|it| it.get_mut("webhook"));
    let service = webhook.and_then(|it| it.get_mut("clientConfig")?.get_mut("service"));
    if let Some(Value::Object(service)) = service {
        default(service, "port", json!(443));
    }
}

/// The version that objects are stored in has to be remembered.
pub(super) fn remember_stored_version(definition: &mut Value) {
    let versions = object::list(definition, &["spec", "versions"]);
    let stored = versions.iter().find(|version| version["storage"] == json!(true));
    let Some(stored) = stored.map(|version| version["name"].clone()) else { return };
    let status = object::map_mut(definition, "status");
    let versions = status.entry("storedVersions").or_insert_with(|| json!([]));
    if let Some(versions) = versions.as_array_mut()
        && !versions.contains(&stored)
    {
        versions.push(stored);
    }
}

/// What is wrong with a definition.
pub(super) fn problems(definition: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let (group, plural) = (object::text(spec, &["group"]), object::text(names, &["plural"]));
    let wanted = format!("{plural}.{group}");
    if object::name(definition) != wanted && causes.is_empty() {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &json!(object::name(definition)), detail));
    }
    check_group(definition, group, causes);
    for (key, value) in [("group", group), ("scope", object::text(spec, &["scope"]))] {
        if value.is_empty() {
            causes.push(Cause::required(format!("spec.{key}"), ""));
        }
    }
    if !matches!(object::text(spec, &["scope"]), "" | "Cluster" | "Namespaced") {
        let allowed = ["Cluster", "Namespaced"];
        causes.push(Cause::not_supported("spec.scope", &spec["scope"], &allowed));
    }
    for key in ["plural", "singular", "kind", "listKind"] {
        if object::text(names, &[key]).is_empty() {
            causes.push(Cause::required(format!("spec.names.{key}"), ""));
        }
    }
    check_versions(spec, causes);
    check_stored_versions(definition, causes);
    if let Some(old) = old
        && object::condition(old, "Established") == "True"
    {
        for path in
            [["spec", "scope"].as_slice(), &["spec", "names", "kind"], &["spec", "names", "plural"]]
        {
            super::validation::immutable(definition, Some(old), path, causes);
        }
    }
}

/// Groups of Kubernetes itself are only for what was reviewed.
fn check_group(definition: &Value, group: &str, causes: &mut Vec<Cause>) {
    const APPROVAL: &str = "api-approved.kubernetes.io";
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|suffix| group == *suffix || group.ends_with(&format!(".{suffix}")));
    if protected && object::annotation(definition, APPROVAL).is_none_or(str::is_empty) {
        causes.push(Cause::required(
            format!("metadata.annotations[{APPROVAL}]"),
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see \
             https://github.com/kubernetes/enhancements/pull/1111",
        ));
    }
}

fn check_versions(spec: &Value, causes: &mut Vec<Cause>) {
    let versions = object::list(spec, &["versions"]);
    let stored = versions.iter().filter(|version| version["storage"] == json!(true)).count();
    let mut seen = Vec::new();
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = &version["name"];
        if seen.contains(&name) {
            causes.push(Cause::invalid(
                format!("{path}.name"),
                name,
                "must be unique among versions",
            ));
        }
        seen.push(name);
        let schema = object::at(version, &["schema", "openAPIV3Schema"]);
        let schema_path = format!("{path}.schema.openAPIV3Schema");
        match schema {
            None => causes.push(Cause::required(schema_path, "")),
            // One schema for all versions is what the API server makes of equal ones.
            Some(schema) if versions.len() == 1 => {
                check_schema(schema, "spec.validation.openAPIV3Schema", causes);
            }
            Some(schema) => check_schema(schema, &schema_path, causes),
        }
    }
    if stored != 1 {
        causes.push(Cause::invalid(
            "spec.versions",
            &spec["versions"],
            "must have exactly one version marked as storage version",
        ));
    }
}

fn check_schema(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    match object::text(schema, &["type"]) {
        "object" => {}
        "" => {
            causes.push(Cause::required(format!("{path}.type"), "must not be empty at the root"));
        }
        other => causes.push(Cause::invalid(
            format!("{path}.type"),
            &json!(other),
            "must be object at the root",
        )),
    }
    check_types_below(schema, path, causes);
}

/// A structural schema says the type of everything, unless it says that anything may be there.
fn check_types_below(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let untyped = |below: &Value| {
        let free = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"];
        object::text(below, &["type"]).is_empty()
            && !free.iter().any(|it| below[*it] == json!(true))
    };
    let mut look = |below: &Value, path: String, what: &str| {
        if untyped(below) {
            let detail = format!("must not be empty for specified {what}");
            causes.push(Cause::required(format!("{path}.type"), &detail));
        }
        check_types_below(below, &path, causes);
    };
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        look(below, format!("{path}.properties[{name}]"), "object fields");
    }
    if schema["additionalProperties"].is_object() {
        let path = format!("{path}.additionalProperties");
        look(&schema["additionalProperties"], path, "object fields");
    }
    if schema["items"].is_object() {
        look(&schema["items"], format!("{path}.items"), "array items");
    } else if schema["type"] == json!("array") {
        causes.push(Cause::required(format!("{path}.items"), "must be specified"));
    }
}

/// A version in which objects may be stored has to stay known.
fn check_stored_versions(definition: &Value, causes: &mut Vec<Cause>) {
    let known = object::list(definition, &["spec", "versions"]);
    let stored = object::list(definition, &["status", "storedVersions"]);
    for (index, version) in stored.iter().enumerate() {
        if !known.iter().any(|it| it["name"] == *version) {
            let name = version.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must \
                 remain in spec.versions until a storage migration ensures no data remains persisted \
                 in {name} and removes {name} from status.storedVersions"
            );
            let path = format!("status.storedVersions[{index}]");
            causes.push(Cause::invalid(path, version, &detail));
        }
    }
}
