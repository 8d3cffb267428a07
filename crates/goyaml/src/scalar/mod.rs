//! What a plain scalar means: go-yaml v2's reading of YAML 1.1, plus what only a writer minds.

mod base64;
mod timestamp;

pub(crate) use base64::{decode as decode_base64, encode_lines as encode_base64_lines};
pub use timestamp::is_timestamp;

/// What a plain scalar stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Empty, `~`, `null`.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites, in three spellings each.
    Bool(bool),
    /// An integer, in any of Go's bases, `_` ignored; `0777` is octal.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float, `.inf` or `.nan`.
    Float(f64),
    /// A date or a time. Read as text, but quoted when it is meant as text.
    Timestamp,
    /// Anything else.
    Text,
}

/// What `text` stands for as a plain scalar without a tag.
///
/// ```
/// use goyaml::scalar::{Scalar, resolve};
/// assert_eq!(resolve("yes"), Scalar::Bool(true));
/// assert_eq!(resolve("0o17"), Scalar::Int(15));
/// assert_eq!(resolve("08"), Scalar::Float(8.0));
/// assert_eq!(resolve("1:30"), Scalar::Text);
/// assert_eq!(resolve("2001-01-01"), Scalar::Timestamp);
/// ```
pub fn resolve(text: &str) -> Scalar {
    resolve_as(text, true)
}

/// As [`resolve`]; a tag other than `!!timestamp` makes go-yaml skip the check for times.
pub(crate) fn resolve_as(text: &str, times: bool) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => dotted(text),
        b'+' | b'-' | b'0'..=b'9' => numeric(text, times),
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

/// Text that starts with a point. go-yaml hands it to Go's float parser as it is, which allows an
/// underscore between two digits only.
fn dotted(text: &str) -> Scalar {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => return Scalar::Float(f64::INFINITY),
        _ => {}
    }
    let bytes = text.as_bytes();
    let lone = |at: usize| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        !digit(bytes[..at].last()) || !digit(bytes.get(at + 1))
    };
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'_' && lone(at)) {
        return Scalar::Text;
    }
    float(&text.replace('_', "")).unwrap_or(Scalar::Text)
}

fn numeric(text: &str, times: bool) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if times && is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    integer(plain).or_else(|| float(plain)).or_else(|| binary(plain)).unwrap_or(Scalar::Text)
}

/// Go's base-0 integers: `0x`, `0o`, `0b` in either case, and octal by a leading zero.
fn integer(text: &str) -> Option<Scalar> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some(true), &text[1..]),
        b'+' => (Some(false), &text[1..]),
        _ => (None, text),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    if sign == Some(true) {
        return 0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        // Go's parser of unsigned numbers takes no sign.
        Err(_) => sign.is_none().then_some(Scalar::Uint(magnitude)),
    }
}

/// Numbers of the form `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` that do not overflow.
fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let form = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        });
    if !form {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

/// go-yaml's second try at `0b`, in which the digits may have a sign of their own.
fn binary(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b")?;
    digits
        .strip_prefix(['+', '-'])
        .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// Whether `text` is a base-60 number such as `1:30`: text for this library, but quoted in what
/// it writes for the sake of others.
pub fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || first.contains(|c: char| !digit_or_(c)) {
        return false;
    }
    let mut rest = parts.peekable();
    if rest.peek().is_none() {
        return false;
    }
    while let Some(part) = rest.next() {
        let last = rest.peek().is_none();
        let (part, fraction) = match part.split_once('.') {
            Some((part, fraction)) if last => (part, fraction),
            _ => (part, ""),
        };
        let in_range = match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        };
        if !in_range || fraction.contains(|c: char| !digit_or_(c)) {
            return false;
        }
    }
    true
}

fn digit_or_(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{Scalar, is_base60, resolve};

    /// Numbers in every notation YAML 1.1 and Go know, and near misses.
    #[test]
    fn numbers() {
        for (text, scalar) in [
            ("0x1F", Scalar::Int(31)),
            ("-0x1F", Scalar::Int(-31)),
            ("0b101", Scalar::Int(5)),
            ("0b+1", Scalar::Int(1)),
            ("0777", Scalar::Int(511)),
            ("+5", Scalar::Int(5)),
            ("1__0_", Scalar::Int(10)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("18446744073709551615", Scalar::Uint(u64::MAX)),
            ("18446744073709551616", Scalar::Float(18_446_744_073_709_551_616.0)),
            ("1.", Scalar::Float(1.0)),
            ("-.5", Scalar::Float(-0.5)),
            (".5", Scalar::Float(0.5)),
            (".1_0", Scalar::Float(0.1)),
            ("1_000.5", Scalar::Float(1000.5)),
            ("1e3", Scalar::Float(1000.0)),
        ] {
            assert_eq!(resolve(text), scalar, "{text}");
        }
        for text in [
            "0b2", "0o8", "0xg", "0x", "1e", "1e400", "._1", ".1__0", ".", "+", "-", "--1", "+-1",
            "0x-1", "e1", "_1", "nan", "1.2.3", ".5_", "0b--1",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
    }

    /// Base 60 needs two parts, of which all but the first are below 60.
    #[test]
    fn base60() {
        for text in ["1:30", "-1:30", "1:2:3", "1_0:5", "1:30.5_", "1:30."] {
            assert!(is_base60(text), "{text}");
        }
        for text in ["1:99", "12:60", "1:", ":1", "a:1", "1:30.x", "1.5:30", "1"] {
            assert!(!is_base60(text), "{text}");
        }
    }
}
