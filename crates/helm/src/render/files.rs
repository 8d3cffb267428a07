//! `.Files`: the chart's files that are neither templates nor values.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotemplate::{
    CallContext, FuncError, Function, List, ListType, Map, MapType, Method, Str, Type, Value,
};

use super::glob::Glob;
use crate::chart::File;

/// `engine.files`, a map from names to bytes with methods.
static FILES: MapType = MapType::named("engine.files", Type::List(ListType::BYTES), &METHODS);

static METHODS: [Method; 6] = [
    Method::new("AsConfig", Function::new(&[], Type::String, as_config)),
    Method::new("AsSecrets", Function::new(&[], Type::String, as_secrets)),
    Method::new("Get", Function::new(&[Type::String], Type::String, get)),
    Method::new("GetBytes", Function::new(&[Type::String], Type::List(ListType::BYTES), get_bytes)),
    Method::new("Glob", Function::new(&[Type::String], Type::Map(&FILES), glob)),
    Method::new("Lines", Function::new(&[Type::String], Type::List(ListType::STRINGS), lines)),
];

/// `.Files` of one chart.
pub(super) fn value(files: &[File]) -> Value {
    let bytes = |file: &File| Value::List(List::from_bytes(Arc::clone(&file.data)));
    let entries = files.iter().map(|file| (file.name.as_str(), bytes(file)));
    Value::Map(Map::from_entries(&FILES, entries))
}

fn get(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let found = find(args)?;
    Ok(Value::string(found.as_ref().and_then(List::as_bytes).unwrap_or_default()))
}

fn get_bytes(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(find(args)?.map_or_else(|| Value::bytes(Vec::new()), Value::List))
}

/// The lines of a file: its text cut at line feeds after one final line feed was taken off.
fn lines(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let found = find(args)?;
    let text = found.as_ref().and_then(List::as_bytes).unwrap_or_default();
    if text.is_empty() {
        return Ok(Value::strings::<Str>([]));
    }
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Ok(Value::strings(text.split(|byte| *byte == b'\n')))
}

fn glob(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let pattern = Glob::parse(&name(args)?.to_string_lossy());
    let files = receiver(args)?.entries().into_iter();
    let found = files.filter(|(name, _)| pattern.matches(&name.to_string_lossy()));
    Ok(Value::Map(Map::from_entries(&FILES, found)))
}

fn as_config(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    as_yaml(args, |data| String::from_utf8_lossy(data).into_owned())
}

fn as_secrets(_: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    as_yaml(args, |data| STANDARD.encode(data))
}

/// The files as YAML, under their base names; of equal ones the last in order of paths stays.
fn as_yaml(args: &[Value], text: impl Fn(&[u8]) -> String) -> Result<Value, FuncError> {
    let files = receiver(args)?;
    if files.is_nil() {
        return Ok(Value::from(""));
    }
    let mut entries = BTreeMap::new();
    for (path, data) in files.entries() {
        let path = path.to_string_lossy();
        let base = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let data = data.as_list().and_then(List::as_bytes).map(&text).unwrap_or_default();
        entries.insert(base, goyaml::Value::from(data));
    }
    let map = goyaml::Value::Map(entries.into_iter().collect());
    // Helm shows nothing where YAML cannot hold the text.
    let yaml = goyaml::to_string(&&map).unwrap_or_default();
    Ok(Value::string(yaml.strip_suffix('\n').unwrap_or(&yaml)))
}

fn find(args: &[Value]) -> Result<Option<List>, FuncError> {
    let found = receiver(args)?.get(name(args)?);
    Ok(found.and_then(|value| value.as_list().cloned()))
}

fn receiver(args: &[Value]) -> Result<&Map, FuncError> {
    args.first().and_then(Value::as_map).ok_or_else(FuncError::nil_pointer)
}

fn name(args: &[Value]) -> Result<&Str, FuncError> {
    args.get(1).and_then(Value::as_str).ok_or_else(FuncError::nil_pointer)
}
