//! Reads a time by a layout.

use super::format::{MONTHS, WEEK_DAYS};
use super::layout::{Element, OffsetStyle, next_element};
use super::{Time, Zone, day_of_date, days_in_month, is_leap, quote};

/// Why a text does not follow a layout; prints Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    #[error("parsing time {value} as {layout}: cannot parse {found} as {wanted}")]
    Mismatch { value: String, layout: String, found: String, wanted: String },
    #[error("parsing time {value}: {problem}")]
    Refused { value: String, problem: String },
}

/// What stops the reading of one element.
enum Stop {
    Mismatch,
    OutOfRange(&'static str),
}

type Step<'v, T> = Result<(T, &'v [u8]), Stop>;

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u8>,
    day: Option<u8>,
    year_day: Option<u16>,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: String,
}

pub(super) fn parse(layout: &str, value: &[u8], local: &Zone) -> Result<Time, TimeError> {
    let mut fields = Fields::default();
    let (mut layout_rest, mut rest) = (layout, value);
    let mismatch = |found: &[u8], wanted: &str| TimeError::Mismatch {
        value: quote(value),
        layout: quote(layout.as_bytes()),
        found: quote(found),
        wanted: quote(wanted.as_bytes()),
    };
    let refused = |problem: String| TimeError::Refused { value: quote(value), problem };
    loop {
        let (literal, element, after) = next_element(layout_rest);
        rest = skip_literal(rest, literal.as_bytes()).map_err(|left| mismatch(left, literal))?;
        let Some(element) = element else {
            if !rest.is_empty() {
                return Err(refused(format!("extra text: {}", quote(rest))));
            }
            break;
        };
        let element_text = &layout_rest[literal.len()..layout_rest.len() - after.len()];
        rest = match fields.read(element, rest, after) {
            Ok(rest) => rest,
            Err(Stop::Mismatch) => return Err(mismatch(rest, element_text)),
            Err(Stop::OutOfRange(what)) => return Err(refused(format!("{what} out of range"))),
        };
        layout_rest = after;
    }
    fields.finish(local).map_err(|problem| refused(problem.to_owned()))
}

/// Removes `literal` from the front; runs of blanks match runs of blanks.
fn skip_literal<'v>(mut value: &'v [u8], mut literal: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let Some(first) = literal.first() {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            literal = trim_blanks(literal);
            value = trim_blanks(value);
        } else if value.first() == Some(first) {
            literal = &literal[1..];
            value = &value[1..];
        } else {
            return Err(value);
        }
    }
    Ok(value)
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| **byte == b' ').count();
    &text[blanks..]
}

impl Fields {
    fn read<'v>(
        &mut self,
        element: Element,
        value: &'v [u8],
        layout_after: &str,
    ) -> Result<&'v [u8], Stop> {
        let in_range = |ok: bool, what| if ok { Ok(()) } else { Err(Stop::OutOfRange(what)) };
        let rest;
        match element {
            Element::Year | Element::LongYear => return self.read_year(element, value),
            Element::Month | Element::LongMonth => {
                let length = if element == Element::Month { 3 } else { usize::MAX };
                let (index, after) = read_name(value, &MONTHS, length)?;
                self.month = Some(index + 1);
                rest = after;
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, after) = read_number(value, element == Element::ZeroMonth)?;
                in_range((1..=12).contains(&month), "month")?;
                self.month = Some(month);
                rest = after;
            }
            Element::WeekDay => (_, rest) = read_name(value, &WEEK_DAYS, 3)?,
            Element::LongWeekDay => (_, rest) = read_name(value, &WEEK_DAYS, usize::MAX)?,
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let padded = element == Element::UnderDay && value.first() == Some(&b' ');
                let (day, after) =
                    read_number(&value[usize::from(padded)..], element == Element::ZeroDay)?;
                self.day = Some(day);
                rest = after;
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                return self.read_year_day(element == Element::ZeroYearDay, value);
            }
            Element::Hour => {
                (self.hour, rest) = read_number(value, false)?;
                in_range(self.hour < 24, "hour")?;
            }
            Element::Hour12 | Element::ZeroHour12 => {
                (self.hour, rest) = read_number(value, element == Element::ZeroHour12)?;
                in_range(self.hour <= 12, "hour")?;
            }
            Element::Minute | Element::ZeroMinute => {
                (self.minute, rest) = read_number(value, element == Element::ZeroMinute)?;
                in_range(self.minute < 60, "minute")?;
            }
            Element::Second | Element::ZeroSecond => {
                (self.second, rest) = read_number(value, element == Element::ZeroSecond)?;
                in_range(self.second < 60, "second")?;
                return self.read_unannounced_fraction(rest, layout_after);
            }
            Element::HalfDay { upper } => {
                let (morning, afternoon) = if upper { (b"AM", b"PM") } else { (b"am", b"pm") };
                let (text, after) = value.split_at_checked(2).ok_or(Stop::Mismatch)?;
                if text != morning && text != afternoon {
                    return Err(Stop::Mismatch);
                }
                self.afternoon = Some(text == afternoon);
                rest = after;
            }
            Element::Offset { iso, style } => return self.read_offset(iso, style, value),
            Element::ZoneName => return self.read_zone_name(value),
            Element::Fraction { digits, trim, .. } => {
                return self.read_fraction(digits, trim, value);
            }
        }
        Ok(rest)
    }

    fn read_year<'v>(&mut self, element: Element, value: &'v [u8]) -> Result<&'v [u8], Stop> {
        if element == Element::LongYear && !value.first().is_some_and(u8::is_ascii_digit) {
            return Err(Stop::Mismatch);
        }
        let length = if element == Element::LongYear { 4 } else { 2 };
        let (digits, rest) = value.split_at_checked(length).ok_or(Stop::Mismatch)?;
        // A sign is accepted in a two-digit year, as upstream.
        let text = std::str::from_utf8(digits).map_err(|_| Stop::Mismatch)?;
        let year: i64 = text.parse().map_err(|_| Stop::Mismatch)?;
        self.year = match element {
            Element::LongYear => year,
            _ if year >= 69 => year + 1900,
            _ => year + 2000,
        };
        Ok(rest)
    }

    fn read_year_day<'v>(&mut self, fixed: bool, value: &'v [u8]) -> Result<&'v [u8], Stop> {
        let blanks =
            if fixed { 0 } else { value.iter().take(2).take_while(|b| **b == b' ').count() };
        let value = &value[blanks..];
        let count = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || fixed && count != 3 {
            return Err(Stop::Mismatch);
        }
        let (digits, rest) = value.split_at(count);
        self.year_day = Some(digits.iter().fold(0, |sum, b| sum * 10 + u16::from(b - b'0')));
        Ok(rest)
    }

    /// Seconds may carry a fraction although the layout has none.
    fn read_unannounced_fraction<'v>(
        &mut self,
        value: &'v [u8],
        layout_after: &str,
    ) -> Result<&'v [u8], Stop> {
        let announced =
            matches!(next_element(layout_after), (_, Some(Element::Fraction { .. }), _));
        if announced { Ok(value) } else { self.read_fraction(9, true, value) }
    }

    fn read_fraction<'v>(
        &mut self,
        digits: usize,
        optional: bool,
        value: &'v [u8],
    ) -> Result<&'v [u8], Stop> {
        let has_point = matches!(value.first(), Some(b'.' | b','));
        let present = value.get(1..).unwrap_or_default();
        let available = present.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if optional && (!has_point || available == 0) {
            return Ok(value);
        }
        let count = if optional { available } else { digits };
        if !has_point || available < count || count == 0 {
            return Err(Stop::Mismatch);
        }
        let shown = present[..count].iter().copied().chain(std::iter::repeat(b'0')).take(9);
        self.nanos = shown.fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
        Ok(&present[count..])
    }

    fn read_offset<'v>(
        &mut self,
        iso: bool,
        style: OffsetStyle,
        value: &'v [u8],
    ) -> Result<&'v [u8], Stop> {
        if iso && value.first() == Some(&b'Z') {
            self.utc = true;
            return Ok(&value[1..]);
        }
        let (length, parts): (usize, &[usize]) = match style {
            OffsetStyle::Hours => (3, &[1]),
            OffsetStyle::Minutes => (5, &[1, 3]),
            OffsetStyle::ColonMinutes => (6, &[1, 4]),
            OffsetStyle::Seconds => (7, &[1, 3, 5]),
            OffsetStyle::ColonSeconds => (9, &[1, 4, 7]),
        };
        let (text, rest) = value.split_at_checked(length).ok_or(Stop::Mismatch)?;
        let mut seconds = 0;
        for (position, start) in parts.iter().enumerate() {
            if style.has_colons() && position > 0 && text[start - 1] != b':' {
                return Err(Stop::Mismatch);
            }
            let (number, _) = read_number(&text[*start..start + 2], true)?;
            let (limit, unit, what) = [
                (24, 3600, "time zone offset hour"),
                (60, 60, "time zone offset minute"),
                (60, 1, "time zone offset second"),
            ][position];
            if number > limit {
                return Err(Stop::OutOfRange(what));
            }
            seconds += i64::from(number) * unit;
        }
        self.offset = Some(match text[0] {
            b'+' => seconds,
            b'-' => -seconds,
            _ => return Err(Stop::Mismatch),
        });
        Ok(rest)
    }

    fn read_zone_name<'v>(&mut self, value: &'v [u8]) -> Result<&'v [u8], Stop> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(value).ok_or(Stop::Mismatch)?;
        self.zone_name = String::from_utf8_lossy(&value[..length]).into_owned();
        Ok(&value[length..])
    }

    fn finish(mut self, local: &Zone) -> Result<Time, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in_month(month, self.year) {
            return Err("day out of range");
        }
        let clock = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60;
        let seconds = day_of_date(self.year, month, day) * super::SECONDS_PER_DAY
            + clock
            + i64::from(self.second);
        let (seconds, zone) = self.place(seconds, local);
        Ok(Time { seconds, nanos: self.nanos, zone })
    }

    fn month_and_day(&self) -> Result<(u8, u8), &'static str> {
        let Some(mut day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let last = if is_leap(self.year) { 366 } else { 365 };
        if day < 1 || day > last {
            return Err("day-of-year out of range");
        }
        let mut month = 1;
        while day > u16::from(days_in_month(month, self.year)) {
            day -= u16::from(days_in_month(month, self.year));
            month += 1;
        }
        let day = super::small(i64::from(day));
        if self.month.is_some_and(|seen| seen != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|seen| seen != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }

    /// Turns local seconds into Unix time and picks the zone to show it in.
    fn place(&self, seconds: i64, local: &Zone) -> (i64, Zone) {
        if self.utc {
            return (seconds, Zone::Utc);
        }
        if let Some(offset) = self.offset {
            let unix = seconds - offset;
            let (name, local_offset) = local.at(unix);
            let is_local =
                local_offset == offset && (self.zone_name.is_empty() || self.zone_name == name);
            let fixed = Zone::Fixed { name: self.zone_name.clone(), offset };
            return (unix, if is_local { local.clone() } else { fixed });
        }
        if !self.zone_name.is_empty() {
            if let Some(offset) = local.offset_named(&self.zone_name, seconds) {
                return (seconds - offset, local.clone());
            }
            let hours = self.zone_name.strip_prefix("GMT").and_then(|sign| sign.parse().ok());
            let offset = hours.unwrap_or(0_i64) * 3600;
            // The text is taken for UTC and only shown elsewhere, as upstream.
            return (seconds, Zone::Fixed { name: self.zone_name.clone(), offset });
        }
        (local.to_unix(seconds), local.clone())
    }
}

/// One or two digits; `fixed` insists on two.
fn read_number(value: &[u8], fixed: bool) -> Step<'_, u8> {
    let count = value.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || fixed && count != 2 {
        return Err(Stop::Mismatch);
    }
    let (digits, rest) = value.split_at(count);
    Ok((digits.iter().fold(0, |sum, byte| sum * 10 + (byte - b'0')), rest))
}

/// A name of the table, cut to `length` letters, in any case.
fn read_name<'v>(value: &'v [u8], names: &[&str], length: usize) -> Step<'v, u8> {
    for (index, name) in (0_u8..).zip(names) {
        let name = &name.as_bytes()[..name.len().min(length)];
        if value.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name)) {
            return Ok((index, &value[name.len()..]));
        }
    }
    Err(Stop::Mismatch)
}

/// Length of the zone abbreviation at the start: three letters, four or five ending in `T`,
/// `GMT` with an hour, a signed hour, and a few names of their own.
fn zone_name_length(value: &[u8]) -> Option<usize> {
    let starts = |name: &[u8]| value.starts_with(name);
    if value.len() < 3 {
        return None;
    }
    if starts(b"ChST") || starts(b"MeST") {
        return Some(4);
    }
    if starts(b"GMT") {
        return Some(3 + signed_hour_length(&value[3..]));
    }
    if starts(b"+") || starts(b"-") {
        return Some(signed_hour_length(value)).filter(|length| *length > 0);
    }
    let upper = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match upper {
        3 => Some(3),
        4 if value[3] == b'T' || starts(b"WITA") => Some(4),
        5 if value[4] == b'T' => Some(5),
        _ => None,
    }
}

/// Length of a sign and an hour up to 23, or 0.
fn signed_hour_length(value: &[u8]) -> usize {
    if !matches!(value.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hour = value[1..=digits]
        .iter()
        .fold(0_u32, |sum, byte| sum.saturating_mul(10).saturating_add(u32::from(byte - b'0')));
    if digits == 0 || hour > 23 { 0 } else { 1 + digits }
}
