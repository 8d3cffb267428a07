//! Plain scalars.

use std::borrow::Cow;

use super::chars::width;
use super::{Result, Scanner, scalar};
use crate::read::token::Token;

impl<'a> Scanner<'a> {
    pub(super) fn scan_plain(&mut self) -> Result<Token<'a>> {
        let start = self.mark();
        let indent = self.indent + 1;
        // The text is a piece of the input until a line is folded.
        let mut text = Cow::Borrowed(&self.text[self.position..self.position]);
        let mut piece = self.position;
        let mut end = self.position;
        loop {
            if self.at_document_indicator() || self.at(0) == b'#' {
                break;
            }
            let from = self.position;
            self.skip_plain_characters();
            if self.position > from {
                end = self.position;
            }
            if !self.is_blank(0) && !self.is_break(0) {
                break;
            }
            let breaks = self.skip_between(indent)?;
            if !breaks.any {
                continue;
            }
            // What follows may be a key again, unless it belongs to this scalar.
            let outside = self.flow_level == 0 && self.column().cast_signed() < indent;
            if outside || self.at_document_indicator() || self.at(0) == b'#' || self.ends_plain(0) {
                self.simple_key_allowed = true;
                break;
            }
            let out = text.to_mut();
            out.push_str(&self.text[piece..end]);
            breaks.fold_into(out);
            (piece, end) = (self.position, self.position);
        }
        if end > piece {
            let rest = &self.text[piece..end];
            if text.is_empty() {
                text = Cow::Borrowed(rest);
            } else {
                text.to_mut().push_str(rest);
            }
        }
        Ok(scalar(text, true, start))
    }

    /// Over blanks and line ends behind a part of the scalar.
    fn skip_between(&mut self, indent: isize) -> Result<Breaks> {
        let mut breaks = Breaks::default();
        loop {
            if self.is_blank(0) {
                let left = self.column().cast_signed() < indent;
                if breaks.any && left && self.at(0) == b'\t' {
                    return Err(self.fault("found a tab character that violates indentation"));
                }
                self.skip();
            } else if self.is_break(0) {
                breaks.read(self);
            } else {
                return Ok(breaks);
            }
        }
    }

    /// Whether the character `offset` bytes ahead is no part of a plain scalar.
    fn ends_plain(&self, offset: usize) -> bool {
        match self.at(offset) {
            b':' => self.is_blank_or_end(offset + 1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => self.is_blank_or_end(offset),
        }
    }

    fn skip_plain_characters(&mut self) {
        let (mut bytes, mut characters) = (0, 0);
        while !self.ends_plain(bytes) {
            bytes += width(self.at(bytes));
            characters += 1;
        }
        self.position += bytes;
        self.index += characters;
    }
}

/// A run of line ends between two parts of a flow scalar.
#[derive(Default)]
pub(super) struct Breaks {
    pub(super) any: bool,
    first: String,
    others: String,
}

impl Breaks {
    /// Line ends behind an escaped one: none of them counts as the first.
    pub(super) fn after_escape(joined: bool) -> Self {
        Self { any: joined, ..Self::default() }
    }

    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) {
        if self.any {
            scanner.read_line(&mut self.others);
        } else {
            scanner.read_line(&mut self.first);
            self.any = true;
        }
    }

    /// One line end becomes a blank; of several the first goes.
    pub(super) fn fold_into(&self, out: &mut String) {
        if !self.first.starts_with('\n') {
            out.push_str(&self.first);
            out.push_str(&self.others);
        } else if self.others.is_empty() {
            out.push(' ');
        } else {
            out.push_str(&self.others);
        }
    }
}
