//! What two manifests have different, each of a release and namespace of its own. Pure.
//!
//! The names of release and namespace are taken out of both first, so that two environments are compared by what they
//! are and not by what they are called. Which side was first does not matter to either.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::render::{INSTALL_ORDER, compare_kinds};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::likeness::Relative;
use crate::ObjectKey;
use crate::diff::{self, Mask, ObjectDiff, cleaned};
use crate::manifest::{DesiredObject, ManifestError, read_objects};

/// Stands for the release's name in what is shown.
const RELEASE: &str = "<release>";
/// Stands for the release's namespace.
const NAMESPACE: &str = "<namespace>";
/// Stand for a secret text that both sides have, or that the left or the right one has alone.
const HIDDEN: [&str; 3] = ["(hidden)", "(hidden, left)", "(hidden, right)"];

/// One of the two.
#[derive(Clone, Copy, Debug)]
pub struct Apart<'a> {
    /// Helm's release name.
    pub release: &'a str,
    /// The release's namespace.
    pub namespace: &'a str,
    /// Its objects; hooks among them where they are to be compared.
    pub manifest: &'a str,
    /// Texts that are not shown; what differs in them is shown as different.
    pub sensitive: &'a [String],
}

/// On which sides an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// On the left alone.
    Left,
    /// On the right alone.
    Right,
    /// On both, and not the same.
    Both,
}

/// An object that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectDifference {
    /// Which object, by names relative to its release and namespace where the two sides have others.
    pub key: ObjectKey,
    /// Where it is.
    pub on: Side,
    /// The template it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// From left to right, secrets masked.
    pub diff: ObjectDiff,
}

/// The objects that differ, in install order, then those that the left side has alone.
pub fn differences(
    left: &Apart<'_>,
    right: &Apart<'_>,
) -> Result<Vec<ObjectDifference>, ManifestError> {
    let apart = left.release != right.release || left.namespace != right.namespace;
    let before = read(left, right, 1, apart)?;
    let mut after = read(right, left, 2, apart)?;
    after.sort_by(|a, b| compare_kinds(&INSTALL_ORDER, &a.key.kind, &b.key.kind));
    let mask = Mask::default();
    let same = |a: &DesiredObject, b: &DesiredObject| {
        let identity = |key: &ObjectKey| (key.group().to_owned(), key.kind.clone());
        identity(&a.key) == identity(&b.key)
            && a.key.name == b.key.name
            && a.key.namespace == b.key.namespace
    };
    let find = |among: &[DesiredObject], wanted: &DesiredObject| {
        among.iter().find(|object| same(object, wanted)).map(|found| cleaned(&found.object))
    };
    let mut found = Vec::new();
    for new in &after {
        let (old, now) = (find(&before, new), cleaned(&new.object));
        if let Some(diff) = diff::diff(old.as_ref(), Some(&now), &mask) {
            let on = if old.is_some() { Side::Both } else { Side::Right };
            found.push(ObjectDifference {
                key: new.key.clone(),
                on,
                source: new.source.clone(),
                diff,
            });
        }
    }
    for old in before.iter().filter(|old| find(&after, old).is_none()) {
        if let Some(diff) = diff::diff(Some(&cleaned(&old.object)), None, &mask) {
            let (key, source) = (old.key.clone(), old.source.clone());
            found.push(ObjectDifference { key, on: Side::Left, source, diff });
        }
    }
    Ok(found)
}

/// A side's objects: secret texts hidden, and where the two are `apart`, names relative.
fn read(
    side: &Apart<'_>,
    other: &Apart<'_>,
    own: usize,
    apart: bool,
) -> Result<Vec<DesiredObject>, ManifestError> {
    let mut hidden: Vec<(&str, &str)> = Vec::new();
    for text in side.sensitive.iter().filter(|text| !text.is_empty()) {
        let word = if other.sensitive.contains(text) { HIDDEN[0] } else { HIDDEN[own] };
        hidden.push((text, word));
    }
    // What only the other side calls secret is not shown here, either.
    for text in other.sensitive.iter().filter(|text| !text.is_empty()) {
        if !side.sensitive.contains(text) {
            hidden.push((text, HIDDEN[3 - own]));
        }
    }
    hidden.sort_by_key(|(text, _)| Reverse(text.len()));
    let relative = apart.then(|| Relative::to(side.release, side.namespace));
    let shown = |text: &str| {
        let text = hidden.iter().fold(text.to_owned(), |text, (secret, word)| {
            if text.contains(secret) { text.replace(secret, word) } else { text }
        });
        match &relative {
            Some(relative) => relative.shown(&text, RELEASE, NAMESPACE),
            None => text,
        }
    };
    let mut objects = read_objects(side.manifest)?;
    for object in &mut objects {
        // A Secret's contents are hidden by the diff, which tells equal ones from others.
        decode_secret(&mut object.object);
        object.object = replaced(&object.object, &shown, &hidden);
        object.key = ObjectKey::of(&object.object);
        if apart && object.key.namespace.is_none() {
            object.key.namespace = Some(NAMESPACE.to_owned());
        }
    }
    Ok(objects)
}

/// Puts a Secret's texts where they stand in base64, in which no name can be found.
fn decode_secret(object: &mut Value) {
    if object["kind"] != "Secret" {
        return;
    }
    let Some(Value::Object(data)) = object.get_mut("data") else { return };
    for value in data.values_mut() {
        let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
        if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            *value = Value::String(text);
        }
    }
}

fn replaced(value: &Value, shown: &impl Fn(&str) -> String, hidden: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => Value::String(shown(text)),
        // A secret may be a number; it stands alone then.
        Value::Number(number) => {
            let text = number.to_string();
            let found = hidden.iter().find(|(secret, _)| *secret == text);
            found.map_or_else(|| value.clone(), |(_, word)| Value::from(*word))
        }
        Value::Array(items) => items.iter().map(|item| replaced(item, shown, hidden)).collect(),
        Value::Object(fields) => {
            let field =
                |(key, value): (&String, &Value)| (shown(key), replaced(value, shown, hidden));
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(release: &str, level: &str, password: &str) -> String {
        let objects = [
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("{release}-config") },
                "data": { "LOG_LEVEL": level, "URL": format!("http://u:{password}@{release}-db.{release}-ns") } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": format!("{release}-keys") },
                "stringData": { "password": password } }),
        ];
        objects
            .iter()
            .map(|object| format!("---\n# Source: shop/templates/a.yaml\n{object}\n"))
            .collect()
    }

    fn compared(left: (&str, &str, &str), right: (&str, &str, &str)) -> Vec<ObjectDifference> {
        let texts =
            [left, right].map(|(release, level, password)| manifest(release, level, password));
        let namespaces = [left, right].map(|(release, ..)| format!("{release}-ns"));
        let secrets = [left, right].map(|(_, _, password)| vec![password.to_owned()]);
        let side = |n: usize, release| Apart {
            release,
            namespace: &namespaces[n],
            manifest: &texts[n],
            sensitive: &secrets[n],
        };
        differences(&side(0, left.0), &side(1, right.0)).unwrap()
    }

    /// Environments of other names with the same content are the same.
    #[test]
    fn equal_but_for_the_name() {
        assert_eq!(compared(("eu", "info", "hunter22"), ("us", "info", "hunter22")), []);
    }

    /// What differs is told without the names, and secrets are told to differ without being shown, those that hold the
    /// release's name as well.
    #[test]
    fn different() {
        let found = compared(("eu", "info", "eu-secret"), ("us", "warn", "us-secret"));
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("secret\""), "{text}");
        assert!(!text.contains("-secret"), "{text}");
        let lines: Vec<&str> = found
            .iter()
            .flat_map(|object| &object.diff.hunks)
            .flat_map(|hunk| &hunk.lines)
            .filter(|line| line.change != crate::diff::LineChange::Context)
            .map(|line| line.text.trim())
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        password: (hidden, before)
        password: (hidden, after)
        LOG_LEVEL: info
        URL: http://u:(hidden, left)@<release>-db.<namespace>
        LOG_LEVEL: warn
        URL: http://u:(hidden, right)@<release>-db.<namespace>
        ");
    }

    /// An object that one side has alone is told with the side.
    #[test]
    fn on_one_side() {
        let both = manifest("eu", "info", "hunter22");
        let one =
            both.split_inclusive("---\n").nth(1).unwrap().trim_end_matches("---\n").to_owned();
        let side = |manifest| Apart { release: "eu", namespace: "eu-ns", manifest, sensitive: &[] };
        let sides = |left, right| -> Vec<Side> {
            differences(&side(left), &side(right)).unwrap().iter().map(|it| it.on).collect()
        };
        assert_eq!(sides(&both, &one), [Side::Left]);
        assert_eq!(sides(&one, &both), [Side::Right]);
        assert_eq!(sides(&both, &both), []);
    }
}
