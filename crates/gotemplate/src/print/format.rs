//! Basic values under the flags, width and precision of a verb: Go's `fmt/format.go`.

use super::float::append_float;
use super::quote;
use crate::unicode;

/// The flags of one verb.
#[derive(Clone, Copy, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag that Go knows")]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`, in which `+` asks for field names and not for signs.
    pub(super) plus_v: bool,
    /// `%#v`, in which `#` asks for Go syntax.
    pub(super) sharp_v: bool,
}

pub(super) struct Formatter<'b> {
    pub(super) buf: &'b mut Vec<u8>,
    pub(super) flags: Flags,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// The base and digits of an integer verb.
#[derive(Clone, Copy)]
pub(super) struct Radix {
    base: u64,
    upper: bool,
    /// `%O` writes `0o` before the digits.
    octal_prefix: bool,
}

impl Radix {
    pub(super) const BINARY: Self = Self { base: 2, upper: false, octal_prefix: false };
    pub(super) const OCTAL: Self = Self { base: 8, upper: false, octal_prefix: false };
    pub(super) const OCTAL_O: Self = Self { base: 8, upper: false, octal_prefix: true };
    pub(super) const DECIMAL: Self = Self { base: 10, upper: false, octal_prefix: false };
    pub(super) const HEX: Self = Self { base: 16, upper: false, octal_prefix: false };
    pub(super) const HEX_UPPER: Self = Self { base: 16, upper: true, octal_prefix: false };
}

/// An integer of any Go type.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    pub(super) magnitude: u64,
    pub(super) negative: bool,
    pub(super) signed: bool,
}

impl Integer {
    pub(super) fn unsigned(magnitude: u64) -> Self {
        Self { magnitude, negative: false, signed: false }
    }

    pub(super) fn signed(value: i64) -> Self {
        Self { magnitude: value.unsigned_abs(), negative: value < 0, signed: true }
    }

    /// The character it stands for in `%c` and `%q`. Go reinterprets the bits as unsigned first.
    fn to_char(self) -> char {
        let code = u32::try_from(self.magnitude).ok().filter(|_| !self.negative);
        code.and_then(char::from_u32).unwrap_or(unicode::REPLACEMENT)
    }

    /// The bits of its two's complement.
    fn bits(self) -> u64 {
        if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude }
    }
}

/// Each byte in decimal with a blank after it, and the length of that.
const BYTES_WITH_BLANK: [([u8; 4], usize); 256] = {
    let mut texts = [([b' '; 4], 0); 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut len, mut unit) = (0, 100);
        while unit > 0 {
            if byte >= unit || unit == 1 {
                texts[byte].0[len] = b"0123456789"[byte / unit % 10];
                len += 1;
            }
            unit /= 10;
        }
        texts[byte].1 = len + 1;
        byte += 1;
    }
    texts
};

impl<'b> Formatter<'b> {
    pub(super) fn new(buf: &'b mut Vec<u8>) -> Self {
        Self { buf, flags: Flags::default(), width: None, precision: None }
    }

    pub(super) fn clear(&mut self) {
        self.flags = Flags::default();
        self.width = None;
        self.precision = None;
    }

    /// Whether text is written as it is: no flag, width or precision was given.
    fn is_plain(&self) -> bool {
        self.flags == Flags::default() && self.width.is_none() && self.precision.is_none()
    }

    fn padding(&mut self, len: usize) {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.buf.resize(self.buf.len() + len, byte);
    }

    /// Writes text, filled up to the width.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let missing = match self.width {
            None | Some(0) => 0,
            Some(width) => width.saturating_sub(unicode::count(text)),
        };
        if self.flags.minus {
            self.buf.extend_from_slice(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.buf.extend_from_slice(text);
        }
    }

    /// Writes text, filled up to the width with blanks even under the flag `0`.
    fn pad_blank(&mut self, text: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = zero;
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.pad(if value { b"true" } else { b"false" });
    }

    /// `%U`: `U+0078`, or `U+0078 'x'` with the flag `#`.
    pub(super) fn unicode(&mut self, value: Integer) {
        let code = value.bits();
        let digits = self.precision.unwrap_or(0).max(4);
        let mut text = format!("U+{code:0>4X}").into_bytes();
        let missing = digits.saturating_sub(text.len() - 2);
        text.splice(2..2, std::iter::repeat_n(b'0', missing));
        if self.flags.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && unicode::is_print(c)
        {
            text.extend_from_slice(format!(" '{c}'").as_bytes());
        }
        self.pad_blank(&text);
    }

    pub(super) fn integer(&mut self, value: Integer, radix: Radix) {
        let signed_text = value.negative || self.flags.plus || self.flags.space;
        let least_digits = match (self.precision, self.width) {
            (Some(0), width) if value.magnitude == 0 => {
                let zero = std::mem::replace(&mut self.flags.zero, false);
                self.padding(width.unwrap_or(0));
                self.flags.zero = zero;
                return;
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => {
                width.saturating_sub(usize::from(signed_text))
            }
            _ => 0,
        };
        let mut text = Vec::with_capacity(24); // reversed until complete
        let mut rest = value.magnitude;
        loop {
            text.push(digit(rest % radix.base, radix.upper));
            rest /= radix.base;
            if rest == 0 {
                break;
            }
        }
        if text.len() < least_digits {
            text.resize(least_digits, b'0');
        }
        if self.flags.sharp {
            match radix.base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(if radix.upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if radix.octal_prefix {
            text.extend_from_slice(b"o0");
        }
        if value.negative {
            text.push(b'-');
        } else if self.flags.plus {
            text.push(b'+');
        } else if self.flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_blank(&text);
    }

    /// A list of bytes under `%v` or `%d`, unless the verb asks for more than that. Charts that print their whole context print
    /// all their files so, byte by byte.
    pub(super) fn plain_bytes(&mut self, bytes: &[u8]) -> bool {
        if !self.is_plain() {
            return false;
        }
        self.buf.reserve(4 * bytes.len() + 2);
        self.buf.push(b'[');
        for &byte in bytes {
            // All four at once and what is too much taken back: a copy of a length known beforehand is one instruction.
            let (text, len) = BYTES_WITH_BLANK[usize::from(byte)];
            let end = self.buf.len() + len;
            self.buf.extend_from_slice(&text);
            self.buf.truncate(end);
        }
        if !bytes.is_empty() {
            self.buf.pop();
        }
        self.buf.push(b']');
        true
    }

    /// Hexadecimal with or without `0x`, whatever the flag `#` says.
    pub(super) fn hex(&mut self, value: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.integer(Integer::unsigned(value), Radix::HEX);
        self.flags.sharp = sharp;
    }

    /// The text cut to the precision, which counts characters.
    fn truncate<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self.precision {
            Some(precision) if precision < text.len() => {
                let cut = unicode::chars(text).nth(precision).map_or(text.len(), |(at, ..)| at);
                &text[..cut]
            }
            _ => text,
        }
    }

    /// `%s`
    pub(super) fn string(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        self.pad(text);
    }

    /// `%x` and `%X` of a string: its bytes.
    pub(super) fn string_hex(&mut self, text: &[u8], upper: bool) {
        let text = &text[..text.len().min(self.precision.unwrap_or(usize::MAX))];
        if text.is_empty() {
            self.padding(self.width.unwrap_or(0));
            return;
        }
        let prefix: &[u8] = match (self.flags.sharp, upper) {
            (false, _) => b"",
            (true, false) => b"0x",
            (true, true) => b"0X",
        };
        let mut hex = prefix.to_vec();
        for (at, byte) in text.iter().enumerate() {
            if self.flags.space && at > 0 {
                hex.push(b' ');
                hex.extend_from_slice(prefix);
            }
            hex.push(digit(u64::from(byte >> 4), upper));
            hex.push(digit(u64::from(byte & 0xf), upper));
        }
        self.pad(&hex);
    }

    /// `%q` of a string.
    pub(super) fn string_quoted(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.flags.sharp && quote::can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            quote::append(&mut quoted, text, self.flags.plus);
        }
        self.pad(&quoted);
    }

    /// `%c`
    pub(super) fn character(&mut self, value: Integer) {
        let mut utf8 = [0; 4];
        let text = value.to_char().encode_utf8(&mut utf8);
        self.pad(text.as_bytes());
    }

    /// `%q` of an integer.
    pub(super) fn character_quoted(&mut self, value: Integer) {
        let mut quoted = Vec::new();
        quote::append_char(&mut quoted, value.to_char(), self.flags.plus);
        self.pad(&quoted);
    }

    /// A float under a verb of `strconv`; `default` is the precision if none was given.
    pub(super) fn float(&mut self, value: f64, bits: u32, verb: u8, default: Option<usize>) {
        let precision = self.precision.or(default);
        let mut text = Vec::with_capacity(25); // with a sign, always
        append_float(&mut text, value, verb, precision, bits);
        if !matches!(text.first(), Some(b'-' | b'+')) {
            text.insert(0, b'+');
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            let unsigned_nan = text[1] == b'N' && !self.flags.space && !self.flags.plus;
            return self.pad_blank(if unsigned_nan { &text[1..] } else { &text });
        }
        if self.flags.sharp && verb != b'b' {
            Self::restore_zeros(&mut text, verb, precision);
        }
        if self.flags.plus || text[0] != b'+' {
            let width = self.width.unwrap_or(0);
            if self.flags.zero && !self.flags.minus && width > text.len() {
                self.buf.push(text[0]);
                self.padding(width - text.len());
                self.buf.extend_from_slice(&text[1..]);
            } else {
                self.pad(&text);
            }
        } else {
            self.pad(&text[1..]);
        }
    }

    /// The flag `#`: a decimal point always, and the trailing zeros that `%g` leaves out.
    fn restore_zeros(text: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
        let hex = matches!(verb, b'x' | b'X');
        let mut missing = match verb {
            b'g' | b'G' | b'x' => precision.unwrap_or(6),
            _ => 0,
        };
        let exponent = text.iter().position(|c| match c {
            b'p' | b'P' => true,
            b'e' | b'E' => !hex,
            _ => false,
        });
        let tail = text.split_off(exponent.unwrap_or(text.len()));
        let has_point = text.contains(&b'.');
        let digits = text[1..].iter().filter(|c| **c != b'.').skip_while(|c| **c == b'0').count();
        missing = missing.saturating_sub(digits);
        if !has_point {
            if text.len() == 2 && text[1] == b'0' {
                missing = missing.saturating_sub(1); // a zero alone counts as a digit
            }
            text.push(b'.');
        }
        text.resize(text.len() + missing, b'0');
        text.extend_from_slice(&tail);
    }
}

/// The digit for a value below 16.
fn digit(value: u64, upper: bool) -> u8 {
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    usize::try_from(value).ok().and_then(|at| digits.get(at)).copied().unwrap_or(b'?')
}
