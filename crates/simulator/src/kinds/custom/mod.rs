//! Custom resources: the kinds that a `CustomResourceDefinition` makes a cluster serve.
//!
//! A definition gives one [`Kind`] per version. What such a kind has beyond a built-in one (its
//! schema, columns, scale paths) is its [`Custom`]. Checking objects against the schema is
//! `admission::custom`'s work, establishing definitions a controller's.

mod json_path;
mod shape;
mod versions;

use std::{fmt::Write, sync::Arc};

use serde_json::{Value, json};

pub(crate) use self::{json_path::JsonPath, versions::by_priority};
use super::{Kind, schema::Shape};
use crate::object;

/// The resource id of definitions.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What a kind of custom resources has beyond a built-in one.
#[derive(Debug)]
pub struct Custom {
    /// The name of the definition, `gizmos.example.org`.
    pub definition: String,
    /// The kind of lists.
    pub list_kind: String,
    /// The structural schema of the version as it is declared; an empty object if there is none.
    pub schema: Value,
    /// The same as far as merging needs it.
    pub shape: Shape,
    /// Columns of `kubectl get`.
    pub(crate) columns: Vec<PrinterColumn>,
    /// Where the replicas are, if `/scale` is a subresource.
    pub(crate) scale: Option<ScalePaths>,
    /// Fields that field selectors may name.
    pub(crate) selectable: Vec<String>,
    /// What a client of a deprecated version is told.
    pub deprecation: Option<String>,
    /// Whether it is the version that objects are stored in.
    pub stored: bool,
    /// Whether the version is served at all.
    pub served: bool,
}

/// A column of `kubectl get`.
#[derive(Debug)]
pub(crate) struct PrinterColumn {
    pub(crate) name: String,
    pub(crate) value_type: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: JsonPath,
}

/// Where in an object the numbers of `/scale` are.
#[derive(Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec: Vec<String>,
    pub(crate) status: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

/// Whether a controller has accepted the definition and its resources are served.
pub(crate) fn is_established(definition: &Value) -> bool {
    object::condition(definition, "Established") == "True"
}

/// The finalizer that keeps a deleted definition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// What the deletion of a definition begins with: its objects go first.
pub(crate) fn begin_cleanup(definition: &mut Value) {
    let finalizers =
        object::metadata_mut(definition).entry("finalizers").or_insert_with(|| json!([]));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.contains(&json!(CLEANUP))
    {
        finalizers.push(json!(CLEANUP));
    }
    let text =
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    object::set_condition(definition, "Terminating", "True", "InstanceDeletionPending", text);
}

/// The kinds of a definition, one per version, in the order of discovery.
pub(crate) fn kinds_of(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    // What was accepted once goes on being served, whatever later names are refused.
    let accepted = object::at(definition, &["status", "acceptedNames"]);
    let names = accepted.filter(|it| !object::text(it, &["plural"]).is_empty());
    let names = names.unwrap_or(&spec["names"]);
    let mut versions: Vec<&Value> = object::list(spec, &["versions"]).iter().collect();
    versions.sort_by(|a, b| by_priority(object::text(a, &["name"]), object::text(b, &["name"])));
    versions.into_iter().map(|version| kind_of(definition, names, version)).collect()
}

fn kind_of(definition: &Value, names: &Value, version: &Value) -> Kind {
    let spec = &definition["spec"];
    let text = |value: &Value, key: &str| object::text(value, &[key]).to_owned();
    let texts = |key: &str| -> Vec<String> {
        let items = object::list(names, &[key]).iter().filter_map(Value::as_str);
        items.map(str::to_owned).collect()
    };
    let (group, plural) = (text(spec, "group"), text(names, "plural"));
    let schema = object::at(version, &["schema", "openAPIV3Schema"]).cloned();
    let mut schema = schema.unwrap_or_else(|| json!({}));
    if spec["preserveUnknownFields"] == json!(true) || schema == json!({}) {
        schema["x-kubernetes-preserve-unknown-fields"] = json!(true);
    }
    let subresources = &version["subresources"];
    let custom = Custom {
        definition: object::name(definition).to_owned(),
        list_kind: text(names, "listKind"),
        shape: shape::of_root(&schema),
        columns: columns_of(version),
        scale: subresources.get("scale").map(scale_paths),
        selectable: selectable(version),
        deprecation: deprecation(definition, names, version),
        stored: version["storage"] == json!(true),
        served: version["served"] == json!(true),
        schema,
    };
    Kind {
        version: text(version, "name"),
        kind: text(names, "kind"),
        singular: text(names, "singular"),
        short_names: texts("shortNames"),
        namespaced: object::text(spec, &["scope"]) == "Namespaced",
        categories: texts("categories"),
        status: subresources.get("status").is_some(),
        scale: custom.scale.is_some(),
        storage: format!("{plural}.{group}"),
        custom: Some(Arc::new(custom)),
        plural,
        group,
    }
}

fn columns_of(version: &Value) -> Vec<PrinterColumn> {
    let text = |column: &Value, key: &str| object::text(column, &[key]).to_owned();
    let columns =
        object::list(version, &["additionalPrinterColumns"]).iter().map(|column| PrinterColumn {
            name: text(column, "name"),
            value_type: text(column, "type"),
            format: text(column, "format"),
            description: text(column, "description"),
            priority: object::integer(column, &["priority"]).unwrap_or(0),
            path: JsonPath::parse(object::text(column, &["jsonPath"])),
        });
    let columns: Vec<PrinterColumn> = columns.collect();
    if !columns.is_empty() {
        return columns;
    }
    vec![PrinterColumn {
        name: "Age".to_owned(),
        value_type: "date".to_owned(),
        format: String::new(),
        description: String::new(),
        priority: 0,
        path: JsonPath::parse(".metadata.creationTimestamp"),
    }]
}

fn selectable(version: &Value) -> Vec<String> {
    let fields = object::list(version, &["selectableFields"]).iter();
    fields
        .map(|field| object::text(field, &["jsonPath"]).trim_start_matches('.').to_owned())
        .collect()
}

fn scale_paths(scale: &Value) -> ScalePaths {
    let path = |key: &str| -> Vec<String> {
        let text = object::text(scale, &[key]);
        text.split('.').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let selector = path("labelSelectorPath");
    ScalePaths {
        spec: path("specReplicasPath"),
        status: path("statusReplicasPath"),
        selector: (!selector.is_empty()).then_some(selector),
    }
}

/// The warning that goes with a deprecated version: its own, or one that names the best other.
fn deprecation(definition: &Value, names: &Value, version: &Value) -> Option<String> {
    if version["deprecated"] != json!(true) {
        return None;
    }
    if let Some(own) = version.get("deprecationWarning").and_then(Value::as_str) {
        return Some(own.to_owned());
    }
    let group = object::text(&definition["spec"], &["group"]);
    let (kind, name) = (object::text(names, &["kind"]), object::text(version, &["name"]));
    let mut better: Vec<&str> = object::list(&definition["spec"], &["versions"])
        .iter()
        .filter(|it| it["served"] == json!(true) && it["deprecated"] != json!(true))
        .map(|it| object::text(it, &["name"]))
        .filter(|it| by_priority(it, name).is_lt())
        .collect();
    better.sort_by(|a, b| by_priority(a, b));
    let mut warning = format!("{group}/{name} {kind} is deprecated");
    if let Some(best) = better.first() {
        let _ = write!(warning, "; use {group}/{best} {kind}");
    }
    Some(warning)
}
