//! Strategic merge patch: what `kubectl apply` sends for built-in kinds.
//!
//! Maps merge as in a JSON merge patch; lists of kinds that say so merge by a key of their items.
//! Directives: `$patch: delete|replace|merge`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…`,
//! `$retainKeys`.

use serde_json::{Map, Value};

use crate::kinds::schema::{PatchStrategy, Place, Shape};

/// Applies a strategic merge patch.
pub(crate) fn strategic_merge(target: &mut Value, patch: &Value, shape: &Shape) {
    merge_value(target, patch, Place::root(shape));
}

fn merge_value(target: &mut Value, patch: &Value, place: Place<'_>) {
    match patch {
        Value::Object(patch)
            if !place.field.is_some_and(|field| field.strategy == PatchStrategy::Replace) =>
        {
            merge_map(target, patch, place);
        }
        other => *target = other.clone(),
    }
}

fn merge_map(target: &mut Value, patch: &Map<String, Value>, place: Place<'_>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else {
        return;
    };
    if let Some(directive) = patch.get("$patch").and_then(Value::as_str) {
        if directive != "merge" {
            map.clear();
        }
        if directive == "delete" {
            return;
        }
    }
    if let Some(keep) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| keep.iter().any(|it| it == key));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let Some(Value::Array(items)) = map.get_mut(list) {
                let gone = value.as_array().cloned().unwrap_or_default();
                items.retain(|item| !gone.contains(item));
            }
        } else if key.starts_with('$') {
            // Order comes last, when all items are there; the other directives are done.
        } else if value.is_null() {
            map.shift_remove(key);
        } else {
            let below = place.key(key);
            let slot = map.entry(key.clone()).or_insert(Value::Null);
            match (below.shape, value) {
                (Shape::List(list), Value::Array(items)) => match &list.patch_key {
                    Some(by) => merge_list(slot, items, by, below.item()),
                    None => *slot = value.clone(),
                },
                _ => merge_value(slot, value, below),
            }
        }
    }
    for (key, order) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/")
            && let (Some(Value::Array(items)), Some(order)) = (map.get_mut(list), order.as_array())
        {
            let by = match place.key(list).shape {
                Shape::List(list) => list.patch_key.clone().unwrap_or_default(),
                _ => String::new(),
            };
            sort_items(items, order, &by);
        }
    }
}

/// Merges items by a key; with an empty key the items are scalars, merged as a set.
fn merge_list(target: &mut Value, patch: &[Value], by: &str, item: Place<'_>) {
    let mut items = target.as_array().cloned().unwrap_or_default();
    let directive = |value: &Value| value.get("$patch").and_then(Value::as_str).map(str::to_owned);
    let replaces = patch.iter().any(|it| directive(it).as_deref() == Some("replace"));
    if replaces {
        items.clear();
    }
    // Deletions come first, and take all items of their key.
    for gone in patch.iter().filter(|it| directive(it).as_deref() == Some("delete")) {
        items.retain(|item| item[by] != gone[by]);
    }
    for value in patch {
        if by.is_empty() {
            if !items.contains(value) {
                items.push(value.clone());
            }
            continue;
        }
        let key = &value[by];
        let found = items.iter().position(|it| it[by] == *key);
        match (directive(value).as_deref(), found) {
            (Some("delete"), _) => {}
            // `{$patch: replace}` alone only empties the list.
            (Some("replace"), _) if key.is_null() => {}
            (_, Some(index)) => merge_value(&mut items[index], value, item),
            (_, None) => {
                let mut fresh = Value::Null;
                merge_value(&mut fresh, value, item);
                items.push(fresh);
            }
        }
    }
    *target = Value::Array(items);
}

/// Puts items in the order a patch lists; items it does not list stay behind their neighbours.
fn sort_items(items: &mut [Value], order: &[Value], by: &str) {
    let key = |value: &Value| {
        if by.is_empty() { value.clone() } else { value[by].clone() }
    };
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::new();
    for item in items.iter() {
        let position = order.iter().position(|it| key(it) == key(item));
        last = position.map_or(last, |position| position + 1);
        ranked.push((position.map_or(last, |position| position + 1), item.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    for (slot, (_, item)) in items.iter_mut().zip(ranked) {
        *slot = item;
    }
}
