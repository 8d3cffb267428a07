//! Template values as the YAML and JSON writers see them: through `encoding/json`
//! ([`TemplateNode`]), or directly by go-yaml v3 ([`PrettyNode`]).

use super::dates::{DurationValue, TimeValue};
use super::semver::VersionValue;
use crate::golang::base_encoding::encode_base64;
use crate::golang::time::Time;
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

fn number_shape<N: Node>(number: &Value) -> Shape<N> {
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
        return time_shape(time);
    }
    if let Some(value) = object.downcast::<VersionValue>() {
        return Shape::Text(value.version.to_string().into());
    }
    match object.underlying() {
        Underlying::Struct(fields) => {
            // Of the structs templates meet, only this one has other names in JSON.
            let renamed = object.ty().name() == "version.BuildInfo";
            let exported = fields.into_iter().filter(|(name, _)| is_exported(name));
            let named = exported.map(|(name, value)| {
                let name = if renamed { snake_case(name).into() } else { name.into() };
                (name, TemplateNode(value))
            });
            Shape::Struct(named.collect())
        }
        Underlying::Pointer(target) => TemplateNode(target.unwrap_or_default()).shape(),
        Underlying::Value(value) => TemplateNode(value).shape(),
        Underlying::Sequence(_) => Shape::Unsupported(object.ty().name().to_owned()),
    }
}

fn time_shape<N: Node<Text = Str>>(time: &Time) -> Shape<N> {
    let text = time.to_rfc3339().map(|text| Shape::Time(text.into()));
    text.unwrap_or_else(|| Shape::Unsupported("time.Time".to_owned()))
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn is_exported(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// A template value as go-yaml v3 sees it: nil lists and maps are empty ones, bytes are numbers,
/// durations are texts, fields have lower-case names.
#[derive(Clone, Debug)]
pub(super) struct PrettyNode(Value);

impl PrettyNode {
    /// Views a value; cheap.
    pub(super) fn new(value: &Value) -> Self {
        Self(value.clone())
    }
}

impl Node for PrettyNode {
    type Text = Str;

    fn shape(&self) -> Shape<Self> {
        match &self.0 {
            Value::Nil => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::String(text) => Shape::Text(text.clone()),
            Value::List(list) => Shape::Seq(list.items().iter().map(Self::new).collect()),
            Value::Map(map) => {
                let entries = map.entries().into_iter();
                Shape::Map(entries.map(|(key, value)| (key, Self(value))).collect())
            }
            Value::Func(function) => Shape::Unsupported(function.type_name.to_owned()),
            Value::Object(object) => pretty_object(object),
            number => number_shape(number),
        }
    }
}

fn pretty_object(object: &ObjectRef) -> Shape<PrettyNode> {
    if let Some(TimeValue(time)) = object.downcast() {
        return time_shape(time);
    }
    if let Some(DurationValue(duration)) = object.downcast() {
        return Shape::Text(duration.to_string().into());
    }
    if let Some(value) = object.downcast::<VersionValue>() {
        return Shape::Text(value.version.to_string().into());
    }
    match object.underlying() {
        Underlying::Struct(fields) => {
            let exported = fields.into_iter().filter(|(name, _)| is_exported(name));
            let named =
                exported.map(|(name, value)| (name.to_lowercase().into(), PrettyNode(value)));
            Shape::Struct(named.collect())
        }
        Underlying::Pointer(target) => PrettyNode(target.unwrap_or_default()).shape(),
        Underlying::Value(value) => PrettyNode(value).shape(),
        Underlying::Sequence(_) => Shape::Unsupported(object.ty().name().to_owned()),
    }
}
