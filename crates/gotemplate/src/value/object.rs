//! Go values beyond the basic ones: structs, pointers to them, and named types with methods.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use super::Value;
use crate::func::Method;
use crate::text::Str;
use crate::types::{Kind, Type};

/// A Go value with fields or methods, such as a struct, a pointer to one, or a `time.Duration`.
///
/// ```
/// use gotemplate::{FuncMap, Object, TemplateSet, Type, Underlying, Value};
///
/// struct KubeVersion { version: &'static str }
///
/// impl Object for KubeVersion {
///     fn ty(&self) -> Type { Type::Named("common.KubeVersion") }
///     fn underlying(&self) -> Underlying {
///         Underlying::Struct(vec![("Version", Value::from(self.version))])
///     }
/// }
///
/// let mut set = TemplateSet::new("page", FuncMap::new());
/// set.parse("page", "{{ .Version }} {{ . }}")?;
/// let text = set.execute("page", Value::object(KubeVersion { version: "v1.37.0" }))?;
/// assert_eq!(text, b"v1.37.0 {v1.37.0}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Object: Any {
    /// The Go type: [`Type::Named`] with the full name, `*pkg.Type` for a pointer.
    fn ty(&self) -> Type;

    /// What the value is made of. Decides its kind, how it prints and whether it is true.
    fn underlying(&self) -> Underlying;

    /// An exported field by name. A field of interface type that is unset is `Value::Nil`.
    ///
    /// Pointers are asked as the struct they point to is. The default looks into
    /// [`underlying`](Self::underlying); implement it where building all fields costs.
    fn field(&self, name: &str) -> Option<Value> {
        match self.underlying() {
            Underlying::Struct(fields) => {
                fields.into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
            }
            Underlying::Pointer(Some(Value::Object(target))) => target.field(name),
            _ => None,
        }
    }

    /// Whether the type has an exported field `name`. Asked of nil pointers alone, where Go tells
    /// a field that cannot be read from one that does not exist.
    fn has_field(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// A method by name. Its function gets the receiver as first argument, before those its
    /// signature counts. `addressable` says that the value was reached through a pointer, so
    /// that methods with a pointer receiver can be called too.
    fn method(&self, name: &str, addressable: bool) -> Option<&'static Method> {
        let _ = (name, addressable);
        None
    }

    /// The result of the value's `Error` or `String` method, if the type has one: what printing
    /// shows. `addressable` as for [`method`](Self::method): a struct whose `String` has a
    /// pointer receiver prints through it in `{{ .Field }}`, but not as a function's argument.
    fn text(&self, addressable: bool) -> Option<Str> {
        let _ = addressable;
        None
    }

    /// Go's `==` with another value of the same type; `None` where Go cannot compare the type.
    /// The default says that a value equals itself alone, which is right for pointers.
    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let (this, other): (*const Self, *const dyn Object) = (self, other);
        Some(std::ptr::addr_eq(this, other))
    }
}

/// What an [`Object`] is made of.
pub enum Underlying {
    /// A struct with its fields in order, the unexported ones too (those a template may not
    /// read must be kept out by [`Object::field`]).
    Struct(Vec<(&'static str, Value)>),
    /// A pointer and what it points to; `None` for a nil pointer.
    Pointer(Option<Value>),
    /// A named type made of a basic type, a list or a map: `time.Duration` of `int64`.
    Value(Value),
    /// An iterator function or a channel, for `range`.
    Sequence(Sequence),
}

/// What an iterator function or a channel yields to `range`.
pub enum Sequence {
    /// `iter.Seq` or a channel: elements.
    One(Box<dyn Iterator<Item = Value>>),
    /// `iter.Seq2`: pairs.
    Two(Box<dyn Iterator<Item = (Value, Value)>>),
}

/// A reference to an object. Cloning gives another reference to the same one.
#[derive(Clone)]
pub struct ObjectRef(Rc<dyn Object>);

impl ObjectRef {
    /// Wraps an object.
    pub fn new(object: impl Object) -> Self {
        Self(Rc::new(object))
    }

    /// The object as its Rust type.
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        let object: &dyn Any = &*self.0;
        object.downcast_ref()
    }

    /// Whether both are the same object in memory.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The kind, as reflection tells it.
    pub fn kind(&self) -> Kind {
        match self.0.underlying() {
            Underlying::Struct(_) => Kind::Struct,
            Underlying::Pointer(_) => Kind::Ptr,
            Underlying::Value(value) => value.kind(),
            Underlying::Sequence(_) => Kind::Func,
        }
    }

    /// The basic value a named type such as `time.Duration` is made of.
    pub(crate) fn scalar(&self) -> Option<Value> {
        if let Underlying::Value(value) = self.0.underlying() { Some(value) } else { None }
    }

    /// An address that tells objects apart as long as they live; what `%p` prints.
    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl std::ops::Deref for ObjectRef {
    type Target = dyn Object;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.ty().name())
    }
}
