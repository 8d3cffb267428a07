//! Maps. They are references: `set`, `unset` and `merge` change what every holder sees.

use super::args::{
    ANY, BOOL, LIST, MAP, Outcome, STRING, STRINGS, add, add_variadic, any, map, string_value, text,
};
use super::merge::{Overwrite, merge_all};
use super::semver::VersionValue;
use gotemplate::{CallContext, FuncError, FuncMap, List, Map, MapType, Str, Value};

/// Deepest nesting `deepCopy` follows; a map that contains itself has no end.
const MAX_DEPTH: usize = 500;

pub(super) fn register(funcs: &mut FuncMap) {
    add_variadic(funcs, "dict", &[], ANY, MAP, dict);
    add(funcs, "get", &[MAP, STRING], ANY, |_, args| {
        Ok(map(args, 0)?.get(text(args, 1)?).unwrap_or_else(|| "".into()))
    });
    add(funcs, "set", &[MAP, STRING, ANY], MAP, |_, args| {
        map(args, 0)?.insert(text(args, 1)?.clone(), any(args, 2)?.clone())?;
        any(args, 0).cloned()
    });
    add(funcs, "unset", &[MAP, STRING], MAP, |_, args| {
        map(args, 0)?.remove(text(args, 1)?);
        any(args, 0).cloned()
    });
    add(funcs, "hasKey", &[MAP, STRING], BOOL, |_, args| {
        Ok(map(args, 0)?.contains_key(text(args, 1)?).into())
    });
    add_variadic(funcs, "pluck", &[STRING], MAP, LIST, |_, args| {
        let key = text(args, 0)?;
        let maps = args[1..].iter().filter_map(Value::as_map);
        Ok(Value::list(maps.filter_map(|map| map.get(key)).collect()))
    });
    add_variadic(funcs, "keys", &[], MAP, STRINGS, |_, args| {
        Ok(Value::strings(args.iter().filter_map(Value::as_map).flat_map(Map::keys)))
    });
    add(funcs, "values", &[MAP], LIST, |_, args| {
        Ok(Value::list(map(args, 0)?.entries().into_iter().map(|(_, value)| value).collect()))
    });
    add_variadic(funcs, "pick", &[MAP], STRING, MAP, |_, args| {
        let source = map(args, 0)?;
        let keys = args[1..].iter().filter_map(Value::as_str);
        let entries = keys.filter_map(|key| Some((key.clone(), source.get(key)?)));
        Ok(Value::Map(Map::from_entries(MapType::ANY, entries)))
    });
    add_variadic(funcs, "omit", &[MAP], STRING, MAP, |_, args| {
        let omitted = |key: &Str| args[1..].iter().any(|arg| arg.as_str() == Some(key));
        let entries = map(args, 0)?.entries().into_iter().filter(|(key, _)| !omitted(key));
        Ok(Value::Map(Map::from_entries(MapType::ANY, entries)))
    });
    add_variadic(funcs, "merge", &[MAP], MAP, ANY, |_, args| merge_all(args, Overwrite::No));
    add_variadic(funcs, "mergeOverwrite", &[MAP], MAP, ANY, |_, args| {
        merge_all(args, Overwrite::Yes)
    });
    add(funcs, "deepCopy", &[ANY], ANY, |_, args| match any(args, 0)? {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => deep_copy(value, 0),
    });
    add_variadic(funcs, "dig", &[], ANY, ANY, dig);
    funcs.alias("mustMerge", "merge");
    funcs.alias("mustMergeOverwrite", "mergeOverwrite");
    funcs.alias("mustDeepCopy", "deepCopy");
}

fn dict(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let entries = args.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        Ok((string_value(&pair[0])?, value))
    });
    let entries = entries.collect::<Result<Vec<_>, FuncError>>()?;
    Ok(Value::Map(Map::from_entries(MapType::ANY, entries)))
}

/// Copies lists and maps all the way down; nothing else can be changed anyway, but a version loses
/// its private fields.
fn deep_copy(value: &Value, depth: usize) -> Outcome {
    if depth > MAX_DEPTH {
        return Err("deepCopy error: the value is nested too deeply or contains itself".into());
    }
    Ok(match value {
        Value::List(list) if !list.is_nil() && list.as_bytes().is_none() => {
            let items = list.items().iter().map(|item| deep_copy(item, depth + 1));
            Value::List(List::new(list.ty(), items.collect::<Result<_, _>>()?))
        }
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries().into_iter();
            let entries = entries.map(|(key, value)| Ok((key, deep_copy(&value, depth + 1)?)));
            let entries = entries.collect::<Result<Vec<_>, FuncError>>()?;
            Value::Map(Map::from_entries(map.ty(), entries))
        }
        other => match other.downcast::<VersionValue>() {
            Some(version) => version.copied(),
            None => other.clone(),
        },
    })
}

/// `dig KEY... DEFAULT MAP`.
fn dig(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let [keys @ .., default, root] = args else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut map = plain_map(root)?;
    let keys = keys.iter().map(|key| {
        key.as_str().ok_or_else(|| FuncError::interface_conversion(key.type_name(), "string"))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    for (index, key) in keys.iter().enumerate() {
        let Some(step) = map.get(key) else { break };
        if index + 1 == keys.len() {
            return Ok(step);
        }
        map = plain_map(&step)?;
    }
    Ok(default.clone())
}

/// Go's type assertion to `map[string]interface {}`, which named map types fail.
fn plain_map(value: &Value) -> Result<Map, FuncError> {
    match value {
        Value::Map(map) if map.ty().name() == MapType::ANY.name() => Ok(map.clone()),
        other => Err(FuncError::interface_conversion(other.type_name(), MapType::ANY.name())),
    }
}
