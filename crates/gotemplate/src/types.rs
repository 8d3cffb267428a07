//! Go's types, as far as templates can see them: in the texts of errors, in `%T`, and in the
//! question whether a value may be passed to a parameter.
//!
//! Types of lists and maps are `static`s, so that a value carries its type as one reference and
//! an embedder may add named types with methods (`common.Values`, `engine.files`).

use std::fmt;

use crate::func::Method;

/// A Go type, of a value or of a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// `interface {}`: as a parameter, takes everything, nil too.
    Any,
    /// `reflect.Value`: what Go's own functions declare. Takes everything, as [`Type::Any`] does,
    /// but is named differently in errors.
    ReflectValue,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int8`
    Int8,
    /// `int16`
    Int16,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint`
    Uint,
    /// `uint8`
    Uint8,
    /// `uint16`
    Uint16,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// A slice type.
    List(&'static ListType),
    /// A map type with keys of kind string.
    Map(&'static MapType),
    /// A function type by its full name, such as `func(string) int`.
    Func(&'static str),
    /// Any other named type or pointer by its full name, such as `time.Time` or
    /// `*semver.Version`: the types of [`Object`](crate::Object)s.
    Named(&'static str),
}

impl Type {
    /// The name as Go prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::ReflectValue => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::List(list) => list.name,
            Self::Map(map) => map.name,
            Self::Func(name) | Self::Named(name) => name,
        }
    }

    /// Whether nil may stand for a value of this type.
    pub(crate) fn can_be_nil(self) -> bool {
        match self {
            Self::Any | Self::ReflectValue | Self::List(_) | Self::Map(_) | Self::Func(_) => true,
            Self::Named(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Go's assignability: the same type, or the same structure with at least one side unnamed.
    pub fn assignable_to(self, target: Self) -> bool {
        match (self, target) {
            (_, Self::Any | Self::ReflectValue) => true,
            (Self::List(from), Self::List(to)) => {
                std::ptr::eq(from, to)
                    || from.name == to.name
                    || ((!from.named || !to.named) && from.elem.is(to.elem))
            }
            (Self::Map(from), Self::Map(to)) => {
                std::ptr::eq(from, to)
                    || from.name == to.name
                    || ((!from.named || !to.named) && from.elem.is(to.elem))
            }
            _ => self.is(target),
        }
    }

    /// Whether both are the same type. A full name names one type.
    pub(crate) fn is(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
            && self.name() == other.name()
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        self.is(*other)
    }
}

impl Eq for Type {}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A slice type.
#[derive(Debug)]
pub struct ListType {
    name: &'static str,
    elem: Type,
    named: bool,
    methods: &'static [Method],
}

impl ListType {
    /// `[]interface {}`
    pub const ANY: &'static Self = &Self::unnamed("[]interface {}", Type::Any);
    /// `[]string`
    pub const STRINGS: &'static Self = &Self::unnamed("[]string", Type::String);
    /// `[]int`
    pub const INTS: &'static Self = &Self::unnamed("[]int", Type::Int);
    /// `[]uint8`, that is `[]byte`
    pub const BYTES: &'static Self = &Self::unnamed("[]uint8", Type::Uint8);
    /// `[][]interface {}`
    pub const LISTS: &'static Self = &Self::unnamed("[][]interface {}", Type::List(Self::ANY));

    /// A slice type without a name of its own; `name` is its full spelling, such as `[]float64`.
    pub const fn unnamed(name: &'static str, elem: Type) -> Self {
        Self { name, elem, named: false, methods: &[] }
    }

    /// A named slice type, such as `common.VersionSet`, with the methods templates may call.
    pub const fn named(name: &'static str, elem: Type, methods: &'static [Method]) -> Self {
        Self { name, elem, named: true, methods }
    }

    /// The name as Go prints it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The type of the elements. Elements of a list of [`Type::Any`] may be anything.
    pub fn elem(&self) -> Type {
        self.elem
    }

    pub(crate) fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// A map type with string keys.
#[derive(Debug)]
pub struct MapType {
    name: &'static str,
    elem: Type,
    named: bool,
    methods: &'static [Method],
}

impl MapType {
    /// `map[string]interface {}`
    pub const ANY: &'static Self = &Self::unnamed("map[string]interface {}", Type::Any);
    /// `map[string]string`
    pub const STRINGS: &'static Self = &Self::unnamed("map[string]string", Type::String);

    /// A map type without a name of its own; `name` is its full spelling.
    pub const fn unnamed(name: &'static str, elem: Type) -> Self {
        Self { name, elem, named: false, methods: &[] }
    }

    /// A named map type, such as `common.Values`, with the methods templates may call. In field
    /// syntax (`.Values.Table`) a method hides the key of the same name.
    ///
    /// ```
    /// use gotemplate::{Function, MapType, Method, Type, Value};
    ///
    /// static VALUES: MapType = MapType::named("common.Values", Type::Any, &METHODS);
    /// static METHODS: [Method; 1] =
    ///     [Method::new("AsMap", Function::new(&[], Type::Map(MapType::ANY), |_, args| match args {
    ///         [Value::Map(this)] => Ok(Value::Map(this.retyped(MapType::ANY))),
    ///         _ => Err("AsMap takes no arguments".into()),
    ///     }))];
    /// assert_eq!(VALUES.name(), "common.Values");
    /// ```
    pub const fn named(name: &'static str, elem: Type, methods: &'static [Method]) -> Self {
        Self { name, elem, named: true, methods }
    }

    /// The name as Go prints it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The type of the values in the map. Values in a map of [`Type::Any`] may be anything.
    pub fn elem(&self) -> Type {
        self.elem
    }

    pub(crate) fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// What a Go type is made of: the result of reflection's `Kind`, named as Go's `kindOf` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value at all: nil.
    Invalid,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int8`
    Int8,
    /// `int16`
    Int16,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint`
    Uint,
    /// `uint8`
    Uint8,
    /// `uint16`
    Uint16,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// A slice.
    Slice,
    /// A map.
    Map,
    /// A function.
    Func,
    /// A pointer.
    Ptr,
    /// A struct.
    Struct,
}

impl Kind {
    /// The name as Go prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Func => "func",
            Self::Ptr => "ptr",
            Self::Struct => "struct",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
