//! Number and character literals: Go's syntax, and the types a literal can take.
//!
//! A literal has no type of its own. `3` may be passed where an int, an unsigned int or a float is
//! wanted, `3.0` as well; [`Number`] keeps every reading that is exact.

use crate::print::quote;
use crate::unquote::{self, Literal};

/// A number literal under all the types that can hold it.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
    /// Its type where none is asked for.
    pub(crate) ideal: Ideal,
    /// As written.
    pub(crate) text: Box<str>,
}

/// The type of a literal where none is asked for; the text decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ideal {
    Complex,
    Float,
    Int,
    /// An integer beyond Go's `int`, which no type can hold.
    Overflow,
}

/// What kind of token the literal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `'a'`
    Char,
    /// `1+2i`
    Complex,
    /// Everything else.
    Plain,
}

impl Number {
    /// Reads a literal; an error is the text of Go's.
    pub(crate) fn parse(text: &[u8], form: Form) -> Result<Self, String> {
        let lossy = String::from_utf8_lossy(text);
        let mut number = Self {
            int: None,
            uint: None,
            float: None,
            complex: None,
            ideal: Ideal::Int,
            text: lossy.as_ref().into(),
        };
        match form {
            Form::Char => number.read_char(text)?,
            Form::Complex => number.read_complex(&lossy)?,
            Form::Plain => number.read_plain(&lossy)?,
        }
        number.ideal = number.ideal(form);
        Ok(number)
    }

    fn ideal(&self, form: Form) -> Ideal {
        let hex = self.text.len() > 2
            && self.text.starts_with('0')
            && matches!(self.text.as_bytes()[1], b'x' | b'X')
            && !self.text.contains(['p', 'P']);
        let looks_float = self.text.contains(['.', 'e', 'E', 'p', 'P']);
        if self.complex.is_some() {
            Ideal::Complex
        } else if self.float.is_some() && form != Form::Char && !hex && looks_float {
            Ideal::Float
        } else if self.int.is_some() {
            Ideal::Int
        } else {
            Ideal::Overflow
        }
    }

    fn read_char(&mut self, text: &[u8]) -> Result<(), String> {
        let (literal, rest) = unquote::next(text.get(1..).unwrap_or_default(), b'\'')?;
        if rest != b"'" {
            return Err(format!("malformed character constant: {}", self.text));
        }
        let code = match literal {
            Literal::Char(c) => u32::from(c),
            Literal::Byte(byte) => u32::from(byte),
        };
        self.int = Some(i64::from(code));
        self.uint = Some(u64::from(code));
        self.float = Some(f64::from(code));
        Ok(())
    }

    fn read_complex(&mut self, text: &str) -> Result<(), String> {
        let real = float_token_len(text);
        let imaginary = text[real..].strip_suffix('i').unwrap_or(&text[real..]);
        if matches!(imaginary, "" | "+" | "-") {
            return Err("syntax error scanning complex number".to_owned());
        }
        let part = |part: &str| {
            parse_float(part).map_err(|error| {
                let reason = match error {
                    NumberError::Syntax => "invalid syntax",
                    NumberError::Range => "value out of range",
                };
                format!("strconv.ParseFloat: parsing {}: {reason}", quote(part))
            })
        };
        self.set_complex(part(&text[..real])?, part(imaginary)?);
        Ok(())
    }

    /// A complex number without an imaginary part is also a float, perhaps an integer.
    fn set_complex(&mut self, re: f64, im: f64) {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.float = Some(re);
            self.int = exact_int(re);
            self.uint = exact_uint(re);
        }
    }

    fn read_plain(&mut self, text: &str) -> Result<(), String> {
        if let Some(float) = text.strip_suffix('i').and_then(|text| parse_float(text).ok()) {
            self.set_complex(0.0, float);
            return Ok(());
        }
        self.uint = parse_uint(text).ok();
        self.int = parse_int(text).ok();
        if self.int == Some(0) {
            self.uint = Some(0); // -0
        }
        #[expect(clippy::cast_precision_loss, reason = "Go rounds to the nearest float, too")]
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else if let Ok(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quote(text)));
            }
            self.float = Some(float);
            self.int = exact_int(float);
            self.uint = exact_uint(float);
        }
        if self.int.is_none() && self.uint.is_none() && self.float.is_none() {
            return Err(format!("illegal number syntax: {}", quote(text)));
        }
        Ok(())
    }
}

/// 2^63, the first float beyond `i64`.
const INT_END: f64 = 9_223_372_036_854_775_808.0;

#[expect(clippy::cast_possible_truncation, reason = "whole and within the range")]
fn exact_int(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && (-INT_END..INT_END).contains(&float)).then_some(float as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, not negative and within the range"
)]
fn exact_uint(float: f64) -> Option<u64> {
    (float.fract() == 0.0 && (0.0..INT_END * 2.0).contains(&float)).then_some(float as u64)
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    Syntax,
    Range,
}

/// Go's `strconv.ParseUint` in base 0: the prefix tells the base, underscores may separate digits.
fn parse_uint(text: &str) -> Result<u64, NumberError> {
    let lower = text.to_ascii_lowercase();
    let long = text.len() >= 3;
    let (base, digits) = match lower.get(..2) {
        Some("0b") if long => (2, &lower[2..]),
        Some("0o") if long => (8, &lower[2..]),
        Some("0x") if long => (16, &lower[2..]),
        _ if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if lower.is_empty() {
        return Err(NumberError::Syntax);
    }
    let mut value: u64 = 0;
    for c in digits.chars().filter(|c| *c != '_') {
        let digit = c.to_digit(base).ok_or(NumberError::Syntax)?;
        value = value
            .checked_mul(u64::from(base))
            .and_then(|value| value.checked_add(u64::from(digit)))
            .ok_or(NumberError::Range)?;
    }
    if underscores_fit(text) { Ok(value) } else { Err(NumberError::Syntax) }
}

/// Go's `strconv.ParseInt` in base 0.
fn parse_int(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits)?;
    let value = if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    };
    value.ok_or(NumberError::Range)
}

/// Whether every underscore stands between digits, or between a base prefix and a digit.
fn underscores_fit(text: &str) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Saw {
        Start,
        Digit,
        Underscore,
        Other,
    }
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let prefix = text.len() >= 2
        && text[0] == b'0'
        && matches!(text[1].to_ascii_lowercase(), b'b' | b'o' | b'x');
    let hex = prefix && text[1].eq_ignore_ascii_case(&b'x');
    let mut saw = if prefix { Saw::Digit } else { Saw::Start };
    for byte in &text[if prefix { 2 } else { 0 }..] {
        saw = if byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit()) {
            Saw::Digit
        } else if *byte == b'_' {
            if saw != Saw::Digit {
                return false;
            }
            Saw::Underscore
        } else if saw == Saw::Underscore {
            return false;
        } else {
            Saw::Other
        };
    }
    saw != Saw::Underscore
}

/// How much of the text Go's scanner takes for the real part of a complex number.
fn float_token_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let hex = bytes.get(at) == Some(&b'0') && matches!(bytes.get(at + 1), Some(b'x' | b'X'));
    if hex {
        at += 2;
    }
    let digit = |byte: &u8| {
        byte.is_ascii_digit() || matches!(byte, b'_' | b'.') || (hex && byte.is_ascii_hexdigit())
    };
    at += bytes[at..].iter().take_while(|byte| digit(byte)).count();
    let exponent = match bytes.get(at) {
        Some(b'e' | b'E') => !hex,
        Some(b'p' | b'P') => hex,
        _ => false,
    };
    if exponent {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let digit = |byte: &&u8| byte.is_ascii_digit() || **byte == b'_';
        at += bytes[at..].iter().take_while(digit).count();
    }
    at
}

/// Go's `strconv.ParseFloat`: decimal and hexadecimal, with underscores between digits.
pub(crate) fn parse_float(text: &str) -> Result<f64, NumberError> {
    if !underscores_fit(text) && text.contains('_') {
        return Err(NumberError::Syntax);
    }
    let plain = text.replace('_', "");
    let (negative, unsigned) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    let lower = unsigned.to_ascii_lowercase();
    let value = match lower.strip_prefix("0x") {
        Some(hex) if !hex.is_empty() => parse_hex_float(hex)?,
        _ => {
            let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
            if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                || !lower.chars().all(allowed)
            {
                return Err(NumberError::Syntax);
            }
            lower.parse().map_err(|_| NumberError::Syntax)?
        }
    };
    if f64::is_infinite(value) {
        return Err(NumberError::Range);
    }
    Ok(if negative { -value } else { value })
}

/// Reads `1.8p3`, the part of a hexadecimal float after `0x`.
fn parse_hex_float(text: &str) -> Result<f64, NumberError> {
    let (mantissa, exponent) = text.split_once('p').ok_or(NumberError::Syntax)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumberError::Syntax);
    }
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let magnitude: i64 = digits.parse().unwrap_or(i64::MAX).min(100_000);
    let mut exponent = if exponent.starts_with('-') { -magnitude } else { magnitude };
    let mut value: u64 = 0;
    let mut dropped = false;
    for (at, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16).ok_or(NumberError::Syntax)?);
        if at >= whole.len() {
            exponent -= 4;
        }
        if value >> 60 == 0 {
            value = value << 4 | digit;
        } else {
            dropped |= digit != 0;
            exponent += 4;
        }
    }
    Ok(scale(value, exponent, dropped))
}

/// `mantissa` × 2^`exponent`, rounded to even; `dropped` says that a little was cut off before.
fn scale(mantissa: u64, exponent: i64, dropped: bool) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = mantissa.leading_zeros();
    let mantissa = mantissa << shift;
    let exponent = exponent - i64::from(shift);
    let top = exponent + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    // 53 bits, fewer below the normal range.
    let kept = (53 + (top + 1022).min(0)).max(0);
    let cut = 64 - kept;
    let (mut kept_bits, rest, half) = if cut == 64 {
        (0, mantissa, 1 << 63)
    } else {
        (mantissa >> cut, mantissa & ((1 << cut) - 1), 1 << (cut - 1))
    };
    if rest > half || (rest == half && (dropped || kept_bits & 1 == 1)) {
        kept_bits += 1;
    }
    let power = exponent + cut;
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let kept_value = kept_bits as f64;
    let bits = match u64::try_from(power + 1023) {
        Ok(biased @ 1..) => biased << 52,
        _ => u64::try_from(power + 1074).ok().map_or(0, |shift| 1 << shift),
    };
    kept_value * f64::from_bits(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A literal is held under every type that is exact, and its text alone decides its own type.
    #[test]
    fn readings_of_a_literal() {
        let read = |text: &str| Number::parse(text.as_bytes(), Form::Plain).expect(text);
        let three = read("3.0");
        assert_eq!((three.int, three.uint, three.float), (Some(3), Some(3), Some(3.0)));
        assert_eq!(three.ideal, Ideal::Float);
        assert_eq!(read("0x1e").ideal, Ideal::Int);
        assert_eq!(
            (read("0x1e").int, read("017").int, read("0o17").int),
            (Some(30), Some(15), Some(15))
        );
        assert_eq!((read("+5").int, read("+5").uint), (Some(5), None));
        assert_eq!((read("-0").int, read("-0").uint), (Some(0), Some(0)));
        assert_eq!(read("1_000").int, Some(1000));
        assert_eq!(read("9223372036854775808").ideal, Ideal::Overflow);
        assert_eq!(read("3i").complex, Some((0.0, 3.0)));
        assert_eq!(read("9223372036854775808.0").int, None);
    }

    /// Hexadecimal floats round to even, into the subnormal range and out of the normal one.
    #[test]
    fn hexadecimal_floats() {
        assert_eq!(parse_float("0x1p4"), Ok(16.0));
        assert_eq!(parse_float("-0x.8p-1"), Ok(-0.25));
        assert_eq!(parse_float("0x1.00000000000008p0"), Ok(1.0));
        assert_eq!(parse_float("0x1.000000000000081p0"), Ok(1.0 + f64::EPSILON));
        assert_eq!(parse_float("0x1p-1074"), Ok(5e-324));
        assert_eq!(parse_float("0x1p-1075"), Ok(0.0));
        assert_eq!(parse_float("0x1.8p-1075"), Ok(5e-324));
        assert_eq!(parse_float("0x1p1024"), Err(NumberError::Range));
        assert_eq!(parse_float("0x1.fffffffffffff8p1023"), Err(NumberError::Range));
    }

    /// Underscores separate digits and nothing else.
    #[test]
    fn underscores() {
        assert_eq!(parse_int("0x_1F"), Ok(31));
        for bad in ["_1", "1_", "1__0", "0_x1"] {
            assert_eq!(parse_int(bad), Err(NumberError::Syntax), "{bad}");
        }
        assert_eq!(parse_float("1_0.2_5"), Ok(10.25));
        assert_eq!(parse_float("1_.5"), Err(NumberError::Syntax));
    }

    /// What cannot be read is named as Go names it.
    #[test]
    fn errors() {
        let error = |text: &str, form| Number::parse(text.as_bytes(), form).unwrap_err();
        assert_eq!(
            error("99999999999999999999", Form::Plain),
            "integer overflow: \"99999999999999999999\""
        );
        assert_eq!(error("0x", Form::Plain), "illegal number syntax: \"0x\"");
        assert_eq!(error("'ab'", Form::Char), "malformed character constant: 'ab'");
        assert_eq!(error("''", Form::Char), "invalid syntax");
        assert_eq!(
            error("1+2__0i", Form::Complex),
            "strconv.ParseFloat: parsing \"+2__0\": invalid syntax"
        );
    }
}
