//! URLs: `urlParse`, `urlJoin`.

use super::args::{MAP, Outcome, STRING, add, map, text};
use crate::golang::url::{Url, UserInfo};
use gotemplate::{CallContext, FuncError, FuncMap, Map, MapType, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "urlParse", &[STRING], MAP, url_parse);
    add(funcs, "urlJoin", &[MAP], STRING, url_join);
    // Rendering puts one in its place that may ask for addresses.
    add(funcs, "getHostByName", &[STRING], STRING, |_, _| Ok("".into()));
}

fn url_parse(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let url = Url::parse(text(args, 0)?)
        .map_err(|error| FuncError::new(format!("unable to parse url: {error}")))?;
    let user = url.user.as_ref().map(UserInfo::to_bytes).unwrap_or_default();
    let parts: [(&str, &[u8]); 8] = [
        ("scheme", &url.scheme),
        ("host", &url.host),
        ("hostname", url.host_name()),
        ("path", &url.path),
        ("query", &url.query),
        ("opaque", &url.opaque),
        ("fragment", &url.fragment),
        ("userinfo", &user),
    ];
    let entries = parts.map(|(name, part)| (name, Value::string(part)));
    Ok(Value::Map(Map::from_entries(MapType::ANY, entries)))
}

fn url_join(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let parts = map(args, 0)?;
    let user = part(parts, "userinfo")?;
    let mut url = Url {
        scheme: part(parts, "scheme")?,
        host: part(parts, "host")?,
        path: part(parts, "path")?,
        query: part(parts, "query")?,
        opaque: part(parts, "opaque")?,
        fragment: part(parts, "fragment")?,
        ..Url::default()
    };
    if !user.is_empty() {
        let carrier = [b"proto://".as_slice(), &user, b"@host"].concat();
        let parsed = Url::parse(&carrier).map_err(|error| {
            FuncError::new(format!("unable to parse userinfo in dict: {error}"))
        })?;
        url.user = parsed.user;
    }
    Ok(Value::string(url.to_bytes()))
}

fn part(parts: &Map, key: &str) -> Result<Vec<u8>, FuncError> {
    match parts.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(FuncError::nil_pointer()),
        Some(other) => Err(FuncError::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind()
        ))),
    }
}
