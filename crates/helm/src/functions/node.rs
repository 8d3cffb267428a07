//! Template values as the YAML and JSON writers see them.

use super::dates::TimeValue;
use super::semver::VersionValue;
use crate::golang::base_encoding::encode_base64;
use gotemplate::{ListType, ObjectRef, Str, Underlying, Value};
use goyaml::{Node, Shape};

/// A template value to be written as YAML or JSON, as Go's `encoding/json` would see it: times and
/// versions are texts, bytes are base64, of structs only the exported fields show.
#[derive(Clone, Debug)]
pub struct TemplateNode(Value);

impl TemplateNode {
    /// Views a value; cheap.
    pub fn new(value: &Value) -> Self {
        Self(value.clone())
    }
}

impl Node for TemplateNode {
    type Text = Str;

    fn shape(&self) -> Shape<Self> {
        match &self.0 {
            Value::Nil => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::String(text) => Shape::Text(text.clone()),
            Value::List(list) if list.is_nil() => Shape::Null,
            Value::List(list) if list.ty().name() == ListType::BYTES.name() => {
                Shape::Text(match list.as_bytes() {
                    Some(bytes) => encode_base64(bytes).into(),
                    None => encode_base64(&bytes_of(list.items())).into(),
                })
            }
            Value::List(list) => Shape::Seq(list.items().iter().map(Self::new).collect()),
            Value::Map(map) if map.is_nil() => Shape::Null,
            Value::Map(map) => {
                let entries = map.entries().into_iter();
                Shape::Map(entries.map(|(key, value)| (key, Self(value))).collect())
            }
            Value::Func(function) => Shape::Unsupported(function.type_name.to_owned()),
            Value::Object(object) => object_shape(object),
            number => number_shape(number),
        }
    }
}

fn bytes_of(items: &[Value]) -> Vec<u8> {
    items.iter().filter_map(|item| u8::try_from(item.as_uint()?).ok()).collect()
}

fn number_shape(number: &Value) -> Shape<TemplateNode> {
    if let Some(int) = number.as_int() {
        return Shape::Int(int);
    }
    if let Some(int) = number.as_uint() {
        return Shape::Uint(int);
    }
    match number.as_float() {
        Some(float) => Shape::Float(float),
        None => Shape::Unsupported(number.type_name().to_owned()),
    }
}

fn object_shape(object: &ObjectRef) -> Shape<TemplateNode> {
    if let Some(TimeValue(time)) = object.downcast() {
        let text = time.to_rfc3339().map(|text| Shape::Text(text.into()));
        return text.unwrap_or_else(|| Shape::Unsupported("time.Time".to_owned()));
    }
    if let Some(value) = object.downcast::<VersionValue>() {
        return Shape::Text(value.version.to_string().into());
    }
    match object.underlying() {
        Underlying::Struct(fields) => {
            let exported = fields.into_iter().filter(|(name, _)| is_exported(name));
            Shape::Map(exported.map(|(name, value)| (name.into(), TemplateNode(value))).collect())
        }
        Underlying::Pointer(target) => TemplateNode(target.unwrap_or_default()).shape(),
        Underlying::Value(value) => TemplateNode(value).shape(),
        Underlying::Sequence(_) => Shape::Unsupported(object.ty().name().to_owned()),
    }
}

fn is_exported(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}
