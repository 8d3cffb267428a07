//! [`Node`]: how a writer sees a tree of values, whoever owns it.

use std::sync::Arc;

use crate::Value;

/// A value of some tree that can be written as YAML or JSON without being converted first.
///
/// A node is a handle, cheap to make: a reference, or a reference-counted pointer. The writers ask
/// each node for its [`Shape`] once.
///
/// ```
/// use goyaml::{Node, Shape};
///
/// /// Countdown from a number, as a list of lists.
/// #[derive(Clone, Copy)]
/// struct Down(i64);
///
/// impl Node for Down {
///     type Text = &'static str;
///
///     fn shape(&self) -> Shape<Self> {
///         if self.0 == 0 { Shape::Text("lift off") } else { Shape::Seq(vec![Down(self.0 - 1)]) }
///     }
/// }
///
/// assert_eq!(goyaml::to_string(&Down(2)).unwrap(), "- - lift off\n");
/// ```
pub trait Node: Sized {
    /// A text or key. It should be UTF-8; what is not is treated as Go treats it.
    type Text: AsRef<[u8]>;

    /// What this node is, and its children if it has any.
    fn shape(&self) -> Shape<Self>;
}

/// One node as a writer sees it.
pub enum Shape<N: Node> {
    /// `null`; also Go's nil map or list.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A float.
    Float(f64),
    /// A text.
    Text(N::Text),
    /// A list.
    Seq(Vec<N>),
    /// A mapping, in any order, every key once.
    Map(Vec<(N::Text, N)>),
    /// A Go struct: its fields in their order, every name once. JSON keeps that order, and so does
    /// go-yaml v3; what goes through JSON and YAML comes out sorted like a mapping.
    Struct(Vec<(N::Text, N)>),
    /// An instant in RFC 3339: a text, which go-yaml v3 writes without quotes.
    Time(N::Text),
    /// Something that cannot be written, by its Go type name; ends in an error.
    Unsupported(String),
}

impl<'a> Node for &'a Value {
    type Text = &'a str;

    fn shape(&self) -> Shape<Self> {
        match *self {
            Value::Null => Shape::Null,
            Value::Bool(value) => Shape::Bool(*value),
            Value::Int(value) => Shape::Int(*value),
            Value::Uint(value) => Shape::Uint(*value),
            Value::Float(value) => Shape::Float(*value),
            Value::String(text) => Shape::Text(&**text),
            Value::Seq(items) => Shape::Seq(items.iter().collect()),
            Value::Map(map) => Shape::Map(map.iter().collect()),
        }
    }
}

/// The text of a [`Value`] that is a node by itself.
#[derive(Clone, Debug)]
pub struct SharedText(Arc<str>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// By value for convenience; writing a reference shares nothing and is a little faster.
impl Node for Value {
    type Text = SharedText;

    fn shape(&self) -> Shape<Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(value) => Shape::Bool(*value),
            Self::Int(value) => Shape::Int(*value),
            Self::Uint(value) => Shape::Uint(*value),
            Self::Float(value) => Shape::Float(*value),
            Self::String(text) => Shape::Text(SharedText(Arc::clone(text))),
            Self::Seq(items) => Shape::Seq(items.to_vec()),
            Self::Map(map) => {
                let own =
                    |(key, value): (&Arc<str>, &Self)| (SharedText(Arc::clone(key)), value.clone());
                Shape::Map(map.shared_iter().map(own).collect())
            }
        }
    }
}
