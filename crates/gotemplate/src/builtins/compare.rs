//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use std::cmp::Ordering;

use crate::error::FuncError;
use crate::print;
use crate::text::Str;
use crate::types::Kind;
use crate::value::{Underlying, Value};

type Compared = Result<Value, FuncError>;

/// A value of a kind that can be compared. Types of one kind compare with each other.
enum Basic {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    String(Str),
}

impl Basic {
    fn of(value: &Value) -> Option<Self> {
        if let Some(int) = value.as_int() {
            return Some(Self::Int(int));
        }
        if let Some(uint) = value.as_uint() {
            return Some(Self::Uint(uint));
        }
        if let Some(float) = value.as_float() {
            return Some(Self::Float(float));
        }
        match value {
            Value::Bool(b) => Some(Self::Bool(*b)),
            Value::Complex128(re, im) => Some(Self::Complex(*re, *im)),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Object(object) => Self::of(&object.scalar()?),
            _ => None,
        }
    }

    /// Whether both are equal; `None` if their kinds cannot be compared.
    #[expect(clippy::float_cmp, reason = "Go compares floats exactly")]
    fn equals(&self, other: &Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) => left == right,
            (Self::Uint(left), Self::Uint(right)) => left == right,
            (Self::Int(int), Self::Uint(uint)) | (Self::Uint(uint), Self::Int(int)) => {
                u64::try_from(*int) == Ok(*uint)
            }
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Complex(a, b), Self::Complex(c, d)) => a == c && b == d,
            (Self::String(left), Self::String(right)) => left == right,
            _ => return None,
        })
    }
}

/// `eq`: whether the first argument equals any of the others.
pub(super) fn eq(args: &[Value]) -> Compared {
    let [first, others @ ..] = args else {
        return Err("missing argument for comparison".into());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(args: &[Value]) -> Compared {
    let (left, right) = pair(args)?;
    Ok(Value::Bool(!equal(left, right)?))
}

pub(super) fn lt(args: &[Value]) -> Compared {
    let (left, right) = pair(args)?;
    Ok(Value::Bool(less(left, right)?))
}

pub(super) fn le(args: &[Value]) -> Compared {
    let (left, right) = pair(args)?;
    Ok(Value::Bool(less(left, right)? || equal(left, right)?))
}

pub(super) fn gt(args: &[Value]) -> Compared {
    let (left, right) = pair(args)?;
    Ok(Value::Bool(!(less(left, right)? || equal(left, right)?)))
}

pub(super) fn ge(args: &[Value]) -> Compared {
    let (left, right) = pair(args)?;
    Ok(Value::Bool(!less(left, right)?))
}

fn pair(args: &[Value]) -> Result<(&Value, &Value), FuncError> {
    match args {
        [left, right] => Ok((left, right)),
        _ => Err("missing argument for comparison".into()),
    }
}

fn equal(left: &Value, right: &Value) -> Result<bool, FuncError> {
    match (Basic::of(left), Basic::of(right)) {
        (Some(basic_left), Some(basic_right)) => {
            basic_left.equals(&basic_right).ok_or_else(|| incompatible(left, right))
        }
        (None, None) => equal_references(left, right),
        _ if left.is_nil() || right.is_nil() => Ok(false),
        _ => Err(incompatible(left, right)),
    }
}

/// Equality of what is not basic: nil with all, pointers and structs with their like.
fn equal_references(left: &Value, right: &Value) -> Result<bool, FuncError> {
    let (left_kind, right_kind) = (left.kind(), right.kind());
    if left_kind != right_kind && left_kind != Kind::Invalid && right_kind != Kind::Invalid {
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            print::sprintf("%s", std::slice::from_ref(left))?,
            left.type_name(),
            right.type_name(),
            print::sprintf("%v", std::slice::from_ref(right))?,
        )
        .into());
    }
    if is_nil(left) || is_nil(right) {
        return Ok(is_nil(left) && is_nil(right));
    }
    let comparable = match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.ty() == right.ty() => {
            right.equals(&**left)
        }
        (_, Value::Object(right)) => right.equals(&**right).map(|_| false),
        _ => None,
    };
    match comparable {
        Some(equal) => Ok(equal),
        None => Err(format!(
            "non-comparable type {}: {}",
            print::sprintf("%s", std::slice::from_ref(right))?,
            right.type_name(),
        )
        .into()),
    }
}

/// Whether the value is nil in its own type or without one.
fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        Value::Object(object) => matches!(object.underlying(), Underlying::Pointer(None)),
        _ => false,
    }
}

fn less(left: &Value, right: &Value) -> Result<bool, FuncError> {
    const BAD: &str = "invalid type for comparison";
    let basic_left = Basic::of(left).ok_or(BAD)?;
    let basic_right = Basic::of(right).ok_or(BAD)?;
    let ordering = match (&basic_left, &basic_right) {
        (Basic::Int(left), Basic::Int(right)) => left.cmp(right),
        (Basic::Uint(left), Basic::Uint(right)) => left.cmp(right),
        (Basic::Int(left), Basic::Uint(right)) => {
            u64::try_from(*left).map_or(Ordering::Less, |left| left.cmp(right))
        }
        (Basic::Uint(left), Basic::Int(right)) => {
            u64::try_from(*right).map_or(Ordering::Greater, |right| left.cmp(&right))
        }
        (Basic::Float(left), Basic::Float(right)) => return Ok(left < right),
        (Basic::String(left), Basic::String(right)) => left.cmp(right),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(BAD.into());
        }
        _ => return Err(incompatible(left, right)),
    };
    Ok(ordering == Ordering::Less)
}

fn incompatible(left: &Value, right: &Value) -> FuncError {
    let (left, right) = (left.type_name(), right.type_name());
    format!("incompatible types for comparison: {left} and {right}").into()
}
