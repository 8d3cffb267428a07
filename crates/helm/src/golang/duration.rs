//! Go's `time.Duration`: a signed count of nanoseconds with its own text form (`1h2m3.5s`).

use super::time::quote;
use std::fmt;

/// A span of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Duration(pub(crate) i64);

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// The magnitude of the smallest duration, one more than that of the largest.
const LIMIT: u64 = 1 << 63;

/// Why a text is no duration; prints Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(Vec<u8>),
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(Vec<u8>),
    #[error("time: unknown unit {} in duration {}", quote(.unit), quote(.text))]
    UnknownUnit { unit: Vec<u8>, text: Vec<u8> },
}

impl Duration {
    /// Reads `1h30m`, `-1.5s`, `300ms` and so on. Bytes, as Go's strings are: what is no UTF-8 is refused as it stands.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let negative = text.first() == Some(&b'-');
        let mut rest = match text {
            [b'-' | b'+', rest @ ..] => rest,
            _ => text,
        };
        if rest == b"0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (number, after) = Number::read(rest).ok_or_else(invalid)?;
            let end = after
                .iter()
                .position(|byte| *byte == b'.' || byte.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            if unit.is_empty() {
                return Err(DurationError::MissingUnit(text.to_owned()));
            }
            let size = unit_size(unit).ok_or_else(|| DurationError::UnknownUnit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            })?;
            let nanos = number.times(size).ok_or_else(invalid)?;
            total = total.checked_add(nanos).filter(|sum| *sum <= LIMIT).ok_or_else(invalid)?;
            rest = after;
        }
        match i64::try_from(total) {
            Ok(nanos) => Ok(Self(if negative { -nanos } else { nanos })),
            Err(_) if negative => Ok(Self(i64::MIN)),
            Err(_) => Err(invalid()),
        }
    }

    /// Whole and fractional seconds, computed as Go does (which decides the last digit).
    #[allow(clippy::cast_precision_loss)] // the loss is part of the result
    pub(crate) fn in_units(self, unit_nanos: i64) -> f64 {
        let whole = self.0 / unit_nanos;
        let rest = self.0 % unit_nanos;
        whole as f64 + rest as f64 / unit_nanos as f64
    }

    /// Rounds toward zero to a multiple of `step`; a step of zero or less changes nothing.
    pub(crate) fn truncate(self, step: Self) -> Self {
        if step.0 <= 0 { self } else { Self(self.0 - self.0 % step.0) }
    }

    /// Rounds half away from zero to a multiple of `step`; at the ends of the range it clips.
    pub(crate) fn round(self, step: Self) -> Self {
        if step.0 <= 0 {
            return self;
        }
        let rest = (self.0 % step.0).unsigned_abs();
        let toward_zero = self.truncate(step);
        if rest.saturating_mul(2) < step.0.unsigned_abs() {
            return toward_zero;
        }
        if self.0 < 0 {
            Self(toward_zero.0.checked_sub(step.0).unwrap_or(i64::MIN))
        } else {
            Self(toward_zero.0.checked_add(step.0).unwrap_or(i64::MAX))
        }
    }
}

impl fmt::Display for Duration {
    /// Go's form: the largest unit that is not zero first, fractions without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if nanos < SECOND {
            return match nanos {
                0 => f.write_str("0s"),
                n if n < MICROSECOND => write!(f, "{n}ns"),
                n if n < MILLISECOND => write!(f, "{}µs", decimal(n, MICROSECOND)),
                n => write!(f, "{}ms", decimal(n, MILLISECOND)),
            };
        }
        if nanos >= HOUR {
            write!(f, "{}h", nanos / HOUR)?;
        }
        if nanos >= MINUTE {
            write!(f, "{}m", nanos % HOUR / MINUTE)?;
        }
        write!(f, "{}s", decimal(nanos % MINUTE, SECOND))
    }
}

/// `nanos` in `unit` (a power of ten) without trailing zeros.
fn decimal(nanos: u64, unit: u64) -> String {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

fn unit_size(unit: &[u8]) -> Option<u64> {
    Some(match str::from_utf8(unit).ok()? {
        "ns" => 1,
        "us" | "µs" | "μs" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// `whole.fraction` as integers; `scale` is the power of ten of the fraction.
struct Number {
    whole: u64,
    fraction: u64,
    scale: f64,
}

impl Number {
    fn read(text: &[u8]) -> Option<(Self, &[u8])> {
        let digits_end =
            |text: &[u8]| text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
        let (whole_digits, mut rest) = text.split_at(digits_end(text));
        let mut fraction_digits: &[u8] = b"";
        if let Some(after_point) = rest.strip_prefix(b".") {
            (fraction_digits, rest) = after_point.split_at(digits_end(after_point));
        }
        if whole_digits.is_empty() && fraction_digits.is_empty() {
            return None;
        }
        let whole = if whole_digits.is_empty() {
            0
        } else {
            str::from_utf8(whole_digits).ok()?.parse().ok()?
        };
        let (fraction, scale) = read_fraction(fraction_digits);
        (whole <= LIMIT).then_some((Self { whole, fraction, scale }, rest))
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // The fraction is below one unit (3.6e12 ns at most), where the conversions are exact enough.
    fn times(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit).filter(|nanos| *nanos <= LIMIT)?;
        let part = (self.fraction as f64 * (unit as f64 / self.scale)) as u64;
        whole.checked_add(part).filter(|nanos| *nanos <= LIMIT)
    }
}

/// Digits beyond what fits 63 bits are dropped.
fn read_fraction(digits: &[u8]) -> (u64, f64) {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts are read and printed in Go's canonical form.
    #[test]
    fn reading_and_printing() {
        for (text, printed) in [
            ("0", "0s"),
            ("1h", "1h0m0s"),
            ("90m", "1h30m0s"),
            ("1.5s", "1.5s"),
            ("-1.5h", "-1h30m0s"),
            ("300ms", "300ms"),
            ("1us", "1µs"),
            ("1500ns", "1.5µs"),
            (".5m", "30s"),
            ("1h2m3.000000004s", "1h2m3.000000004s"),
            ("-2562047h47m16.854775808s", "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Duration::parse(text.as_bytes()).unwrap().to_string(), printed, "{text}");
        }
    }

    /// What is no duration is refused in Go's words.
    #[test]
    fn refusals() {
        for (text, reason) in [
            ("", "time: invalid duration \"\""),
            ("1", "time: missing unit in duration \"1\""),
            ("1x", "time: unknown unit \"x\" in duration \"1x\""),
            ("1d2h", "time: unknown unit \"d\" in duration \"1d2h\""),
            (".s", "time: invalid duration \".s\""),
            ("é", "time: invalid duration \"\\xc3\\xa9\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ] {
            assert_eq!(Duration::parse(text.as_bytes()).unwrap_err().to_string(), reason);
        }
        let told = Duration::parse(b"\xff\xfea").unwrap_err().to_string();
        assert_eq!(told, "time: invalid duration \"\\xff\\xfea\"");
    }

    /// Rounding goes half away from zero, truncation toward zero, neither by a step of zero.
    #[test]
    fn rounding() {
        let d = |text: &str| Duration::parse(text.as_bytes()).unwrap();
        assert_eq!(d("2h31m").round(d("1h")), d("3h"));
        assert_eq!(d("-2h30m").round(d("1h")), d("-3h"));
        assert_eq!(d("2h59m").truncate(d("1h")), d("2h"));
        assert_eq!(d("2h59m").round(d("0s")), d("2h59m"));
        assert_eq!(Duration(i64::MAX).round(d("1h")), Duration(i64::MAX));
    }
}
