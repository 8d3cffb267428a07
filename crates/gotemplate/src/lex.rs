//! Template text to tokens.
//!
//! Outside of actions everything is text, with blanks trimmed where an action asks for it
//! (`{{-`, `-}}`); the parser sees nothing of trimming and of comments. Inside of actions, runs
//! of blanks are tokens: they separate arguments.

use crate::print::quote;
use crate::unicode;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The text is what is wrong.
    Error,
    Bool,
    /// A printable ASCII character without a role of its own, such as `,`.
    Char,
    CharConstant,
    /// `1+2i`
    Complex,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    Eof,
    /// `.name`
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    /// `$name`
    Variable,
    Dot,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    fn keyword(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"." => Self::Dot,
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"if" => Self::If,
            b"range" => Self::Range,
            b"nil" => Self::Nil,
            b"template" => Self::Template,
            b"with" => Self::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A token with its text and place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'t> {
    pub(crate) token: Token,
    /// As written; nothing for [`Token::Error`], which [`Lexer::message`] explains.
    pub(crate) text: &'t [u8],
    /// Offset of the first byte.
    pub(crate) pos: usize,
}

impl Item<'_> {
    /// How errors name a token that is none itself.
    pub(crate) fn describe(&self) -> String {
        /// Longer texts are cut to this many characters.
        const SHOWN: usize = 10;
        match self.token {
            Token::Eof => "EOF".to_owned(),
            token if token.is_keyword() => format!("<{}>", String::from_utf8_lossy(self.text)),
            _ if self.text.len() > SHOWN => {
                let cut = unicode::chars(self.text).nth(SHOWN);
                let shown = cut.map_or(self.text, |(at, ..)| &self.text[..at]);
                format!("{}...", quote(shown))
            }
            _ => quote(self.text),
        }
    }
}

/// The lexer. Tokens are made as the parser asks for them.
pub(crate) struct Lexer<'t> {
    input: &'t [u8],
    left: &'t [u8],
    right: &'t [u8],
    /// Where the current token starts.
    start: usize,
    pos: usize,
    /// What is wrong and where, once a [`Token::Error`] was given.
    failure: Option<(String, usize)>,
    parens: usize,
    inside_action: bool,
    /// `break` and `continue` are keywords unless there are functions of these names.
    pub(crate) break_is_keyword: bool,
    pub(crate) continue_is_keyword: bool,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t [u8], left: &'t [u8], right: &'t [u8]) -> Self {
        Self {
            input,
            left,
            right,
            start: 0,
            pos: 0,
            failure: None,
            parens: 0,
            inside_action: false,
            break_is_keyword: true,
            continue_is_keyword: true,
        }
    }

    /// The next token. After the end comes [`Token::Eof`] for ever, after an error that error.
    pub(crate) fn next_item(&mut self) -> Item<'t> {
        if let Some((_, pos)) = self.failure {
            return Item { token: Token::Error, text: &[], pos };
        }
        if self.inside_action {
            return self.action();
        }
        loop {
            if let Some(item) = self.text() {
                return item;
            }
        }
    }

    /// What is wrong, after a [`Token::Error`].
    pub(crate) fn message(&self) -> &str {
        self.failure.as_ref().map_or("", |(message, _)| message)
    }

    fn rest(&self) -> &'t [u8] {
        self.input.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        let rest = self.rest();
        (!rest.is_empty()).then(|| unicode::decode(rest).0)
    }

    fn bump(&mut self) -> Option<char> {
        let (c, len) = unicode::decode(self.rest());
        if len == 0 {
            return None;
        }
        self.pos += len;
        Some(c)
    }

    /// Takes everything up to the current position as a token.
    fn item(&mut self, token: Token) -> Item<'t> {
        let text = &self.input[self.start..self.pos];
        let item = Item { token, text, pos: self.start };
        self.start = self.pos;
        item
    }

    /// Moves on by `len` bytes.
    fn skip(&mut self, len: usize) {
        self.pos += len;
    }

    /// Drops everything up to the current position.
    fn ignore(&mut self) {
        self.start = self.pos;
    }

    /// An error token; the rest of the input is given up.
    fn error(&mut self, message: impl Into<String>) -> Item<'t> {
        let (_, pos) = self.failure.insert((message.into(), self.start));
        Item { token: Token::Error, text: &[], pos: *pos }
    }

    /// A token outside of actions; `None` after a comment.
    fn text(&mut self) -> Option<Item<'t>> {
        let rest = self.rest();
        let Some(delim) = find(rest, self.left) else {
            self.skip(rest.len());
            let token = if self.pos > self.start { Token::Text } else { Token::Eof };
            return Some(self.item(token));
        };
        if delim > 0 {
            let text = &rest[..delim];
            let trimmed =
                if trims_left(&rest[delim + self.left.len()..]) { blanks_at_end(text) } else { 0 };
            self.skip(delim - trimmed);
            let item = self.item(Token::Text);
            self.skip(trimmed);
            self.ignore();
            if !item.text.is_empty() {
                return Some(item);
            }
        }
        self.left_delim()
    }

    fn left_delim(&mut self) -> Option<Item<'t>> {
        self.skip(self.left.len());
        let marker = if trims_left(self.rest()) { 2 } else { 0 };
        if self.rest()[marker..].starts_with(b"/*") {
            self.skip(marker);
            self.ignore();
            return self.comment();
        }
        let item = self.item(Token::LeftDelim);
        self.inside_action = true;
        self.skip(marker);
        self.ignore();
        self.parens = 0;
        Some(item)
    }

    /// Skips a comment; gives a token only if it is wrong.
    fn comment(&mut self) -> Option<Item<'t>> {
        let Some(end) = find(&self.rest()[2..], b"*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.skip(2 + end + 2);
        let Some(trims) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.close_delim(trims);
        self.ignore();
        None
    }

    /// Moves behind a right delimiter, without what it trims.
    fn close_delim(&mut self, trims: bool) {
        if trims {
            self.skip(2);
        }
        self.skip(self.right.len());
        if trims {
            let rest = self.rest();
            self.skip(rest.iter().take_while(|byte| is_blank(**byte)).count());
        }
    }

    /// Whether a right delimiter stands here, and if so, whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && self.closes(&rest[2..]) {
            return Some(true);
        }
        self.closes(rest).then_some(false)
    }

    /// Whether a text begins with the right delimiter; asked at every token and mostly no.
    fn closes(&self, text: &[u8]) -> bool {
        text.first() == self.right.first() && text.starts_with(self.right)
    }

    fn right_delim(&mut self, trims: bool) -> Item<'t> {
        if trims {
            self.skip(2);
            self.ignore();
        }
        self.skip(self.right.len());
        let item = self.item(Token::RightDelim);
        if trims {
            let rest = self.rest();
            self.skip(rest.iter().take_while(|byte| is_blank(**byte)).count());
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    /// A token inside of an action.
    fn action(&mut self) -> Item<'t> {
        if let Some(trims) = self.at_right_delim() {
            if self.parens > 0 {
                return self.error("unclosed left paren");
            }
            return self.right_delim(trims);
        }
        let Some(c) = self.peek() else {
            return self.error("unclosed action");
        };
        match c {
            ' ' | '\t' | '\r' | '\n' => return self.space(),
            '.' => {
                let number = matches!(self.rest().get(1), Some(b'0'..=b'9') | None);
                if !number {
                    self.bump();
                    return self.field_or_variable(Token::Field);
                }
                return self.number();
            }
            '+' | '-' | '0'..='9' => return self.number(),
            c if is_alphanumeric(c) => return self.identifier(),
            _ => {}
        }
        self.bump();
        match c {
            '=' => self.item(Token::Assign),
            ':' => {
                if self.bump() != Some('=') {
                    return self.error("expected :=");
                }
                self.item(Token::Declare)
            }
            '|' => self.item(Token::Pipe),
            '"' => self.quoted('"', Token::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Token::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '$' => self.field_or_variable(Token::Variable),
            '(' => {
                self.parens += 1;
                self.item(Token::LeftParen)
            }
            ')' => {
                if self.parens == 0 {
                    return self.error("unexpected right paren");
                }
                self.parens -= 1;
                self.item(Token::RightParen)
            }
            ' '..='~' => self.item(Token::Char),
            c => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// A run of blanks, leaving the last one to a trimming right delimiter.
    fn space(&mut self) -> Item<'t> {
        let count = self.rest().iter().take_while(|byte| is_blank(**byte)).count();
        let last = &self.input[self.pos + count - 1..];
        if trims_right(last) && self.closes(&last[2..]) {
            if count == 1 {
                return self.right_delim(true);
            }
            self.skip(count - 1);
        } else {
            self.skip(count);
        }
        self.item(Token::Space)
    }

    fn identifier(&mut self) -> Item<'t> {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.pos];
        let token = match Token::keyword(word) {
            Some(Token::Break) if !self.break_is_keyword => Token::Identifier,
            Some(Token::Continue) if !self.continue_is_keyword => Token::Identifier,
            Some(keyword) => keyword,
            None if word == b"true" || word == b"false" => Token::Bool,
            None => Token::Identifier,
        };
        self.item(token)
    }

    /// The rest of `.name` or `$name`, of which the first character was taken.
    fn field_or_variable(&mut self, token: Token) -> Item<'t> {
        if self.at_terminator() {
            return self.item(if token == Token::Field { Token::Dot } else { token });
        }
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.item(token)
    }

    fn word(&mut self) {
        // Nearly every name is plain ASCII, without line ends to count.
        self.pos += self.rest().iter().take_while(|byte| IN_NAMES[usize::from(**byte)]).count();
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
    }

    fn bad_character(&mut self) -> Item<'t> {
        let c = self.peek().unwrap_or(unicode::REPLACEMENT);
        self.error(format!("bad character {}", code_point(c)))
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        let rest = self.rest();
        matches!(
            rest.first(),
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(')
        ) || self.closes(rest)
    }

    /// A string or character in quotes, of which the first was taken. The parser checks escapes.
    fn quoted(&mut self, quote: char, token: Token, unterminated: &str) -> Item<'t> {
        loop {
            // Nearly all of a string is neither of these.
            let plain = |byte: &u8| !matches!(byte, b'\\' | b'\n' | b'"' | b'\'');
            self.pos += self.rest().iter().take_while(|byte| plain(byte)).count();
            let c = match self.bump() {
                Some('\\') => self.bump().map(|c| if c == '\n' { c } else { '\\' }),
                c => c,
            };
            match c {
                None | Some('\n') => return self.error(unterminated),
                Some(c) if c == quote => return self.item(token),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item<'t> {
        let Some(end) = memchr::memchr(b'`', self.rest()) else {
            return self.error("unterminated raw quoted string");
        };
        self.skip(end + 1);
        self.item(Token::RawString)
    }

    fn number(&mut self) -> Item<'t> {
        let mut good = self.scan_number();
        let mut token = Token::Number;
        if good && matches!(self.peek(), Some('+' | '-')) {
            good = self.scan_number() && self.input[..self.pos].ends_with(b"i");
            token = Token::Complex;
        }
        if !good {
            let text = quote(&self.input[self.start..self.pos]);
            return self.error(format!("bad number syntax: {text}"));
        }
        self.item(token)
    }

    /// Takes what looks like a number; whether it is one, the parser finds out.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        let mut exponent: &[u8] = b"eE";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
                exponent = b"pP";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
                exponent = b"";
            } else if self.accept(b"bB") {
                digits = b"01_";
                exponent = b"";
            }
        }
        while self.accept(digits) {}
        if self.accept(b".") {
            while self.accept(digits) {}
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            while self.accept(DECIMAL) {}
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.pos += usize::from(found);
        found
    }
}

/// The ASCII characters of names.
const IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

/// `U+0078 'x'`, as `%#U` prints a character.
fn code_point(c: char) -> String {
    let code = u32::from(c);
    if unicode::is_print(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || unicode::is_letter(c) || unicode::is_digit(c)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trims_left(text: &[u8]) -> bool {
    matches!(text, [b'-', blank, ..] if is_blank(*blank))
}

fn trims_right(text: &[u8]) -> bool {
    matches!(text, [blank, b'-', ..] if is_blank(*blank))
}

fn blanks_at_end(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| is_blank(**byte)).count()
}

/// The offset of the first `needle`.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(first, &text[from..])?;
        if text[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}
