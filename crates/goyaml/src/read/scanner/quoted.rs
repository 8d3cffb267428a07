//! Single- and double-quoted scalars.

use std::borrow::Cow;

use super::plain::Breaks;
use super::{Result, Scanner, scalar};
use crate::read::token::Token;

impl<'a> Scanner<'a> {
    pub(super) fn scan_quoted(&mut self, single: bool) -> Result<Token<'a>> {
        let start = self.mark();
        let quote = if single { b'\'' } else { b'"' };
        self.skip();
        let mut text = Cow::Borrowed(self.quoted_run(quote));
        loop {
            if self.at_document_indicator() {
                return Err(self.fault("found unexpected document indicator"));
            }
            if self.at(0) == 0 {
                return Err(self.fault("found unexpected end of stream"));
            }
            let joined = self.scan_quoted_characters(quote, &mut text)?;
            if self.at(0) == quote {
                break;
            }
            self.scan_quoted_blanks(joined, &mut text);
        }
        self.skip();
        Ok(scalar(text, false, start))
    }

    /// Takes all characters up to the first that needs thought, without copying.
    fn quoted_run(&mut self, quote: u8) -> &'a str {
        let from = self.position;
        let rest = &self.text.as_bytes()[from..];
        let plain = |byte: &u8| (0x20..0x80).contains(byte) && *byte != quote && *byte != b'\\';
        let mut length = rest.iter().take_while(|byte| plain(byte)).count();
        // Blanks before a line end would have to go again.
        if rest.get(length) != Some(&quote) {
            while length > 0 && rest[length - 1] == b' ' {
                length -= 1;
            }
        }
        self.skip_ascii(length);
        &self.text[from..from + length]
    }

    /// Characters up to a blank, a line end or the closing quote. Says whether the run ended in
    /// an escaped line end, which joins the lines without a blank.
    fn scan_quoted_characters(&mut self, quote: u8, text: &mut Cow<'a, str>) -> Result<bool> {
        while !self.is_blank_or_end(0) {
            match self.at(0) {
                b'\'' if quote == b'\'' && self.at(1) == b'\'' => {
                    text.to_mut().push('\'');
                    self.skip_ascii(2);
                }
                byte if byte == quote => break,
                b'\\' if quote == b'"' => {
                    if self.is_break(1) {
                        self.skip();
                        self.skip_line();
                        return Ok(true);
                    }
                    self.scan_escape(text.to_mut())?;
                }
                _ => self.read(text.to_mut()),
            }
        }
        Ok(false)
    }

    fn scan_quoted_blanks(&mut self, joined: bool, text: &mut Cow<'a, str>) {
        let mut blanks = String::new();
        let mut breaks = Breaks::after_escape(joined);
        while self.is_blank(0) || self.is_break(0) {
            if !self.is_blank(0) {
                breaks.read(self);
            } else if breaks.any {
                self.skip();
            } else {
                self.read(&mut blanks);
            }
        }
        if breaks.any {
            breaks.fold_into(text.to_mut());
        } else if !blanks.is_empty() {
            text.to_mut().push_str(&blanks);
        }
    }

    fn scan_escape(&mut self, out: &mut String) -> Result<()> {
        let digits = match self.at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            simple => {
                let Some(meant) = simple_escape(simple) else {
                    return Err(self.fault("found unknown escape character"));
                };
                out.push(meant);
                self.skip_ascii(2);
                return Ok(());
            }
        };
        self.skip_ascii(2);
        let mut code = 0_u32;
        for offset in 0..digits {
            let Some(digit) = char::from(self.at(offset)).to_digit(16) else {
                return Err(self.fault("did not find expected hexdecimal number"));
            };
            code = code << 4 | digit;
        }
        match char::from_u32(code) {
            Some(meant) => out.push(meant),
            None => return Err(self.fault("found invalid Unicode character escape code")),
        }
        self.skip_ascii(digits);
        Ok(())
    }
}

fn simple_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
