//! Go's `strconv`: reading numbers with Go's prefixes, underscores and limits.

/// Why a text is no integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntError {
    Syntax,
    /// Too large; carries the nearest representable number, which is what Go returns beside the
    /// error.
    Range(i64),
}

/// Go's `ParseInt(text, base, 64)`. Base 0 takes the base from the prefix (`0x`, `0b`, `0o`, `0`)
/// and allows underscores.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, IntError> {
    let negative = text.starts_with(b"-");
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let limit = if negative { i64::MIN } else { i64::MAX };
    let magnitude = parse_uint(digits, base).map_err(|error| match error {
        IntError::Syntax => IntError::Syntax,
        IntError::Range(_) => IntError::Range(limit),
    })?;
    let signed = if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    };
    signed.ok_or(IntError::Range(limit))
}

fn parse_uint(text: &[u8], base: u32) -> Result<u64, IntError> {
    if text.is_empty() {
        return Err(IntError::Syntax);
    }
    let (digits, real_base) = match (base, text) {
        (0, [b'0', b'x' | b'X', rest @ ..]) if !rest.is_empty() => (rest, 16),
        (0, [b'0', b'b' | b'B', rest @ ..]) if !rest.is_empty() => (rest, 2),
        (0, [b'0', b'o' | b'O', rest @ ..]) if !rest.is_empty() => (rest, 8),
        (0, [b'0', rest @ ..]) => (rest, 8),
        (0, rest) => (rest, 10),
        (base, rest) => (rest, base),
    };
    if base == 0 && !underscores_fit(text) {
        return Err(IntError::Syntax);
    }
    let mut sum: u64 = 0;
    let mut overflow = false;
    for byte in digits.iter().filter(|byte| base != 0 || **byte != b'_') {
        let digit = char::from(*byte).to_digit(real_base).ok_or(IntError::Syntax)?;
        match sum.checked_mul(real_base.into()).and_then(|sum| sum.checked_add(digit.into())) {
            Some(next) if !overflow => sum = next,
            _ => overflow = true,
        }
    }
    if overflow { Err(IntError::Range(i64::MAX)) } else { Ok(sum) }
}

/// Whether underscores only stand between digits, or between a base prefix and a digit.
fn underscores_fit(text: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum Last {
        Start,
        Digit,
        Underscore,
        Other,
    }
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let (mut last, mut hex, mut rest) = (Last::Start, false, unsigned);
    if let [b'0', prefix @ (b'b' | b'B' | b'o' | b'O' | b'x' | b'X'), after @ ..] = unsigned {
        (last, hex, rest) = (Last::Digit, prefix.eq_ignore_ascii_case(&b'x'), after);
    }
    for byte in rest {
        last = match byte {
            byte if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() => Last::Digit,
            b'_' if last == Last::Digit => Last::Underscore,
            b'_' => return false,
            _ if last == Last::Underscore => return false,
            _ => Last::Other,
        };
    }
    last != Last::Underscore
}

/// Go's `ParseFloat(text, 64)`: decimal and hexadecimal floats, underscores, `inf` and `nan`.
/// `None` for anything else, and for numbers too large.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
        return text.parse().ok();
    }
    if unsigned.eq_ignore_ascii_case("nan") {
        return (unsigned.len() == text.len()).then_some(f64::NAN);
    }
    if text.contains('_') && !underscores_fit(text.as_bytes()) {
        return None;
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let number = match unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        Some(hex) if plain.starts_with('-') => -parse_hex_float(hex)?,
        Some(hex) => parse_hex_float(hex)?,
        None => plain.parse().ok()?,
    };
    number.is_finite().then_some(number)
}

/// Digits with an optional point and a binary exponent, which is required.
#[allow(clippy::cast_precision_loss)] // rounding to the nearest float is the purpose
fn parse_hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 =
        exponent.parse().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let (mut mantissa, mut seen_digit, mut seen_point) = (0_u64, false, false);
    for byte in digits.bytes() {
        if byte == b'.' {
            if seen_point {
                return None;
            }
            seen_point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        seen_digit = true;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent -= if seen_point { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0); // keeps the rounding right
            exponent += if seen_point { 0 } else { 4 };
        }
    }
    let step = |exponent: i64| 2_f64.powi(i32::try_from(exponent).unwrap_or_default());
    let exponent = exponent.clamp(-3000, 3000);
    // In two steps, because the power alone may be outside the range of floats.
    seen_digit.then(|| mantissa as f64 * step(exponent / 2) * step(exponent - exponent / 2))
}

/// Go's conversion of a float to a 64-bit integer on amd64: toward zero, and the smallest integer
/// for whatever does not fit.
#[allow(clippy::cast_possible_truncation)] // the range is checked
pub(crate) fn float_to_int(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers in all bases, with prefixes and underscores where Go allows them.
    #[test]
    fn integers() {
        for (text, base, expected) in [
            ("010", 0, Ok(8)),
            ("08", 0, Err(IntError::Syntax)),
            ("0", 0, Ok(0)),
            ("0x1F", 0, Ok(31)),
            ("0b11", 0, Ok(3)),
            ("0o17", 0, Ok(15)),
            ("1_000", 0, Ok(1000)),
            ("0_7", 0, Ok(7)),
            ("1__0", 0, Err(IntError::Syntax)),
            ("_1", 0, Err(IntError::Syntax)),
            ("1_000", 10, Err(IntError::Syntax)),
            ("0x", 0, Err(IntError::Syntax)),
            ("-9223372036854775808", 10, Ok(i64::MIN)),
            ("9223372036854775808", 10, Err(IntError::Range(i64::MAX))),
            ("-99999999999999999999", 10, Err(IntError::Range(i64::MIN))),
            ("+5", 10, Ok(5)),
            ("", 10, Err(IntError::Syntax)),
            ("755", 8, Ok(493)),
        ] {
            assert_eq!(parse_int(text.as_bytes(), base), expected, "{text}");
        }
    }

    /// Floats in Go's notations; what overflows is refused.
    #[test]
    fn floats() {
        for (text, expected) in [
            ("1e3", Some(1000.0)),
            (".5", Some(0.5)),
            ("0x1p4", Some(16.0)),
            ("-0x1.8p1", Some(-3.0)),
            ("0x1", None),
            ("1_000", Some(1000.0)),
            ("1e400", None),
            ("Inf", Some(f64::INFINITY)),
            ("", None),
            (" 1", None),
            ("0x1p-1074", Some(5e-324)),
        ] {
            assert_eq!(parse_float(text.as_bytes()), expected, "{text}");
        }
        assert!(parse_float(b"nan").is_some_and(f64::is_nan));
        assert!(parse_float(b"-nan").is_none());
    }

    /// What does not fit becomes the smallest integer, as on the processors Helm runs on.
    #[test]
    fn floats_to_integers() {
        assert_eq!(float_to_int(-3.9), -3);
        assert_eq!(float_to_int(1e19), i64::MIN);
        assert_eq!(float_to_int(f64::NAN), i64::MIN);
    }
}
