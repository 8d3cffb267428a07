//! [`Value`]: what a YAML document holds once JSON has had its say.

use std::fmt;
use std::sync::Arc;

use crate::Map;

/// A tree of plain data. Cloning is cheap (collections and texts are shared), and a tree may be
/// sent between threads.
///
/// Equality is Go's: `Int(1)`, `Uint(1)` and `Float(1.0)` differ, `NaN` differs from itself.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer. [`parse`](crate::parse) never makes one.
    Int(i64),
    /// An integer above `i64::MAX`. [`parse`](crate::parse) never makes one.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A text.
    String(Arc<str>),
    /// A list.
    Seq(Arc<Vec<Value>>),
    /// A mapping.
    Map(Map),
}

impl Value {
    /// An empty mapping.
    pub fn empty_map() -> Self {
        Self::Map(Map::new())
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The mapping to change, if it is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_seq(&self) -> Option<&[Value]> {
        match self {
            Self::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The value `path` leads to, one mapping key per step.
    pub fn get_path<K: AsRef<str>>(&self, path: &[K]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.get(key.as_ref()))
    }

    /// The text a number or boolean becomes where Go wants a string: `sigs.k8s.io/yaml` turns
    /// `version: 1.10` of a typed target into `1.1`, floats with 32 bits of precision. A string
    /// stays as it is; `None` for null and collections.
    ///
    /// Meant for values from [`parse_keeping_integers`](crate::parse_keeping_integers).
    pub fn coerced_text(&self) -> Option<Arc<str>> {
        match self {
            Self::String(text) => Some(Arc::clone(text)),
            Self::Bool(value) => Some(if *value { "true" } else { "false" }.into()),
            Self::Int(value) => Some(value.to_string().into()),
            Self::Uint(value) => Some(value.to_string().into()),
            Self::Float(value) => Some(crate::number::format_g32(*value).into()),
            Self::Null | Self::Seq(_) | Self::Map(_) => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => write!(f, "{value}i"),
            Self::Uint(value) => write!(f, "{value}u"),
            Self::Float(value) => value.fmt(f),
            Self::String(text) => text.fmt(f),
            Self::Seq(items) => items.fmt(f),
            Self::Map(map) => map.fmt(f),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Seq(Arc::new(items))
    }
}
