//! Taking texts apart and putting them together: `split`, `splitList`, `join` and their kin.

use super::args::{ANY, INT, Outcome, STRING, STRINGS, add, any, int, string_list, text};
use super::limits::check_text;
use super::strings::find;
use crate::golang::characters::characters;
use gotemplate::{CallContext, FuncMap, ListType, Map, MapType, Str, Type, Value};

const PARTS: Type = Type::Map(MapType::STRINGS);

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "splitList", &[STRING, STRING], STRINGS, |_, args| {
        Ok(Value::strings(split(text(args, 1)?, text(args, 0)?, usize::MAX)))
    });
    add(funcs, "split", &[STRING, STRING], PARTS, |_, args| {
        Ok(numbered(&split(text(args, 1)?, text(args, 0)?, usize::MAX)))
    });
    add(funcs, "splitn", &[STRING, INT, STRING], PARTS, |_, args| {
        let limit = usize::try_from(int(args, 1)?).unwrap_or(usize::MAX);
        Ok(numbered(&split(text(args, 2)?, text(args, 0)?, limit)))
    });
    add(funcs, "join", &[STRING, ANY], STRING, join);
    add(funcs, "toStrings", &[ANY], STRINGS, |_, args| match any(args, 0)? {
        Value::List(list) if list.ty().name() == ListType::STRINGS.name() => {
            Ok(Value::List(list.clone()))
        }
        other => Ok(Value::strings(string_list(other)?)),
    });
}

/// Go's `strings.SplitN`: at most `limit` pieces, single characters if the separator is empty.
pub(super) fn split<'t>(text: &'t [u8], separator: &[u8], limit: usize) -> Vec<&'t [u8]> {
    let mut pieces: Vec<&[u8]> = Vec::new();
    if limit == 0 {
        return pieces;
    }
    let mut rest = text;
    if separator.is_empty() {
        for (_, character) in characters(text) {
            if pieces.len() + 1 == limit {
                break;
            }
            pieces.push(character);
            rest = &rest[character.len()..];
        }
        if !rest.is_empty() {
            pieces.push(rest);
        }
        return pieces;
    }
    while pieces.len() + 1 < limit {
        let Some(at) = find(rest, separator) else { break };
        pieces.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    pieces.push(rest);
    pieces
}

/// The pieces as `_0`, `_1` and so on.
fn numbered(pieces: &[&[u8]]) -> Value {
    let entries = pieces.iter().enumerate();
    let entries = entries.map(|(index, piece)| (format!("_{index}"), Value::string(*piece)));
    Value::Map(Map::from_entries(MapType::STRINGS, entries))
}

fn join(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let (separator, texts) = (text(args, 0)?, string_list(any(args, 1)?)?);
    let length: usize = texts.iter().map(|text| text.len()).sum();
    check_text(separator.len().saturating_mul(texts.len()).saturating_add(length))?;
    let texts: Vec<&[u8]> = texts.iter().map(Str::as_bytes).collect();
    Ok(Value::string(texts.join(separator.as_bytes())))
}
