//! Walks through a TOML text character by character, counts lines, and words errors as
//! BurntSushi/toml does.

use gotemplate::print::quote;

/// Why a text is no TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TomlError {
    /// From 1.
    pub(super) line: usize,
    /// The full name of the key or table being read, or empty.
    pub(super) last_key: String,
    pub(super) message: String,
}

impl std::fmt::Display for TomlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, last_key, message } = self;
        if last_key.is_empty() {
            write!(f, "toml: line {line}: {message}")
        } else {
            write!(f, "toml: line {line} (last key {}): {message}", quote(last_key))
        }
    }
}

/// An error whose key is not known yet.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// A position in the text.
pub(super) struct Cursor<'t> {
    text: &'t str,
    position: usize,
    line: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, position: 0, line: 1 }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.position]
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.position..]
    }

    /// The next character without taking it.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character; control characters are refused.
    pub(super) fn next(&mut self) -> Result<Option<char>, Fault> {
        let Some(c) = self.peek() else { return Ok(None) };
        let lone_return = c == '\r' && !self.rest().starts_with("\r\n");
        let control = c < ' ' && !matches!(c, '\t' | '\r' | '\n') || c == '\u{7f}';
        if control || lone_return {
            let code = u32::from(c);
            let message = format!("TOML files cannot contain control characters: '0x{code:02x}'");
            return Err(self.fault(message));
        }
        self.position += c.len_utf8();
        self.line += usize::from(c == '\n');
        Ok(Some(c))
    }

    /// Takes the text if it comes next. It must not contain line breaks.
    pub(super) fn accept(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    /// Takes characters as long as `accepted`, none of them line breaks.
    pub(super) fn take_while(&mut self, accepted: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !accepted(c)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// An error here; at the end of the text it belongs to the last line that has characters.
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        let at_empty_end = self.rest().is_empty() && self.text.ends_with('\n');
        Fault { line: self.line - usize::from(at_empty_end), message: message.into() }
    }

    /// An error about the character just taken, which ended the line.
    pub(super) fn fault_before(&self, message: impl Into<String>) -> Fault {
        Fault { line: self.line - 1, message: message.into() }
    }
}

/// A character as Go's `%q` shows it; the end of the text is a zero there.
pub(super) fn shown(c: Option<char>) -> String {
    match c {
        None => "'\\x00'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let quoted = quote(c.to_string());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}
