//! The functions every template can call: Go's `funcs.go`.

mod compare;
mod escape;
mod index;

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use crate::error::FuncError;
use crate::eval::Operand;
use crate::func::{Body, CallContext, Function};
use crate::print;
use crate::types::Type;
use crate::value::{Underlying, Value};
pub(crate) use index::slice;

const VALUE: Type = Type::ReflectValue;

/// The function of Go's called `name`.
pub(crate) fn get(name: &str) -> Option<&'static Arc<Function>> {
    static ALL: LazyLock<FxHashMap<&'static str, Arc<Function>>> = LazyLock::new(|| {
        all().into_iter().map(|(name, function)| (name, Arc::new(function))).collect()
    });
    ALL.get(name)
}

fn all() -> Vec<(&'static str, Function)> {
    const ONE: &[Type] = &[VALUE];
    const TWO: &[Type] = &[VALUE, VALUE];
    let many = |body| Function::new(&[], Type::String, body).variadic(Type::Any);
    vec![
        ("and", Function::builtin(ONE, Some(VALUE), VALUE, Body::And)),
        ("or", Function::builtin(ONE, Some(VALUE), VALUE, Body::Or)),
        ("call", Function::builtin(ONE, Some(VALUE), Type::Any, Body::Call)),
        ("len", Function::builtin(ONE, None, Type::Int, Body::Len)),
        ("not", Function::new(ONE, Type::Bool, |_, args| Ok(Value::Bool(!args[0].is_true())))),
        ("html", many(|_, args| escape::html(args))),
        ("js", many(|_, args| escape::js(args))),
        ("urlquery", many(|_, args| escape::url_query(args))),
        ("index", Function::new(ONE, Type::Any, |_, args| index::index(args)).variadic(VALUE)),
        ("slice", Function::builtin(ONE, Some(VALUE), Type::Any, Body::Slice)),
        ("print", many(|_, args| Ok(Value::String(print::sprint(args)?)))),
        ("println", many(|_, args| Ok(Value::String(print::sprintln(args)?)))),
        (
            "printf",
            Function::new(&[Type::String], Type::String, |_, args| match args {
                [Value::String(format), args @ ..] => {
                    Ok(Value::String(print::sprintf(format, args)?))
                }
                _ => Err("printf: the format is not a string".into()),
            })
            .variadic(Type::Any),
        ),
        ("eq", Function::new(ONE, Type::Bool, |_, args| compare::eq(args)).variadic(VALUE)),
        ("ne", Function::new(TWO, Type::Bool, |_, args| compare::ne(args))),
        ("lt", Function::new(TWO, Type::Bool, |_, args| compare::lt(args))),
        ("le", Function::new(TWO, Type::Bool, |_, args| compare::le(args))),
        ("gt", Function::new(TWO, Type::Bool, |_, args| compare::gt(args))),
        ("ge", Function::new(TWO, Type::Bool, |_, args| compare::ge(args))),
    ]
}

/// `len`
pub(crate) fn len(args: &[Operand]) -> Result<Value, FuncError> {
    match args {
        [operand] if operand.is_none() => {
            Err("reflect: call of reflect.Value.Type on zero Value".into())
        }
        [operand] => len_of(&operand.value),
        _ => Err("len takes one argument".into()),
    }
}

fn len_of(value: &Value) -> Result<Value, FuncError> {
    let len = match value {
        Value::Nil => return Err("len of nil pointer".into()),
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.underlying() {
            Underlying::Pointer(target) => return len_of(&target.unwrap_or_default()),
            Underlying::Value(value @ (Value::String(_) | Value::List(_) | Value::Map(_))) => {
                return len_of(&value);
            }
            _ => return Err(format!("len of type {}", value.type_name()).into()),
        },
        _ => return Err(format!("len of type {}", value.type_name()).into()),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// `call`: a function from data. `name` is how the template writes it.
pub(crate) fn call(
    context: &CallContext<'_>,
    name: &str,
    values: &[Value],
) -> Result<Value, FuncError> {
    let (callee, args) = match values {
        [] | [Value::Nil, ..] => return Err("call of nil".into()),
        [Value::Func(callee), args @ ..] => (callee, args),
        [other, ..] => {
            let ty = other.type_name();
            return Err(format!("non-function {name} of type {ty}").into());
        }
    };
    let function = &callee.function;
    let (fixed, got) = (function.params.len(), args.len());
    if function.variadic.is_some() {
        if got < fixed {
            return Err(format!(
                "wrong number of args for {name}: got {got} want at least {fixed}"
            )
            .into());
        }
    } else if got != fixed {
        return Err(format!("wrong number of args for {name}: got {got} want {fixed}").into());
    }
    let prepare = |(at, value): (usize, &Value)| {
        prepare_arg(value, function.param(at))
            .map_err(|cause| FuncError::wrap(format!("arg {at}: "), cause))
    };
    let args = args.iter().enumerate().map(prepare).collect::<Result<Vec<_>, _>>()?;
    match &function.body {
        Body::Native(body) => body(context, &args),
        Body::Closure(body) => body(context, &args),
        Body::And | Body::Or | Body::Call | Body::Len | Body::Slice => {
            Err(format!("{name} cannot be called as a value").into())
        }
    }
}

/// A value as an argument of type `ty`; integers convert.
fn prepare_arg(value: &Value, ty: Type) -> Result<Value, FuncError> {
    let Some(found) = value.ty() else {
        if ty.can_be_nil() {
            return Ok(Value::zero(ty));
        }
        return Err(format!("value is nil; should be of type {ty}").into());
    };
    if found.assignable_to(ty) {
        return Ok(value.clone());
    }
    let bits = value.as_int().map(i64::cast_unsigned).or_else(|| value.as_uint());
    bits.and_then(|bits| convert(bits, ty))
        .ok_or_else(|| format!("value has type {found}; should be {ty}").into())
}

/// Go's conversion between integer types: the low bits.
#[expect(clippy::cast_possible_truncation, reason = "so does Go")]
fn convert(bits: u64, ty: Type) -> Option<Value> {
    Some(match ty {
        Type::Int => Value::Int(bits.cast_signed()),
        Type::Int8 => Value::Int8((bits as u8).cast_signed()),
        Type::Int16 => Value::Int16((bits as u16).cast_signed()),
        Type::Int32 => Value::Int32((bits as u32).cast_signed()),
        Type::Int64 => Value::Int64(bits.cast_signed()),
        Type::Uint => Value::Uint(bits),
        Type::Uint8 => Value::Uint8(bits as u8),
        Type::Uint16 => Value::Uint16(bits as u16),
        Type::Uint32 => Value::Uint32(bits as u32),
        Type::Uint64 => Value::Uint64(bits),
        _ => return None,
    })
}
