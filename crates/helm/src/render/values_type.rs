//! `common.Values`: the type of `.Values` and of the dot, a map with methods.
//!
//! In field syntax a method hides the key of the same name.

use gotemplate::{CallContext, FuncError, Function, Map, MapType, Method, Str, Type, Value};

use crate::functions::TemplateNode;

/// `common.Values`, a map of anything with text keys.
pub(super) static VALUES: MapType = MapType::named("common.Values", Type::Any, &METHODS);

static METHODS: [Method; 4] = [
    Method::new("AsMap", Function::new(&[], Type::Map(MapType::ANY), as_map)),
    Method::new("PathValue", Function::new(&[Type::String], Type::Any, path_value)),
    Method::new("Table", Function::new(&[Type::String], Type::Map(&VALUES), table)),
    Method::new("YAML", Function::new(&[], Type::String, yaml)),
];

fn as_map(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::Map(receiver(args)?.retyped(MapType::ANY)))
}

fn yaml(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let map = Value::Map(receiver(args)?.clone());
    goyaml::to_string(&TemplateNode::new(&map))
        .map(Value::from)
        .map_err(|error| FuncError::new(error.to_string()))
}

fn table(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let path = path(args)?;
    let found = find_table(receiver(args)?, &path);
    found
        .map(|map| Value::Map(map.retyped(&VALUES)))
        .map_err(|key| FuncError::new(format!("{key:?} is not a table")))
}

fn path_value(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let path = path(args)?;
    if path.is_empty() {
        return Err(FuncError::new("YAML path cannot be empty"));
    }
    let (tables, key) = path.rsplit_once('.').unwrap_or(("", &path));
    let missing = || FuncError::new(format!("{key:?} is not a value"));
    let map = match tables {
        "" => receiver(args)?.clone(),
        tables => find_table(receiver(args)?, tables).map_err(|_| missing())?,
    };
    map.get(key).filter(|value| value.as_map().is_none()).ok_or_else(missing)
}

/// The table at a dotted path, or the step that is none.
pub(super) fn find_table<'a>(map: &Map, path: &'a str) -> Result<Map, &'a str> {
    let mut map = map.clone();
    for key in path.split('.') {
        map = map.get(key).and_then(|value| value.as_map().cloned()).ok_or(key)?;
    }
    Ok(map)
}

fn receiver(args: &[Value]) -> Result<&Map, FuncError> {
    args.first().and_then(Value::as_map).ok_or_else(FuncError::nil_pointer)
}

fn path(args: &[Value]) -> Result<String, FuncError> {
    let path: Option<&Str> = args.get(1).and_then(Value::as_str);
    Ok(path.ok_or_else(FuncError::nil_pointer)?.to_string_lossy().into_owned())
}
