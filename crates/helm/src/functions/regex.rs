//! Regular expressions in Go's syntax.

use super::args::{BOOL, INT, Outcome, STRING, STRINGS, add, int, text};
use super::limits::check_text;
use crate::golang::regexp::{Regexp, RegexpError, quote_meta};
use gotemplate::print::quote;
use gotemplate::{CallContext, FuncError, FuncMap, Function, List, ListType, Str, Type, Value};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Compiled patterns kept per thread. Charts use the same few over and over.
const CACHED_PATTERNS: usize = 64;

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "regexMatch", &[STRING, STRING], BOOL, |_, args| {
        let subject = text(args, 1)?;
        Ok(compile(text(args, 0)?).is_ok_and(|pattern| pattern.is_match(subject)).into())
    });
    add(funcs, "mustRegexMatch", &[STRING, STRING], BOOL, |_, args| {
        let pattern = compile(text(args, 0)?).map_err(FuncError::other)?;
        Ok(pattern.is_match(text(args, 1)?).into())
    });
    register_pairs(funcs);
    add(funcs, "regexQuoteMeta", &[STRING], STRING, |_, args| {
        Ok(Value::string(quote_meta(text(args, 0)?)))
    });
}

/// How a bad pattern is reported.
#[derive(Clone, Copy)]
enum Strictness {
    /// Go's `MustCompile` names the pattern.
    Panic,
    /// The bare error of the compiler.
    Error,
}

type Body = fn(&Regexp, &[Value]) -> Outcome;

/// Functions with a `must` twin, which differs in how it reports a bad pattern.
fn register_pairs(funcs: &mut FuncMap) {
    const FIND: &[Type] = &[STRING, STRING];
    const FIND_ALL: &[Type] = &[STRING, STRING, INT];
    const REPLACE: &[Type] = &[STRING, STRING, STRING];
    let table: [(&str, &str, &'static [Type], Type, Body); 5] = [
        ("regexFind", "mustRegexFind", FIND, STRING, |pattern, args| {
            Ok(Value::string(pattern.find(text(args, 1)?)))
        }),
        ("regexFindAll", "mustRegexFindAll", FIND_ALL, STRINGS, find_all),
        ("regexSplit", "mustRegexSplit", FIND_ALL, STRINGS, split),
        ("regexReplaceAll", "mustRegexReplaceAll", REPLACE, STRING, |pattern, args| {
            replaced(pattern.replace_all(text(args, 1)?, text(args, 2)?))
        }),
        (
            "regexReplaceAllLiteral",
            "mustRegexReplaceAllLiteral",
            REPLACE,
            STRING,
            |pattern, args| replaced(pattern.replace_all_literal(text(args, 1)?, text(args, 2)?)),
        ),
    ];
    for (plain, must, params, result, body) in table {
        for (name, strictness) in [(plain, Strictness::Panic), (must, Strictness::Error)] {
            let call = move |_: &CallContext<'_>, args: &[Value]| {
                let source = text(args, 0)?;
                let pattern = compile(source).map_err(|error| strictness.report(source, error))?;
                body(&pattern, args)
            };
            funcs.insert(name, Function::closure(params, result, call));
        }
    }
}

impl Strictness {
    fn report(self, pattern: &Str, error: RegexpError) -> FuncError {
        match self {
            Self::Error => FuncError::other(error),
            Self::Panic => {
                // As in a Go source: in backquotes if the pattern has none.
                let quoted = match pattern.as_utf8() {
                    Some(text) if !text.contains(['`', '\n', '\r']) => format!("`{text}`"),
                    _ => quote(pattern),
                };
                FuncError::new(format!("regexp: Compile({quoted}): {error}"))
            }
        }
    }
}

fn find_all(pattern: &Regexp, args: &[Value]) -> Outcome {
    let subject = text(args, 1)?;
    let found = pattern.find_all(subject, int(args, 2)?);
    if found.is_empty() {
        return Ok(Value::List(List::nil(ListType::STRINGS)));
    }
    Ok(Value::strings(found.into_iter().map(|range| &subject[range])))
}

fn split(pattern: &Regexp, args: &[Value]) -> Outcome {
    let limit = int(args, 2)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(ListType::STRINGS)));
    }
    Ok(Value::strings(pattern.split(text(args, 1)?, limit)))
}

fn replaced(text: Vec<u8>) -> Outcome {
    check_text(text.len())?;
    Ok(Value::string(text))
}

fn compile(pattern: &Str) -> Result<Regexp, RegexpError> {
    thread_local! {
        static CACHE: RefCell<FxHashMap<Str, Regexp>> = RefCell::new(FxHashMap::default());
    }
    CACHE.with_borrow_mut(|cache| {
        if let Some(compiled) = cache.get(pattern) {
            return Ok(compiled.clone());
        }
        let compiled = Regexp::compile(pattern)?;
        if cache.len() >= CACHED_PATTERNS {
            cache.clear();
        }
        cache.insert(pattern.clone(), compiled.clone());
        Ok(compiled)
    })
}
