//! An object as YAML lines, each knowing where it stands.
//!
//! Not a general YAML writer: it writes for people, in the key order of Kubernetes' own examples, and
//! every line carries the path of the map or list item it belongs to.

use goyaml::scalar::Scalar;
use serde_json::{Map, Value};

/// Keys that come first, in this order; all others follow by name.
const FIRST: [&str; 9] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "type",
    "image",
];
/// Keys whose value names a list item.
const NAMES: [&str; 5] = ["name", "key", "containerPort", "port", "mountPath"];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The map or list item the line belongs to: `spec.template.spec.containers[web]`.
    pub(super) path: String,
}

/// The lines of an object.
pub(super) fn of(object: &Value) -> Vec<Line> {
    let mut writer = Writer { lines: Vec::new() };
    match object {
        Value::Object(fields) if !fields.is_empty() => writer.map(fields, "", 0, None),
        other => writer.push(scalar(other), ""),
    }
    writer.lines
}

struct Writer {
    lines: Vec<Line>,
}

impl Writer {
    fn push(&mut self, text: String, path: &str) {
        self.lines.push(Line { text, path: path.to_owned() });
    }

    /// `lead` stands before the first key instead of the indentation: `    - `.
    fn map(&mut self, fields: &Map<String, Value>, path: &str, indent: usize, lead: Option<&str>) {
        let mut keys: Vec<&String> = fields.keys().collect();
        keys.sort_by_key(|key| (FIRST.iter().position(|f| f == key).unwrap_or(FIRST.len()), *key));
        let spaces = " ".repeat(indent);
        for (index, key) in keys.into_iter().enumerate() {
            let start = lead.filter(|_| index == 0).unwrap_or(&spaces);
            let head = format!("{start}{}:", scalar(&Value::String(key.clone())));
            let child = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.field(&head, &fields[key.as_str()], path, &child, indent);
        }
    }

    fn field(&mut self, head: &str, value: &Value, path: &str, child: &str, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.push(head.to_owned(), path);
                self.map(fields, child, indent + 2, None);
            }
            Value::Array(items) if !items.is_empty() => {
                self.push(head.to_owned(), path);
                self.list(items, child, indent);
            }
            Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
                self.block(head, text, path, child, indent + 2);
            }
            other => self.push(format!("{head} {}", scalar(other)), path),
        }
    }

    fn list(&mut self, items: &[Value], path: &str, indent: usize) {
        let spaces = " ".repeat(indent);
        for (index, item) in items.iter().enumerate() {
            let place = format!("{path}[{}]", item_name(item, index));
            let lead = format!("{spaces}- ");
            match item {
                Value::Object(fields) if !fields.is_empty() => {
                    self.map(fields, &place, indent + 2, Some(&lead));
                }
                Value::Array(inner) if !inner.is_empty() => {
                    self.push(format!("{spaces}-"), path);
                    self.list(inner, &place, indent + 2);
                }
                Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
                    self.block(&format!("{spaces}-"), text, path, &place, indent + 2);
                }
                other => self.push(format!("{lead}{}", scalar(other)), path),
            }
        }
    }

    /// A text of several lines, as it reads.
    fn block(&mut self, head: &str, text: &str, path: &str, child: &str, indent: usize) {
        let chomp = match text.len() - text.trim_end_matches('\n').len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        self.push(format!("{head} |{chomp}"), path);
        let spaces = " ".repeat(indent);
        for line in text.lines() {
            let line = if line.is_empty() { String::new() } else { format!("{spaces}{line}") };
            self.push(line, child);
        }
    }
}

/// What names an item among its neighbours: its name, or its number.
fn item_name(item: &Value, index: usize) -> String {
    NAMES
        .iter()
        .find_map(|name| match item.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        })
        .unwrap_or_else(|| index.to_string())
}

/// A value on one line, quoted where it would read as something else.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text can stand unquoted and reads as the text it is.
fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/._(<$".contains(c));
    let ends = !text.ends_with([' ', ':']);
    let inside =
        text.chars().all(|c| !c.is_control()) && !text.contains(": ") && !text.contains(" #");
    let reads_as_text = goyaml::scalar::resolve(text) == Scalar::Text;
    starts && ends && inside && reads_as_text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The order people write, quotes only where needed, texts of several lines as they read.
    #[test]
    fn reads_like_a_manifest() {
        let object = json!({
            "data": { "b": "two\nlines\n", "a": "yes", "c": "3", "d": "a: b", "e": "", "f": "plain text" },
            "metadata": { "labels": {}, "name": "x" },
            "list": ["a", ["b"], { "name": "it", "arg": [1, null, true] }],
            "kind": "ConfigMap",
            "apiVersion": "v1",
        });
        let text: Vec<String> =
            of(&object).into_iter().map(|l| format!("{:<22}|{}", l.text, l.path)).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        apiVersion: v1        |
        kind: ConfigMap       |
        metadata:             |
          name: x             |metadata
          labels: {}          |metadata
        data:                 |
          a: "yes"            |data
          b: |                |data
            two               |data.b
            lines             |data.b
          c: "3"              |data
          d: "a: b"           |data
          e: ""               |data
          f: plain text       |data
        list:                 |
        - a                   |list
        -                     |list
          - b                 |list[1]
        - name: it            |list[it]
          arg:                |list[it]
          - 1                 |list[it].arg
          - null              |list[it].arg
          - true              |list[it].arg
        "#);
    }
}
