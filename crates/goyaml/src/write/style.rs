//! Which style a text can be written in.

use super::Dialect;
use crate::scalar::{self, Scalar};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What there is to know about a text before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Analysis {
    pub(super) style: Style,
    /// It has a line end of any kind, so that it cannot be a simple key.
    pub(super) multiline: bool,
    /// It does not survive a step through JSON and YAML as it is.
    pub(super) read_again: bool,
}

/// Chooses the style of a text value that is not a simple key of a mapping.
pub(super) fn analyze(text: &str, dialect: Dialect) -> Analysis {
    if is_simple(text) {
        let style = if stays_text(text) { Style::Plain } else { Style::DoubleQuoted };
        return Analysis { style, multiline: false, read_again: false };
    }
    let found = Findings::of(text, dialect);
    let mut style = if text.contains('\n') {
        Style::Literal
    } else if stays_text(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    if style == Style::Plain && !found.plain_allowed() {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !found.single_allowed() {
        style = Style::DoubleQuoted;
    }
    if style == Style::Literal && !found.literal_allowed() {
        style = Style::DoubleQuoted;
    }
    Analysis { style, multiline: found.line_breaks, read_again: found.read_again }
}

/// Whether `text`, written plain, would be read back as text.
fn stays_text(text: &str) -> bool {
    scalar::resolve(text) == Scalar::Text && !scalar::is_base60(text)
}

/// Letters, digits and marks that mean nothing in YAML wherever they stand, begun by one that
/// means nothing at the start either: most texts are like that.
fn is_simple(text: &str) -> bool {
    let harmless = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'.' | b'-' | b'+' | b'=')
    };
    let bytes = text.as_bytes();
    bytes.iter().all(harmless)
        && !matches!(bytes, [b'-'] | [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..])
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts about a text")]
struct Findings {
    indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    space_at_edge: bool,
    space_at_end: bool,
    break_at_edge: bool,
    break_then_space: bool,
    space_then_break: bool,
    read_again: bool,
}

impl Findings {
    fn plain_allowed(&self) -> bool {
        !(self.indicators || self.line_breaks || self.space_at_edge || self.break_at_edge)
            && self.single_allowed()
    }

    fn single_allowed(&self) -> bool {
        !(self.break_then_space || self.space_then_break || self.special || self.tabs)
    }

    fn literal_allowed(&self) -> bool {
        !(self.space_at_end || self.space_then_break || self.special)
    }

    fn of(text: &str, dialect: Dialect) -> Self {
        let mut found = Self {
            indicators: text.starts_with("---") || text.starts_with("..."),
            ..Self::default()
        };
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            found.indicators |= is_indicator(previous, c, next);
            match c {
                ' ' => {
                    found.space_at_edge |= previous.is_none() || next.is_none();
                    found.space_at_end |= next.is_none();
                    found.break_then_space |= previous.is_some_and(is_break);
                }
                _ if is_break(c) => {
                    found.line_breaks = true;
                    found.break_at_edge |= previous.is_none() || next.is_none();
                    found.space_then_break |= previous == Some(' ');
                }
                _ => {}
            }
            if c == '\t' && dialect == Dialect::V3 {
                found.tabs = true;
            } else {
                found.special |= !is_printable(c);
            }
            let foreign = matches!(c, '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
            found.read_again |= foreign && dialect == Dialect::V2Json;
            previous = Some(c);
        }
        found
    }
}

/// Whether `c` would mean something to a reader of a plain scalar where it stands.
fn is_indicator(previous: Option<char>, c: char, next: Option<char>) -> bool {
    let before_blank = matches!(next, None | Some(' ' | '\t'));
    match (previous, c) {
        (
            None,
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`',
        ) => true,
        (None, '?' | '-') | (_, ':') => before_blank,
        (Some(previous), '#') => matches!(previous, ' ' | '\t' | '\0') || is_break(previous),
        _ => false,
    }
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml writes as it is; of the characters outside the basic plane it does so with none.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        '\n' | ' '..='~' => true,
        '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => ('\u{A0}'..='\u{FFFD}').contains(&c),
    }
}
