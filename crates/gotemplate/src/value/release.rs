//! Letting go of deep values without recursion.
//!
//! A template can nest lists a million deep (`{{ $x = list $x }}` in a loop). Dropping such a
//! value the usual way calls itself once per level and would overflow the stack; here the levels
//! are taken apart in a loop. Maps that contain themselves are never dropped: reference counting
//! does not see that they are garbage.

use super::Value;

/// Whether the value may hold other values.
pub(super) fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

/// Drops values and all they alone hold.
pub(super) fn release(mut values: Vec<Value>) {
    while let Some(value) = values.pop() {
        // A cell whose values were taken has nothing left to drop, so its own `Drop` ends at once.
        match value {
            Value::List(list) => {
                if let Some(mut cell) = list.into_sole_contents() {
                    values.append(&mut cell.take_values());
                }
            }
            Value::Map(map) => {
                if let Some(mut cell) = map.into_sole_contents() {
                    values.append(&mut cell.take_values());
                }
            }
            _ => {}
        }
    }
}
