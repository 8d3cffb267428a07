//! TOML numbers, booleans and times.

use super::super::dates::TimeValue;
use super::cursor::{Cursor, Fault, shown};
use crate::golang::strconv::{IntError, parse_float, parse_int};
use crate::golang::time::{Time, Zone};
use gotemplate::Value;
use gotemplate::print::quote;

/// Reads a word (`true`, `false`, `inf`, `nan`); the cursor stands at its first letter.
pub(super) fn read_word(cursor: &mut Cursor<'_>) -> Result<Value, Fault> {
    for (word, value) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if cursor.accept(word) {
            return Ok(Value::Float64(value));
        }
    }
    if cursor.rest().starts_with("in") {
        cursor.accept("i"); // upstream loses the letter while it looks for `inf`
    }
    match cursor.take_while(char::is_alphabetic) {
        "true" => Ok(true.into()),
        "false" => Ok(false.into()),
        word => Err(cursor.fault(format!("expected value but found {} instead", quote(word)))),
    }
}

/// Reads a number with a sign.
pub(super) fn read_signed(cursor: &mut Cursor<'_>) -> Result<Value, Fault> {
    let start = cursor.position();
    let negative = cursor.next()? == Some('-');
    let sign = |number: f64| if negative { -number } else { number };
    for (word, value) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if cursor.accept(word) {
            return Ok(Value::Float64(sign(value)));
        }
    }
    match cursor.peek() {
        Some('0') if cursor.rest()[1..].starts_with(['b', 'o', 'x']) => {
            cursor.next()?;
            let base = cursor.peek().map(String::from).unwrap_or_default();
            let seen = cursor.since(start);
            let message = format!("cannot use sign with non-decimal numbers: '{seen}{base}'");
            Err(cursor.fault(message))
        }
        Some(c) if c.is_ascii_digit() => {
            cursor.take_while(|c| c.is_ascii_digit() || c == '_');
            finish_decimal(cursor, start)
        }
        Some('.') => {
            cursor.next()?;
            Err(cursor.fault("floats must start with a digit, not '.'"))
        }
        Some('i' | 'n') => {
            cursor.next()?;
            Err(cursor.fault(format!("invalid float: '{}'", cursor.since(start))))
        }
        other => {
            cursor.next()?;
            Err(cursor.fault(format!("expected a digit but got {}", shown(other))))
        }
    }
}

/// Reads a number or a time; the cursor stands at a digit.
pub(super) fn read_digits(cursor: &mut Cursor<'_>) -> Result<Value, Fault> {
    type Accepted = fn(char) -> bool;
    let start = cursor.position();
    let bases: [(&str, &str, Accepted); 3] = [
        ("0b", "a binary", |c| matches!(c, '0' | '1')),
        ("0o", "an octal", |c| matches!(c, '0'..='7')),
        ("0x", "a hexadecimal", |c| c.is_ascii_hexdigit()),
    ];
    for (prefix, name, digit) in bases {
        if !cursor.accept(prefix) {
            continue;
        }
        if !cursor.peek().is_some_and(digit) {
            let next = cursor.peek().unwrap_or('\0');
            return Err(cursor.fault(format!("not {name} number: '{prefix}{next}'")));
        }
        match prefix {
            "0b" => cursor.take_while(|c| matches!(c, '0' | '1' | '_')),
            "0o" => cursor.take_while(|c| matches!(c, '0'..='7' | '_')),
            _ => cursor.take_while(|c| c.is_ascii_hexdigit() || c == '_'),
        };
        return integer(cursor, cursor.since(start));
    }
    cursor.take_while(|c| c.is_ascii_digit());
    if cursor.rest().starts_with(['-', ':']) && cursor.since(start) != "0" {
        cursor.take_while(|c| c.is_ascii_digit() || "-:Tt .Zz+".contains(c));
        return time(cursor, cursor.since(start).trim());
    }
    if cursor.rest().starts_with('_') {
        cursor.take_while(|c| c.is_ascii_digit() || c == '_');
    }
    finish_decimal(cursor, start)
}

/// The digits before a point or an exponent have been read.
fn finish_decimal(cursor: &mut Cursor<'_>, start: usize) -> Result<Value, Fault> {
    if cursor.rest().starts_with(['.', 'e', 'E']) {
        cursor.take_while(|c| c.is_ascii_digit() || "_.-+eE".contains(c));
        return float(cursor, cursor.since(start));
    }
    integer(cursor, cursor.since(start))
}

fn integer(cursor: &Cursor<'_>, text: &str) -> Result<Value, Fault> {
    let invalid =
        |problem: &str| Err(cursor.fault(format!("Invalid integer {}: {problem}", quote(text))));
    if !underscores_fit(text) {
        return invalid("underscores must be surrounded by digits");
    }
    if has_leading_zero(text) {
        return invalid("cannot have leading zeroes");
    }
    match parse_int(text.as_bytes(), 0) {
        Ok(number) => Ok(Value::Int64(number)),
        Err(IntError::Range(_)) => Err(cursor.fault(format!("{text} is out of range for int64"))),
        Err(IntError::Syntax) => invalid("not a number"),
    }
}

fn float(cursor: &Cursor<'_>, text: &str) -> Result<Value, Fault> {
    let invalid =
        |problem: &str| Err(cursor.fault(format!("Invalid float {}: {problem}", quote(text))));
    let parts: Vec<&str> = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).collect();
    if !parts.iter().all(|part| underscores_fit(part)) {
        return invalid("underscores must be surrounded by digits");
    }
    if parts.first().is_some_and(|part| has_leading_zero(part)) {
        return invalid("cannot have leading zeroes");
    }
    let dangling =
        text.split('.').skip(1).any(|part| !part.starts_with(|c: char| c.is_ascii_digit()));
    if dangling {
        return invalid("'.' must be followed by one or more digits");
    }
    let plain = text.replace('_', "");
    match parse_float(plain.as_bytes()) {
        Some(number) => Ok(Value::Float64(number)),
        // Only a number too large is well-formed and yet refused.
        None if plain.parse::<f64>().is_ok() => {
            Err(cursor.fault(format!("{text} is out of range for float64")))
        }
        None => Err(cursor.fault(format!("Invalid float value: {}", quote(text)))),
    }
}

fn underscores_fit(text: &str) -> bool {
    let mut after_digit = false;
    for c in text.chars() {
        if c == '_' && !after_digit {
            return false;
        }
        after_digit = c.is_ascii_hexdigit();
    }
    after_digit
}

fn has_leading_zero(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']);
    let base = text.get(1..2).is_some_and(|letter| ["b", "o", "x"].contains(&letter));
    text.len() > 1 && text.starts_with('0') && !base
        || unsigned.is_some_and(|digits| digits.len() > 1 && digits.starts_with('0'))
}

fn time(cursor: &Cursor<'_>, text: &str) -> Result<Value, Fault> {
    let text = text.replace('z', "Z").replace(['t', ' '], "T");
    let local = |name: &str| Zone::Fixed { name: name.to_owned(), offset: Time::now().offset() };
    let layouts: [(&str, Zone); 7] = [
        ("2006-01-02T15:04:05.999999999Z07:00", Zone::local()),
        ("2006-01-02T15:04:05.999999999", local("datetime-local")),
        ("2006-01-02", local("date-local")),
        ("15:04:05.999999999", local("time-local")),
        ("2006-01-02T15:04Z07:00", Zone::local()),
        ("2006-01-02T15:04", local("datetime-local")),
        ("15:04", local("time-local")),
    ];
    for (layout, zone) in layouts {
        if let Ok(time) = Time::parse(layout, text.as_bytes(), &zone) {
            if separators_match(&text, layout) {
                return Ok(Value::object(TimeValue(time)));
            }
            break;
        }
    }
    Err(cursor.fault(format!("invalid datetime: {}", quote(text))))
}

/// Go reads `1:2` by the layout `15:04`; TOML wants both digits, which the separators give away.
fn separators_match(text: &str, layout: &str) -> bool {
    let fixed = layout.bytes().take_while(|byte| !matches!(byte, b'.' | b'Z'));
    let mut pairs = fixed.zip(text.bytes());
    pairs.all(|(wanted, found)| wanted.is_ascii_digit() || wanted == found)
}
