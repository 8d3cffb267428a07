//! Words within texts: case styles, initials, abbreviation, wrapping.
//!
//! The rules are those of the libraries sprig uses (xstrings and goutils), slips included: some
//! work on bytes where they mean characters, which shows with texts that are not ASCII.

use super::args::{INT, Outcome, STRING, add, int, text};
use super::limits::check_text;
use crate::golang::characters::{
    is_letter, is_lower, is_number, is_punctuation, is_space, is_title, is_upper, map_characters,
    to_lower, to_title, to_upper,
};
use gotemplate::{CallContext, FuncMap, Value};

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "untitle", &[STRING], STRING, |_, args| {
        let mut at_start = true;
        Ok(Value::string(map_characters(text(args, 0)?, |c| {
            let space = is_space(c);
            let first = std::mem::replace(&mut at_start, space);
            if first && !space { to_lower(c) } else { c }
        })))
    });
    add(funcs, "swapcase", &[STRING], STRING, |_, args| {
        Ok(Value::string(swap_case(text(args, 0)?)))
    });
    add(funcs, "nospace", &[STRING], STRING, nospace);
    add(funcs, "initials", &[STRING], STRING, |_, args| {
        let mut after_gap = true;
        let initial = |byte: &u8| {
            let c = char::from(*byte);
            let gap = is_space(c);
            let first = std::mem::replace(&mut after_gap, gap);
            (first && !gap).then_some(c)
        };
        Ok(Value::string(text(args, 0)?.iter().filter_map(initial).collect::<String>()))
    });
    add(funcs, "snakecase", &[STRING], STRING, |_, args| {
        Ok(Value::string(connected_case(&text(args, 0)?.to_string_lossy(), '_')))
    });
    add(funcs, "kebabcase", &[STRING], STRING, |_, args| {
        Ok(Value::string(connected_case(&text(args, 0)?.to_string_lossy(), '-')))
    });
    add(funcs, "camelcase", &[STRING], STRING, |_, args| {
        Ok(Value::string(pascal_case(&text(args, 0)?.to_string_lossy())))
    });
    add(funcs, "abbrev", &[INT, STRING], STRING, |_, args| {
        let (width, text) = (int(args, 0)?, text(args, 1)?);
        if width < 4 {
            return Ok(Value::String(text.clone()));
        }
        Ok(Value::string(abbreviate(text, 0, width)))
    });
    add(funcs, "abbrevboth", &[INT, INT, STRING], STRING, |_, args| {
        let (left, right, text) = (int(args, 0)?, int(args, 1)?, text(args, 2)?);
        if right < 4 || left > 0 && right < 7 {
            return Ok(Value::String(text.clone()));
        }
        Ok(Value::string(abbreviate(text, left, right)))
    });
    add(funcs, "wrap", &[INT, STRING], STRING, |_, args| {
        Ok(Value::string(wrap(text(args, 1)?, int(args, 0)?, b"\n", false)?))
    });
    add(funcs, "wrapWith", &[INT, STRING, STRING], STRING, |_, args| {
        let separator = text(args, 1)?;
        let separator = if separator.is_empty() { b"\n" } else { separator.as_bytes() };
        Ok(Value::string(wrap(text(args, 2)?, int(args, 0)?, separator, true)?))
    });
}

fn swap_case(text: &[u8]) -> String {
    let mut after_space = true;
    map_characters(text, |c| {
        if is_upper(c) || is_title(c) {
            after_space = false;
            to_lower(c)
        } else if is_lower(c) {
            if std::mem::replace(&mut after_space, false) { to_title(c) } else { to_upper(c) }
        } else {
            after_space = is_space(c);
            c
        }
    })
}

/// Drops white space. Bytes are taken for Latin-1 characters if there is any to drop.
fn nospace(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let text = text(args, 0)?;
    let space = |byte: &u8| is_space(char::from(*byte));
    if !text.iter().any(space) {
        return Ok(Value::String(text.clone()));
    }
    let kept = text.iter().filter(|byte| !space(byte)).map(|byte| char::from(*byte));
    Ok(Value::string(kept.collect::<String>()))
}

/// Cuts to `width` bytes with `...` at the end, and at the beginning if `offset` is beyond 4.
fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let width = usize::try_from(width).unwrap_or_default();
    let length = text.len();
    if length <= width {
        return text.to_vec();
    }
    let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let mut offset = offset.min(signed(length));
    // Go's subtraction wraps around.
    if signed(length).wrapping_sub(offset) < signed(width - 3) {
        offset = signed(length - (width - 3));
    }
    let offset = usize::try_from(offset).unwrap_or(0);
    if offset <= 4 {
        return [&text[..width - 3], b"..."].concat();
    }
    if offset + width - 3 < length {
        // Narrow: what remains after the first dots may be too small for dots of its own.
        let rest = if width - 3 < 4 {
            Vec::new()
        } else {
            abbreviate(&text[offset..], 0, (width - 3).try_into().unwrap_or(i64::MAX))
        };
        return [b"...".as_slice(), &rest].concat();
    }
    [b"...", &text[length - (width - 3)..]].concat()
}

/// Breaks lines at blanks after at most `width` bytes; words that are longer stay whole or are cut.
fn wrap(
    text: &[u8],
    width: i64,
    separator: &[u8],
    cut_long_words: bool,
) -> Result<Vec<u8>, gotemplate::FuncError> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    check_text(separator.len().saturating_mul(text.len() / width).saturating_add(text.len()))?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let blank = rest[..=width].iter().rposition(|byte| *byte == b' ');
        let (line, skip) = match blank {
            Some(at) => (at, 1),
            None if cut_long_words => (width, 0),
            None => match rest[width..].iter().position(|byte| *byte == b' ') {
                Some(at) => (width + at, 1),
                None => break,
            },
        };
        out.extend_from_slice(&rest[..line]);
        out.extend_from_slice(separator);
        rest = &rest[line + skip..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || is_space(c)
}

/// Letters of scripts with words written apart; Han characters do not count.
fn is_alphabetic(c: char) -> bool {
    let han =
        matches!(c, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}');
    is_letter(c) && !han
}

/// `FooBar` from `foo_bar`: each word begins with a capital, leading connectors stay.
fn pascal_case(text: &str) -> String {
    let body = text.trim_start_matches(is_connector);
    let mut out = text[..text.len() - body.len()].to_owned();
    let mut characters = body.chars();
    let Some(first) = characters.next() else {
        // Of nothing but connectors, the last one comes twice.
        out.extend(text.chars().next_back());
        return out;
    };
    // A word written in capitals is lowered after its first letter.
    let mut lowering = is_upper(first);
    let mut previous = to_upper(first);
    for c in characters {
        if is_connector(c) && is_connector(previous) {
            out.push(previous);
            previous = c;
            continue;
        }
        let mut current = c;
        if is_connector(previous) {
            lowering = is_upper(c);
            current = to_upper(c);
        } else {
            if lowering {
                if is_upper(c) {
                    current = to_lower(c);
                } else {
                    lowering = false;
                }
            }
            out.push(previous);
        }
        previous = current;
    }
    out.push(previous);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WordKind {
    Nothing,
    Number,
    /// Begins with a capital.
    Capital,
    Alphabetic,
    Connector,
    Punctuation,
    Other,
}

/// Lower-case words joined by `connector`.
fn connected_case(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if word.kind != WordKind::Connector {
            word.write(connector, &mut out);
        }
        let previous = word;
        (word, rest) = next_word(rest);
        match previous.kind {
            WordKind::Number => {
                (word, rest) = write_run(word, rest, connector, &mut out);
                connect(word, true, connector, &mut out);
            }
            WordKind::Connector => previous.write(connector, &mut out),
            WordKind::Punctuation => {}
            _ if word.kind != WordKind::Number => connect(word, false, connector, &mut out),
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (word, rest) = next_word(rest);
                if word.kind == WordKind::Alphabetic {
                    // Letters after the number: the number begins a word, as in `http_2xx`.
                    out.push(connector);
                    number.write(connector, &mut out);
                    (word, rest) = write_run(word, rest, connector, &mut out);
                    connect(word, true, connector, &mut out);
                } else {
                    // Otherwise it ends one, as in `bld4_floor`.
                    number.write(connector, &mut out);
                    connect(word, false, connector, &mut out);
                }
            }
        }
    }
    word.write(connector, &mut out);
    out
}

/// Writes letters and numbers up to the next word of another kind.
fn write_run<'t>(
    mut word: Word<'t>,
    mut rest: &'t str,
    connector: char,
    out: &mut String,
) -> (Word<'t>, &'t str) {
    while matches!(word.kind, WordKind::Alphabetic | WordKind::Number) {
        word.write(connector, out);
        (word, rest) = next_word(rest);
    }
    (word, rest)
}

/// Writes a connector before `next`, unless that brings its own.
fn connect(next: Word<'_>, not_at_end: bool, connector: char, out: &mut String) {
    let own = matches!(next.kind, WordKind::Connector | WordKind::Punctuation);
    if !(own || not_at_end && next.kind == WordKind::Nothing) {
        out.push(connector);
    }
}

#[derive(Clone, Copy)]
struct Word<'t> {
    kind: WordKind,
    text: &'t str,
}

impl Word<'_> {
    fn write(self, connector: char, out: &mut String) {
        match self.kind {
            WordKind::Capital | WordKind::Connector => {
                for c in self.text.chars() {
                    out.push(if is_connector(c) { connector } else { to_lower(c) });
                }
            }
            _ => out.push_str(self.text),
        }
    }
}

/// Splits off the first word.
fn next_word(text: &str) -> (Word<'_>, &str) {
    let Some(first) = text.chars().next() else {
        return (Word { kind: WordKind::Nothing, text }, "");
    };
    let span = |accept: &dyn Fn(char) -> bool| text.find(|c| !accept(c)).unwrap_or(text.len());
    let small = |c: char| is_alphabetic(c) && !is_upper(c);
    let (kind, end) = match first {
        c if is_connector(c) => (WordKind::Connector, span(&is_connector)),
        c if is_punctuation(c) => (WordKind::Punctuation, span(&is_punctuation)),
        c if is_upper(c) => (WordKind::Capital, capital_end(text, &small)),
        c if is_alphabetic(c) => (WordKind::Alphabetic, span(&small)),
        c if is_number(c) => (WordKind::Number, span(&is_number)),
        _ => {
            let other = |c: char| {
                !is_connector(c) && !is_alphabetic(c) && !is_number(c) && !is_punctuation(c)
            };
            (WordKind::Other, span(&other))
        }
    };
    let (word, rest) = text.split_at(end.max(first.len_utf8()));
    (Word { kind, text: word }, rest)
}

/// The end of a word that begins with a capital: `Name`, or a run of capitals, whose last one
/// belongs to the next word if letters follow it (`HTTP` in `HTTPServer`).
fn capital_end(text: &str, small: &dyn Fn(char) -> bool) -> usize {
    let capitals = text.find(|c| !is_upper(c)).unwrap_or(text.len());
    let last = text[..capitals].chars().next_back().map_or(0, char::len_utf8);
    let single = capitals == last;
    let followed = text[capitals..].starts_with(is_alphabetic);
    match (single, followed) {
        (true, true) => {
            let after = &text[capitals..];
            capitals + after.find(|c| !small(c)).unwrap_or(after.len())
        }
        (false, true) => capitals - last,
        _ => capitals,
    }
}
