//! Which differences between a live object and its dry run are the release's own matter. Pure.

use serde_json::{Map, Value};

/// Fields that tell the items of a list apart.
const NAMES: [&str; 6] = ["name", "containerPort", "port", "mountPath", "key", "ip"];

/// The live object with the release's own fields as they were deployed: `applied` is what a dry run makes of it, `sent`
/// what is sent.
///
/// A field that the dry run takes away was the release's own. One that it sets otherwise without its being sent is the
/// work of a webhook or a default, and stays as it is.
pub(super) fn as_deployed(live: &Value, applied: &Value, sent: &Value) -> Value {
    let sent = with_secret_keys(sent);
    mixed(live, applied, Some(&sent))
}

fn mixed(live: &Value, applied: &Value, sent: Option<&Value>) -> Value {
    match (live, applied, sent) {
        _ if live == applied => live.clone(),
        (Value::Object(live), Value::Object(applied), sent) => {
            Value::Object(mixed_maps(live, applied, sent))
        }
        (Value::Array(live), Value::Array(applied), sent) => {
            let sent = sent.and_then(Value::as_array);
            match mixed_lists(live, applied, sent) {
                Some(items) => Value::Array(items),
                None if sent.is_some() => Value::Array(applied.clone()),
                None => Value::Array(live.clone()),
            }
        }
        (_, _, Some(_)) => applied.clone(),
        (_, _, None) => live.clone(),
    }
}

fn mixed_maps(
    live: &Map<String, Value>,
    applied: &Map<String, Value>,
    sent: Option<&Value>,
) -> Map<String, Value> {
    let sent = |field: &str| sent.and_then(|sent| sent.get(field));
    let mut fields = Map::new();
    for (field, value) in live {
        if let Some(becomes) = applied.get(field) {
            fields.insert(field.clone(), mixed(value, becomes, sent(field)));
        }
    }
    for (field, value) in applied {
        if !live.contains_key(field) && sent(field).is_some() {
            fields.insert(field.clone(), value.clone());
        }
    }
    fields
}

/// Lists whose items have names are compared item by item, in the live order.
fn mixed_lists(live: &[Value], applied: &[Value], sent: Option<&Vec<Value>>) -> Option<Vec<Value>> {
    let sent = sent.map(Vec::as_slice).unwrap_or_default();
    let name = NAMES
        .iter()
        .find(|name| [live, applied, sent].iter().all(|items| tells_apart(items, name)))?;
    let mut items: Vec<Value> = live
        .iter()
        .filter_map(|item| {
            let becomes = named(applied, name, item)?;
            Some(mixed(item, becomes, named(sent, name, item)))
        })
        .collect();
    let come = applied
        .iter()
        .filter(|item| named(live, name, item).is_none() && named(sent, name, item).is_some());
    items.extend(come.cloned());
    Some(items)
}

/// The item with the same name.
fn named<'a>(items: &'a [Value], name: &str, wanted: &Value) -> Option<&'a Value> {
    items.iter().find(|item| item.get(name) == wanted.get(name))
}

fn tells_apart(items: &[Value], name: &str) -> bool {
    let names: Vec<&Value> = items.iter().filter_map(|item| item.get(name)).collect();
    names.len() == items.len()
        && names.iter().enumerate().all(|(at, name)| !names[..at].contains(name))
}

/// A Secret's `stringData` is kept as `data`: its keys are sent all the same.
fn with_secret_keys(sent: &Value) -> Value {
    let mut sent = sent.clone();
    let Some(texts) = sent.get("stringData").and_then(Value::as_object).cloned() else {
        return sent;
    };
    if sent["kind"] == "Secret"
        && let Value::Object(fields) = &mut sent
    {
        let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(data) = data {
            data.extend(texts);
        }
    }
    sent
}
