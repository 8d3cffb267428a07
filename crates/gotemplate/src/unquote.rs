//! String and character literals of Go: `strconv.Unquote`.

use crate::unicode;

/// The text of Go's error for a literal it cannot read.
const SYNTAX: &str = "invalid syntax";

/// One element of a literal: `\xff` and octal escapes stand for bytes, all else for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Char(char),
    Byte(u8),
}

/// The contents of a literal in double or back quotes.
pub(crate) fn unquote(literal: &[u8]) -> Result<Vec<u8>, String> {
    match literal {
        [b'`', raw @ .., b'`'] => Ok(raw.iter().copied().filter(|byte| *byte != b'\r').collect()),
        [b'"', inner @ .., b'"'] => {
            if !inner.contains(&b'\\')
                && !inner.contains(&b'\n')
                && std::str::from_utf8(inner).is_ok()
            {
                return Ok(inner.to_vec());
            }
            let mut text = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                if rest[0] == b'\n' {
                    return Err(SYNTAX.to_owned());
                }
                let (element, after) = next(rest, b'"')?;
                match element {
                    Literal::Char(c) => {
                        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    Literal::Byte(byte) => text.push(byte),
                }
                rest = after;
            }
            Ok(text)
        }
        _ => Err(SYNTAX.to_owned()),
    }
}

/// The first element of a literal's inside, and what follows it: Go's `strconv.UnquoteChar`.
pub(crate) fn next(text: &[u8], quote: u8) -> Result<(Literal, &[u8]), String> {
    let syntax = || SYNTAX.to_owned();
    let first = *text.first().ok_or_else(syntax)?;
    if first == quote {
        return Err(syntax());
    }
    if first != b'\\' {
        let (c, len) = unicode::decode(text);
        return Ok((Literal::Char(c), &text[len..]));
    }
    let escape = *text.get(1).ok_or_else(syntax)?;
    let rest = &text[2..];
    let simple = match escape {
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'v' => '\u{b}',
        b'\\' => '\\',
        b'\'' | b'"' if escape == quote => char::from(quote),
        b'x' | b'u' | b'U' => return hex(escape, rest),
        b'0'..=b'7' => return octal(escape, rest),
        _ => return Err(syntax()),
    };
    Ok((Literal::Char(simple), rest))
}

fn hex(escape: u8, text: &[u8]) -> Result<(Literal, &[u8]), String> {
    let len = match escape {
        b'x' => 2,
        b'u' => 4,
        _ => 8,
    };
    let digits = text.get(..len).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let value = digits
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let element = value.and_then(|value| {
        if escape == b'x' {
            u8::try_from(value).ok().map(Literal::Byte)
        } else {
            char::from_u32(value).map(Literal::Char)
        }
    });
    element.map(|element| (element, &text[len..])).ok_or_else(|| SYNTAX.to_owned())
}

fn octal(first: u8, text: &[u8]) -> Result<(Literal, &[u8]), String> {
    let digits = [Some(first), text.first().copied(), text.get(1).copied()];
    let value = digits.into_iter().try_fold(0_u32, |value, digit| match digit {
        Some(digit @ b'0'..=b'7') => Some(value << 3 | u32::from(digit - b'0')),
        _ => None,
    });
    let byte = value.and_then(|value| u8::try_from(value).ok());
    byte.map(|byte| (Literal::Byte(byte), &text[2..])).ok_or_else(|| SYNTAX.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All escapes of Go, bytes and characters alike.
    #[test]
    fn escapes() {
        let text = unquote(br#""a\t\"\\\x41\303\251\u00e9\U0001F600'\xff""#);
        assert_eq!(text.as_deref(), Ok(&b"a\t\"\\A\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80'\xff"[..]));
        assert_eq!(unquote(b"`a\\t\r\n`").as_deref(), Ok(&b"a\\t\n"[..]));
    }

    /// A byte that is not UTF-8 turns into U+FFFD inside double quotes and stays in back quotes.
    #[test]
    fn invalid_bytes() {
        assert_eq!(unquote(b"\"\xff\"").as_deref(), Ok("\u{fffd}".as_bytes()));
        assert_eq!(unquote(b"`\xff`").as_deref(), Ok(&b"\xff"[..]));
    }

    /// Escapes Go does not know, and those of values it does not allow.
    #[test]
    fn refused() {
        let bad = [r#""\z""#, r#""\'""#, r#""\x4""#, r#""\400""#, r#""\ud800""#, r#""\08""#, "\"a"];
        for bad in bad {
            assert_eq!(unquote(bad.as_bytes()), Err("invalid syntax".to_owned()), "{bad}");
        }
    }
}
