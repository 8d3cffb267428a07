//! TOML strings: basic and literal, on one line or several.

use super::cursor::{Cursor, Fault, shown};

/// Reads a string; the cursor stands at its opening quote.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    if cursor.accept("\"\"\"") {
        return read_block(cursor, "\"\"\"");
    }
    if cursor.accept("'''") {
        return read_block(cursor, "'''");
    }
    read_line(cursor)
}

/// Reads a string on one line; in keys no other is allowed.
pub(super) fn read_line(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let escapes = cursor.accept("\"");
    if !escapes {
        cursor.accept("'");
    }
    let (quote, end) = if escapes { ('"', "'\"'") } else { ('\'', "\"'\"") };
    let mut out = String::new();
    loop {
        match cursor.next()? {
            None => return Err(cursor.fault(format!("unexpected EOF; expected {end}"))),
            Some('\n' | '\r') => {
                let newline = cursor.since(0).ends_with('\n');
                let message = "strings cannot contain newlines";
                return Err(if newline {
                    cursor.fault_before(message)
                } else {
                    cursor.fault(message)
                });
            }
            Some(c) if c == quote => return Ok(out),
            Some('\\') if escapes => escape(cursor, &mut out)?,
            Some(c) => out.push(c),
        }
    }
}

/// Reads a string over several lines up to `end`; a line break right at its start does not count.
fn read_block(cursor: &mut Cursor<'_>, end: &str) -> Result<String, Fault> {
    if cursor.rest().starts_with('\n') || cursor.rest().starts_with("\r\n") {
        while cursor.next()? != Some('\n') {}
    }
    let escapes = end == "\"\"\"";
    let mut out = String::new();
    loop {
        if cursor.rest().starts_with(end) {
            // Up to two quotes may stand right before the closing ones.
            let quote = &end[..1];
            let run = cursor.rest().len() - cursor.rest().trim_start_matches(quote).len();
            if run >= 6 {
                let (open, close) = if escapes { ("'", "'") } else { ("\"", "\"") };
                return Err(cursor.fault(format!("unexpected {open}{}{close}", quote.repeat(6))));
            }
            for _ in 0..run {
                cursor.accept(quote);
            }
            out.push_str(&quote.repeat(run - 3));
            return Ok(out);
        }
        match cursor.next()? {
            None => {
                let shown = if escapes { "'\"\"\"'" } else { "\"'''\"" };
                return Err(cursor.fault(format!("unexpected EOF; expected {shown}")));
            }
            Some('\\') if escapes => {
                if !skip_line_end(cursor)? {
                    escape(cursor, &mut out)?;
                }
            }
            Some(c) => out.push(c),
        }
    }
}

/// After a backslash: skips blanks and line breaks if there is a line break among them.
fn skip_line_end(cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let rest = cursor.rest();
    let span = &rest[..rest.find(|c| !blank(c)).unwrap_or(rest.len())];
    if !span.contains('\n') {
        return Ok(false);
    }
    while cursor.peek().is_some_and(blank) {
        cursor.next()?;
    }
    Ok(true)
}

fn escape(cursor: &mut Cursor<'_>, out: &mut String) -> Result<(), Fault> {
    let c = cursor.next()?;
    out.push(match c {
        Some('b') => '\u{8}',
        Some('t') => '\t',
        Some('n') => '\n',
        Some('f') => '\u{c}',
        Some('r') => '\r',
        Some('e') => '\u{1b}',
        Some(c @ ('"' | '\\')) => c,
        Some('x') => return hexadecimal(cursor, 2, "two", 'x', out),
        Some('u') => return hexadecimal(cursor, 4, "four", 'u', out),
        Some('U') => return hexadecimal(cursor, 8, "eight", 'U', out),
        Some(c @ (' ' | '\t')) => return Err(cursor.fault(format!("invalid escape: '\\{c}'"))),
        other => {
            let c = other.map_or_else(|| "\0".to_owned(), String::from);
            return Err(cursor.fault(format!("invalid escape in string '\\{c}'")));
        }
    });
    Ok(())
}

fn hexadecimal(
    cursor: &mut Cursor<'_>,
    count: usize,
    word: &str,
    letter: char,
    out: &mut String,
) -> Result<(), Fault> {
    let start = cursor.position();
    for _ in 0..count {
        let c = cursor.next()?;
        if !c.is_some_and(|c| c.is_ascii_hexdigit()) {
            let seen = gotemplate::print::quote(format!("\\{letter}{}", cursor.since(start)));
            return Err(cursor.fault(format!(
                "expected {word} hexadecimal digits after '\\{letter}', but got {seen} instead"
            )));
        }
    }
    let digits = cursor.since(start);
    let Some(c) = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) else {
        let message = format!("Escaped character '\\u{digits}' is not valid UTF-8.");
        return Err(cursor.fault(message));
    };
    out.push(c);
    Ok(())
}

/// The error for a character that begins no value.
pub(super) fn no_value(c: Option<char>) -> String {
    match c {
        None => "unexpected EOF; expected value".to_owned(),
        c => format!("expected value but found {} instead", shown(c)),
    }
}
