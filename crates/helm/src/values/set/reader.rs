//! Reading a flag's text character by character.

use super::SetError;

/// The rest of a flag's text.
pub(super) struct Reader<'t> {
    rest: &'t str,
    /// Whether a backslash takes the next character literally.
    escapes: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, escapes: bool) -> Self {
        Self { rest: text, escapes }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// The text up to one of `stops`, and which one that was; `None` at the end.
    pub(super) fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (text, Some(c));
            }
            if c == '\\' && self.escapes {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => break,
                }
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    /// The number up to `]`; `None` if the text ends before.
    pub(super) fn index(&mut self) -> Result<Option<i64>, SetError> {
        let (text, Some(_)) = self.until(&[']']) else {
            return Ok(None);
        };
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SetError::Index { text, problem: "invalid syntax" });
        }
        match text.parse() {
            Ok(index) => Ok(Some(index)),
            Err(_) => Err(SetError::Index { text, problem: "value out of range" }),
        }
    }

    /// Over blanks and one comma. Whether nothing else came before that comma or the end.
    pub(super) fn skip_empty(&mut self) -> bool {
        while let Some(c) = self.rest.chars().next() {
            if c != ',' && !c.is_whitespace() {
                return false;
            }
            self.skip(c.len_utf8());
            if c == ',' {
                break;
            }
        }
        true
    }
}
