//! Go's `reflect.DeepEqual` over values.

use std::collections::HashSet;

use super::{Underlying, Value};

/// Compares with a list of open pairs instead of recursion, since values may nest without bound.
/// Pairs of maps that were met before are taken for equal, as Go does, so that maps which contain
/// themselves end the comparison.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
    let mut open = vec![(left.clone(), right.clone())];
    let mut seen = HashSet::new();
    while let Some((left, right)) = open.pop() {
        let (Some(left_type), Some(right_type)) = (left.ty(), right.ty()) else {
            if left.is_nil() && right.is_nil() {
                continue;
            }
            return false;
        };
        if left_type != right_type {
            return false;
        }
        let equal = match (&left, &right) {
            (Value::List(left), Value::List(right)) => {
                if left.is_nil() != right.is_nil() || left.len() != right.len() {
                    return false;
                }
                if let (Some(left), Some(right)) = (left.as_bytes(), right.as_bytes()) {
                    left == right
                } else {
                    if !left.is_same(right) {
                        open.extend(left.items().iter().cloned().zip(right.items().to_vec()));
                    }
                    true
                }
            }
            (Value::Map(left), Value::Map(right)) => {
                if left.is_nil() != right.is_nil() || left.len() != right.len() {
                    return false;
                }
                if !left.is_same(right) && seen.insert((left.address(), right.address())) {
                    for ((left_key, left), (right_key, right)) in
                        left.entries().into_iter().zip(right.entries())
                    {
                        if left_key != right_key {
                            return false;
                        }
                        open.push((left, right));
                    }
                }
                true
            }
            (Value::Object(left), Value::Object(right)) => {
                if left.is_same(right) {
                    continue;
                }
                match (left.underlying(), right.underlying()) {
                    (Underlying::Struct(left), Underlying::Struct(right)) => {
                        let pairs = left.into_iter().zip(right);
                        open.extend(pairs.map(|((_, left), (_, right))| (left, right)));
                        true
                    }
                    (Underlying::Pointer(Some(left)), Underlying::Pointer(Some(right)))
                    | (Underlying::Value(left), Underlying::Value(right)) => {
                        open.push((left, right));
                        true
                    }
                    (Underlying::Pointer(None), Underlying::Pointer(None)) => true,
                    _ => false,
                }
            }
            _ => basic_equal(&left, &right),
        };
        if !equal {
            return false;
        }
    }
    true
}

/// Go's `==` on two values of the same basic type.
#[expect(clippy::float_cmp, reason = "Go compares floats exactly")]
fn basic_equal(left: &Value, right: &Value) -> bool {
    if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
        return left == right;
    }
    if let (Some(left), Some(right)) = (left.as_uint(), right.as_uint()) {
        return left == right;
    }
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Float32(left), Value::Float32(right)) => left == right,
        (Value::Float64(left), Value::Float64(right)) => left == right,
        (Value::Complex128(a, b), Value::Complex128(c, d)) => a == c && b == d,
        (Value::String(left), Value::String(right)) => left == right,
        _ => false,
    }
}
