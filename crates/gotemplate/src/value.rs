//! Go's dynamic values, as templates see them.
//!
//! A [`Value`] is what Go holds in an `interface {}`: a value with its Go type. Cloning is
//! cheap; maps are references, so a change made through one holder is seen by all, as in Go.
//! Values belong to one execution on one thread. What many executions share is kept as a
//! [`Frozen`] tree, from which values are made piece by piece as templates touch them.
//!
//! Not here: how values are printed (`print`), compared by `eq` and `lt` (`builtins`).

mod equal;
mod frozen;
mod list;
mod map;
mod object;
mod release;

use std::fmt;
use std::sync::Arc;

pub use self::frozen::{Frozen, FrozenList, FrozenMap};
pub use self::list::List;
pub use self::map::Map;
pub use self::object::{Object, ObjectRef, Sequence, Underlying};

use crate::func::Function;
use crate::text::Str;
use crate::types::{Kind, ListType, Type};

/// A Go value with its type.
#[derive(Clone, Default)]
pub enum Value {
    /// nil without a type: an empty `interface {}`.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`, which has 64 bits here.
    Int(i64),
    /// `int8`
    Int8(i8),
    /// `int16`
    Int16(i16),
    /// `int32`
    Int32(i32),
    /// `int64`
    Int64(i64),
    /// `uint`, which has 64 bits here.
    Uint(u64),
    /// `uint8`
    Uint8(u8),
    /// `uint16`
    Uint16(u16),
    /// `uint32`
    Uint32(u32),
    /// `uint64`
    Uint64(u64),
    /// `float32`
    Float32(f32),
    /// `float64`
    Float64(f64),
    /// `complex128`: real and imaginary part.
    Complex128(f64, f64),
    /// `string`
    String(Str),
    /// A slice, possibly nil.
    List(List),
    /// A map, possibly nil.
    Map(Map),
    /// A function, for the template function `call`.
    Func(FuncValue),
    /// Everything else: structs, pointers and named types of other kinds.
    Object(ObjectRef),
}

/// A function as a value, with the name of its Go type.
#[derive(Clone, Debug)]
pub struct FuncValue {
    /// The full name of the type, such as `func(string) int`.
    pub type_name: &'static str,
    /// The function.
    pub function: Arc<Function>,
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// A list of type `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(ListType::ANY, items))
    }

    /// A list of type `[]string`.
    pub fn strings<T: Into<Str>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Self::string).collect();
        Self::List(List::new(ListType::STRINGS, items))
    }

    /// A list of type `[]uint8`.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Vec<u8> = bytes.into();
        Self::List(List::from_bytes(bytes))
    }

    /// Wraps an object.
    pub fn object(object: impl Object) -> Self {
        Self::Object(ObjectRef::new(object))
    }

    /// About how many bytes go with this value if it is dropped, without what is in its elements.
    pub(crate) fn sole_size(&self) -> usize {
        match self {
            Self::String(text) => text.sole_size(),
            Self::List(list) => list.sole_size(),
            Self::Map(map) => map.sole_size(),
            _ => 0,
        }
    }

    /// The dynamic type; `None` for nil.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Int8(_) => Type::Int8,
            Self::Int16(_) => Type::Int16,
            Self::Int32(_) => Type::Int32,
            Self::Int64(_) => Type::Int64,
            Self::Uint(_) => Type::Uint,
            Self::Uint8(_) => Type::Uint8,
            Self::Uint16(_) => Type::Uint16,
            Self::Uint32(_) => Type::Uint32,
            Self::Uint64(_) => Type::Uint64,
            Self::Float32(_) => Type::Float32,
            Self::Float64(_) => Type::Float64,
            Self::Complex128(..) => Type::Complex128,
            Self::String(_) => Type::String,
            Self::List(list) => Type::List(list.ty()),
            Self::Map(map) => Type::Map(map.ty()),
            Self::Func(func) => Type::Func(func.type_name),
            Self::Object(object) => object.ty(),
        })
    }

    /// The name of the dynamic type as `%T` prints it: `<nil>` for nil.
    pub fn type_name(&self) -> &'static str {
        self.ty().map_or("<nil>", Type::name)
    }

    /// The kind, as reflection tells it: `invalid` for nil.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int8(_) => Kind::Int8,
            Self::Int16(_) => Kind::Int16,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
            Self::Uint(_) => Kind::Uint,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint16(_) => Kind::Uint16,
            Self::Uint32(_) => Kind::Uint32,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float32(_) => Kind::Float32,
            Self::Float64(_) => Kind::Float64,
            Self::Complex128(..) => Kind::Complex128,
            Self::String(_) => Kind::String,
            Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Func(_) => Kind::Func,
            Self::Object(object) => object.kind(),
        }
    }

    /// Whether this is nil without a type. A nil list or map is not.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The value as a signed integer, if its kind is one of Go's signed integers.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) | Self::Int64(i) => Some(*i),
            Self::Int8(i) => Some(i64::from(*i)),
            Self::Int16(i) => Some(i64::from(*i)),
            Self::Int32(i) => Some(i64::from(*i)),
            Self::Object(object) => object.scalar()?.as_int(),
            _ => None,
        }
    }

    /// The value as an unsigned integer, if its kind is one of Go's unsigned integers.
    pub fn as_uint(&self) -> Option<u64> {
        match self {
            Self::Uint(u) | Self::Uint64(u) => Some(*u),
            Self::Uint8(u) => Some(u64::from(*u)),
            Self::Uint16(u) => Some(u64::from(*u)),
            Self::Uint32(u) => Some(u64::from(*u)),
            Self::Object(object) => object.scalar()?.as_uint(),
            _ => None,
        }
    }

    /// The value as a float, if its kind is one of Go's floats.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float64(f) => Some(*f),
            Self::Float32(f) => Some(f64::from(*f)),
            Self::Object(object) => object.scalar()?.as_float(),
            _ => None,
        }
    }

    /// The value as a bool, if it is of type `bool`.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The string, if the value is of type `string`.
    pub fn as_str(&self) -> Option<&Str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The list, if the value is a slice.
    pub fn as_list(&self) -> Option<&List> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The map, if the value is a map.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The object as its Rust type, if it is one of that type.
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        if let Self::Object(object) = self { object.downcast() } else { None }
    }

    /// Whether templates take the value for true: Go's `template.IsTrue`. False are nil, `false`,
    /// zero, and empty strings, lists and maps. Structs are true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(i) | Self::Int64(i) => *i != 0,
            Self::Int8(i) => *i != 0,
            Self::Int16(i) => *i != 0,
            Self::Int32(i) => *i != 0,
            Self::Uint(u) | Self::Uint64(u) => *u != 0,
            Self::Uint8(u) => *u != 0,
            Self::Uint16(u) => *u != 0,
            Self::Uint32(u) => *u != 0,
            Self::Float32(f) => *f != 0.0,
            Self::Float64(f) => *f != 0.0,
            Self::Complex128(re, im) => *re != 0.0 || *im != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Func(_) => true,
            Self::Object(object) => match object.underlying() {
                Underlying::Value(value) => value.is_true(),
                Underlying::Pointer(target) => target.is_some(),
                Underlying::Struct(_) | Underlying::Sequence(_) => true,
            },
        }
    }

    /// Go's `reflect.DeepEqual`: the same types and the same contents all the way down. 1 (int),
    /// 1 (int64) and 1 (float64) all differ, as do a nil list and an empty one; functions are
    /// never equal.
    pub fn deep_equal(&self, other: &Self) -> bool {
        equal::deep_equal(self, other)
    }

    /// The value Go would find in an unset variable of the type.
    pub(crate) fn zero(ty: Type) -> Self {
        match ty {
            Type::Any | Type::ReflectValue | Type::Func(_) | Type::Named(_) => Self::Nil,
            Type::Bool => Self::Bool(false),
            Type::Int => Self::Int(0),
            Type::Int8 => Self::Int8(0),
            Type::Int16 => Self::Int16(0),
            Type::Int32 => Self::Int32(0),
            Type::Int64 => Self::Int64(0),
            Type::Uint => Self::Uint(0),
            Type::Uint8 => Self::Uint8(0),
            Type::Uint16 => Self::Uint16(0),
            Type::Uint32 => Self::Uint32(0),
            Type::Uint64 => Self::Uint64(0),
            Type::Float32 => Self::Float32(0.0),
            Type::Float64 => Self::Float64(0.0),
            Type::Complex128 => Self::Complex128(0.0, 0.0),
            Type::String => Self::String(Str::EMPTY),
            Type::List(ty) => Self::List(List::nil(ty)),
            Type::Map(ty) => Self::Map(Map::nil(ty)),
        }
    }
}

impl fmt::Debug for Value {
    /// Type and Go-like text, for messages of failed tests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::print::sprint(std::slice::from_ref(self)) {
            Ok(text) => write!(f, "{}({text})", self.type_name()),
            Err(_) => write!(f, "{}(…)", self.type_name()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float64(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::string(value)
    }
}

impl From<Str> for Value {
    fn from(value: Str) -> Self {
        Self::String(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl From<List> for Value {
    fn from(value: List) -> Self {
        Self::List(value)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    /// Collects a `[]interface {}`.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::list(items.into_iter().map(Into::into).collect())
    }
}
