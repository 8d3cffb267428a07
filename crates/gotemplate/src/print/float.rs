//! Floats to text: Go's `strconv.FormatFloat`.
//!
//! The digits come from `zmij` (shortest that read back as the same float) or from the standard
//! library (a given number of digits, exact). How they are laid out is Go's own.

/// More digits than any float has: beyond them all are zeros, which the layout supplies.
const MAX_DIGITS: usize = 1100;

/// Digits without leading or trailing zeros, and where the decimal point stands among them.
struct Decimal {
    negative: bool,
    /// ASCII digits; none for zero.
    digits: Vec<u8>,
    /// The value is 0.d₁d₂… × 10^point.
    point: i32,
}

/// Go's `strconv.FormatFloat`. `verb` is one of `b e E f g G x X`; no `precision` means the
/// shortest text that reads back as the same float; `bits` is 64, or 32 for a float32.
///
/// ```
/// use gotemplate::print::format_float;
///
/// assert_eq!(format_float(1e6, b'g', None, 64), "1e+06");
/// assert_eq!(format_float(2.5, b'f', Some(0), 64), "2");
/// ```
pub fn format_float(value: f64, verb: u8, precision: Option<usize>, bits: u32) -> String {
    let mut buf = Vec::new();
    append_float(&mut buf, value, verb, precision, bits);
    String::from_utf8_lossy(&buf).into_owned()
}

/// Appends what [`format_float`] returns.
pub fn append_float(buf: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>, bits: u32) {
    if value.is_nan() {
        buf.extend_from_slice(b"NaN");
        return;
    }
    if value.is_infinite() {
        buf.extend_from_slice(if value < 0.0 { b"-Inf" } else { b"+Inf" });
        return;
    }
    match verb {
        b'b' => append_binary(buf, value, bits),
        b'x' | b'X' => append_hex(buf, value, verb == b'X', precision),
        _ if precision.is_none() && verb == b'g' && append_small_integer(buf, value) => {}
        _ => {
            let decimal = match precision {
                None => Decimal::shortest(value, bits),
                Some(precision) => Decimal::rounded(value, verb, precision),
            };
            decimal.append(buf, verb, precision);
        }
    }
}

/// The commonest floats in templates are ports and counts: whole and below a million, where `%g`
/// writes them like integers.
fn append_small_integer(buf: &mut Vec<u8>, value: f64) -> bool {
    if value.fract() != 0.0 || value.abs() >= 1e6 || (value == 0.0 && value.is_sign_negative()) {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and below a million")]
    let whole = value as i32;
    buf.extend_from_slice(whole.to_string().as_bytes());
    true
}

impl Decimal {
    fn shortest(value: f64, bits: u32) -> Self {
        let mut buffer = zmij::Buffer::new();
        #[expect(clippy::cast_possible_truncation, reason = "the value of a float32")]
        let text = if bits == 32 {
            buffer.format_finite(value as f32)
        } else {
            buffer.format_finite(value)
        };
        Self::parse(text)
    }

    /// The value rounded to what the verb shows, halves to even.
    fn rounded(value: f64, verb: u8, precision: usize) -> Self {
        let precision = precision.min(MAX_DIGITS);
        match verb {
            b'f' => Self::parse(&format!("{value:.precision$}")),
            b'e' | b'E' => Self::parse(&format!("{value:.precision$e}")),
            _ => Self::parse(&format!("{value:.0$e}", precision.max(1) - 1)),
        }
    }

    /// Reads `-123.45e-6`.
    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let all = whole.bytes().chain(fraction.bytes());
        let leading = all.clone().take_while(|digit| *digit == b'0').count();
        let mut digits: Vec<u8> = all.skip(leading).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point =
            if digits.is_empty() { 0 } else { signed(whole.len()) - signed(leading) + exponent };
        Self { negative, digits, point }
    }

    fn append(&self, buf: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
        if self.negative {
            buf.push(b'-');
        }
        let count = self.digits.len();
        match verb {
            b'f' => self.append_positional(buf, precision.unwrap_or_else(|| self.fraction_len())),
            b'e' | b'E' => {
                self.append_scientific(buf, verb, precision.unwrap_or(count.saturating_sub(1)));
            }
            b'g' | b'G' => {
                // Without a precision, the limit for positional notation is that of precision 6.
                let whole = usize::try_from(self.point).ok();
                let limit = match precision.map(|precision| precision.max(1)) {
                    None => 6,
                    Some(precision) if precision > count && whole.is_none_or(|w| count >= w) => {
                        count
                    }
                    Some(precision) => precision,
                };
                let exponent = self.point - 1;
                if exponent < -4 || exponent >= signed(limit) {
                    let verb = if verb == b'g' { b'e' } else { b'E' };
                    self.append_scientific(buf, verb, count.saturating_sub(1));
                } else {
                    self.append_positional(buf, self.fraction_len());
                }
            }
            _ => buf.extend_from_slice(&[b'%', verb]),
        }
    }

    /// How many digits stand after the decimal point.
    fn fraction_len(&self) -> usize {
        usize::try_from(signed(self.digits.len()) - self.point).unwrap_or(0)
    }

    fn append_scientific(&self, buf: &mut Vec<u8>, verb: u8, precision: usize) {
        buf.push(self.digits.first().copied().unwrap_or(b'0'));
        if precision > 0 {
            buf.push(b'.');
            let rest = self.digits.get(1..).unwrap_or_default();
            let shown = rest.len().min(precision);
            buf.extend_from_slice(&rest[..shown]);
            buf.resize(buf.len() + precision - shown, b'0');
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        let text = format!("{}{sign}{:02}", char::from(verb), exponent.unsigned_abs());
        buf.extend_from_slice(text.as_bytes());
    }

    fn append_positional(&self, buf: &mut Vec<u8>, precision: usize) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            buf.push(b'0');
        } else {
            let shown = self.digits.len().min(whole);
            buf.extend_from_slice(&self.digits[..shown]);
            buf.resize(buf.len() + whole - shown, b'0');
        }
        if precision > 0 {
            buf.push(b'.');
            let zeros = usize::try_from(-self.point).unwrap_or(0).min(precision);
            buf.resize(buf.len() + zeros, b'0');
            let rest = self.digits.get(whole..).unwrap_or_default();
            let shown = rest.len().min(precision - zeros);
            buf.extend_from_slice(&rest[..shown]);
            buf.resize(buf.len() + precision - zeros - shown, b'0');
        }
    }
}

/// Digit counts stay far below the limits of `i32`.
fn signed(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A float as sign, mantissa and exponent: ± mantissa × 2^exponent, with the number of bits after
/// the leading one of a normal mantissa.
fn parts(value: f64, bits: u32) -> (bool, u64, i32, u32) {
    let (raw, mantissa_bits, exponent_bits, bias) = if bits == 32 {
        #[expect(clippy::cast_possible_truncation, reason = "the value of a float32")]
        let raw = (value as f32).to_bits();
        (u64::from(raw), 23, 8, 127)
    } else {
        (value.to_bits(), 52, 11, 1023)
    };
    let mantissa = raw & ((1 << mantissa_bits) - 1);
    let exponent = i32::try_from((raw >> mantissa_bits) & ((1 << exponent_bits) - 1)).unwrap_or(0);
    let (mantissa, exponent) =
        if exponent == 0 { (mantissa, 1) } else { (mantissa | 1 << mantissa_bits, exponent) };
    let below = i32::try_from(mantissa_bits).unwrap_or(0);
    (value.is_sign_negative(), mantissa, exponent - bias - below, mantissa_bits)
}

/// `%b`: `-ddddp±ddd`.
fn append_binary(buf: &mut Vec<u8>, value: f64, bits: u32) {
    let (negative, mantissa, exponent, _) = parts(value, bits);
    let sign = if negative { "-" } else { "" };
    buf.extend_from_slice(format!("{sign}{mantissa}p{exponent:+}").as_bytes());
}

/// `%x`: `-0x1.yyyp±dd`. A float32 is written like the float64 of the same value.
fn append_hex(buf: &mut Vec<u8>, value: f64, upper: bool, precision: Option<usize>) {
    /// The leading digit stands at this bit while hexadecimal digits are taken off.
    const ONE: u32 = 60;
    let (negative, mut mantissa, exponent, mantissa_bits) = parts(value, 64);
    let mut exponent = if mantissa == 0 { 0 } else { exponent + signed(mantissa_bits as usize) };
    mantissa <<= ONE - mantissa_bits;
    while mantissa != 0 && mantissa & (1 << ONE) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision @ 0..15) = precision {
        let shift = u32::try_from(precision * 4).unwrap_or(0);
        let extra = (mantissa << shift) & ((1 << ONE) - 1);
        mantissa >>= ONE - shift;
        if extra | (mantissa & 1) > 1 << (ONE - 1) {
            mantissa += 1;
        }
        mantissa <<= ONE - shift;
        if mantissa & (1 << (ONE + 1)) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    text.push_str(if mantissa >> ONE & 1 == 1 { "0x1" } else { "0x0" });
    mantissa <<= 4;
    let digits = precision.unwrap_or_else(|| (64 - mantissa.trailing_zeros() as usize).div_ceil(4));
    if digits > 0 {
        text.push('.');
        for _ in 0..digits {
            text.push(char::from_digit((mantissa >> ONE & 15) as u32, 16).unwrap_or('0'));
            mantissa <<= 4;
        }
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let exponent = format!("p{sign}{:02}", exponent.unsigned_abs());
    text.push_str(&exponent);
    if upper {
        text.make_ascii_uppercase();
    }
    buf.extend_from_slice(text.as_bytes());
}
