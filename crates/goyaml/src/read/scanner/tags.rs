//! Anchors, aliases, tags and directives.

use std::borrow::Cow;

use super::chars::width;
use super::{Result, Scanner};
use crate::read::token::{Token, TokenKind};

impl<'a> Scanner<'a> {
    /// `&name` or `*name`.
    pub(super) fn scan_anchor(&mut self) -> Result<Token<'a>> {
        let start = self.mark();
        let alias = self.at(0) == b'*';
        self.skip();
        let name = self.scan_word();
        let followed = self.is_blank_or_end(0)
            || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !followed {
            return Err(self.fault("did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        Ok(Token { kind, start })
    }

    fn scan_word(&mut self) -> &'a str {
        let from = self.position;
        while self.is_word() {
            self.skip();
        }
        &self.text[from..self.position]
    }

    /// `!<uri>`, `!handle!suffix` or `!suffix`.
    pub(super) fn scan_tag(&mut self) -> Result<Token<'a>> {
        let start = self.mark();
        let (handle, suffix);
        if self.at(1) == b'<' {
            self.skip_ascii(2);
            suffix = self.scan_tag_uri("")?;
            if self.at(0) != b'>' {
                return Err(self.fault("did not find the expected '>'"));
            }
            self.skip();
            handle = Cow::Borrowed("");
        } else {
            let head = self.scan_tag_handle(false)?;
            if head.len() > 1 && head.ends_with('!') {
                suffix = self.scan_tag_uri("")?;
                handle = head.into();
            } else {
                let rest = self.scan_tag_uri(head)?;
                // The tag `!` is its own suffix.
                (handle, suffix) =
                    if rest.is_empty() { (rest, "!".into()) } else { ("!".into(), rest) };
            }
        }
        if !self.is_blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        Ok(Token { kind: TokenKind::Tag { handle, suffix }, start })
    }

    fn scan_tag_handle(&mut self, directive: bool) -> Result<&'a str> {
        if self.at(0) != b'!' {
            return Err(self.fault("did not find expected '!'"));
        }
        let from = self.position;
        self.skip();
        self.scan_word();
        if self.at(0) == b'!' {
            self.skip();
        } else if directive && self.position > from + 1 {
            return Err(self.fault("did not find expected '!'"));
        }
        Ok(&self.text[from..self.position])
    }

    /// The characters of a URI, behind the part of it that was taken for a handle (without its
    /// `!`).
    fn scan_tag_uri(&mut self, head: &'a str) -> Result<Cow<'a, str>> {
        let mut bytes = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        let from = self.position;
        while self.is_word() || is_uri_mark(self.at(0)) {
            if self.at(0) == b'%' {
                self.scan_uri_escape(&mut bytes)?;
            } else {
                bytes.push(self.at(0));
                self.skip();
            }
        }
        if head.is_empty() && self.position == from {
            return Err(self.fault("did not find expected tag URI"));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    /// One character as `%XX` per byte.
    fn scan_uri_escape(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut left = 0;
        loop {
            let digit = |offset| char::from(self.at(offset)).to_digit(16);
            let octet = match (self.at(0), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or_default(),
                _ => return Err(self.fault("did not find URI escaped octet")),
            };
            if left > 0 {
                if octet & 0xC0 != 0x80 {
                    return Err(self.fault("found an incorrect trailing UTF-8 octet"));
                }
                left -= 1;
            } else if matches!(octet, 0x80..=0xBF | 0xF8..) {
                return Err(self.fault("found an incorrect leading UTF-8 octet"));
            } else {
                left = width(octet).max(1) - 1;
            }
            bytes.push(octet);
            self.skip_ascii(3);
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// `%YAML 1.1` or `%TAG handle prefix`.
    pub(super) fn scan_directive(&mut self) -> Result<Token<'a>> {
        let start = self.mark();
        self.skip();
        let name = self.scan_word();
        if name.is_empty() {
            return Err(self.fault("could not find expected directive name"));
        }
        if !self.is_blank_or_end(0) {
            return Err(self.fault("found unexpected non-alphabetical character"));
        }
        let kind = match name {
            "YAML" => self.scan_version()?,
            "TAG" => self.scan_tag_directive()?,
            _ => return Err(self.fault("found unknown directive name")),
        };
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.skip_comment();
        }
        if !self.is_break_or_end(0) {
            return Err(self.fault("did not find expected comment or line break"));
        }
        self.skip_line();
        Ok(Token { kind, start })
    }

    fn scan_version(&mut self) -> Result<TokenKind<'a>> {
        self.skip_blanks();
        let major = self.scan_version_number()?;
        if self.at(0) != b'.' {
            return Err(self.fault("did not find expected digit or '.' character"));
        }
        self.skip();
        let minor = self.scan_version_number()?;
        Ok(TokenKind::Version { major, minor })
    }

    fn scan_version_number(&mut self) -> Result<u8> {
        let (mut number, mut digits) = (0, 0);
        while self.at(0).is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return Err(self.fault("found extremely long version number"));
            }
            number = number * 10 + (self.at(0) - b'0');
            self.skip();
        }
        if digits == 0 {
            return Err(self.fault("did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self) -> Result<TokenKind<'a>> {
        self.skip_blanks();
        let handle = self.scan_tag_handle(true)?;
        if !self.is_blank(0) {
            return Err(self.fault("did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.scan_tag_uri("")?;
        if !self.is_blank_or_end(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle: handle.into(), prefix })
    }
}

fn is_uri_mark(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'/'
            | b'?'
            | b':'
            | b'@'
            | b'&'
            | b'='
            | b'+'
            | b'$'
            | b','
            | b'.'
            | b'!'
            | b'~'
            | b'*'
            | b'\''
            | b'('
            | b')'
            | b'['
            | b']'
            | b'%'
    )
}
