//! Three-way strategic merge patches.
//!
//! Maps merge key by key. Lists that merge do so item by item; the patch then names the order that the target has them in
//! (`$setElementOrder/…`), which items go (`$patch: delete`, `$deleteFromPrimitiveList/…`) and, where all keys that
//! it does not name have to go, those that stay (`$retainKeys`). Other lists and scalars are replaced.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::fields::{Field, Place, Strategy};

type Object = Map<String, Value>;

/// The patch of a whole object.
pub(super) fn patch(original: &Object, live: &Object, target: &Object, place: Place) -> Object {
    map(original, live, target, place, false)
}

fn map(original: &Object, live: &Object, target: &Object, place: Place, retain: bool) -> Object {
    let nothing = Map::new();
    let mut patch = Map::new();
    for (key, wanted) in target {
        let field = place.field(key);
        let before = original.get(key);
        match (live.get(key), wanted) {
            (None, Value::Null) => {}
            (Some(Value::Object(found)), Value::Object(wanted))
                if field.strategy != Strategy::Replace =>
            {
                let before = before.and_then(Value::as_object).unwrap_or(&nothing);
                let below = map(before, found, wanted, field.place(), field.retain_keys);
                if !below.is_empty() {
                    patch.insert(key.clone(), Value::Object(below));
                }
            }
            (Some(Value::Array(found)), Value::Array(wanted)) => {
                let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                list(
                    key,
                    Lists { original: before, live: found, target: wanted },
                    field,
                    &mut patch,
                );
            }
            (found, wanted) if found != Some(wanted) => {
                patch.insert(key.clone(), wanted.clone());
            }
            _ => {}
        }
    }
    let gone = original.keys().filter(|key| !target.contains_key(*key) && live.contains_key(*key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    if retain {
        let more = live.iter().any(|(key, value)| !value.is_null() && !target.contains_key(key));
        let mut names: Vec<&String> =
            target.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        names.sort();
        if !names.is_empty() && (more || !patch.is_empty()) {
            patch.insert("$retainKeys".to_owned(), json!(names));
        }
    }
    patch
}

/// One list in its three states.
#[derive(Clone, Copy)]
struct Lists<'a> {
    original: &'a [Value],
    live: &'a [Value],
    target: &'a [Value],
}

fn list(key: &str, lists: Lists<'_>, field: Field, patch: &mut Object) {
    let merged = match field.strategy {
        // What is empty has nothing to merge with.
        _ if lists.live.is_empty() => false,
        Strategy::MergeBy(by) => items(key, by, lists, field, patch).is_some(),
        Strategy::MergeValues => values(key, lists, patch).is_some(),
        Strategy::Usual | Strategy::Replace => false,
    };
    if !merged && lists.live != lists.target {
        patch.insert(key.to_owned(), Value::Array(lists.target.to_vec()));
    }
}

/// An item of a list by its key. Keys may be there twice (a port over TCP and UDP): then the first of them belongs to the
/// first in the other list, and so on.
type Items<'a> = Vec<((String, usize), &'a Object)>;

fn by_key<'a>(list: &'a [Value], by: &str) -> Option<Items<'a>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let item = |value: &'a Value| {
        let item = value.as_object()?;
        let name = match item.get(by)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        Some(((name, *times), item))
    };
    list.iter().map(item).collect()
}

fn find<'a>(items: &Items<'a>, id: &(String, usize)) -> Option<&'a Object> {
    items.iter().find(|(known, _)| known == id).map(|(_, item)| *item)
}

/// A list of maps; `None` where an item lacks the key: the server then says so.
fn items(key: &str, by: &str, lists: Lists<'_>, field: Field, patch: &mut Object) -> Option<()> {
    let original = by_key(lists.original, by).unwrap_or_default();
    let (live, target) = (by_key(lists.live, by)?, by_key(lists.target, by)?);
    let nothing = Map::new();
    let mut changes = Vec::new();
    for (id, wanted) in &target {
        let Some(found) = find(&live, id) else {
            changes.push(Value::Object((*wanted).clone()));
            continue;
        };
        let before = find(&original, id).unwrap_or(&nothing);
        let mut below = map(before, found, wanted, field.place(), field.retain_keys);
        if !below.is_empty() {
            below.insert(by.to_owned(), wanted[by].clone());
            changes.push(Value::Object(below));
        }
    }
    let gone =
        original.iter().filter(|(id, _)| find(&target, id).is_none() && find(&live, id).is_some());
    changes.extend(gone.map(|(_, item)| json!({ by: item[by], "$patch": "delete" })));
    if !changes.is_empty() || !live.iter().map(|(id, _)| id).eq(target.iter().map(|(id, _)| id)) {
        let order: Value = target.iter().map(|(_, item)| json!({ by: item[by] })).collect();
        patch.insert(format!("$setElementOrder/{key}"), order);
    }
    if !changes.is_empty() {
        patch.insert(key.to_owned(), Value::Array(changes));
    }
    Some(())
}

/// A list of scalars, merged as a set; `None` where something else stands in it.
fn values(key: &str, lists: Lists<'_>, patch: &mut Object) -> Option<()> {
    let all = [lists.original, lists.live, lists.target].concat();
    if all.iter().any(|value| value.is_object() || value.is_array()) {
        return None;
    }
    let new: Vec<&Value> =
        lists.target.iter().filter(|value| !lists.live.contains(value)).collect();
    let mut gone: Vec<&Value> = Vec::new();
    for value in lists.original {
        if !lists.target.contains(value) && lists.live.contains(value) && !gone.contains(&value) {
            gone.push(value);
        }
    }
    if !new.is_empty() {
        patch.insert(key.to_owned(), json!(new));
    }
    if !gone.is_empty() {
        patch.insert(format!("$deleteFromPrimitiveList/{key}"), json!(gone));
    }
    if lists.live != lists.target {
        patch.insert(format!("$setElementOrder/{key}"), json!(lists.target));
    }
    Some(())
}
