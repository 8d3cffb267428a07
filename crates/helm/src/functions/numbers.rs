//! Numbers: conversions as spf13/cast makes them, integer and decimal arithmetic, counting.

use super::args::{
    ANY, FLOAT, INT, INT64, Outcome, STRING, add, add_variadic, any, display, int, text,
};
use super::limits::MAX_ITEMS;
use crate::golang::strconv::{IntError, float_to_int, parse_float, parse_int};
use gotemplate::{CallContext, FuncError, FuncMap, List, ListType, Type, Value};

mod decimal;

use decimal::{Decimal, fold_decimals};

const INTS: Type = Type::List(ListType::INTS);

pub(super) fn register(funcs: &mut FuncMap) {
    add(funcs, "int", &[ANY], INT, |_, args| Ok(Value::Int(to_int(any(args, 0)?))));
    add(funcs, "int64", &[ANY], INT64, |_, args| Ok(Value::Int64(to_int(any(args, 0)?))));
    add(funcs, "float64", &[ANY], FLOAT, |_, args| Ok(Value::Float64(to_float(any(args, 0)?))));
    add(funcs, "atoi", &[STRING], INT, |_, args| {
        Ok(Value::Int(match parse_int(text(args, 0)?, 10) {
            Ok(number) | Err(IntError::Range(number)) => number,
            Err(IntError::Syntax) => 0,
        }))
    });
    add(funcs, "toDecimal", &[ANY], INT64, |_, args| {
        Ok(Value::Int64(parse_int(&display(any(args, 0)?)?, 8).unwrap_or(0)))
    });
    register_integers(funcs);
    register_floats(funcs);
    add(funcs, "until", &[INT], INTS, |_, args| {
        let stop = int(args, 0)?;
        Ok(int_list(&count(0, stop, if stop < 0 { -1 } else { 1 })?))
    });
    add(funcs, "untilStep", &[INT, INT, INT], INTS, |_, args| {
        Ok(int_list(&count(int(args, 0)?, int(args, 1)?, int(args, 2)?)?))
    });
    add_variadic(funcs, "seq", &[], INT, STRING, seq);
}

fn register_integers(funcs: &mut FuncMap) {
    add(funcs, "add1", &[ANY], INT64, |_, args| {
        Ok(Value::Int64(to_int(any(args, 0)?).wrapping_add(1)))
    });
    add_variadic(funcs, "add", &[], ANY, INT64, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).fold(0, i64::wrapping_add)))
    });
    add(funcs, "sub", &[ANY, ANY], INT64, |_, args| {
        Ok(Value::Int64(to_int(any(args, 0)?).wrapping_sub(to_int(any(args, 1)?))))
    });
    add_variadic(funcs, "mul", &[ANY], ANY, INT64, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).fold(1, i64::wrapping_mul)))
    });
    add(funcs, "div", &[ANY, ANY], INT64, |_, args| {
        let (dividend, divisor) = (to_int(any(args, 0)?), divisor(args)?);
        Ok(Value::Int64(dividend.wrapping_div(divisor)))
    });
    add(funcs, "mod", &[ANY, ANY], INT64, |_, args| {
        let (dividend, divisor) = (to_int(any(args, 0)?), divisor(args)?);
        Ok(Value::Int64(dividend.wrapping_rem(divisor)))
    });
    add_variadic(funcs, "max", &[ANY], ANY, INT64, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).max().unwrap_or_default()))
    });
    funcs.alias("biggest", "max");
    add_variadic(funcs, "min", &[ANY], ANY, INT64, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).min().unwrap_or_default()))
    });
}

fn register_floats(funcs: &mut FuncMap) {
    add(funcs, "add1f", &[ANY], FLOAT, |_, args| {
        fold_decimals(&[args, &[Value::Int(1)]].concat(), |a, b| Ok(a.plus(b)))
    });
    add_variadic(funcs, "addf", &[], ANY, FLOAT, |_, args| {
        fold_decimals(&[&[Value::Int(0)], args].concat(), |a, b| Ok(a.plus(b)))
    });
    add_variadic(funcs, "subf", &[ANY], ANY, FLOAT, |_, args| {
        fold_decimals(args, |a, b| Ok(a.minus(b)))
    });
    add_variadic(funcs, "mulf", &[ANY], ANY, FLOAT, |_, args| {
        fold_decimals(args, |a, b| Ok(a.times(b)))
    });
    add_variadic(funcs, "divf", &[ANY], ANY, FLOAT, |_, args| {
        fold_decimals(args, Decimal::divided_by)
    });
    add_variadic(funcs, "maxf", &[ANY], ANY, FLOAT, |_, args| {
        let numbers = args.iter().map(to_float);
        Ok(Value::Float64(numbers.reduce(larger).unwrap_or_default()))
    });
    add_variadic(funcs, "minf", &[ANY], ANY, FLOAT, |_, args| {
        let numbers = args.iter().map(to_float);
        Ok(Value::Float64(numbers.reduce(smaller).unwrap_or_default()))
    });
    add(funcs, "floor", &[ANY], FLOAT, |_, args| {
        Ok(Value::Float64(to_float(any(args, 0)?).floor()))
    });
    add(funcs, "ceil", &[ANY], FLOAT, |_, args| Ok(Value::Float64(to_float(any(args, 0)?).ceil())));
    add_variadic(funcs, "round", &[ANY, INT], FLOAT, FLOAT, round);
}

/// The number as Go's `cast.ToInt64` sees it: what is no number is 0.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(b) => i64::from(*b),
        Value::String(text) => parse_int(trim_zero_decimals(text), 0).unwrap_or(0),
        Value::Object(_) => 0, // named number types, such as durations, are not converted
        Value::Float32(_) | Value::Float64(_) => value.as_float().map_or(0, float_to_int),
        other => other.as_int().or(other.as_uint().map(u64::cast_signed)).unwrap_or(0),
    }
}

/// The number as Go's `cast.ToFloat64` sees it: what is no number is 0.
#[allow(clippy::cast_precision_loss)] // as in Go
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        Value::Object(_) => 0.0,
        other => {
            let int = other.as_int().map(|int| int as f64);
            int.or(other.as_uint().map(|int| int as f64)).or(other.as_float()).unwrap_or(0.0)
        }
    }
}

/// The text without a trailing point and zeros, such as `.000`.
fn trim_zero_decimals(text: &[u8]) -> &[u8] {
    let digits = text.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
    match text[..digits] {
        [ref whole @ .., b'.'] if digits < text.len() => whole,
        _ => text,
    }
}

fn divisor(args: &[Value]) -> Result<i64, FuncError> {
    match to_int(any(args, 1)?) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => Ok(divisor),
    }
}

/// Go's `math.Max`: infinity, then not-a-number, then the larger; 0 is larger than -0.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        // The total order is the usual one for numbers, and puts -0 before 0.
        if a.total_cmp(&b).is_ge() { a } else { b }
    }
}

/// Go's `math.Min`.
fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

fn round(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let places = int(args, 1)?;
    let round_on = args.get(2).and_then(Value::as_float).unwrap_or(0.5);
    let power = power_of_ten(places);
    let shifted = power * to_float(any(args, 0)?);
    // The fraction of a negative number is negative, so those are always rounded down.
    let rounded = if shifted.fract() >= round_on { shifted.ceil() } else { shifted.floor() };
    Ok(Value::Float64(rounded / power))
}

/// Go's `math.Pow(10, exponent)` for a whole exponent: repeated squaring of fractions.
fn power_of_ten(exponent: i64) -> f64 {
    let (mut result, mut result_exponent) = (1.0_f64, 0_i64);
    let (mut base, mut base_exponent) = (0.625_f64, 4_i64); // 0.625 · 2⁴ is 10
    let mut bits = exponent.unsigned_abs();
    while bits != 0 {
        if base_exponent > 1 << 12 {
            result_exponent += base_exponent;
            break;
        }
        if bits & 1 == 1 {
            result *= base;
            result_exponent += base_exponent;
        }
        base *= base;
        base_exponent <<= 1;
        if base < 0.5 {
            base += base;
            base_exponent -= 1;
        }
        bits >>= 1;
    }
    if exponent < 0 {
        (result, result_exponent) = (1.0 / result, -result_exponent);
    }
    let step = i32::try_from(result_exponent.clamp(-4000, 4000)).unwrap_or_default();
    // In two steps, because the power of two alone may be outside the range of floats.
    result * 2_f64.powi(step / 2) * 2_f64.powi(step - step / 2)
}

/// Numbers from `start` towards `stop`, which is not reached.
fn count(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let ascending = stop >= start;
    if step == 0 || ascending != (step > 0) {
        return Ok(Vec::new());
    }
    let length = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    if usize::try_from(length).is_ok_and(|length| length <= MAX_ITEMS) {
        let numbers = (0..length).map(|i| start.wrapping_add(step.wrapping_mul(i.cast_signed())));
        return Ok(numbers.collect());
    }
    Err(FuncError::new(format!(
        "counting from {start} to {stop} by {step} makes {length} numbers; \
         Landfall's limit for one function call is {MAX_ITEMS}"
    )))
}

fn int_list(numbers: &[i64]) -> Value {
    let items = numbers.iter().map(|number| Value::Int(*number)).collect();
    Value::List(List::new(ListType::INTS, items))
}

/// As the command of the same name: `seq last`, `seq first last`, `seq first step last`.
fn seq(_: &CallContext<'_>, args: &[Value]) -> Outcome {
    let numbers: Vec<i64> = args.iter().filter_map(Value::as_int).collect();
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match numbers.as_slice() {
        [end] => (1, toward(1, *end), *end),
        [start, end] => (*start, toward(*start, *end), *end),
        [start, step, end] if end < start && *step > 0 => return Ok("".into()),
        [start, step, end] => (*start, *step, *end),
        _ => return Ok("".into()),
    };
    let numbers = count(start, end.wrapping_add(toward(start, end)), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}
