//! Helm's own functions for durations.

use super::super::args::{ANY, FLOAT, INT64, Outcome, add, any};
use crate::golang::characters::trim_space;
use crate::golang::duration::Duration;
use crate::golang::strconv::parse_float;
use gotemplate::print::{format_float, quote};
use gotemplate::{
    CallContext, FuncError, FuncMap, Function, Method, Object, Str, Type, Underlying, Value,
};

/// `time.Duration` for templates.
pub(in super::super) struct DurationValue(pub(in super::super) Duration);

const DURATION: Type = Type::Named("time.Duration");
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "mustToDuration", &[ANY], DURATION, |_, args| {
        as_duration(any(args, 0)?).map(value).map_err(FuncError::new)
    });
    add(funcs, "durationSeconds", &[ANY], FLOAT, |_, args| in_floats(args, SECOND, 1.0));
    add(funcs, "durationMinutes", &[ANY], FLOAT, |_, args| in_floats(args, 60 * SECOND, 1.0));
    add(funcs, "durationHours", &[ANY], FLOAT, |_, args| in_floats(args, HOUR, 1.0));
    add(funcs, "durationDays", &[ANY], FLOAT, |_, args| in_floats(args, HOUR, 24.0));
    add(funcs, "durationWeeks", &[ANY], FLOAT, |_, args| {
        let Value::Float64(days) = in_floats(args, HOUR, 24.0)? else { return Ok(Value::Nil) };
        Ok(Value::Float64(days / 7.0))
    });
    add(funcs, "durationMilliseconds", &[ANY], INT64, |_, args| in_integers(args, 1_000_000));
    add(funcs, "durationMicroseconds", &[ANY], INT64, |_, args| in_integers(args, 1_000));
    add(funcs, "durationNanoseconds", &[ANY], INT64, |_, args| in_integers(args, 1));
    add(funcs, "durationRoundTo", &[ANY, ANY], DURATION, |_, args| {
        to_multiple(args, Duration::round)
    });
    add(funcs, "durationTruncateTo", &[ANY, ANY], DURATION, |_, args| {
        to_multiple(args, Duration::truncate)
    });
}

/// Wraps a duration.
pub(super) fn value(duration: Duration) -> Value {
    Value::object(DurationValue(duration))
}

/// A duration from a duration, its text, or a number of seconds, also as text.
fn as_duration(value: &Value) -> Result<Duration, String> {
    if let Some(DurationValue(duration)) = value.downcast() {
        return Ok(*duration);
    }
    match value {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::String(text) => {
            let trimmed = trim_space(text);
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Ok(duration) = Duration::parse(trimmed) {
                return Ok(duration);
            }
            let seconds = parse_float(trimmed)
                .ok_or_else(|| format!("could not parse duration {}", quote(text)))?;
            from_seconds(seconds)
        }
        other => from_number(other)
            .unwrap_or_else(|| Err(format!("unsupported duration type {}", other.type_name()))),
    }
}

fn from_number(value: &Value) -> Option<Result<Duration, String>> {
    let overflow = |shown: String| format!("duration seconds overflow: {shown}");
    if let Some(seconds) = value.as_int() {
        let nanos = seconds.checked_mul(SECOND).map(Duration);
        return Some(nanos.ok_or_else(|| overflow(seconds.to_string())));
    }
    if let Some(seconds) = value.as_uint() {
        let nanos = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(SECOND));
        return Some(nanos.map(Duration).ok_or_else(|| overflow(seconds.to_string())));
    }
    value.as_float().map(from_seconds)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
// Bounds and truncation are those of Go's conversions.
fn from_seconds(seconds: f64) -> Result<Duration, String> {
    let shown = |number: f64| format_float(number, b'g', None, 64);
    if !seconds.is_finite() {
        let shown = match seconds {
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            _ => "NaN".to_owned(),
        };
        return Err(format!("invalid duration seconds: {shown}"));
    }
    let limit = i64::MAX as f64;
    if seconds.abs() > limit / SECOND as f64 {
        return Err(format!("duration seconds overflow: {}", shown(seconds)));
    }
    let nanos = seconds * SECOND as f64;
    if nanos.abs() > limit {
        return Err(format!("duration nanoseconds overflow: {}", shown(nanos)));
    }
    Ok(Duration(crate::golang::strconv::float_to_int(nanos)))
}

/// What is no duration counts as zero.
fn in_floats(args: &[Value], unit: i64, per: f64) -> Outcome {
    let duration = as_duration(any(args, 0)?).unwrap_or_default();
    Ok(Value::Float64(duration.in_units(unit) / per))
}

fn in_integers(args: &[Value], unit: i64) -> Outcome {
    let duration = as_duration(any(args, 0)?).unwrap_or_default();
    Ok(Value::Int64(duration.0 / unit))
}

fn to_multiple(args: &[Value], apply: fn(Duration, Duration) -> Duration) -> Outcome {
    let Ok(duration) = as_duration(any(args, 0)?) else { return Ok(value(Duration::default())) };
    let Ok(step) = as_duration(any(args, 1)?) else { return Ok(value(duration)) };
    Ok(value(apply(duration, step)))
}

impl Object for DurationValue {
    fn ty(&self) -> Type {
        DURATION
    }

    fn underlying(&self) -> Underlying {
        Underlying::Value(Value::Int64(self.0.0))
    }

    fn method(&self, name: &str, _addressable: bool) -> Option<&'static Method> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn text(&self, _addressable: bool) -> Option<Str> {
        Some(self.0.to_string().into())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        Some(other.downcast_ref::<Self>().is_some_and(|other| other.0 == self.0))
    }
}

static METHODS: [Method; 10] = [
    method("Seconds", &[], FLOAT, |_, args| in_floats(args, SECOND, 1.0)),
    method("Minutes", &[], FLOAT, |_, args| in_floats(args, 60 * SECOND, 1.0)),
    method("Hours", &[], FLOAT, |_, args| in_floats(args, HOUR, 1.0)),
    method("Milliseconds", &[], INT64, |_, args| in_integers(args, 1_000_000)),
    method("Microseconds", &[], INT64, |_, args| in_integers(args, 1_000)),
    method("Nanoseconds", &[], INT64, |_, args| in_integers(args, 1)),
    method("String", &[], Type::String, |_, args| {
        Ok(as_duration(any(args, 0)?).unwrap_or_default().to_string().into())
    }),
    method("Round", &[DURATION], DURATION, |_, args| to_multiple(args, Duration::round)),
    method("Truncate", &[DURATION], DURATION, |_, args| to_multiple(args, Duration::truncate)),
    method("Abs", &[], DURATION, |_, args| {
        let duration = as_duration(any(args, 0)?).unwrap_or_default();
        Ok(value(Duration(duration.0.saturating_abs())))
    }),
];

const fn method(
    name: &'static str,
    params: &'static [Type],
    result: Type,
    body: fn(&CallContext<'_>, &[Value]) -> Outcome,
) -> Method {
    Method::new(name, Function::new(params, result, body))
}
