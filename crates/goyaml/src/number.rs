//! Go's ways of writing floats: `%g` (as YAML and `fmt` do) and `encoding/json`'s.

/// `value` as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it: the fewest digits that
/// read back as the same number, with an exponent below 1e-4 and from 1e6 on.
///
/// ```
/// use goyaml::number::format_g;
/// assert_eq!(format_g(1.0), "1");
/// assert_eq!(format_g(2_097_152.0), "2.097152e+06");
/// assert_eq!(format_g(0.00001), "1e-05");
/// assert_eq!(format_g(f64::INFINITY), "+Inf");
/// ```
pub fn format_g(value: f64) -> String {
    let mut out = String::new();
    push_g(&mut out, value);
    out
}

/// As [`format_g`], with the digits of a 32-bit float: how `sigs.k8s.io/yaml` turns a float into
/// a key or into the text of a string field.
#[allow(clippy::cast_possible_truncation, reason = "losing the precision is the point")]
pub fn format_g32(value: f64) -> String {
    let mut out = String::new();
    match Decimal::of(value as f32) {
        Some(decimal) => decimal.push_g(&mut out),
        None => push_not_finite(&mut out, value),
    }
    out
}

/// Appends [`format_g`] of `value`.
pub fn push_g(out: &mut String, value: f64) {
    match Decimal::of(value) {
        Some(decimal) => decimal.push_g(out),
        None => push_not_finite(out, value),
    }
}

/// Appends `value` as Go's `encoding/json` writes it: no exponent from 1e-6 to below 1e21. Hands
/// back Go's word for the value if it is not finite, as JSON cannot express it.
///
/// ```
/// let mut out = String::new();
/// goyaml::number::push_json(&mut out, 1e20).unwrap();
/// assert_eq!(out, "100000000000000000000");
/// assert_eq!(goyaml::number::push_json(&mut out, f64::NAN), Err("NaN"));
/// ```
pub fn push_json(out: &mut String, value: f64) -> Result<(), &'static str> {
    let Some(decimal) = Decimal::of(value) else {
        return Err(not_finite(value));
    };
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        // JSON drops the zero of a two-digit negative exponent: `1e-7`, but `1e+21`.
        decimal.push_exponent(out, |exponent| exponent < 0);
    } else {
        decimal.push_plain(out);
    }
    Ok(())
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

fn push_not_finite(out: &mut String, value: f64) {
    out.push_str(not_finite(value));
}

/// The shortest decimal digits of a finite float: 0.`digits` × 10^`point`.
struct Decimal {
    negative: bool,
    digits: [u8; 20],
    count: usize,
    point: i32,
}

impl Decimal {
    fn of<F: zmij::Float + Into<f64> + Copy>(value: F) -> Option<Self> {
        if !value.into().is_finite() {
            return None;
        }
        let mut buffer = zmij::Buffer::new();
        Some(Self::read(buffer.format_finite(value).as_bytes()))
    }

    /// Takes the digits out of `-12.5e-7`-like text.
    fn read(text: &[u8]) -> Self {
        let mut decimal = Self { negative: false, digits: [0; 20], count: 0, point: 0 };
        let mut fraction = false;
        let mut rest = text.iter();
        while let Some(&byte) = rest.next() {
            match byte {
                b'-' => decimal.negative = true,
                b'.' => fraction = true,
                b'e' => {
                    let exponent = std::str::from_utf8(rest.as_slice()).unwrap_or_default();
                    decimal.point += exponent.parse::<i32>().unwrap_or_default();
                    break;
                }
                b'0' if decimal.count == 0 => decimal.point -= i32::from(fraction),
                digit => {
                    if decimal.count < decimal.digits.len() {
                        decimal.digits[decimal.count] = digit;
                        decimal.count += 1;
                    }
                    decimal.point += i32::from(!fraction);
                }
            }
        }
        while decimal.count > 0 && decimal.digits[decimal.count - 1] == b'0' {
            decimal.count -= 1;
        }
        if decimal.count == 0 {
            decimal.point = 1;
        }
        decimal
    }

    fn push_g(&self, out: &mut String) {
        if (-4..6).contains(&(self.point - 1)) {
            self.push_plain(out);
        } else {
            self.push_exponent(out, |_| false);
        }
    }

    fn push_digits(&self, out: &mut String, from: usize, to: usize) {
        for at in from..to {
            out.push(if at < self.count { char::from(self.digits[at]) } else { '0' });
        }
    }

    fn push_plain(&self, out: &mut String) {
        if self.negative {
            out.push('-');
        }
        let point = usize::try_from(self.point).unwrap_or(0);
        if point == 0 {
            out.push('0');
        }
        self.push_digits(out, 0, point);
        if self.count > point {
            out.push('.');
            for _ in self.point..0 {
                out.push('0');
            }
            self.push_digits(out, point, self.count);
        }
    }

    fn push_exponent(&self, out: &mut String, short: impl Fn(i32) -> bool) {
        if self.negative {
            out.push('-');
        }
        self.push_digits(out, 0, 1);
        if self.count > 1 {
            out.push('.');
            self.push_digits(out, 1, self.count);
        }
        let exponent = self.point - 1;
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        if exponent.abs() < 10 && !short(exponent) {
            out.push('0');
        }
        out.push_str(&exponent.unsigned_abs().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::{format_g, format_g32, push_json};

    /// Go's `%g` switches to an exponent below 1e-4 and from 1e6 on, and pads it to two digits.
    #[test]
    fn g() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (123_456.75, "123456.75"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_g(value), text);
        }
    }

    /// A float that becomes the text of a string field keeps only what 32 bits can hold.
    #[test]
    fn g32() {
        assert_eq!(format_g32(16.123_456_7), "16.123457");
        assert_eq!(format_g32(1.10), "1.1");
        assert_eq!(format_g32(1e300), "+Inf");
    }

    /// JSON writes no exponent from 1e-6 to below 1e21.
    #[test]
    fn json() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1_234_567.5, "1234567.5"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e22, "-2.5e+22"),
        ] {
            let mut out = String::new();
            push_json(&mut out, value).unwrap();
            assert_eq!(out, text);
        }
    }
}
