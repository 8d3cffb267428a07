//! Lists. All functions copy; equality is deep and exact in types (1 is not 1.0).

use super::args::{
    ANY, BOOL, INT, LIST, Outcome, STRINGS, add, add_variadic, any, int, string_list, string_value,
};
use super::defaults::is_empty;
use super::limits::check_items;
use super::numbers::to_int;
use gotemplate::{CallContext, FuncError, FuncMap, List, ListType, Type, Value};

const LISTS: Type = Type::List(ListType::LISTS);

pub(super) fn register(funcs: &mut FuncMap) {
    add_variadic(funcs, "list", &[], ANY, LIST, |_, args| Ok(Value::list(args.to_vec())));
    funcs.alias("tuple", "list");
    add(funcs, "append", &[ANY, ANY], LIST, append);
    add(funcs, "prepend", &[ANY, ANY], LIST, prepend);
    add(funcs, "first", &[ANY], ANY, |_, args| {
        Ok(elements(any(args, 0)?, "Cannot find first on type")?.get(0).unwrap_or_default())
    });
    add(funcs, "last", &[ANY], ANY, |_, args| {
        let list = elements(any(args, 0)?, "Cannot find last on type")?;
        Ok(list.items().last().cloned().unwrap_or_default())
    });
    add(funcs, "rest", &[ANY], LIST, |_, args| {
        let list = elements(any(args, 0)?, "Cannot find rest on type")?;
        Ok(list.items().split_first().map_or_else(nil_list, |(_, rest)| Value::list(rest.to_vec())))
    });
    add(funcs, "initial", &[ANY], LIST, |_, args| {
        let list = elements(any(args, 0)?, "Cannot find initial on type")?;
        Ok(list.items().split_last().map_or_else(nil_list, |(_, rest)| Value::list(rest.to_vec())))
    });
    add(funcs, "reverse", &[ANY], LIST, |_, args| {
        let list = elements(any(args, 0)?, "Cannot find reverse on type")?;
        Ok(Value::list(list.items().iter().rev().cloned().collect()))
    });
    add(funcs, "uniq", &[ANY], LIST, uniq);
    add_variadic(funcs, "without", &[ANY], ANY, LIST, |_, args| {
        let list = elements(any(args, 0)?, "Cannot find without on type")?;
        let kept = list.items().iter().filter(|item| !contains(&args[1..], item));
        Ok(Value::list(kept.cloned().collect()))
    });
    add(funcs, "has", &[ANY, ANY], BOOL, |_, args| {
        let haystack = any(args, 1)?;
        if haystack.is_nil() {
            return Ok(false.into());
        }
        let list = elements(haystack, "Cannot find has on type")?;
        Ok(contains(list.items(), any(args, 0)?).into())
    });
    add(funcs, "compact", &[ANY], LIST, |_, args| {
        let list = elements(any(args, 0)?, "Cannot compact on type")?;
        Ok(Value::list(list.items().iter().filter(|item| !is_empty(item)).cloned().collect()))
    });
    add_variadic(funcs, "slice", &[ANY], ANY, ANY, slice);
    add(funcs, "chunk", &[INT, ANY], LISTS, chunk);
    add_variadic(funcs, "concat", &[], ANY, ANY, concat);
    add(funcs, "sortAlpha", &[ANY], STRINGS, sort_alpha);
    for (alias, name) in [
        ("push", "append"),
        ("mustAppend", "append"),
        ("mustPush", "append"),
        ("mustPrepend", "prepend"),
        ("mustFirst", "first"),
        ("mustLast", "last"),
        ("mustRest", "rest"),
        ("mustInitial", "initial"),
        ("mustReverse", "reverse"),
        ("mustUniq", "uniq"),
        ("mustWithout", "without"),
        ("mustHas", "has"),
        ("mustCompact", "compact"),
        ("mustSlice", "slice"),
        ("mustChunk", "chunk"),
    ] {
        funcs.alias(alias, name);
    }
}

/// The list, or Go's refusal of anything else.
fn elements<'v>(value: &'v Value, refusal: &str) -> Result<&'v List, FuncError> {
    match value {
        Value::List(list) => Ok(list),
        Value::Nil => Err(FuncError::nil_pointer()),
        other => Err(FuncError::new(format!("{refusal} {}", other.kind()))),
    }
}

fn nil_list() -> Value {
    Value::List(List::nil(ListType::ANY))
}

fn contains(list: &[Value], wanted: &Value) -> bool {
    list.iter().any(|item| item.deep_equal(wanted))
}

fn append(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let list = elements(any(args, 0)?, "Cannot push on type")?;
    check_items(list.len() + 1)?;
    Ok(Value::list(list.items().iter().chain([any(args, 1)?]).cloned().collect()))
}

fn prepend(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let list = elements(any(args, 0)?, "Cannot prepend on type")?;
    check_items(list.len() + 1)?;
    Ok(Value::list(std::iter::once(any(args, 1)?).chain(list.items()).cloned().collect()))
}

fn uniq(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let list = elements(any(args, 0)?, "Cannot find uniq on type")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.items() {
        if !contains(&kept, item) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn slice(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let list = elements(any(args, 0)?, "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map(to_int).map(usize::try_from);
    let end = args.get(2).map(to_int).map(usize::try_from);
    let (Ok(start), Ok(end)) = (start.unwrap_or(Ok(0)), end.unwrap_or(Ok(list.len()))) else {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    };
    let Some(items) = list.items().get(start..end) else {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    };
    Ok(Value::List(List::new(list.ty(), items.to_vec())))
}

fn chunk(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let size = int(args, 0)?;
    let list = elements(any(args, 1)?, "Cannot chunk type")?;
    let lists = |chunks| Ok(Value::List(List::new(ListType::LISTS, chunks)));
    if let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) {
        return lists(list.items().chunks(size).map(|part| Value::list(part.to_vec())).collect());
    }
    // Upstream computes the number of chunks, and the length of the last one, before it looks at
    // the sign.
    match list.len() as u64 {
        1 if size < -1 => lists(vec![Value::list(list.items().to_vec())]),
        length if length > 1 && size.unsigned_abs() >= length - 1 => lists(Vec::new()),
        _ => Err("runtime error: makeslice: len out of range".into()),
    }
}

fn concat(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let mut all: Vec<Value> = Vec::new();
    for value in args {
        let list = match value {
            Value::List(list) => list,
            Value::Nil => return Err(FuncError::nil_pointer()),
            other => {
                let kind = other.kind();
                return Err(FuncError::new(format!("Cannot concat type {kind} as list")));
            }
        };
        check_items(all.len() + list.len())?;
        all.extend_from_slice(list.items());
    }
    Ok(if all.is_empty() { nil_list() } else { Value::list(all) })
}

fn sort_alpha(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let value = any(args, 0)?;
    let mut texts = match value {
        Value::List(list) if list.is_nil() && list.ty().name() == ListType::STRINGS.name() => {
            return Ok(value.clone());
        }
        Value::List(_) => string_list(value)?,
        other => vec![string_value(other)?],
    };
    texts.sort();
    Ok(Value::strings(texts))
}
