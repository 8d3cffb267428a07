//! `time.Time` for templates: the methods charts call on what `now` and `toDate` return.

use super::super::args::{BOOL, INT, INT64, Outcome, STRING, any, int, text};
use super::durations;
use super::durations::DurationValue;
use crate::golang::time::{MONTHS, Time, WEEK_DAYS, Zone};
use gotemplate::{CallContext, FuncError, Function, Method, Object, Str, Type, Underlying, Value};

/// A time.
pub(in super::super) struct TimeValue(pub(in super::super) Time);

/// `time.Month` or `time.Weekday`: a number that prints as a name.
struct Named {
    ty: &'static str,
    number: i64,
    name: &'static str,
}

const TIME: Type = Type::Named("time.Time");
const DURATION: Type = Type::Named("time.Duration");
const MONTH: &str = "time.Month";
const WEEKDAY: &str = "time.Weekday";

/// Wraps a time.
pub(super) fn value(time: Time) -> Value {
    Value::object(TimeValue(time))
}

/// A parameter of type `time.Time`.
pub(super) fn time(args: &[Value], index: usize) -> Result<&Time, FuncError> {
    let value = any(args, index)?.downcast::<TimeValue>();
    value.map(|TimeValue(time)| time).ok_or_else(FuncError::nil_pointer)
}

impl Object for TimeValue {
    fn ty(&self) -> Type {
        TIME
    }

    fn underlying(&self) -> Underlying {
        // Go's private fields in another arrangement; only comparison looks at them.
        Underlying::Struct(vec![
            ("wall", Value::Uint64(u64::from(self.0.nanosecond()))),
            ("ext", Value::Int64(self.0.unix())),
            ("loc", Value::from(self.0.format("MST"))),
        ])
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str, _addressable: bool) -> Option<&'static Method> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn text(&self, _addressable: bool) -> Option<Str> {
        Some(self.0.to_go_string().into())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        let same = |other: &Self| {
            self.0.is_same_instant(&other.0) && self.0.format("MST") == other.0.format("MST")
        };
        Some(other.downcast_ref::<Self>().is_some_and(same))
    }
}

impl Object for Named {
    fn ty(&self) -> Type {
        Type::Named(self.ty)
    }

    fn underlying(&self) -> Underlying {
        Underlying::Value(Value::Int(self.number))
    }

    fn method(&self, name: &str, _addressable: bool) -> Option<&'static Method> {
        (name == NAME.name).then_some(&NAME)
    }

    fn text(&self, _addressable: bool) -> Option<Str> {
        Some(self.name.into())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other: &dyn std::any::Any = other;
        Some(other.downcast_ref::<Self>().is_some_and(|other| other.number == self.number))
    }
}

static NAME: Method = method("String", &[], STRING, |_, args| {
    Ok(any(args, 0)?.downcast::<Named>().map_or("", |named| named.name).into())
});

static METHODS: [Method; 24] = [
    method("Format", &[STRING], STRING, |_, args| {
        Ok(Value::string(time(args, 0)?.format_bytes(text(args, 1)?)))
    }),
    method("String", &[], STRING, |_, args| Ok(time(args, 0)?.to_go_string().into())),
    method("Unix", &[], INT64, |_, args| Ok(Value::Int64(time(args, 0)?.unix()))),
    method("UnixMilli", &[], INT64, |_, args| unix_in(args, 1_000)),
    method("UnixMicro", &[], INT64, |_, args| unix_in(args, 1_000_000)),
    method("UnixNano", &[], INT64, |_, args| unix_in(args, 1_000_000_000)),
    method("Year", &[], INT, |_, args| Ok(Value::Int(time(args, 0)?.year()))),
    method("Month", &[], Type::Named(MONTH), |_, args| {
        let number = number(args, "1")?;
        Ok(named(MONTH, number, &MONTHS, number - 1))
    }),
    method("Weekday", &[], Type::Named(WEEKDAY), |_, args| {
        let number = i64::from(time(args, 0)?.week_day());
        Ok(named(WEEKDAY, number, &WEEK_DAYS, number))
    }),
    method("Day", &[], INT, |_, args| Ok(Value::Int(number(args, "2")?))),
    method("YearDay", &[], INT, |_, args| Ok(Value::Int(number(args, "002")?))),
    method("Hour", &[], INT, |_, args| Ok(Value::Int(number(args, "15")?))),
    method("Minute", &[], INT, |_, args| Ok(Value::Int(number(args, "4")?))),
    method("Second", &[], INT, |_, args| Ok(Value::Int(number(args, "5")?))),
    method("Nanosecond", &[], INT, |_, args| {
        Ok(Value::Int(i64::from(time(args, 0)?.nanosecond())))
    }),
    method("UTC", &[], TIME, |_, args| Ok(value(time(args, 0)?.in_zone(Zone::Utc)))),
    method("Local", &[], TIME, |_, args| Ok(value(time(args, 0)?.in_zone(Zone::local())))),
    method("Add", &[DURATION], TIME, |_, args| {
        let duration = any(args, 1)?.downcast::<DurationValue>();
        let DurationValue(duration) = duration.ok_or_else(FuncError::nil_pointer)?;
        Ok(value(time(args, 0)?.add(*duration)))
    }),
    method("AddDate", &[INT, INT, INT], TIME, |_, args| {
        Ok(value(time(args, 0)?.add_date(int(args, 1)?, int(args, 2)?, int(args, 3)?)))
    }),
    method("Sub", &[TIME], DURATION, |_, args| {
        Ok(durations::value(time(args, 0)?.since(time(args, 1)?)))
    }),
    method("Before", &[TIME], BOOL, |_, args| Ok(time(args, 0)?.is_before(time(args, 1)?).into())),
    method("After", &[TIME], BOOL, |_, args| Ok(time(args, 1)?.is_before(time(args, 0)?).into())),
    method("Equal", &[TIME], BOOL, |_, args| {
        Ok(time(args, 0)?.is_same_instant(time(args, 1)?).into())
    }),
    method("IsZero", &[], BOOL, |_, args| Ok(time(args, 0)?.is_same_instant(&Time::zero()).into())),
];

const fn method(
    name: &'static str,
    params: &'static [Type],
    result: Type,
    body: fn(&CallContext<'_>, &[Value]) -> Outcome,
) -> Method {
    Method::new(name, Function::new(params, result, body))
}

/// A part of the date or time of day, by the layout element that shows it.
fn number(args: &[Value], element: &str) -> Result<i64, FuncError> {
    Ok(time(args, 0)?.format(element).parse().unwrap_or_default())
}

fn unix_in(args: &[Value], per_second: i64) -> Outcome {
    let time = time(args, 0)?;
    let part = i64::from(time.nanosecond()) / (1_000_000_000 / per_second);
    Ok(Value::Int64(time.unix().wrapping_mul(per_second).wrapping_add(part)))
}

fn named(ty: &'static str, number: i64, names: &[&'static str], index: i64) -> Value {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index));
    Value::object(Named { ty, number, name: name.copied().unwrap_or_default() })
}
