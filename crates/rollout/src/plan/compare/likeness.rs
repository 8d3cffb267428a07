//! What makes two changes alike: a keyed digest over the change with release name and namespace taken out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::fields::Change;
use crate::plan::{Consequence, PlannedObject};

/// Stands for the release's name.
const RELEASE: &str = "\u{1}r";
/// Stands for the release's namespace.
const NAMESPACE: &str = "\u{1}n";

/// Makes texts relative to a release: what only differs by its name or namespace becomes the same.
#[derive(Clone, Debug)]
pub struct Relative {
    /// What is replaced by what, the longest first, so that one that holds the other is taken whole.
    places: Vec<(String, &'static str)>,
}

impl Relative {
    /// Relative to this release and namespace.
    pub fn to(release: &str, namespace: &str) -> Self {
        let mut places = vec![(namespace.to_owned(), NAMESPACE), (release.to_owned(), RELEASE)];
        places.retain(|(text, _)| !text.is_empty());
        // Equal ones count as the release's name, which is looked for last and so never found.
        places.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { places }
    }

    /// The same with words for people in their places.
    pub(super) fn shown(&self, text: &str, release: &str, namespace: &str) -> String {
        self.text(text).replace(NAMESPACE, namespace).replace(RELEASE, release)
    }

    /// The text with both taken out wherever they stand as whole words: between them and what is beside them no letter
    /// or digit meets another.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let bytes = text.as_bytes();
        while at < text.len() {
            let starts = at == 0 || !word(bytes.get(at - 1).copied());
            let found = self.places.iter().find(|(place, _)| {
                starts
                    && text[at..].starts_with(place.as_str())
                    && !word(bytes.get(at + place.len()).copied())
            });
            if let Some((place, mark)) = found {
                out.push_str(mark);
                at += place.len();
            } else {
                let next = text[at..].chars().next().map_or(1, char::len_utf8);
                out.push_str(&text[at..at + next]);
                at += next;
            }
        }
        out
    }

    fn value(&self, value: &Value, encoded: bool) -> Value {
        match value {
            Value::String(text) if encoded => {
                let bytes = STANDARD.decode(text).ok();
                let plain = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                Value::String(self.text(plain.as_deref().unwrap_or(text)))
            }
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item, encoded)).collect(),
            Value::Object(fields) => {
                let field =
                    |(key, value): (&String, &Value)| (self.text(key), self.value(value, encoded));
                Value::Object(fields.iter().map(field).collect())
            }
            other => other.clone(),
        }
    }
}

/// The likeness of something that has no objects, such as why a chart does not render.
pub fn likeness_of_text(relative: &Relative, text: &str, key: &[u8]) -> String {
    let mut likeness = Likeness::keyed(key);
    likeness.feed(&relative.text(text));
    likeness.finish()
}

pub(super) struct Likeness {
    mac: Hmac<Sha256>,
}

impl Likeness {
    pub(super) fn keyed(key: &[u8]) -> Self {
        Self { mac: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    fn feed(&mut self, part: &str) {
        // Lengths keep neighbouring parts apart.
        self.mac.update(&(part.len() as u64).to_be_bytes());
        self.mac.update(part.as_bytes());
    }

    /// One object that changes.
    pub(super) fn object(
        &mut self,
        relative: &Relative,
        planned: &PlannedObject,
        changes: &[Change<'_>],
    ) {
        let key = &planned.key;
        self.feed(&format!("{:?} {} {}", planned.action, key.group(), key.kind));
        self.feed(&relative.text(&key.name));
        self.feed(&relative.text(key.namespace.as_deref().unwrap_or_default()));
        self.feed(class(&key.kind, &planned.consequence));
        self.feed(&changes.len().to_string());
        let secret = key.kind == "Secret";
        for change in changes {
            let path: Vec<String> = change.path.iter().map(|key| relative.text(key)).collect();
            self.feed(&path.join("\u{1}/"));
            if change.is_digest() {
                self.feed("digest");
                continue;
            }
            let encoded = secret && change.path.first().is_some_and(|field| field == "data");
            for value in [change.old, change.new] {
                match value {
                    None => self.feed("absent"),
                    Some(value) => self.feed(&canonical(&relative.value(value, encoded))),
                }
            }
        }
    }

    pub(super) fn finish(self) -> String {
        let digest = self.mac.finalize().into_bytes();
        digest.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
            hex
        })
    }
}

/// The consequence without numbers that do not make another one of it: the only pod of a `StatefulSet` is taken down before
/// the new one starts, everything else that rolls goes on working however many pods it has.
fn class(kind: &str, consequence: &Consequence) -> &'static str {
    match consequence {
        Consequence::None => "none",
        Consequence::Starts { .. } | Consequence::StartsOnEachNode => "starts",
        Consequence::Rolls { pods: 1 } if kind == "StatefulSet" => "rolls one",
        Consequence::Rolls { .. } => "rolls",
        Consequence::Recreates { .. } => "recreates",
        Consequence::Scales { to: 0, .. } | Consequence::Stops { .. } => "stops",
        Consequence::Scales { .. } => "scales",
        Consequence::RunsJob => "runs job",
        Consequence::OnDelete => "on delete",
        Consequence::ReadOnRestart => "read on restart",
        Consequence::DeletesData => "deletes data",
        Consequence::DeletesNamespace => "deletes namespace",
        Consequence::DeletesCustomObjects => "deletes custom objects",
    }
}

/// The same text for the same content, whatever the order of keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            let field = |key: &String| {
                format!("{}:{}", Value::from(key.as_str()), canonical(&fields[key.as_str()]))
            };
            format!("{{{}}}", keys.into_iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
