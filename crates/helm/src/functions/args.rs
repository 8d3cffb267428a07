//! Reading arguments, and Go's two ways of turning a value into text.
//!
//! The engine has checked number and types of the arguments against the declaration, so a
//! mismatch here means that declaration and body disagree.

use gotemplate::{
    CallContext, FuncError, FuncMap, Function, List, ListType, Map, Str, Type, Value,
};

pub(super) const ANY: Type = Type::Any;
pub(super) const BOOL: Type = Type::Bool;
pub(super) const FLOAT: Type = Type::Float64;
pub(super) const INT: Type = Type::Int;
pub(super) const INT64: Type = Type::Int64;
pub(super) const STRING: Type = Type::String;
/// `[]interface {}`
pub(super) const LIST: Type = Type::List(ListType::ANY);
/// `[]string`
pub(super) const STRINGS: Type = Type::List(ListType::STRINGS);
/// `map[string]interface {}`
pub(super) const MAP: Type = Type::Map(gotemplate::MapType::ANY);

/// The result of a function.
pub(super) type Outcome = Result<Value, FuncError>;

type Body = fn(&CallContext<'_>, &[Value]) -> Outcome;

/// Adds a function with fixed parameters.
pub(super) fn add(
    funcs: &mut FuncMap,
    name: &'static str,
    params: &'static [Type],
    result: Type,
    body: Body,
) {
    funcs.insert(name, Function::new(params, result, body));
}

/// Adds a function that takes any number of `rest` after its fixed parameters.
pub(super) fn add_variadic(
    funcs: &mut FuncMap,
    name: &'static str,
    params: &'static [Type],
    rest: Type,
    result: Type,
    body: Body,
) {
    funcs.insert(name, Function::new(params, result, body).variadic(rest));
}

fn mismatch(index: usize, wanted: &str) -> FuncError {
    FuncError::new(format!("argument {} is not of type {wanted}", index + 1))
}

/// A parameter of type `string`.
pub(super) fn text(args: &[Value], index: usize) -> Result<&Str, FuncError> {
    args.get(index).and_then(Value::as_str).ok_or_else(|| mismatch(index, "string"))
}

/// A parameter of type `int`.
pub(super) fn int(args: &[Value], index: usize) -> Result<i64, FuncError> {
    args.get(index).and_then(Value::as_int).ok_or_else(|| mismatch(index, "int"))
}

/// A parameter of type `bool`.
pub(super) fn boolean(args: &[Value], index: usize) -> Result<bool, FuncError> {
    args.get(index).and_then(Value::as_bool).ok_or_else(|| mismatch(index, "bool"))
}

/// A parameter of a map type.
pub(super) fn map(args: &[Value], index: usize) -> Result<&Map, FuncError> {
    args.get(index).and_then(Value::as_map).ok_or_else(|| mismatch(index, "map"))
}

/// A parameter of a list type.
pub(super) fn list(args: &[Value], index: usize) -> Result<&List, FuncError> {
    args.get(index).and_then(Value::as_list).ok_or_else(|| mismatch(index, "list"))
}

/// A parameter of type `interface {}`.
pub(super) fn any(args: &[Value], index: usize) -> Result<&Value, FuncError> {
    args.get(index).ok_or_else(|| mismatch(index, "interface {}"))
}

/// What `%v` prints.
pub(super) fn display(value: &Value) -> Result<Str, FuncError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        value => Ok(gotemplate::print::sprint(std::slice::from_ref(value))?),
    }
}

/// Sprig's text of a value: strings and bytes as they are, anything else as `%v` prints it.
pub(super) fn string_value(value: &Value) -> Result<Str, FuncError> {
    match value {
        Value::List(list) if list.ty().name() == ListType::BYTES.name() => {
            Ok(match list.as_bytes() {
                Some(bytes) => Str::from(bytes),
                None => list.items().iter().filter_map(as_byte).collect::<Vec<u8>>().into(),
            })
        }
        value => display(value),
    }
}

fn as_byte(value: &Value) -> Option<u8> {
    value.as_uint().and_then(|byte| u8::try_from(byte).ok())
}

/// Sprig's list of texts: nil elements are dropped, a single value counts as a list of one, and
/// nil as an empty list.
pub(super) fn string_list(value: &Value) -> Result<Vec<Str>, FuncError> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            list.items().iter().filter(|item| !item.is_nil()).map(string_value).collect()
        }
        value => Ok(vec![string_value(value)?]),
    }
}
