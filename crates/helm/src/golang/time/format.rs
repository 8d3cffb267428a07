//! Writes a time by a layout.

use super::layout::{Element, OffsetStyle, next_element};
use super::{Civil, Time};
use std::fmt::Write;

/// The months, January first.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week, Sunday first.
pub(crate) const WEEK_DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) fn format(time: &Time, layout: &str) -> String {
    let civil = time.civil();
    let (zone_name, offset) = time.zone.at(time.seconds);
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (literal, element, after) = next_element(rest);
        out.push_str(literal);
        rest = after;
        match element {
            None => return out,
            Some(Element::ZoneName) if !zone_name.is_empty() => out.push_str(&zone_name),
            Some(Element::ZoneName) => write_offset(&mut out, offset, OffsetStyle::Minutes),
            Some(Element::Offset { iso: true, .. }) if offset == 0 => out.push('Z'),
            Some(Element::Offset { style, .. }) => write_offset(&mut out, offset, style),
            Some(Element::Fraction { digits, trim, comma }) => {
                write_fraction(&mut out, time.nanos, digits, trim, comma);
            }
            Some(element) => write_civil(&mut out, &civil, element),
        }
    }
}

/// Elements that only need the date and the time of day.
fn write_civil(out: &mut String, civil: &Civil, element: Element) {
    let month = MONTHS[usize::from(civil.month.max(1) - 1)];
    let week_day = WEEK_DAYS[usize::from(civil.week_day)];
    let hour12 = match civil.hour % 12 {
        0 => 12,
        hour => hour,
    };
    // Writing to a string cannot fail.
    let _ = match element {
        Element::LongMonth => write!(out, "{month}"),
        Element::Month => write!(out, "{}", &month[..3]),
        Element::NumMonth => write!(out, "{}", civil.month),
        Element::ZeroMonth => write!(out, "{:02}", civil.month),
        Element::LongWeekDay => write!(out, "{week_day}"),
        Element::WeekDay => write!(out, "{}", &week_day[..3]),
        Element::Day => write!(out, "{}", civil.day),
        Element::UnderDay => write!(out, "{:2}", civil.day),
        Element::ZeroDay => write!(out, "{:02}", civil.day),
        Element::UnderYearDay => write!(out, "{:3}", civil.year_day),
        Element::ZeroYearDay => write!(out, "{:03}", civil.year_day),
        Element::Hour => write!(out, "{:02}", civil.hour),
        Element::Hour12 => write!(out, "{hour12}"),
        Element::ZeroHour12 => write!(out, "{hour12:02}"),
        Element::Minute => write!(out, "{}", civil.minute),
        Element::ZeroMinute => write!(out, "{:02}", civil.minute),
        Element::Second => write!(out, "{}", civil.second),
        Element::ZeroSecond => write!(out, "{:02}", civil.second),
        Element::LongYear if civil.year < 0 => write!(out, "-{:04}", civil.year.unsigned_abs()),
        Element::LongYear => write!(out, "{:04}", civil.year),
        Element::Year => write!(out, "{:02}", civil.year.unsigned_abs() % 100),
        Element::HalfDay { upper: true } => out.write_str(half_day(civil, "AM", "PM")),
        Element::HalfDay { upper: false } => out.write_str(half_day(civil, "am", "pm")),
        Element::ZoneName | Element::Offset { .. } | Element::Fraction { .. } => Ok(()),
    };
}

fn half_day(civil: &Civil, before_noon: &'static str, after_noon: &'static str) -> &'static str {
    if civil.hour >= 12 { after_noon } else { before_noon }
}

fn write_offset(out: &mut String, offset: i64, style: OffsetStyle) {
    // The sign is that of the offset in minutes, as upstream.
    out.push(if offset / 60 < 0 { '-' } else { '+' });
    let seconds = offset.unsigned_abs();
    let separator = if style.has_colons() { ":" } else { "" };
    let _ = write!(out, "{:02}", seconds / 3600);
    if style != OffsetStyle::Hours {
        let _ = write!(out, "{separator}{:02}", seconds / 60 % 60);
    }
    if style.has_seconds() {
        let _ = write!(out, "{separator}{:02}", seconds % 60);
    }
}

fn write_fraction(out: &mut String, nanos: u32, digits: usize, trim: bool, comma: bool) {
    if trim && nanos == 0 {
        return;
    }
    let text = format!("{nanos:09}");
    let mut shown = &text[..digits.min(9)];
    if trim {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return;
        }
    }
    out.push(if comma { ',' } else { '.' });
    out.push_str(shown);
}
