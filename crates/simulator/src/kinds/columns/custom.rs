//! Columns of custom resources, as their definitions declare them.

use serde_json::{Value, json};

use super::cells::since;
use crate::{
    kinds::custom::{Custom, PrinterColumn},
    object,
};

/// The column definitions.
pub(super) fn definitions(custom: &Custom) -> Value {
    let name = json!({
        "name": "Name", "type": "string", "format": "name", "description": "", "priority": 0,
    });
    let columns = custom.columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.value_type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        })
    });
    std::iter::once(name).chain(columns).collect()
}

/// The cells of an object.
pub(super) fn cells(custom: &Custom, object: &Value) -> Vec<Value> {
    let cells = custom.columns.iter().map(|column| cell(column, object));
    std::iter::once(json!(object::name(object))).chain(cells).collect()
}

fn cell(column: &PrinterColumn, object: &Value) -> Value {
    let found = column.path.find(object);
    let Some(first) = found.first() else {
        return Value::Null;
    };
    match column.value_type.as_str() {
        "integer" => first.as_f64().map_or(Value::Null, whole),
        "number" if first.is_number() => (*first).clone(),
        "boolean" if first.is_boolean() => (*first).clone(),
        "number" | "boolean" => Value::Null,
        "date" => since(first),
        _ => json!(found.into_iter().map(shown).collect::<Vec<_>>().join(" ")),
    }
}

/// Fractions are cut off.
fn whole(number: f64) -> Value {
    serde_json::from_str(&format!("{:.0}", number.trunc())).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
