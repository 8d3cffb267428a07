//! Operations on values whose shape is known: what fields they have, how two differ, how one is
//! merged into another and how fields are taken out of one.
//!
//! The rules are those of Kubernetes' structured merge (the library behind server-side apply).

use serde_json::{Map, Value};

use super::fields::FieldSet;
use crate::kinds::{
    Kind,
    schema::{Merge, Place, Shape},
};

/// What differs between two values.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Only in the new value.
    pub(crate) added: FieldSet,
    /// In both, not the same.
    pub(crate) modified: FieldSet,
    /// Only in the old value.
    pub(crate) removed: FieldSet,
}

impl Difference {
    /// The paths that have a new value.
    pub(crate) fn set(&self) -> FieldSet {
        let mut set = self.added.clone();
        set.add(&self.modified);
        set
    }

    fn insert(&mut self, element: String, below: Self) {
        self.added.insert(element.clone(), below.added);
        self.modified.insert(element.clone(), below.modified);
        self.removed.insert(element, below.removed);
    }
}

/// The name of a field's element.
pub(crate) fn field_element(key: &str) -> String {
    format!("f:{key}")
}

/// The name of a list item's element; `None` if it lacks a key that has no default.
pub(crate) fn item_element(item: &Value, place: &Place<'_>, merge: Merge<'_>) -> Option<String> {
    match merge {
        Merge::Set => Some(format!("v:{item}")),
        Merge::Items(keys) => {
            let mut sorted: Vec<&String> = keys.iter().collect();
            sorted.sort();
            let mut element = Map::new();
            for key in sorted {
                let given = item.get(key).filter(|value| !value.is_null());
                let value = given.or_else(|| place.item().default_of(key));
                // A key field that is neither given nor defaulted counts as left out, unless some
                // other key is there: then items differ by its absence.
                if let Some(value) = value {
                    element.insert(key.clone(), value.clone());
                }
            }
            (!element.is_empty()).then(|| format!("k:{}", Value::Object(element)))
        }
        Merge::Whole | Merge::Fields => None,
    }
}

/// The fields of a value, as an apply configuration owns them.
pub(crate) fn fields_of(value: &Value, place: Place<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    match place.merge(value) {
        Merge::Whole => set.own(),
        Merge::Fields => {
            for (key, value) in value.as_object().into_iter().flatten() {
                let mut below = fields_of(value, place.key(key));
                let empty = value.as_object().is_some_and(Map::is_empty);
                if value.is_null() || empty || !place.declares(key) {
                    below.own();
                }
                set.insert(field_element(key), below);
            }
        }
        merge @ (Merge::Set | Merge::Items(_)) => {
            for item in value.as_array().into_iter().flatten() {
                let Some(element) = item_element(item, &place, merge) else {
                    continue;
                };
                let mut below = fields_of(item, place.item());
                below.own();
                set.insert(element, below);
            }
        }
    }
    set
}

/// How `new` differs from `old`. A missing value is null.
pub(crate) fn difference(old: &Value, new: &Value, place: Place<'_>) -> Difference {
    compare(old, new, place, true)
}

/// `plain` containers are always there in Kubernetes' own types, so they are never added.
fn compare(old: &Value, new: &Value, place: Place<'_>, plain: bool) -> Difference {
    let mut result = Difference::default();
    if old == new {
        return result;
    }
    let merge = place.merge(if new.is_null() { old } else { new });
    let comparable = new.is_null() || old.is_null() || merge == place.merge(old);
    if merge == Merge::Whole || !comparable || (is_empty(old) && is_empty(new)) {
        match (old.is_null(), new.is_null()) {
            (true, _) => result.added.own(),
            (_, true) => result.removed.own(),
            _ => result.modified.own(),
        }
        return result;
    }
    if merge == Merge::Fields {
        compare_fields(old, new, place, &mut result);
    } else {
        compare_items(old, new, place, merge, &mut result);
    }
    if !plain && old.is_null() {
        result.added.own();
    } else if !plain && new.is_null() {
        result.removed.own();
    }
    result
}

fn compare_fields(old: &Value, new: &Value, place: Place<'_>, result: &mut Difference) {
    let keys = new.as_object().into_iter().flatten().map(|(key, _)| key);
    let only_old = old.as_object().into_iter().flatten().map(|(key, _)| key);
    for key in keys.chain(only_old.filter(|key| new.get(*key).is_none())) {
        let below = place.key(key);
        let plain = below.field.is_some_and(|field| field.required)
            || (matches!(place.shape, Shape::Struct(_))
                && matches!(
                    key.as_str(),
                    "metadata" | "spec" | "status" | "strategy" | "updateStrategy" | "resources"
                ));
        let (old, new) = (old.get(key), new.get(key));
        let both_empty = old.is_none_or(is_empty) && new.is_none_or(is_empty);
        if key == "metadata" && plain && both_empty {
            // Go has it even where nothing is said.
            continue;
        }
        let found = compare(
            old.unwrap_or(&Value::Null),
            new.unwrap_or(&Value::Null),
            below,
            plain && place.declares(key),
        );
        result.insert(field_element(key), found);
    }
}

fn compare_items(
    old: &Value,
    new: &Value,
    place: Place<'_>,
    merge: Merge<'_>,
    result: &mut Difference,
) {
    let named = |list: &'_ Value| -> Vec<(String, Value)> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(|item| Some((item_element(item, &place, merge)?, item.clone()))).collect()
    };
    let (old, new) = (named(old), named(new));
    let find = |items: &[(String, Value)], element: &str| {
        items.iter().find(|(it, _)| it == element).map(|(_, item)| item.clone())
    };
    for (element, item) in &new {
        let before = find(&old, element).unwrap_or_default();
        result.insert(element.clone(), compare(&before, item, place.item(), false));
    }
    for (element, item) in &old {
        if find(&new, element).is_none() {
            result.insert(element.clone(), compare(item, &Value::Null, place.item(), false));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// What a null in a configuration means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// No field: Go's types have none.
    Drop,
    /// Null: in custom resources it is a value.
    Keep,
}

/// `live` with everything that `config` says.
pub(crate) fn merge(live: &Value, config: &Value, place: Place<'_>, nulls: Nulls) -> Value {
    match place.merge(config) {
        Merge::Whole => nulls.of(config),
        Merge::Fields => {
            let mut merged = live.as_object().cloned().unwrap_or_default();
            for (key, value) in config.as_object().into_iter().flatten() {
                if value.is_null() && nulls == Nulls::Drop {
                    merged.shift_remove(key);
                } else {
                    let below = merged.get(key).unwrap_or(&Value::Null);
                    let below = self::merge(below, value, place.key(key), nulls);
                    merged.insert(key.clone(), below);
                }
            }
            Value::Object(merged)
        }
        by @ (Merge::Set | Merge::Items(_)) => merge_items(live, config, place, by, nulls),
    }
}

/// Items of both lists: those of `config` in its order, the others where they stood.
fn merge_items(
    live: &Value,
    config: &Value,
    place: Place<'_>,
    by: Merge<'_>,
    nulls: Nulls,
) -> Value {
    let empty = Vec::new();
    let live = live.as_array().unwrap_or(&empty);
    let config = config.as_array().unwrap_or(&empty);
    let element = |item: &Value| item_element(item, &place, by);
    let names: Vec<Option<String>> = config.iter().map(element).collect();
    let take = |index: usize| {
        let name = &names[index];
        let found = live.iter().find(|item| name.is_some() && element(item) == *name);
        merge(found.unwrap_or(&Value::Null), &config[index], place.item(), nulls)
    };
    let mut merged = Vec::new();
    let mut next = 0;
    for item in live {
        let name = element(item);
        match names.iter().position(|it| *it == name) {
            None => merged.push(item.clone()),
            Some(position) if position >= next => {
                merged.extend((next..=position).map(take));
                next = position + 1;
            }
            Some(_) => {}
        }
    }
    merged.extend((next..config.len()).map(take));
    Value::Array(merged)
}

impl Nulls {
    /// What null is in objects of a kind.
    pub(crate) fn in_kind(kind: &Kind) -> Self {
        if kind.custom.is_some() { Self::Keep } else { Self::Drop }
    }

    /// A value with its null fields left out, however deep, or as it is.
    pub(crate) fn of(self, value: &Value) -> Value {
        match value {
            _ if self == Self::Keep => value.clone(),
            Value::Object(map) => {
                let kept = map.iter().filter(|(_, value)| !value.is_null());
                Value::Object(kept.map(|(key, value)| (key.clone(), self.of(value))).collect())
            }
            Value::Array(list) => Value::Array(list.iter().map(|item| self.of(item)).collect()),
            other => other.clone(),
        }
    }
}

/// Takes out of `value` what is in `last` and owned by nobody in `managed`.
///
/// A field goes with all below it once nobody owns it or anything below; a list item goes once
/// nobody owns the item itself.
pub(crate) fn prune(value: &mut Value, place: Place<'_>, last: &FieldSet, managed: &FieldSet) {
    let nobody = FieldSet::default();
    match place.merge(value) {
        Merge::Whole => {}
        Merge::Fields => {
            let Some(map) = value.as_object_mut() else {
                return;
            };
            for (element, below) in last.children() {
                let Some(key) = element.strip_prefix("f:") else {
                    continue;
                };
                let Some(field) = map.get_mut(key) else {
                    continue;
                };
                match managed.get(element).filter(|it| !it.is_empty()) {
                    None => {
                        map.shift_remove(key);
                    }
                    Some(managed) => prune(field, place.key(key), below, managed),
                }
            }
        }
        by @ (Merge::Set | Merge::Items(_)) => {
            let Some(list) = value.as_array_mut() else {
                return;
            };
            list.retain_mut(|item| {
                let Some(element) = item_element(item, &place, by) else {
                    return true;
                };
                let Some(below) = last.get(&element) else {
                    return true;
                };
                let managed = managed.get(&element).unwrap_or(&nobody);
                if below.is_owned() && !managed.is_owned() {
                    return false;
                }
                prune(item, place.item(), below, managed);
                true
            });
        }
    }
}

/// What is wrong with an apply configuration: undeclared fields, wrong types, doubled items; in
/// structured merge's words, each with its path.
pub(crate) fn problems(value: &Value, place: Place<'_>) -> Vec<String> {
    let mut found = Vec::new();
    find_problems(value, place, &mut String::new(), &mut found);
    found
}

fn find_problems(value: &Value, place: Place<'_>, path: &mut String, found: &mut Vec<String>) {
    let expected = match (place.shape, value) {
        (_, Value::Null)
        | (Shape::Any | Shape::Opaque(_) | Shape::Quantity | Shape::IntOrString, _) => None,
        (Shape::Struct(_) | Shape::Map(_) | Shape::Object(_), other) if !other.is_object() => {
            Some("map")
        }
        (Shape::List(_), other) if !other.is_array() => Some("list"),
        (Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime, other)
            if !other.is_string() =>
        {
            Some("string")
        }
        (Shape::Int(_) | Shape::Number, other) if !other.is_number() => {
            Some("numeric (int or float)")
        }
        (Shape::Bool, other) if !other.is_boolean() => Some("boolean"),
        _ => None,
    };
    if let Some(expected) = expected {
        found.push(format!("{path}: expected {expected}, got {}", go_value(value)));
        return;
    }
    let length = path.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                path.push('.');
                path.push_str(key);
                if !place.admits(key) {
                    found.push(format!("{path}: field not declared in schema"));
                    // What comes after it is not looked at.
                    path.truncate(length);
                    break;
                }
                find_problems(value, place.key(key), path, found);
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            let by = place.merge(value);
            let mut seen = Vec::new();
            for (index, item) in list.iter().enumerate() {
                let element = item_element(item, &place, by);
                match (&element, by) {
                    (None, Merge::Items(keys)) => found.push(format!(
                        "{path}: element {index}: associative list with keys has an element that \
                         omits key field {:?} (and doesn't have default value)",
                        keys.first().map_or("", String::as_str)
                    )),
                    (Some(name), _) if seen.contains(name) => found.push(format!(
                        "{path}: duplicate entries for key {}",
                        super::fields::shown(name)
                    )),
                    _ => {}
                }
                path.push_str(
                    &element.as_deref().map_or_else(|| format!("[{index}]"), super::fields::shown),
                );
                find_problems(item, place.item(), path, found);
                path.truncate(length);
                seen.extend(element);
            }
        }
        _ => {}
    }
}

/// A value as structured merge names what it got.
fn go_value(value: &Value) -> String {
    match value {
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "list".to_owned(),
        Value::Object(_) => "map".to_owned(),
        scalar => format!("&value.valueUnstructured{{Value:{scalar}}}"),
    }
}
