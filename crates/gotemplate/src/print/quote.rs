//! Go string and character literals: `strconv.Quote` and its kin.

use crate::unicode;

/// Go's `strconv.Quote`: a double-quoted literal in which what does not print is escaped.
///
/// ```
/// assert_eq!(gotemplate::print::quote("é\t\"\u{200b}"), r#""é\t\"\u200b""#);
/// assert_eq!(gotemplate::print::quote([0xff]), r#""\xff""#);
/// ```
pub fn quote(text: impl AsRef<[u8]>) -> String {
    let mut quoted = Vec::new();
    append(&mut quoted, text.as_ref(), false);
    String::from_utf8_lossy(&quoted).into_owned()
}

/// Appends what [`quote`] returns.
pub fn append_quoted(buf: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    append(buf, text.as_ref(), false);
}

/// Appends a double-quoted literal, in ASCII alone if asked to.
pub(super) fn append(buf: &mut Vec<u8>, text: &[u8], ascii: bool) {
    buf.reserve(text.len() + 2);
    buf.push(b'"');
    for (at, c, len) in unicode::chars(text) {
        if len == 1 && c == unicode::REPLACEMENT {
            buf.extend_from_slice(format!("\\x{:02x}", text[at]).as_bytes());
        } else {
            escape(buf, c, '"', ascii);
        }
    }
    buf.push(b'"');
}

/// Appends a single-quoted literal.
pub(super) fn append_char(buf: &mut Vec<u8>, c: char, ascii: bool) {
    buf.push(b'\'');
    escape(buf, c, '\'', ascii);
    buf.push(b'\'');
}

fn escape(buf: &mut Vec<u8>, c: char, quote: char, ascii: bool) {
    if c == quote || c == '\\' {
        buf.push(b'\\');
    }
    if c == quote || c == '\\' || (unicode::is_print(c) && (c.is_ascii() || !ascii)) {
        let mut utf8 = [0; 4];
        buf.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
        return;
    }
    let code = u32::from(c);
    let escaped = match c {
        '\u{7}' => r"\a".to_owned(),
        '\u{8}' => r"\b".to_owned(),
        '\u{c}' => r"\f".to_owned(),
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        '\u{b}' => r"\v".to_owned(),
        c if c < ' ' || c == '\u{7f}' => format!("\\x{code:02x}"),
        _ if code < 0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    buf.extend_from_slice(escaped.as_bytes());
}

/// Whether a raw literal can hold the text as it is.
pub(super) fn can_backquote(text: &[u8]) -> bool {
    unicode::chars(text).all(|(_, c, len)| match len {
        1 => (c >= ' ' || c == '\t') && !matches!(c, '`' | '\u{7f}' | unicode::REPLACEMENT),
        _ => c != '\u{feff}',
    })
}
