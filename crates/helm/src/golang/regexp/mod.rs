//! Go's `regexp` on top of the `regex` crate.
//!
//! Both use leftmost-first RE2 matching, but their syntaxes differ: Go accepts `a{,2}`, `\Q..\E`
//! and `\07`, refuses `x{1001}`, `a**` and `(?x)`, and its `\d`, `\w`, `\b` are ASCII. So a pattern
//! is parsed by Go's rules ([`parse`]), giving Go's error texts, and then written in the few
//! constructs that mean the same to the crate ([`emit`]).

mod class;
mod emit;
mod parse;

use std::fmt;
use std::sync::{Arc, OnceLock};

use emit::{Texts, emit};
use regex::bytes::Regex;

/// Upper bound of a compiled pattern in bytes; Go's own bound (128 MiB) is of the same kind.
const COMPILED_SIZE_LIMIT: usize = 64 << 20;

/// Patterns longer than this are compiled for all texts at once, lest it turns out later that they are too large.
const SHORT_PATTERN: usize = 1024;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Regexp(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    /// For texts of ASCII alone, as nearly all are.
    ascii: Regex,
    /// For all texts, once there is one that the other is not for.
    any: OnceLock<Regex>,
    /// What `any` is compiled from.
    any_pattern: String,
    /// Names of the groups by index; Go allows one name several times.
    group_names: Vec<Option<String>>,
    /// Whether the pattern text is empty, which changes `split`.
    is_empty: bool,
}

/// Why a pattern cannot be compiled; prints as Go's `error parsing regexp: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {problem}: `{excerpt}`")]
pub(crate) struct RegexpError {
    problem: Problem,
    excerpt: String,
}

/// Go's error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    CharRange,
    Escape,
    NamedCapture,
    PerlOp,
    RepeatOp,
    RepeatSize,
    MissingBracket,
    MissingParen,
    MissingRepeatArgument,
    TrailingBackslash,
    UnexpectedParen,
    NestingDepth,
    Large,
    InvalidUtf8,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CharRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::NamedCapture => "invalid named capture",
            Self::PerlOp => "invalid or unsupported Perl syntax",
            Self::RepeatOp => "invalid nested repetition operator",
            Self::RepeatSize => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::NestingDepth => "expression nests too deeply",
            Self::Large => "expression too large",
            Self::InvalidUtf8 => "invalid UTF-8",
        })
    }
}

impl RegexpError {
    fn new(problem: Problem, excerpt: &str) -> Self {
        Self { problem, excerpt: excerpt.to_owned() }
    }
}

impl Regexp {
    /// Compiles `pattern`, which is in Go's syntax.
    pub(crate) fn compile(pattern: &[u8]) -> Result<Self, RegexpError> {
        let pattern = std::str::from_utf8(pattern).map_err(|error| {
            let rest = String::from_utf8_lossy(&pattern[error.valid_up_to()..]);
            RegexpError::new(Problem::InvalidUtf8, &rest)
        })?;
        let parsed = parse::parse(pattern)?;
        let build = |text: &str| build(text).map_err(|_| RegexpError::new(Problem::Large, pattern));
        let ascii_pattern = emit(&parsed.root, Texts::Ascii);
        let any_pattern = emit(&parsed.root, Texts::Any);
        let ascii = build(&ascii_pattern)?;
        let any = OnceLock::new();
        if any_pattern == ascii_pattern {
            let _ = any.set(ascii.clone()); // nobody else has it yet
        } else if pattern.len() > SHORT_PATTERN || pattern.contains('{') {
            let _ = any.set(build(&any_pattern)?);
        }
        let (group_names, is_empty) = (parsed.group_names, pattern.is_empty());
        Ok(Self(Arc::new(Compiled { ascii, any, any_pattern, group_names, is_empty })))
    }

    /// What finds matches in `text`.
    fn regex(&self, text: &[u8]) -> &Regex {
        let compiled = &*self.0;
        if text.is_ascii() {
            return &compiled.ascii;
        }
        // Short patterns without counts are not too large, so this does not fail.
        compiled
            .any
            .get_or_init(|| build(&compiled.any_pattern).unwrap_or_else(|_| compiled.ascii.clone()))
    }

    /// Whether the pattern matches anywhere in `text`.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.regex(text).is_match(text)
    }

    /// The first match, empty if there is none.
    pub(crate) fn find<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        self.regex(text).find(text).map_or(&[], |found| found.as_bytes())
    }

    /// At most `limit` matches (all if negative) as byte ranges.
    pub(crate) fn find_all(&self, text: &[u8], limit: i64) -> Vec<std::ops::Range<usize>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let on_character = |range: &std::ops::Range<usize>| {
            !range.is_empty() || is_character_start(text, range.start)
        };
        self.regex(text)
            .find_iter(text)
            .map(|m| m.range())
            .filter(on_character)
            .take(limit)
            .collect()
    }

    /// Go's `ReplaceAllString`: `$1`, `$name`, `${name}` and `$$` in `template` are expanded.
    pub(crate) fn replace_all(&self, text: &[u8], template: &[u8]) -> Vec<u8> {
        self.replace_with(text, |captures, out| self.expand(template, captures, out))
    }

    /// Go's `ReplaceAllLiteralString`: the replacement is taken as it is.
    pub(crate) fn replace_all_literal(&self, text: &[u8], replacement: &[u8]) -> Vec<u8> {
        self.replace_with(text, |_, out| out.extend_from_slice(replacement))
    }

    fn replace_with(
        &self,
        text: &[u8],
        mut write: impl FnMut(&regex::bytes::Captures<'_>, &mut Vec<u8>),
    ) -> Vec<u8> {
        let regex = self.regex(text);
        let mut out = Vec::with_capacity(text.len());
        let (mut last_end, mut search_from) = (0, 0);
        while search_from <= text.len() {
            let Some(captures) = regex.captures_at(text, search_from) else { break };
            let Some(whole) = captures.get(0) else { break };
            out.extend_from_slice(&text[last_end.min(whole.start())..whole.start()]);
            // An empty match right after another match is no match of its own.
            if whole.end() > last_end || whole.start() == 0 {
                write(&captures, &mut out);
            }
            last_end = whole.end();
            let step = character_length(text, search_from);
            search_from = whole.end().max(search_from + step);
        }
        out.extend_from_slice(&text[last_end..]);
        out
    }

    /// Go's `Split`: at most `limit` pieces, none for 0, all if negative.
    pub(crate) fn split<'t>(&self, text: &'t [u8], limit: i64) -> Vec<&'t [u8]> {
        if limit == 0 {
            return Vec::new();
        }
        if !self.0.is_empty && text.is_empty() {
            return vec![text];
        }
        let mut pieces: Vec<&[u8]> = Vec::new();
        let (mut begin, mut end) = (0, 0);
        for found in self.find_all(text, limit) {
            if usize::try_from(limit).is_ok_and(|limit| pieces.len() == limit - 1) {
                break;
            }
            end = found.start;
            if found.end != 0 {
                pieces.push(&text[begin..end]);
            }
            begin = found.end;
        }
        if end != text.len() {
            pieces.push(&text[begin..]);
        }
        pieces
    }

    fn expand(&self, template: &[u8], captures: &regex::bytes::Captures<'_>, out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some(dollar) = rest.iter().position(|b| *b == b'$') {
            out.extend_from_slice(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if rest.first() == Some(&b'$') {
                out.push(b'$');
                rest = &rest[1..];
                continue;
            }
            let Some((name, after)) = reference(rest) else {
                out.push(b'$'); // malformed; the dollar stands for itself
                continue;
            };
            rest = after;
            if let Some(group) = self.group(name, captures) {
                out.extend_from_slice(group);
            }
        }
        out.extend_from_slice(rest);
    }

    fn group<'t>(&self, name: &str, captures: &regex::bytes::Captures<'t>) -> Option<&'t [u8]> {
        let by_index = |index: usize| captures.get(index).map(|m| m.as_bytes());
        if name.bytes().all(|b| b.is_ascii_digit()) {
            // "007" is a name that no group has, as upstream.
            let is_number = name == "0" || !name.starts_with('0');
            return name.parse().ok().filter(|_| is_number).and_then(by_index);
        }
        let named = self.0.group_names.iter().enumerate();
        named.filter(|(_, n)| n.as_deref() == Some(name)).find_map(|(index, _)| by_index(index))
    }
}

/// Compiles what [`emit`] has written.
fn build(pattern: &str) -> Result<Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(pattern)
        .size_limit(COMPILED_SIZE_LIMIT)
        // No lazy automaton: setting it up costs more than all the short texts of a chart take without it.
        .dfa_size_limit(0)
        .build()
}

/// The reference after a `$`: `name` or `{name}` of letters, digits and underscores.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let braced = text.strip_prefix('{');
    let body = braced.unwrap_or(text);
    let end = body.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(body.len());
    let (name, after) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    match braced {
        Some(_) => Some((name, after.strip_prefix('}')?.as_bytes())),
        None => Some((name, after.as_bytes())),
    }
}

/// Go's `QuoteMeta`: a backslash before each character with a meaning in patterns.
pub(crate) fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

fn is_character_start(text: &[u8], index: usize) -> bool {
    text.get(index).is_none_or(|byte| byte & 0xC0 != 0x80)
}

/// Bytes of the character at `index`, at least one.
fn character_length(text: &[u8], index: usize) -> usize {
    let mut length = 1;
    while length < 4 && index + length < text.len() && !is_character_start(text, index + length) {
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests;
