//! Cron schedules as Kubernetes reads them: five fields, names of months and days, `@hourly` and the
//! like, `@every 1h30m`.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// How far into the future a schedule is looked for: one that is never met (the 30th of February)
/// has no next time.
const DAYS_AHEAD: usize = 5 * 366;

/// A schedule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// At the minutes of these hours of these days.
    At(Box<Times>),
    /// Again and again after this time.
    Every(SignedDuration),
}

/// Bits of what is allowed in each field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Times {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether days of the month and of the week both restrict: then one of them is enough.
    either_day: bool,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads a schedule; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(period) = text.strip_prefix("@every ") {
            let period: SignedDuration = period
                .parse()
                .map_err(|_| format!("failed to parse duration {text}: {period:?}"))?;
            return Ok(Self::Every(period.max(SignedDuration::from_secs(1))));
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other if other.starts_with('@') => {
                return Err(format!("unrecognized descriptor: {other}"));
            }
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            let count = fields.len();
            return Err(format!(
                "expected exactly 5 fields, found {count}: [{}]",
                fields.join(" ")
            ));
        };
        Ok(Self::At(Box::new(Times {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
            either_day: !is_star(days) && !is_star(weekdays),
        })))
    }

    /// The first time after `after`.
    pub(crate) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(period) => after.checked_add(*period).ok(),
            Self::At(times) => times.next(after, zone),
        }
    }
}

impl Times {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut date = after.to_zoned(zone.clone()).date();
        for _ in 0..DAYS_AHEAD {
            if self.takes(date) {
                let hours = bits(self.hours, 0, 23);
                let times = hours.flat_map(|hour| {
                    bits(self.minutes, 0, 59).map(move |minute| date.at(hour, minute, 0, 0))
                });
                let mut times =
                    times.filter_map(|time| Some(time.to_zoned(zone.clone()).ok()?.timestamp()));
                if let Some(found) = times.find(|time| *time > after) {
                    return Some(found);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn takes(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, weekday);
        let day = if self.either_day { day || weekday } else { day && weekday };
        day && has(self.months, date.month())
    }
}

fn has(set: u64, number: i8) -> bool {
    set >> number & 1 == 1
}

fn bits(set: u64, least: i8, most: i8) -> impl Iterator<Item = i8> {
    (least..=most).filter(move |number| has(set, *number))
}

fn is_star(field: &str) -> bool {
    field.split(',').any(|part| matches!(part.split('/').next(), Some("*" | "?")))
}

/// The numbers that a field allows: lists of numbers, ranges and steps.
fn field(text: &str, least: u8, most: u8, names: &[&str]) -> Result<u64, String> {
    let number = |word: &str| -> Result<u8, String> {
        let named = names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u8::try_from(at).ok()).map(|at| at + least);
        named.or_else(|| word.parse().ok()).ok_or_else(|| {
            format!(
                "failed to parse int from {word}: strconv.Atoi: parsing {word:?}: invalid syntax"
            )
        })
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            // A step makes the number a beginning.
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if first < least {
            return Err(format!("beginning of range ({first}) below minimum ({least}): {part}"));
        }
        if last > most {
            return Err(format!("end of range ({last}) above maximum ({most}): {part}"));
        }
        if first > last {
            return Err(format!(
                "beginning of range ({first}) beyond end of range ({last}): {part}"
            ));
        }
        match step {
            Some(0) => return Err(format!("step of range should be a positive number: {part}")),
            step => {
                for number in (first..=last).step_by(usize::from(step.unwrap_or(1))) {
                    set |= 1 << number;
                }
            }
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next time of each form of schedule, worked out by hand.
    #[test]
    fn next_times() {
        // A Wednesday.
        let after: Timestamp = "2026-07-01T10:30:15Z".parse().unwrap();
        let cases = [
            ("* * * * *", "UTC", "2026-07-01T10:31:00Z"),
            ("*/15 * * * *", "UTC", "2026-07-01T10:45:00Z"),
            ("0 3 * * *", "UTC", "2026-07-02T03:00:00Z"),
            ("0 3 * * *", "Europe/Berlin", "2026-07-02T01:00:00Z"),
            ("30 10 * * *", "UTC", "2026-07-02T10:30:00Z"),
            ("0 0 * * MON", "UTC", "2026-07-06T00:00:00Z"),
            ("0 0 * * 1-5", "UTC", "2026-07-02T00:00:00Z"),
            ("0 0 13 * FRI", "UTC", "2026-07-03T00:00:00Z"),
            ("0 0 31 * *", "UTC", "2026-07-31T00:00:00Z"),
            ("0 0 29 feb *", "UTC", "2028-02-29T00:00:00Z"),
            ("5/20 11 * * ?", "UTC", "2026-07-01T11:05:00Z"),
            ("@hourly", "UTC", "2026-07-01T11:00:00Z"),
            ("@yearly", "UTC", "2027-01-01T00:00:00Z"),
            ("@every 1h30m", "UTC", "2026-07-01T12:00:15Z"),
        ];
        for (text, zone, wanted) in cases {
            let zone = TimeZone::get(zone).unwrap();
            let next = Schedule::parse(text).unwrap().next(after, &zone).unwrap();
            assert_eq!(next.to_string(), wanted, "{text}");
        }
        let never = Schedule::parse("0 0 30 feb *").unwrap();
        assert_eq!(never.next(after, &TimeZone::UTC), None);
    }

    /// What is no schedule says why.
    #[test]
    fn refusals() {
        let cases = [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            (
                "x * * * *",
                "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            ("@never", "unrecognized descriptor: @never"),
        ];
        for (text, wanted) in cases {
            assert_eq!(Schedule::parse(text).unwrap_err(), wanted, "{text}");
        }
    }
}
