//! `index` and `slice`.

use crate::error::FuncError;
use crate::eval::Operand;
use crate::text::Str;
use crate::types::Type;
use crate::value::{List, Underlying, Value};

/// `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(args: &[Value]) -> Result<Value, FuncError> {
    let [item, indexes @ ..] = args else {
        return Err("index of untyped nil".into());
    };
    if item.is_nil() {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        item = element(&pointed_to(item, "index of nil pointer")?, index)?;
    }
    Ok(item)
}

fn element(item: &Value, index: &Value) -> Result<Value, FuncError> {
    match item {
        Value::List(list) => {
            let at = position(index, list.len())?;
            list.get(at).ok_or_else(|| "reflect: slice index out of range".into())
        }
        Value::String(text) => {
            let at = position(index, text.len())?;
            let byte = text.get(at).copied();
            byte.map(Value::Uint8).ok_or_else(|| "reflect: string index out of range".into())
        }
        Value::Map(map) => {
            let key = super::prepare_arg(index, Type::String)?;
            let found = key.as_str().and_then(|key| map.get(key));
            Ok(found.unwrap_or_else(|| Value::zero(map.ty().elem())))
        }
        Value::Object(object) => match object.underlying() {
            Underlying::Value(value @ (Value::List(_) | Value::Map(_) | Value::String(_))) => {
                element(&value, index)
            }
            _ => Err(format!("can't index item of type {}", item.type_name()).into()),
        },
        _ => Err(format!("can't index item of type {}", item.type_name()).into()),
    }
}

/// `slice x 1 2` is `x[1:2]`. Unlike `index`, it refuses indexes from places of interface type.
pub(crate) fn slice(args: &[Operand]) -> Result<Value, FuncError> {
    let [item, indexes @ ..] = args else {
        return Err("slice of untyped nil".into());
    };
    if item.value.is_nil() {
        return Err("slice of untyped nil".into());
    }
    let item = pointed_to(item.value.clone(), "slice of nil pointer")?;
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    let len = match &item {
        Value::String(_) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".into());
        }
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        _ => return Err(format!("can't slice item of type {}", item.type_name()).into()),
    };
    let mut bounds = [0, len, len];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        if index.boxed {
            return Err("cannot index slice/array with type interface {}".into());
        }
        *bound = position(&index.value, len)?;
    }
    let [from, to, end] = bounds;
    for (low, high) in [(from, to), (to, end)] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}").into());
        }
    }
    Ok(match &item {
        Value::String(text) => Value::String(Str::from(&text[from..to])),
        Value::List(list) => match list.as_bytes() {
            Some(bytes) => {
                Value::List(List::from_bytes(bytes[from..to].to_vec()).retyped(list.ty()))
            }
            None => Value::List(List::new(list.ty(), list.items()[from..to].to_vec())),
        },
        _ => item,
    })
}

/// An index as a number from 0 up to and including `len`.
fn position(index: &Value, len: usize) -> Result<usize, FuncError> {
    let at = match (index.as_int(), index.as_uint()) {
        (Some(int), _) => int,
        (None, Some(uint)) => uint.cast_signed(),
        (None, None) if index.is_nil() => return Err("cannot index slice/array with nil".into()),
        (None, None) => {
            let ty = index.type_name();
            return Err(format!("cannot index slice/array with type {ty}").into());
        }
    };
    let position = usize::try_from(at).ok().filter(|position| *position <= len);
    position.ok_or_else(|| format!("index out of range: {at}").into())
}

fn pointed_to(mut item: Value, nil: &str) -> Result<Value, FuncError> {
    loop {
        let target = match &item {
            Value::Nil => return Err(nil.into()),
            Value::Object(object) => match object.underlying() {
                Underlying::Pointer(target) => target.unwrap_or_default(),
                _ => return Ok(item),
            },
            _ => return Ok(item),
        };
        item = target;
    }
}
