//! What `kubectl get` shows of each kind: columns and cells.

use serde_json::{Value, json};

use super::Kind;
use crate::object;

/// The column definitions of a kind's table.
pub(crate) fn definitions(_kind: &Kind) -> Value {
    json!([
        { "name": "Name", "type": "string", "format": "name", "description": "", "priority": 0 },
        { "name": "Age", "type": "string", "format": "", "description": "", "priority": 0 },
    ])
}

/// One row: cells and the object itself.
pub(crate) fn row(_kind: &Kind, object: &Value) -> (Vec<Value>, Value) {
    (vec![json!(object::name(object)), json!("")], object.clone())
}
