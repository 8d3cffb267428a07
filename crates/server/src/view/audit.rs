//! Entries of the audit log in words: where a thing is, and what changed of it.

use std::collections::BTreeSet;

use control::audit::AuditEntry;
use jiff::Timestamp;
use serde_json::Value;

/// One thing that changed: what it is called, as it was, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// Longest value shown in a line, in characters.
const LONGEST: usize = 160;

/// What changed, field by field; what stayed as it was is left out.
pub(crate) fn changes(entry: &AuditEntry) -> Vec<Change> {
    let empty = serde_json::Map::new();
    let (old, new) = (entry.old.as_object(), entry.new.as_object());
    let is_new = entry.old.is_null();
    let (old, new) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter_map(|name| {
        let (old, new) = (old.get(name), new.get(name));
        if old == new {
            return None;
        }
        let change = Change {
            name: name.replace('_', " "),
            old: old.and_then(text),
            new: new.and_then(text),
        };
        // What is new shows what it has, not what it has not.
        let says = change.new.is_some() || !is_new && change.old.is_some();
        says.then_some(change)
    });
    changed.collect()
}

/// A value in a line; nothing for what is empty.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) => at.strftime("%-d %b %Y, %H:%M UTC").to_string(),
            Err(_) => text.clone(),
        },
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let short: String = text.chars().take(LONGEST).collect();
    let short = if short.len() < text.len() { format!("{short}…") } else { short };
    Some(short).filter(|text| !text.is_empty())
}

/// The page of the thing, where it has one that its id or name leads to.
pub(crate) fn page(entry: &AuditEntry) -> Option<String> {
    let encoded = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    Some(match entry.subject_kind.as_str() {
        "environment" => format!("/environments/{}", encoded(&entry.subject_id)),
        "deployment" => {
            let (environment, number) = entry.subject_name.rsplit_once('#')?;
            format!("/environments/{}/deployments/{}", encoded(environment), encoded(number))
        }
        "backup" => {
            let (environment, number) = entry.subject_name.rsplit_once(" backup ")?;
            format!("/environments/{}/backups/{}", encoded(environment), encoded(number))
        }
        "app" => format!("/apps/{}", encoded(&entry.subject_name)),
        "cluster" => format!("/clusters/{}", encoded(&entry.subject_name)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(old: Value, new: Value) -> String {
        let entry = AuditEntry {
            id: "aud_00000000000000000000000000".parse().unwrap(),
            at: Timestamp::UNIX_EPOCH,
            by: control::Actor::system().by(),
            remote_address: None,
            action: "person.change".to_owned(),
            subject_kind: "person".to_owned(),
            subject_id: "x".to_owned(),
            subject_name: "x".to_owned(),
            old,
            new,
        };
        let words = changes(&entry).into_iter().map(|change| {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
            format!("{}: {} → {}", change.name, or_none(change.old), or_none(change.new))
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// Only what changed is told; what is new has no "before".
    #[test]
    fn what_changed() {
        let old = json!({ "role": "qa", "active": true, "name": "Olga" });
        let new =
            json!({ "role": "developer", "active": true, "name": "Olga", "tokens_revoked": 2 });
        assert_eq!(words(old, new), "role: qa → developer; tokens revoked: – → 2");
        let new = json!({ "admits": "both", "namespaces": [], "server": null });
        assert_eq!(words(Value::Null, new), "admits: – → both");
        let new = json!({ "expires_at": "2026-12-04T19:02:22.704808Z" });
        assert_eq!(words(Value::Null, new), "expires at: – → 4 Dec 2026, 19:02 UTC");
        assert_eq!(words(json!({ "namespaces": ["a", "b"] }), Value::Null), "namespaces: a, b → –");
    }
}
