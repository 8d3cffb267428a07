//! Which fields of an object change, from what to what.

use std::collections::BTreeSet;

use serde_json::Value;

/// Keys whose value names a list item.
const NAMES: [&str; 2] = ["name", "key"];

/// One field that changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change<'a> {
    /// The keys that lead there; items of a list by their names, else their numbers.
    pub(super) path: Vec<String>,
    pub(super) old: Option<&'a Value>,
    pub(super) new: Option<&'a Value>,
}

impl Change<'_> {
    /// What people call it: its key; of an environment variable, the variable.
    pub(super) fn name(&self) -> String {
        match self.path.as_slice() {
            [.., item, last] if last == "value" || last == "valueFrom" => item.clone(),
            [.., last] => last.clone(),
            [] => String::new(),
        }
    }

    /// Whether it only tells that other content changes, such as `checksum/config`.
    pub(super) fn is_digest(&self) -> bool {
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => is_hex(text).then_some(text.len()),
            _ => None,
        };
        let (Some(old), Some(new)) = (text(self.old), text(self.new)) else { return false };
        let marked = self.path.iter().any(|key| key == "annotations" || key == "labels");
        let named = self.path.last().is_some_and(|key| {
            let key = key.to_ascii_lowercase();
            ["checksum", "hash", "sha256", "digest"].iter().any(|word| key.contains(word))
        });
        marked && old == new && (old >= 32 || (named && old >= 6))
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What changes between two states of an object; all of it where one of them is absent.
pub(super) fn changes<'a>(old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<Change<'a>> {
    let mut found = Vec::new();
    walk(old, new, &mut Vec::new(), &mut found);
    found
}

fn walk<'a>(
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    path: &mut Vec<String>,
    found: &mut Vec<Change<'a>>,
) {
    if old == new {
        return;
    }
    let mut step = |key: String, old: Option<&'a Value>, new: Option<&'a Value>| {
        path.push(key);
        walk(old, new, path, found);
        path.pop();
    };
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                step(key.clone(), old.get(key), new.get(key));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            if let (Some(olds), Some(news)) = (named(old), named(new)) {
                let names: BTreeSet<&String> = olds.iter().chain(&news).collect();
                for name in names {
                    let at = |names: &[String]| names.iter().position(|it| it == name);
                    let (was, is) = (at(&olds), at(&news));
                    step(name.clone(), was.map(|at| &old[at]), is.map(|at| &new[at]));
                }
                // Else only the order changes.
                if old.len() == new.len() && old.iter().all(|item| new.contains(item)) {
                    path.push("order".to_owned());
                    found.push(Change { path: path.clone(), old: None, new: None });
                    path.pop();
                }
            } else {
                for at in 0..old.len().max(new.len()) {
                    step(at.to_string(), old.get(at), new.get(at));
                }
            }
        }
        _ => found.push(Change { path: path.clone(), old, new }),
    }
}

/// The names of a list's items, if every item has one of its own.
fn named(items: &[Value]) -> Option<Vec<String>> {
    let name = |item: &Value| {
        NAMES.iter().find_map(|key| item.get(key)).and_then(Value::as_str).map(str::to_owned)
    };
    let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
    let unique: BTreeSet<&String> = names.iter().collect();
    (unique.len() == names.len()).then_some(names)
}
