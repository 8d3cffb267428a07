//! Texts: trimming, searching, cutting, quoting, indenting. Positions and lengths are in bytes, as
//! in Go; a cut may leave a text that is not UTF-8.

use super::args::{ANY, BOOL, INT, Outcome, STRING, add, add_variadic, any, display, int};
use super::args::{string_value, text};
use super::limits::{check_text, repeat};
use crate::golang::characters::{
    self, characters, is_letter, map_characters, to_lower, to_title, to_upper,
};
use gotemplate::{CallContext, FuncError, FuncMap, Str, Value, print};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "trim", &[STRING], STRING, |_, args| {
        Ok(Value::string(characters::trim_space(text(args, 0)?)))
    });
    add(funcs, "trimAll", &[STRING, STRING], STRING, |_, args| {
        let cut: Vec<char> = characters(text(args, 0)?).map(|(c, _)| c).collect();
        Ok(Value::string(characters::trim(text(args, 1)?, |c| cut.contains(&c))))
    });
    funcs.alias("trimall", "trimAll");
    add(funcs, "trimSuffix", &[STRING, STRING], STRING, |_, args| {
        let whole = text(args, 1)?;
        Ok(whole.strip_suffix(text(args, 0)?.as_bytes()).unwrap_or(whole).into_value())
    });
    add(funcs, "trimPrefix", &[STRING, STRING], STRING, |_, args| {
        let whole = text(args, 1)?;
        Ok(whole.strip_prefix(text(args, 0)?.as_bytes()).unwrap_or(whole).into_value())
    });
    add(funcs, "upper", &[STRING], STRING, |_, args| Ok(map_text(text(args, 0)?, to_upper)));
    add(funcs, "lower", &[STRING], STRING, |_, args| Ok(map_text(text(args, 0)?, to_lower)));
    add(funcs, "title", &[STRING], STRING, title);
    add(funcs, "repeat", &[INT, STRING], STRING, |_, args| {
        Ok(Value::string(repeat(text(args, 1)?, int(args, 0)?)?))
    });
    add(funcs, "substr", &[INT, INT, STRING], STRING, substr);
    add(funcs, "trunc", &[INT, STRING], STRING, trunc);
    add(funcs, "contains", &[STRING, STRING], BOOL, |_, args| {
        Ok(find(text(args, 1)?, text(args, 0)?).is_some().into())
    });
    add(funcs, "hasPrefix", &[STRING, STRING], BOOL, |_, args| {
        Ok(text(args, 1)?.starts_with(text(args, 0)?).into())
    });
    add(funcs, "hasSuffix", &[STRING, STRING], BOOL, |_, args| {
        Ok(text(args, 1)?.ends_with(text(args, 0)?).into())
    });
    add(funcs, "replace", &[STRING, STRING, STRING], STRING, replace);
    add(funcs, "plural", &[STRING, STRING, INT], STRING, |_, args| {
        any(args, usize::from(int(args, 2)? != 1)).cloned()
    });
    add_variadic(funcs, "quote", &[], ANY, STRING, |_, args| {
        joined(args, |value| Ok(print::quote(string_value(value)?).into_bytes()))
    });
    add_variadic(funcs, "squote", &[], ANY, STRING, |_, args| {
        joined(args, |value| Ok([b"'".as_slice(), &display(value)?, b"'"].concat()))
    });
    add_variadic(funcs, "cat", &[], ANY, STRING, |_, args| {
        joined(args, |value| Ok(display(value)?.to_vec()))
    });
    add(funcs, "indent", &[INT, STRING], STRING, |_, args| {
        Ok(Value::string(indent(int(args, 0)?, text(args, 1)?)?))
    });
    add(funcs, "nindent", &[INT, STRING], STRING, |_, args| {
        let indented = indent(int(args, 0)?, text(args, 1)?)?;
        Ok(Value::string([b"\n".as_slice(), &indented].concat()))
    });
    add(funcs, "toString", &[ANY], STRING, |_, args| {
        Ok(Value::String(string_value(any(args, 0)?)?))
    });
    add(funcs, "hello", &[], STRING, |_, _| Ok("Hello!".into()));
}

/// Lets a slice of bytes end a chain of calls.
trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for &[u8] {
    fn into_value(self) -> Value {
        Value::string(self)
    }
}

fn map_text(text: &[u8], map: fn(char) -> char) -> Value {
    Value::string(map_characters(text, map))
}

/// The texts of all arguments that are not nil, separated by blanks.
fn joined(
    args: &[Value],
    show: impl Fn(&Value) -> Result<Vec<u8>, FuncError>,
) -> Result<Value, FuncError> {
    let shown = args.iter().filter(|value| !value.is_nil()).map(show);
    Ok(Value::string(shown.collect::<Result<Vec<_>, _>>()?.join(&b' ')))
}

/// The first letter after any ASCII character that is neither letter, digit nor underscore, and
/// after white space, in title case.
fn title(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let separates = |c: char| match c {
        '_' => false,
        c if c.is_ascii() => !c.is_ascii_alphanumeric(),
        c => !is_letter(c) && characters::is_space(c),
    };
    let mut after_separator = true;
    let titled = map_characters(text(args, 0)?, |c| {
        let mapped = if after_separator { to_title(c) } else { c };
        after_separator = separates(c);
        mapped
    });
    Ok(Value::string(titled))
}

fn substr(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let (start, end, text) = (int(args, 0)?, int(args, 1)?, text(args, 2)?);
    let length = text.len();
    let Ok(from) = usize::try_from(start) else {
        // A negative start means from the beginning; a negative end is then out of range.
        return match usize::try_from(end) {
            Ok(to) if to <= length => Ok(text[..to].into_value()),
            Ok(to) => Err(out_of_bounds(&format!("[:{to}] with length {length}"))),
            Err(_) => Err(out_of_bounds(&format!("[:{end}]"))),
        };
    };
    match usize::try_from(end) {
        Ok(to) if to <= length && from <= to => Ok(text[from..to].into_value()),
        Ok(to) if to <= length => Err(out_of_bounds(&format!("[{from}:{to}]"))),
        _ if from <= length => Ok(text[from..].into_value()),
        _ => Err(out_of_bounds(&format!("[{from}:{length}]"))),
    }
}

fn out_of_bounds(range: &str) -> FuncError {
    FuncError::new(format!("runtime error: slice bounds out of range {range}"))
}

fn trunc(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let (count, text) = (int(args, 0)?, text(args, 1)?);
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= text.len() {
        return Ok(Value::String(text.clone()));
    }
    Ok(if count < 0 { &text[text.len() - size..] } else { &text[..size] }.into_value())
}

/// The offset of the first `wanted` in `text`.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn replace(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let (old, new, source) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let pieces: Vec<&[u8]> = if old.is_empty() {
        // Go inserts the new text before every character and at the end.
        let mut pieces: Vec<&[u8]> = vec![b""];
        pieces.extend(characters(source).map(|(_, bytes)| bytes));
        if pieces.len() > 1 {
            pieces.push(b"");
        }
        if source.is_empty() { vec![b"", b""] } else { pieces }
    } else {
        super::splitting::split(source, old, usize::MAX)
    };
    let kept: usize = pieces.iter().map(|piece| piece.len()).sum();
    check_text(new.len().saturating_mul(pieces.len() - 1).saturating_add(kept))?;
    Ok(Value::string(pieces.join(new.as_bytes())))
}

fn indent(count: i64, text: &Str) -> Result<Vec<u8>, FuncError> {
    let pad = repeat(b" ", count)?;
    let lines = text.split(|byte| *byte == b'\n').count();
    check_text(pad.len().saturating_mul(lines).saturating_add(text.len()))?;
    let mut out = Vec::with_capacity(pad.len() * lines + text.len());
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(out)
}
