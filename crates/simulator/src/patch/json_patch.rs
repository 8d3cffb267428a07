//! JSON patch (RFC 6902).

use serde_json::{Map, Value};

use crate::status::StatusError;

/// Applies the operations of a JSON patch in order; the first that fails refuses the whole.
pub(crate) fn json_patch(target: &mut Value, patch: &Value) -> Result<(), StatusError> {
    let Some(operations) = patch.as_array() else {
        return Err(StatusError::bad_request("a JSON patch has to be a list of operations"));
    };
    for operation in operations {
        apply(target, operation)?;
    }
    Ok(())
}

fn apply(target: &mut Value, operation: &Value) -> Result<(), StatusError> {
    let text = |key: &str| operation[key].as_str().unwrap_or_default();
    let path = text("path");
    let value = || operation.get("value").cloned().unwrap_or_default();
    match text("op") {
        "add" => add(target, path, value()),
        "remove" => remove(target, path).map(|_| ()),
        "replace" => match target.pointer_mut(path) {
            Some(found) => {
                *found = value();
                Ok(())
            }
            None => Err(StatusError::unprocessable()),
        },
        "move" => {
            let moved = remove(target, text("from"))?;
            add(target, path, moved)
        }
        "copy" => {
            let from = text("from");
            let copied = target.pointer(from).cloned().ok_or_else(StatusError::unprocessable)?;
            add(target, path, copied)
        }
        "test" if target.pointer(path).unwrap_or(&Value::Null) == &value() => Ok(()),
        // A test that fails, or no operation at all.
        _ => Err(StatusError::unprocessable()),
    }
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), StatusError> {
    let Some((parent, key)) = path.rsplit_once('/') else {
        *target = value;
        return Ok(());
    };
    let key = key.replace("~1", "/").replace("~0", "~");
    match target.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(key, value);
            Ok(())
        }
        Some(Value::Array(list)) => {
            let index = if key == "-" { Some(list.len()) } else { key.parse().ok() };
            match index.filter(|index| *index <= list.len()) {
                Some(index) => {
                    list.insert(index, value);
                    Ok(())
                }
                None => Err(StatusError::unprocessable()),
            }
        }
        Some(null @ Value::Null) => {
            *null = Value::Object(Map::from_iter([(key, value)]));
            Ok(())
        }
        _ => Err(StatusError::unprocessable()),
    }
}

fn remove(target: &mut Value, path: &str) -> Result<Value, StatusError> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(StatusError::unprocessable)?;
    let key = key.replace("~1", "/").replace("~0", "~");
    let removed = match target.pointer_mut(parent) {
        Some(Value::Object(map)) => map.shift_remove(&key),
        Some(Value::Array(list)) => key
            .parse::<usize>()
            .ok()
            .filter(|index| *index < list.len())
            .map(|index| list.remove(index)),
        _ => None,
    };
    removed.ok_or_else(StatusError::unprocessable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each operation on maps and lists, escapes and the end of a list included.
    #[test]
    fn operations() {
        let cases = [
            (json!({"op":"add","path":"/b","value":1}), json!({"a":[1,2],"b":1})),
            (json!({"op":"add","path":"/a/-","value":3}), json!({"a":[1,2,3]})),
            (json!({"op":"add","path":"/a/0","value":0}), json!({"a":[0,1,2]})),
            (json!({"op":"remove","path":"/a/0"}), json!({"a":[2]})),
            (json!({"op":"replace","path":"/a","value":"x"}), json!({"a":"x"})),
            (json!({"op":"add","path":"/x~1y~0z","value":1}), json!({"a":[1,2],"x/y~z":1})),
            (json!({"op":"move","from":"/a","path":"/c"}), json!({"c":[1,2]})),
            (json!({"op":"copy","from":"/a/1","path":"/c"}), json!({"a":[1,2],"c":2})),
            (json!({"op":"test","path":"/a/1","value":2}), json!({"a":[1,2]})),
        ];
        for (operation, wanted) in cases {
            let mut target = json!({"a":[1,2]});
            json_patch(&mut target, &json!([operation])).unwrap();
            assert_eq!(target, wanted, "{operation}");
        }
    }

    /// An operation that does not fit refuses the patch.
    #[test]
    fn refusals() {
        for operation in [
            json!({"op":"remove","path":"/b"}),
            json!({"op":"replace","path":"/b","value":1}),
            json!({"op":"add","path":"/a/9","value":1}),
            json!({"op":"test","path":"/a/0","value":2}),
            json!({"op":"multiply","path":"/a"}),
        ] {
            let mut target = json!({"a":[1,2]});
            assert!(json_patch(&mut target, &json!([operation])).is_err(), "{operation}");
        }
    }
}
