//! Splits a Go layout into its elements.

/// One element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    HalfDay {
        upper: bool,
    },
    ZoneName,
    /// `iso` prints `Z` for UTC.
    Offset {
        iso: bool,
        style: OffsetStyle,
    },
    Fraction {
        digits: usize,
        trim: bool,
        comma: bool,
    },
}

/// How an offset is written after its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetStyle {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

impl OffsetStyle {
    pub(super) fn has_colons(self) -> bool {
        matches!(self, Self::ColonMinutes | Self::ColonSeconds)
    }

    pub(super) fn has_seconds(self) -> bool {
        matches!(self, Self::Seconds | Self::ColonSeconds)
    }
}

/// Finds the first element: the text before it, the element, and the text after it. Without an
/// element the whole layout is the text before.
pub(super) fn next_element(layout: &str) -> (&str, Option<Element>, &str) {
    let bytes = layout.as_bytes();
    for index in 0..bytes.len() {
        if !layout.is_char_boundary(index) {
            continue;
        }
        let (skip, found) = element_at(&layout[index..]);
        if let Some((element, length)) = found {
            let start = index + skip;
            return (&layout[..start], Some(element), &layout[start + length..]);
        }
    }
    (layout, None, "")
}

type Found = Option<(Element, usize)>;

/// The element at the start of `text`, with its length; the first number is a count of literal
/// bytes before it (only `_2006` has one).
fn element_at(text: &str) -> (usize, Found) {
    let starts = |prefix: &str| text.starts_with(prefix);
    let lower_after =
        |length: usize| text.as_bytes().get(length).is_some_and(u8::is_ascii_lowercase);
    let found = match text.as_bytes().first() {
        Some(b'J') if starts("January") => Some((Element::LongMonth, 7)),
        Some(b'J') if starts("Jan") && !lower_after(3) => Some((Element::Month, 3)),
        Some(b'M') if starts("Monday") => Some((Element::LongWeekDay, 6)),
        Some(b'M') if starts("Mon") && !lower_after(3) => Some((Element::WeekDay, 3)),
        Some(b'M') if starts("MST") => Some((Element::ZoneName, 3)),
        Some(b'0') => zero_element(text),
        Some(b'1') if starts("15") => Some((Element::Hour, 2)),
        Some(b'1') => Some((Element::NumMonth, 1)),
        Some(b'2') if starts("2006") => Some((Element::LongYear, 4)),
        Some(b'2') => Some((Element::Day, 1)),
        Some(b'_') if starts("_2006") => return (1, Some((Element::LongYear, 4))),
        Some(b'_') if starts("_2") => Some((Element::UnderDay, 2)),
        Some(b'_') if starts("__2") => Some((Element::UnderYearDay, 3)),
        Some(b'3') => Some((Element::Hour12, 1)),
        Some(b'4') => Some((Element::Minute, 1)),
        Some(b'5') => Some((Element::Second, 1)),
        Some(b'P') if starts("PM") => Some((Element::HalfDay { upper: true }, 2)),
        Some(b'p') if starts("pm") => Some((Element::HalfDay { upper: false }, 2)),
        Some(b'-') => offset_element(text, false),
        Some(b'Z') => offset_element(text, true),
        Some(b'.' | b',') => fraction_element(text),
        _ => None,
    };
    (0, found)
}

fn zero_element(text: &str) -> Found {
    let element = match text.as_bytes().get(1)? {
        b'1' => Element::ZeroMonth,
        b'2' => Element::ZeroDay,
        b'3' => Element::ZeroHour12,
        b'4' => Element::ZeroMinute,
        b'5' => Element::ZeroSecond,
        b'6' => Element::Year,
        _ => return text.starts_with("002").then_some((Element::ZeroYearDay, 3)),
    };
    Some((element, 2))
}

fn offset_element(text: &str, iso: bool) -> Found {
    const STYLES: [(&str, OffsetStyle); 5] = [
        ("070000", OffsetStyle::Seconds),
        ("07:00:00", OffsetStyle::ColonSeconds),
        ("0700", OffsetStyle::Minutes),
        ("07:00", OffsetStyle::ColonMinutes),
        ("07", OffsetStyle::Hours),
    ];
    let (digits, style) = STYLES.into_iter().find(|(digits, _)| text[1..].starts_with(digits))?;
    Some((Element::Offset { iso, style }, digits.len() + 1))
}

fn fraction_element(text: &str) -> Found {
    let bytes = text.as_bytes();
    let digit = *bytes.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = bytes[1..].iter().take_while(|byte| **byte == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None; // only a fraction is all the same digit
    }
    let element =
        Element::Fraction { digits, trim: digit == b'9', comma: bytes.first() == Some(&b',') };
    Some((element, digits + 1))
}
