//! Dates and durations.

mod durations;
mod time_value;

pub(super) use durations::DurationValue;
pub(super) use time_value::TimeValue;

use super::args::{ANY, Outcome, STRING, add, any, text};
use crate::golang::duration::Duration;
use crate::golang::strconv::{IntError, parse_int};
use crate::golang::time::{Time, Zone};
use gotemplate::{CallContext, FuncError, FuncMap, Type, Value};

const TIME: Type = Type::Named("time.Time");

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "now", &[], TIME, |_, _| Ok(time_value::value(Time::now())));
    add(funcs, "date", &[STRING, ANY], STRING, |_, args| {
        Ok(formatted(any(args, 1)?, text(args, 0)?, "Local"))
    });
    add(funcs, "dateInZone", &[STRING, ANY, STRING], STRING, |_, args| {
        let zone = text(args, 2)?.to_string_lossy();
        Ok(formatted(any(args, 1)?, text(args, 0)?, &zone))
    });
    add(funcs, "htmlDate", &[ANY], STRING, |_, args| {
        Ok(formatted(any(args, 0)?, b"2006-01-02", "Local"))
    });
    add(funcs, "htmlDateInZone", &[ANY, STRING], STRING, |_, args| {
        Ok(formatted(any(args, 0)?, b"2006-01-02", &text(args, 1)?.to_string_lossy()))
    });
    add(funcs, "toDate", &[STRING, STRING], TIME, |_, args| {
        let layout = text(args, 0)?.to_string_lossy();
        let parsed = Time::parse(&layout, text(args, 1)?, &Zone::local());
        Ok(time_value::value(parsed.unwrap_or_else(|_| Time::zero())))
    });
    add(funcs, "mustToDate", &[STRING, STRING], TIME, |_, args| {
        let layout = text(args, 0)?.to_string_lossy();
        let parsed = Time::parse(&layout, text(args, 1)?, &Zone::local());
        parsed.map(time_value::value).map_err(FuncError::other)
    });
    add(funcs, "dateModify", &[STRING, TIME], TIME, |_, args| {
        let time = time_value::time(args, 1)?;
        let moved = Duration::parse(text(args, 0)?).map(|d| time.add(d));
        Ok(time_value::value(moved.unwrap_or_else(|_| time.clone())))
    });
    add(funcs, "mustDateModify", &[STRING, TIME], TIME, |_, args| {
        let time = time_value::time(args, 1)?;
        let duration = Duration::parse(text(args, 0)?);
        Ok(time_value::value(time.add(duration.map_err(FuncError::other)?)))
    });
    add(funcs, "ago", &[ANY], STRING, |_, args| {
        let elapsed = Time::now().since(&instant(any(args, 0)?));
        Ok(elapsed.round(Duration(1_000_000_000)).to_string().into())
    });
    add(funcs, "duration", &[ANY], STRING, duration);
    add(funcs, "durationRound", &[ANY], STRING, duration_round);
    add(funcs, "unixEpoch", &[TIME], STRING, |_, args| {
        Ok(time_value::time(args, 0)?.unix().to_string().into())
    });
    for (alias, name) in [
        ("date_in_zone", "dateInZone"),
        ("date_modify", "dateModify"),
        ("must_date_modify", "mustDateModify"),
    ] {
        funcs.alias(alias, name);
    }
    durations::register(funcs);
}

/// The instant a date argument means: a time, or seconds since the epoch as an integer. Anything
/// else, floats and texts included, means now.
fn instant(value: &Value) -> Time {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Time::from_unix(*seconds, Zone::local()),
        Value::Int32(seconds) => Time::from_unix(i64::from(*seconds), Zone::local()),
        other => match other.downcast::<TimeValue>() {
            Some(TimeValue(time)) => time.clone(),
            None => Time::now(),
        },
    }
}

/// An unknown zone is UTC.
fn formatted(date: &Value, layout: &[u8], zone: &str) -> Value {
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    Value::string(instant(date).in_zone(zone).format_bytes(layout))
}

/// Seconds, as a text or an `int64`, in Go's form. Other types count as zero.
fn duration(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let seconds = match any(args, 0)? {
        Value::Int64(seconds) => *seconds,
        Value::String(text) => match parse_int(text, 10) {
            Ok(seconds) | Err(IntError::Range(seconds)) => seconds,
            Err(IntError::Syntax) => 0,
        },
        _ => 0,
    };
    Ok(Duration(seconds.wrapping_mul(1_000_000_000)).to_string().into())
}

/// The largest unit alone: `2h`, `3mo`. Takes the text of a duration, nanoseconds as an `int64`,
/// or a time, meaning the span since then.
fn duration_round(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    const HOUR: u64 = 3600;
    const UNITS: [(u64, &str); 6] = [
        (365 * 24 * HOUR, "y"),
        (30 * 24 * HOUR, "mo"),
        (24 * HOUR, "d"),
        (HOUR, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let duration = match any(args, 0)? {
        Value::String(text) => Duration::parse(text).unwrap_or_default(),
        Value::Int64(nanos) => Duration(*nanos),
        other => other
            .downcast::<TimeValue>()
            .map_or(Duration::default(), |TimeValue(time)| Time::now().since(time)),
    };
    let nanos = duration.0.unsigned_abs();
    for (seconds, name) in UNITS {
        let unit = seconds * 1_000_000_000;
        if nanos > unit {
            return Ok(format!("{}{name}", nanos / unit).into());
        }
    }
    Ok("0s".into())
}
