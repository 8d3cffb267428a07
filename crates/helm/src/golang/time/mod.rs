//! Go's `time.Time` for the part templates reach: instants with a zone, layouts, parsing.
//!
//! Calendar arithmetic is done here in 64 bits because Go's years go far beyond what calendar
//! crates accept; `jiff` supplies the rules of named zones.

mod format;
mod layout;
mod parse;
mod zone;

pub(crate) use format::{MONTHS, WEEK_DAYS};
pub(crate) use parse::TimeError;
pub(crate) use zone::Zone;

use super::duration::Duration;
use std::fmt::Write;

const SECONDS_PER_DAY: i64 = 86_400;
/// Unix time of Go's zero time, the first day of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

/// An instant and the zone it is shown in.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanos: u32,
    zone: Zone,
}

/// A date and time of day in some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    /// 1 for the first of January.
    year_day: u16,
    /// 0 for Sunday.
    week_day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Time {
    /// Seconds since the epoch in `zone`.
    pub(crate) fn from_unix(seconds: i64, zone: Zone) -> Self {
        Self { seconds, nanos: 0, zone }
    }

    /// The current time in the local zone.
    pub(crate) fn now() -> Self {
        let now = jiff::Timestamp::now();
        let nanos = now.subsec_nanosecond().unsigned_abs();
        Self { seconds: now.as_second(), nanos, zone: Zone::local() }
    }

    /// Go's zero time.
    pub(crate) fn zero() -> Self {
        Self::from_unix(ZERO_SECONDS, Zone::Utc)
    }

    /// Seconds since the epoch.
    pub(crate) fn unix(&self) -> i64 {
        self.seconds
    }

    /// The part below a second.
    pub(crate) fn nanosecond(&self) -> u32 {
        self.nanos
    }

    /// The year in the time's zone.
    pub(crate) fn year(&self) -> i64 {
        self.civil().year
    }

    /// The day of the week in the time's zone, 0 for Sunday.
    pub(crate) fn week_day(&self) -> u8 {
        self.civil().week_day
    }

    /// Whether both are the same instant, whatever their zones.
    pub(crate) fn is_same_instant(&self, other: &Self) -> bool {
        (self.seconds, self.nanos) == (other.seconds, other.nanos)
    }

    /// Whether this instant is before the other.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        (self.seconds, self.nanos) < (other.seconds, other.nanos)
    }

    /// The same time of day so many years, months and days later; days beyond the end of a month
    /// run into the next.
    pub(crate) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        // Beyond these bounds the result could not be shown anyway.
        let bounded = |number: i64| number.clamp(-1_000_000_000, 1_000_000_000);
        let civil = self.civil();
        let month_index = i64::from(civil.month) - 1 + bounded(months);
        let year = civil.year + bounded(years) + month_index.div_euclid(12);
        let month = small(month_index.rem_euclid(12) + 1);
        let day = day_of_date(year, month, 1) + i64::from(civil.day) - 1 + bounded(days);
        let clock = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60;
        let local = day * SECONDS_PER_DAY + clock + i64::from(civil.second);
        Self { seconds: self.zone.to_unix(local), ..self.clone() }
    }

    /// The same instant in another zone.
    pub(crate) fn in_zone(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// The instant `duration` later; clipped at the ends of the range.
    pub(crate) fn add(&self, duration: Duration) -> Self {
        let nanos = i128::from(self.nanos) + i128::from(duration.0);
        let carry = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default();
        let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
        Self { seconds: self.seconds.saturating_add(carry), nanos, zone: self.zone.clone() }
    }

    /// The span from `earlier` to this instant; clipped at the ends of the range.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let total = |time: &Self| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        let nanos = total(self) - total(earlier);
        let clipped = if nanos < 0 { i64::MIN } else { i64::MAX };
        Duration(i64::try_from(nanos).unwrap_or(clipped))
    }

    /// Writes the time by a Go layout.
    pub(crate) fn format(&self, layout: &str) -> String {
        format::format(self, layout)
    }

    /// Writes the time by a layout that need not be UTF-8: what is no element of it stays as it is.
    pub(crate) fn format_bytes(&self, layout: &[u8]) -> Vec<u8> {
        // Elements and what they become are ASCII, so one character per byte loses nothing.
        let layout: String = layout.iter().map(|byte| char::from(*byte)).collect();
        let written = format::format(self, &layout);
        written.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
    }

    /// Reads a time by a Go layout; a text without a zone is taken to be of `zone`.
    pub(crate) fn parse(layout: &str, value: &[u8], zone: &Zone) -> Result<Self, TimeError> {
        parse::parse(layout, value, zone)
    }

    /// Seconds east of UTC in the time's zone.
    pub(crate) fn offset(&self) -> i64 {
        self.zone.at(self.seconds).1
    }

    /// RFC 3339 with as many fractional digits as needed, as JSON and YAML show times; `None` for
    /// years they cannot.
    pub(crate) fn to_rfc3339(&self) -> Option<String> {
        let year = self.civil().year;
        (0..=9999).contains(&year).then(|| self.format("2006-01-02T15:04:05.999999999Z07:00"))
    }

    /// What Go prints for a time.
    pub(crate) fn to_go_string(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    fn civil(&self) -> Civil {
        let (_, offset) = self.zone.at(self.seconds);
        Civil::from_seconds(self.seconds.saturating_add(offset))
    }
}

impl Civil {
    fn from_seconds(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = date_of_day(days);
        let year_day = days - day_of_date(year, 1, 1) + 1;
        Self {
            year,
            month,
            day,
            year_day: u16::try_from(year_day).unwrap_or_default(),
            week_day: small((days + 4).rem_euclid(7)),
            hour: small(second_of_day / 3600),
            minute: small(second_of_day / 60 % 60),
            second: small(second_of_day % 60),
        }
    }
}

/// Narrows a number known to be below 256.
fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

/// The date of a day counted from 1970-01-01. Years are counted from March, so that the leap day
/// ends a year, and in eras of 400 years, which are all equally long.
fn date_of_day(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, small(month), small(day))
}

/// The inverse of [`date_of_day`].
fn day_of_date(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(month: u8, year: i64) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How package `time` quotes in its errors: bytes outside printable ASCII in hexadecimal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=0x7F => out.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
