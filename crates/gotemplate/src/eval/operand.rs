//! Values during evaluation: what Go holds in a `reflect.Value`.

use crate::value::Value;

/// A value, with what Go's reflection knows about it beyond its contents.
#[derive(Clone)]
pub(crate) struct Operand {
    /// `Value::Nil` is a nil interface if `boxed`, and otherwise no value at all.
    pub(crate) value: Value,
    /// It was found in a place of type `interface {}`, such as an element of a
    /// `map[string]interface {}`. Errors then name that type, and a nil takes no fields.
    pub(crate) boxed: bool,
    /// It was reached through a pointer, so methods with a pointer receiver can be called.
    pub(crate) addressable: bool,
}

impl Operand {
    /// No value: Go's zero `reflect.Value`.
    pub(crate) const NONE: Self = Self { value: Value::Nil, boxed: false, addressable: false };

    /// A value known by its own type.
    pub(crate) fn concrete(value: Value) -> Self {
        Self { value, boxed: false, addressable: false }
    }

    /// A value from a place of type `interface {}`.
    pub(crate) fn boxed(value: Value) -> Self {
        Self { value, boxed: true, addressable: false }
    }

    /// A value from a place of the given type.
    pub(crate) fn of_type(value: Value, ty: crate::types::Type) -> Self {
        match ty {
            crate::types::Type::Any => Self::boxed(value),
            _ => Self::concrete(value),
        }
    }

    /// Whether there is no value at all, not even a nil in an interface.
    pub(crate) fn is_none(&self) -> bool {
        self.value.is_nil() && !self.boxed
    }

    /// The name of the static type; not for no value.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.boxed { "interface {}" } else { self.value.type_name() }
    }
}
