//! The schemas of a document: the types of its kinds and all that these are made of.

use serde_json::{Map, Value, json};

use crate::{
    kinds::{
        Kind,
        custom::Custom,
        enums,
        schema::{Field, ListMerge, ListShape, PatchStrategy, Schema, Shape, Struct},
    },
    object,
};

const OBJECT_META: &str = "meta.v1.ObjectMeta";

/// Types collected so far.
#[derive(Debug, Default)]
pub(super) struct Types {
    schemas: Map<String, Value>,
}

impl Types {
    /// All of them, by name.
    pub(super) fn schemas(self) -> Map<String, Value> {
        self.schemas
    }

    /// Adds a kind and what it is made of; answers the name of its type.
    pub(super) fn add_kind(&mut self, kind: &Kind) -> String {
        let name = match (&kind.custom, kind.shape()) {
            (Some(custom), _) => self.add_custom(kind, custom),
            (None, Shape::Struct(index)) => self.add(Schema::builtin().get(index)),
            (None, _) => return String::new(),
        };
        if let Some(schema) = self.schemas.get_mut(&name) {
            let gvk = json!({ "group": kind.group, "version": kind.version, "kind": kind.kind });
            match schema["x-kubernetes-group-version-kind"].as_array_mut() {
                Some(kinds) => kinds.push(gvk),
                None => schema["x-kubernetes-group-version-kind"] = json!([gvk]),
            }
        }
        name
    }

    /// The schema of a definition with what every object has.
    fn add_custom(&mut self, kind: &Kind, custom: &Custom) -> String {
        let mut schema = custom.schema.clone();
        schema["type"] = json!("object");
        let metadata = self.reference(OBJECT_META);
        let properties = object::map_mut(&mut schema, "properties");
        properties.insert("apiVersion".to_owned(), json!({ "type": "string" }));
        properties.insert("kind".to_owned(), json!({ "type": "string" }));
        properties.insert("metadata".to_owned(), metadata);
        let mut parts: Vec<&str> = kind.group.split('.').rev().collect();
        parts.extend([kind.version.as_str(), &kind.kind]);
        let name = parts.join(".");
        self.schemas.insert(name.clone(), schema);
        name
    }

    /// Adds a built-in type and what it is made of; answers its name.
    fn add(&mut self, of: &Struct) -> String {
        let name = full_name(of.name);
        if self.schemas.contains_key(&name) {
            return name;
        }
        // The place is taken first: some types contain themselves.
        self.schemas.insert(name.clone(), Value::Null);
        let mut properties = Map::new();
        for (key, field) in &of.fields {
            let mut schema = self.field(field);
            if let Some(values) = enums::of_field(of.name, key) {
                schema["enum"] = json!(values);
            }
            properties.insert((*key).to_owned(), schema);
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        let required = of.fields.iter().filter(|(_, field)| field.required);
        let required: Vec<&str> = required.map(|(key, _)| *key).collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if of.atomic {
            schema["x-kubernetes-map-type"] = json!("atomic");
        }
        self.schemas.insert(name.clone(), schema);
        name
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut schema = self.shape(&field.shape);
        if let Some(default) = &field.default {
            schema["default"] = default.clone();
        }
        let strategy = match (&field.shape, field.strategy) {
            (Shape::List(list), strategy) if list.patch_key.is_some() => {
                if strategy == PatchStrategy::RetainKeys { "merge,retainKeys" } else { "merge" }
            }
            (_, PatchStrategy::RetainKeys) => "retainKeys",
            (_, PatchStrategy::Replace) => "replace",
            (_, PatchStrategy::Merge) => "",
        };
        if !strategy.is_empty() {
            in_front_of_reference(&mut schema);
            schema["x-kubernetes-patch-strategy"] = json!(strategy);
        }
        match field.atomic {
            Some(true) => schema["x-kubernetes-map-type"] = json!("atomic"),
            Some(false) => schema["x-kubernetes-map-type"] = json!("granular"),
            None => {}
        }
        schema
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::String => json!({ "type": "string" }),
            Shape::Bytes => json!({ "type": "string", "format": "byte" }),
            Shape::Int(bits) => json!({ "type": "integer", "format": format!("int{bits}") }),
            Shape::Number => json!({ "type": "number", "format": "double" }),
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Quantity => self.scalar(
                "api.resource.Quantity",
                json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] }),
            ),
            Shape::IntOrString => self.scalar(
                "util.intstr.IntOrString",
                json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] }),
            ),
            Shape::Time => {
                self.scalar("meta.v1.Time", json!({ "type": "string", "format": "date-time" }))
            }
            Shape::MicroTime => {
                self.scalar("meta.v1.MicroTime", json!({ "type": "string", "format": "date-time" }))
            }
            Shape::Any | Shape::Object(_) => json!({ "type": "object" }),
            // JSON of a schema may be anything, what is opaque elsewhere is an object.
            Shape::Opaque(name) if name.starts_with("apiextensions.") => {
                self.scalar(name, json!({}))
            }
            Shape::Opaque(name) => self.scalar(name, json!({ "type": "object" })),
            Shape::Map(value) => {
                json!({ "type": "object", "additionalProperties": self.shape(value) })
            }
            Shape::List(list) => self.list(list),
            Shape::Struct(index) => {
                let name = self.add(Schema::builtin().get(*index));
                reference_to(&name)
            }
        }
    }

    fn list(&mut self, list: &ListShape) -> Value {
        let mut schema = json!({ "type": "array", "items": self.shape(&list.item) });
        match &list.merge {
            ListMerge::Atomic => {}
            ListMerge::Set => schema["x-kubernetes-list-type"] = json!("set"),
            ListMerge::Keys(keys) => {
                schema["x-kubernetes-list-type"] = json!("map");
                schema["x-kubernetes-list-map-keys"] = json!(keys);
            }
        }
        if let Some(key) = list.patch_key.as_ref().filter(|key| !key.is_empty()) {
            schema["x-kubernetes-patch-merge-key"] = json!(key);
        }
        schema
    }

    /// A reference to a built-in type of the table.
    fn reference(&mut self, name: &str) -> Value {
        let shape = Schema::builtin().named(name).unwrap_or(Shape::Any);
        self.shape(&shape)
    }

    /// A reference to a type that is no struct.
    fn scalar(&mut self, name: &str, schema: Value) -> Value {
        let full = full_name(name);
        self.schemas.entry(full.clone()).or_insert(schema);
        reference_to(&full)
    }
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A reference has no other keys beside it; with more to say it stands in an `allOf`.
fn in_front_of_reference(schema: &mut Value) {
    if schema.get("$ref").is_some() {
        *schema = json!({ "allOf": [schema.take()] });
    }
}

/// The name of a type in Go's packages, by which documents call it.
fn full_name(name: &str) -> String {
    let package = match name.split('.').next().unwrap_or_default() {
        "meta" => "io.k8s.apimachinery.pkg.apis",
        "api" | "util" | "runtime" => "io.k8s.apimachinery.pkg",
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis",
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis",
        _ => "io.k8s.api",
    };
    format!("{package}.{name}")
}
