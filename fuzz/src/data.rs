//! Value trees made from a fuzzer's bytes.

use arbitrary::{Result, Unstructured};
use goyaml::{Map, Value};

use crate::words::{KEYS, TEXTS};

/// How deep generated trees are at most.
const DEPTH: u32 = 5;

/// A mapping of a few entries.
pub fn map(input: &mut Unstructured<'_>) -> Result<Map> {
    map_of_depth(input, DEPTH)
}

/// A key such as generated mappings have.
pub fn key(input: &mut Unstructured<'_>) -> Result<&'static str> {
    input.choose(&KEYS).copied()
}

/// A text: a telling one, or a few characters.
pub fn text(input: &mut Unstructured<'_>) -> Result<String> {
    if input.ratio(3, 4)? {
        return Ok((*input.choose(&TEXTS)?).to_owned());
    }
    let length = input.int_in_range(0..=12)?;
    (0..length).map(|_| character(input)).collect()
}

fn character(input: &mut Unstructured<'_>) -> Result<char> {
    if input.ratio(7, 8)? {
        return Ok(char::from(input.int_in_range(0..=127_u8)?));
    }
    input.arbitrary()
}

fn map_of_depth(input: &mut Unstructured<'_>, depth: u32) -> Result<Map> {
    let entries = input.int_in_range(0..=4_u8)?;
    (0..entries).map(|_| Ok((key(input)?, value(input, depth)?))).collect()
}

fn value(input: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    let collections = if depth == 0 { 0 } else { 3 };
    Ok(match input.int_in_range(0..=6 + collections)? {
        0 => Value::Null,
        1 => Value::Bool(input.arbitrary()?),
        2 => Value::Int(input.arbitrary()?),
        3 => Value::Float(f64::from(input.arbitrary::<i8>()?)),
        // JSON knows neither infinities nor NaN, so values never hold them.
        4 => Value::Float(Some(input.arbitrary::<f64>()?).filter(|x| x.is_finite()).unwrap_or(0.5)),
        5 | 6 => Value::from(text(input)?),
        7 => {
            let items = input.int_in_range(0..=4_u8)?;
            let items: Result<Vec<_>> = (0..items).map(|_| value(input, depth - 1)).collect();
            Value::from(items?)
        }
        _ => Value::Map(map_of_depth(input, depth - 1)?),
    })
}
