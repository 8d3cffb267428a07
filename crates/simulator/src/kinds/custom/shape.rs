//! A structural schema as a [`Shape`]: the part of it that merging and field ownership need.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    kinds::schema::{Field, ListMerge, ListShape, ObjectShape, Schema, Shape},
    object,
};

/// The shape of a version's objects.
pub(super) fn of_root(schema: &Value) -> Shape {
    let mut shape = object_shape(schema);
    add_identity(&mut shape);
    Shape::Object(Arc::new(shape))
}

/// Every object has these, whatever its schema says of them.
fn add_identity(shape: &mut ObjectShape) {
    let metadata = Schema::builtin().named("meta.v1.ObjectMeta").unwrap_or(Shape::Any);
    for (name, of) in
        [("apiVersion", Shape::String), ("kind", Shape::String), ("metadata", metadata)]
    {
        // Identity is always there, so that nobody owns `metadata` itself.
        shape.fields.insert(name.to_owned(), Field { required: true, ..Field::plain(of) });
    }
}

fn object_shape(schema: &Value) -> ObjectShape {
    let properties = schema["properties"].as_object();
    let rest = match &schema["additionalProperties"] {
        Value::Object(_) => Some(of(&schema["additionalProperties"])),
        Value::Bool(true) => Some(Shape::Any),
        _ => None,
    };
    let fields: BTreeMap<String, Field> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let default = schema.get("default").cloned();
            (name.clone(), Field { default, ..Field::plain(of(schema)) })
        })
        .collect();
    let preserves = schema["x-kubernetes-preserve-unknown-fields"] == json!(true);
    let free = preserves || fields.is_empty();
    ObjectShape {
        atomic: schema["x-kubernetes-map-type"] == json!("atomic"),
        rest: rest.or_else(|| free.then_some(Shape::Any)),
        fields,
    }
}

fn of(schema: &Value) -> Shape {
    if schema["x-kubernetes-int-or-string"] == json!(true) {
        return Shape::IntOrString;
    }
    match object::text(schema, &["type"]) {
        "object" => {
            let mut shape = object_shape(schema);
            if schema["x-kubernetes-embedded-resource"] == json!(true) {
                add_identity(&mut shape);
            }
            Shape::Object(Arc::new(shape))
        }
        "array" => Shape::List(Box::new(list_shape(schema))),
        "string" => Shape::String,
        "integer" => Shape::Int(if schema["format"] == json!("int32") { 32 } else { 64 }),
        "number" => Shape::Number,
        "boolean" => Shape::Bool,
        _ => Shape::Any,
    }
}

fn list_shape(schema: &Value) -> ListShape {
    let merge = match object::text(schema, &["x-kubernetes-list-type"]) {
        "set" => ListMerge::Set,
        "map" => {
            let keys = object::list(schema, &["x-kubernetes-list-map-keys"]).iter();
            ListMerge::Keys(keys.filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => ListMerge::Atomic,
    };
    ListShape { item: of(&schema["items"]), merge, patch_key: None }
}
