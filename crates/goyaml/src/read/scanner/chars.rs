//! Looking at characters and moving over them, keeping count of places.

use super::Scanner;
use crate::read::token::Mark;

impl Scanner<'_> {
    pub(super) fn mark(&self) -> Mark {
        Mark { index: self.index, line: self.line, column: self.column() }
    }

    pub(super) fn column(&self) -> usize {
        self.index - self.line_start
    }

    /// The byte `offset` bytes ahead; 0 at the end, as no text has that byte.
    pub(super) fn at(&self, offset: usize) -> u8 {
        if let Some(byte) = self.text.as_bytes().get(self.position + offset) {
            return *byte;
        }
        self.looked_beyond.set(true);
        0
    }

    pub(super) fn is_break(&self, offset: usize) -> bool {
        match self.at(offset) {
            b'\n' | b'\r' => true,
            0xC2 => self.at(offset + 1) == 0x85,
            0xE2 => self.at(offset + 1) == 0x80 && matches!(self.at(offset + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    /// Blank or tab.
    pub(super) fn is_blank(&self, offset: usize) -> bool {
        matches!(self.at(offset), b' ' | b'\t')
    }

    /// A line end, or the end of the text.
    pub(super) fn is_break_or_end(&self, offset: usize) -> bool {
        self.at(offset) == 0 || self.is_break(offset)
    }

    /// Blank, tab, line end, or the end of the text.
    pub(super) fn is_blank_or_end(&self, offset: usize) -> bool {
        match self.at(offset) {
            b' ' | b'\t' | b'\n' | b'\r' | 0 => true,
            0xC2 | 0xE2 => self.is_break(offset),
            _ => false,
        }
    }

    /// A letter, digit, `_` or `-`: what names of anchors and tag handles are made of.
    pub(super) fn is_word(&self) -> bool {
        matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
    }

    /// Over one character.
    pub(super) fn skip(&mut self) {
        self.position += width(self.at(0));
        self.index += 1;
    }

    /// Over `count` characters of one byte each.
    pub(super) fn skip_ascii(&mut self, count: usize) {
        self.position += count;
        self.index += count;
    }

    /// Over one line end, if there is one here.
    pub(super) fn skip_line(&mut self) {
        if self.at(0) == b'\r' && self.at(1) == b'\n' {
            self.skip_ascii(2);
        } else if self.is_break(0) {
            self.skip();
        } else {
            return;
        }
        self.line += 1;
        self.line_start = self.index;
    }

    pub(super) fn skip_comment(&mut self) {
        // Charts consist of comments to a good part, and nearly all of them are plain ASCII.
        let rest = &self.text.as_bytes()[self.position..];
        let line = memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[..end]);
        if line.is_ascii() && !line.contains(&b'\r') {
            self.skip_ascii(line.len());
        }
        while !self.is_break_or_end(0) {
            self.skip();
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Moves one character over into `out`.
    pub(super) fn read(&mut self, out: &mut String) {
        let from = self.position;
        self.skip();
        out.push_str(&self.text[from..self.position]);
    }

    /// Moves one line end over into `out`: `\n` whatever it was, but U+2028 and U+2029 as they are.
    pub(super) fn read_line(&mut self, out: &mut String) {
        match self.at(0) {
            0xE2 => out.push_str(&self.text[self.position..self.position + 3]),
            _ => out.push('\n'),
        }
        self.skip_line();
    }

    /// Whether a document indicator stands here, which may only be at the start of a line.
    pub(super) fn at_document_indicator(&self) -> bool {
        self.column() == 0 && self.document_indicator().is_some()
    }
}

/// The length in bytes of the character that starts with `byte`.
pub(super) fn width(byte: u8) -> usize {
    match byte {
        0 => 0,
        1..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0.. => 4,
    }
}
