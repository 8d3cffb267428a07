//! From characters to tokens: indentation, simple keys, and the dispatch to the kinds of scalars.
//!
//! The scanner holds tokens back while it cannot tell yet whether what they stand for is a key:
//! only the `:` behind it shows that, and then the start of a mapping goes in front of them.

mod blocks;
mod chars;
mod plain;
mod quoted;
mod tags;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::VecDeque;

use super::token::{Fault, Mark, Token, TokenKind};

/// go-yaml's limits on how deep flow collections and indentation may go.
const MAX_LEVELS: usize = 10_000;

/// How many characters a key may have when it is not marked by `?`.
const MAX_SIMPLE_KEY: usize = 1024;

type Result<T> = std::result::Result<T, Fault>;

/// A place where a key might begin.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// In block context, at the very indentation: here nothing but a key can be.
    required: bool,
    /// Whether its token is held back. go-yaml loses sight of an empty flow collection here.
    awaited: bool,
    /// The number of the token it begins with.
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Offset in bytes, characters so far, line, and characters before that line.
    position: usize,
    index: usize,
    line: usize,
    line_start: usize,
    flow_level: usize,
    /// The column of the current block collection; -1 outside of any.
    indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    /// One per flow level, and one for the block context around them.
    simple_keys: Vec<SimpleKey>,
    tokens: VecDeque<Token<'a>>,
    taken: usize,
    /// What is wrong with the bytes behind `text`, to be reported once somebody looks there.
    beyond: Option<Fault>,
    looked_beyond: Cell<bool>,
    ended: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, beyond: Option<Fault>) -> Self {
        Self {
            text,
            position: 0,
            index: 0,
            line: 0,
            line_start: 0,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            tokens: VecDeque::new(),
            // The start of the stream is a token of its own in go-yaml.
            taken: 1,
            beyond,
            looked_beyond: Cell::new(false),
            ended: false,
        }
    }

    /// The next token, which stays the next one until it is taken.
    pub(super) fn peek(&mut self) -> Result<&Token<'a>> {
        while self.needs_more()? {
            let fetched = self.fetch();
            if self.looked_beyond.get()
                && let Some(fault) = self.beyond.take()
            {
                return Err(fault);
            }
            fetched?;
        }
        // `needs_more` says no only when there is a token.
        Ok(&self.tokens[0])
    }

    /// Takes the token [`peek`](Self::peek) showed.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Whether the first token in the queue (if any) may still become a key.
    fn needs_more(&mut self) -> Result<bool> {
        if self.tokens.is_empty() {
            return Ok(true);
        }
        let head = self.taken;
        let from = self.simple_keys.partition_point(|key| key.token < head);
        for at in from..self.simple_keys.len() {
            if self.simple_keys[at].token != head {
                break;
            }
            if self.simple_keys[at].possible && self.simple_keys[at].awaited {
                return self.still_possible(at);
            }
        }
        Ok(false)
    }

    fn still_possible(&mut self, at: usize) -> Result<bool> {
        let key = self.simple_keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.line || key.mark.index + MAX_SIMPLE_KEY < self.index {
            if key.required {
                return Err(self.fault("could not find expected ':'"));
            }
            self.simple_keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn fetch(&mut self) -> Result<()> {
        self.skip_to_token();
        self.unroll_indent(self.column());
        let byte = self.at(0);
        let column = self.column();
        if byte == 0 {
            return self.fetch_stream_end();
        }
        if column == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if let Some(kind) = self.document_indicator() {
                return self.fetch_document_indicator(kind);
            }
        }
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.is_blank_or_end(1) => self.fetch_block_entry(),
            b'?' if self.flow_level > 0 || self.is_blank_or_end(1) => self.fetch_key(),
            b':' if self.flow_level > 0 || self.is_blank_or_end(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_simple(Self::scan_anchor),
            b'!' => self.fetch_simple(Self::scan_tag),
            b'|' if self.flow_level == 0 => self.fetch_block_scalar(true),
            b'>' if self.flow_level == 0 => self.fetch_block_scalar(false),
            b'\'' => self.fetch_simple(|scanner| scanner.scan_quoted(true)),
            b'"' => self.fetch_simple(|scanner| scanner.scan_quoted(false)),
            b'-' => self.fetch_simple(Self::scan_plain),
            b'?' | b':' if self.flow_level == 0 => self.fetch_simple(Self::scan_plain),
            b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => self.no_token(),
            _ if self.is_blank_or_end(0) => self.no_token(),
            _ => self.fetch_simple(Self::scan_plain),
        }
    }

    fn no_token(&self) -> Result<()> {
        Err(self.fault("found character that cannot start any token"))
    }

    /// Over blanks, line ends and comments.
    fn skip_to_token(&mut self) {
        if self.position == 0 && self.text.starts_with('\u{FEFF}') {
            self.skip();
        }
        loop {
            // In block context a tab is not indentation.
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == b' ' || tabs && self.at(0) == b'\t' {
                self.skip();
            }
            if self.at(0) == b'#' {
                self.skip_comment();
            }
            if !self.is_break(0) {
                break;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn document_indicator(&self) -> Option<TokenKind<'a>> {
        let kind = match (self.at(0), self.at(1), self.at(2)) {
            (b'-', b'-', b'-') => TokenKind::DocumentStart,
            (b'.', b'.', b'.') => TokenKind::DocumentEnd,
            _ => return None,
        };
        self.is_blank_or_end(3).then_some(kind)
    }

    // Simple keys and indentation.

    fn save_simple_key(&mut self) -> Result<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            possible: true,
            awaited: true,
            required: self.flow_level == 0 && usize::try_from(self.indent) == Ok(self.column()),
            token: self.taken + self.tokens.len(),
            mark: self.mark(),
        };
        self.remove_simple_key()?;
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<()> {
        let missing = self.simple_keys.last().is_some_and(|key| key.possible && key.required);
        if missing {
            return Err(self.fault("could not find expected ':'"));
        }
        if let Some(key) = self.simple_keys.last_mut() {
            key.possible = false;
        }
        Ok(())
    }

    /// Begins a block collection at `column` if that is further in; its start goes in front of
    /// the token number `before`, or at the end.
    fn roll_indent(
        &mut self,
        column: usize,
        before: Option<usize>,
        kind: TokenKind<'a>,
        mark: Mark,
    ) -> Result<()> {
        let column = column.cast_signed();
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_LEVELS {
            return Err(self.fault(format!("exceeded max depth of {MAX_LEVELS}")));
        }
        self.insert(before, Token { kind, start: mark });
        Ok(())
    }

    /// Puts a token in front of number `before`; at the end if that is gone already.
    fn insert(&mut self, before: Option<usize>, token: Token<'a>) {
        let place = before.and_then(|number| number.checked_sub(self.taken));
        self.tokens.insert(place.unwrap_or(self.tokens.len()), token);
    }

    fn unroll_indent(&mut self, column: usize) {
        if self.flow_level == 0 {
            self.unroll_indent_to(column.cast_signed());
        }
    }

    fn unroll_indent_to(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            let mark = self.mark();
            self.tokens.push_back(Token { kind: TokenKind::BlockEnd, start: mark });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // One function per kind of token.

    fn fetch_stream_end(&mut self) -> Result<()> {
        if self.column() != 0 {
            self.line += 1;
            self.line_start = self.index;
        }
        self.unroll_indent_to(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.ended = true;
        self.push(TokenKind::StreamEnd, self.mark());
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<()> {
        self.unroll_indent_to(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind<'a>) -> Result<()> {
        self.unroll_indent_to(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let mark = self.mark();
        self.skip();
        self.skip();
        self.skip_one(kind, mark);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Result<()> {
        self.save_simple_key()?;
        let token = self.taken + self.tokens.len();
        self.simple_keys.push(SimpleKey { token, mark: self.mark(), ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_LEVELS {
            return Err(self.fault(format!("exceeded max depth of {MAX_LEVELS}")));
        }
        self.simple_key_allowed = true;
        self.skip_one(kind, self.mark());
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Result<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let inner = self.simple_keys.pop();
            if let (Some(inner), Some(outer)) = (inner, self.simple_keys.last_mut())
                && inner.token == outer.token
            {
                outer.awaited = false;
            }
        }
        self.simple_key_allowed = false;
        self.skip_one(kind, self.mark());
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.skip_one(TokenKind::FlowEntry, self.mark());
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context"));
            }
            let start = TokenKind::BlockSequenceStart;
            self.roll_indent(self.column(), None, start, self.mark())?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.skip_one(TokenKind::BlockEntry, self.mark());
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            let start = TokenKind::BlockMappingStart;
            self.roll_indent(self.column(), None, start, self.mark())?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.skip_one(TokenKind::Key, self.mark());
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<()> {
        let last = self.simple_keys.len() - 1;
        if self.still_possible(last)? {
            let key = self.simple_keys[last];
            self.insert(Some(key.token), Token { kind: TokenKind::Key, start: key.mark });
            let start = TokenKind::BlockMappingStart;
            self.roll_indent(key.mark.column, Some(key.token), start, key.mark)?;
            self.simple_keys[last].possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context"));
                }
                let start = TokenKind::BlockMappingStart;
                self.roll_indent(self.column(), None, start, self.mark())?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.skip_one(TokenKind::Value, self.mark());
        Ok(())
    }

    /// A token that may begin a simple key and is followed by none.
    fn fetch_simple(&mut self, scan: impl FnOnce(&mut Self) -> Result<Token<'a>>) -> Result<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = scan(self)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn skip_one(&mut self, kind: TokenKind<'a>, start: Mark) {
        self.skip();
        self.push(kind, start);
    }

    fn push(&mut self, kind: TokenKind<'a>, start: Mark) {
        self.tokens.push_back(Token { kind, start });
    }

    fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault::Scanner { problem: problem.into(), mark: self.mark() }
    }
}

/// A scalar's text: part of the input as long as that will do.
fn scalar(text: Cow<'_, str>, plain: bool, start: Mark) -> Token<'_> {
    Token { kind: TokenKind::Scalar { text, plain }, start }
}
