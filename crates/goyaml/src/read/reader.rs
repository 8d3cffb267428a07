//! From bytes to the characters YAML allows.

use std::borrow::Cow;

use super::token::{Fault, Mark};

/// go-yaml decodes its input in pieces of this many bytes, and notices a character that is not
/// allowed when it decodes the piece it is in: a syntax error in an earlier piece comes first.
const PIECE: usize = 512;

const CUT_OFF: &str = "incomplete UTF-8 octet sequence";

/// The text up to (not including) the piece that cannot be decoded, and what is wrong there.
pub(super) struct Input<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) fault: Option<Fault>,
}

/// Decodes UTF-8, or UTF-16 announced by a byte order mark, and checks every character.
pub(super) fn decode(bytes: &[u8]) -> Input<'_> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest, 3),
        _ => utf8(bytes, 0),
    }
}

fn utf8(bytes: &[u8], skipped: usize) -> Input<'_> {
    let (valid, invalid) = match std::str::from_utf8(bytes) {
        Ok(all) => (all, false),
        Err(_) => (bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()), true),
    };
    let (bad, problem) = match forbidden(valid) {
        Some(at) => (at, "control characters are not allowed"),
        None if invalid => (valid.len(), utf8_problem(&bytes[valid.len()..])),
        None => {
            return Input { text: Cow::Borrowed(valid), fault: None };
        }
    };
    let mark = mark_at(valid, bad);
    // A character that is cut off is noticed only when more bytes are asked for.
    let text = match problem {
        CUT_OFF => valid,
        _ => &valid[..piece_start(valid, bad, skipped)],
    };
    Input { text: Cow::Borrowed(text), fault: Some(Fault::Reader { problem, mark: Some(mark) }) }
}

/// The offset of the first character YAML does not allow.
fn forbidden(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7E | b'\n' | b'\t' | b'\r');
    while let Some(&byte) = bytes.get(at) {
        // Without a way out, so that the compiler looks at many bytes at once.
        if let Some(piece) = bytes[at..].first_chunk::<64>()
            && piece.iter().fold(true, |all, byte| all & plain(byte))
        {
            at += piece.len();
            continue;
        }
        let next = |offset: usize| bytes.get(at + offset).copied().unwrap_or_default();
        at += match byte {
            0x20..=0x7E | b'\n' | b'\t' | b'\r' => 1,
            0..=0x1F | 0x7F => return Some(at),
            // U+0080 to U+009F, except the line end U+0085.
            0xC2 if next(1) < 0xA0 && next(1) != 0x85 => return Some(at),
            // U+FFFE and U+FFFF.
            0xEF if next(1) == 0xBF && next(2) >= 0xBE => return Some(at),
            0x80..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0.. => 4,
        };
    }
    None
}

/// What go-yaml says about bytes that do not start with a UTF-8 character.
fn utf8_problem(bytes: &[u8]) -> &'static str {
    let width = match bytes.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF7) => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if bytes.len() < width {
        return CUT_OFF;
    }
    if bytes[1..width].iter().any(|byte| byte & 0xC0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let overlong = match (bytes[0], bytes[1]) {
        (0xC0 | 0xC1, _) => true,
        (0xE0, second) => second < 0xA0,
        (0xF0, second) => second < 0x90,
        _ => false,
    };
    if overlong { "invalid length of a UTF-8 sequence" } else { "invalid Unicode character" }
}

/// Where the piece begins that holds the byte at `bad`. A character cut by the end of a piece
/// belongs to the next one. `skipped` bytes of the first piece were a byte order mark.
fn piece_start(text: &str, bad: usize, skipped: usize) -> usize {
    let (mut start, mut room) = (0, PIECE - skipped);
    loop {
        let mut end = start + room;
        if end > bad {
            return start;
        }
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        (start, room) = (end, PIECE);
    }
}

fn mark_at(text: &str, offset: usize) -> Mark {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Mark {
        index: 0,
        line: before.bytes().filter(|byte| *byte == b'\n').count(),
        column: before[line_start..].chars().count(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Input<'static> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut units = pairs.iter().map(|pair| unit(*pair));
    let mut problem = None;
    while let Some(first) = units.next() {
        let decoded = match first {
            0xDC00..=0xDFFF => Err("unexpected low surrogate area"),
            0xD800..=0xDBFF => match units.next() {
                Some(second @ 0xDC00..=0xDFFF) => {
                    let high = u32::from(first & 0x3FF) << 10;
                    Ok(0x1_0000 + high + u32::from(second & 0x3FF))
                }
                Some(_) => Err("expected low surrogate area"),
                None => Err("incomplete UTF-16 surrogate pair"),
            },
            _ => Ok(u32::from(first)),
        };
        match decoded {
            Ok(code) => text.extend(char::from_u32(code)),
            Err(what) => {
                problem = Some(what);
                break;
            }
        }
    }
    if problem.is_none() && !odd.is_empty() {
        problem = Some("incomplete UTF-16 character");
    }
    if let Some(at) = forbidden(&text) {
        text.truncate(at);
        problem = Some("control characters are not allowed");
    }
    let fault = problem.map(|problem| {
        let mark = mark_at(&text, text.len());
        Fault::Reader { problem, mark: Some(mark) }
    });
    Input { text: Cow::Owned(text), fault }
}
