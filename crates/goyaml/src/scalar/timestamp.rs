//! The dates and times go-yaml recognises.

/// Whether go-yaml takes `text` for a timestamp: a date alone, or with a time that has a zone
/// after `T` and none after a blank. Fields may lack leading zeros; ranges are checked.
///
/// ```
/// use goyaml::scalar::is_timestamp;
/// assert!(is_timestamp("2001-1-2"));
/// assert!(is_timestamp("2001-01-02T03:04:05.6+07:00"));
/// assert!(!is_timestamp("2001-01-02T03:04:05"));
/// assert!(!is_timestamp("2001-02-30"));
/// ```
pub fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    matches(bytes).is_some()
}

/// Walks over the fields; `None` as soon as one does not fit.
fn matches(bytes: &[u8]) -> Option<()> {
    let year = bytes[..4].iter().fold(0, |year, byte| year * 10 + u32::from(byte - b'0'));
    let rest = literal(&bytes[4..], b'-')?;
    let (month, rest) = field(rest)?;
    let rest = literal(rest, b'-')?;
    let (day, rest) = field(rest)?;
    if !(1..=12).contains(&month) || !(1..=days_in(month, year)).contains(&day) {
        return None;
    }
    match rest.first() {
        None => Some(()),
        Some(b'T' | b't') => zone(time(&rest[1..])?),
        Some(b' ') => time(rest.trim_ascii_start_blanks())?.is_empty().then_some(()),
        Some(_) => None,
    }
}

trait Blanks {
    /// Without the blanks (only those) it starts with.
    fn trim_ascii_start_blanks(&self) -> &[u8];
}

impl Blanks for [u8] {
    fn trim_ascii_start_blanks(&self) -> &[u8] {
        let blanks = self.iter().take_while(|byte| **byte == b' ').count();
        &self[blanks..]
    }
}

/// `h:m:s[.f]`, one or two digits each.
fn time(bytes: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = field(bytes)?;
    let (minute, rest) = field(literal(rest, b':')?)?;
    let (second, rest) = field(literal(rest, b':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest {
        [b'.' | b',', digit, ..] if digit.is_ascii_digit() => {
            let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            Some(&rest[1 + digits..])
        }
        _ => Some(rest),
    }
}

/// `Z` or `±hh:mm`, and nothing behind it.
fn zone(bytes: &[u8]) -> Option<()> {
    match bytes {
        [b'Z'] => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let number = |tens: u8, ones: u8| {
                let both = tens.is_ascii_digit() && ones.is_ascii_digit();
                both.then(|| (tens - b'0') * 10 + (ones - b'0'))
            };
            (number(*h1, *h2)? <= 24 && number(*m1, *m2)? <= 60).then_some(())
        }
        _ => None,
    }
}

fn literal(bytes: &[u8], expected: u8) -> Option<&[u8]> {
    bytes.split_first().filter(|(first, _)| **first == expected).map(|(_, rest)| rest)
}

/// A number of one or two digits.
fn field(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [a, b, rest @ ..] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), rest))
        }
        [a, rest @ ..] if a.is_ascii_digit() => Some((u32::from(a - b'0'), rest)),
        _ => None,
    }
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
