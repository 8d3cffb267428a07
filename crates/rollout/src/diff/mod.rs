//! Readable differences between two states of an object.
//!
//! Both states are written as YAML in the order people write Kubernetes objects in, without what the
//! server keeps for itself, and compared line by line. Secrets are masked before anything is
//! compared, in a way that still shows which key changes.

mod clean;
mod lines;
mod mask;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::{Algorithm, ChangeTag, DiffOp, TextDiff};

pub(crate) use clean::cleaned;
use lines::Line;
pub(crate) use mask::Mask;

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// The change of one object as YAML lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDiff {
    /// The changed places, in the object's order.
    pub hunks: Vec<Hunk>,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// One changed place with the lines around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Where in the object: `spec.template.spec.containers[web].env`. Empty at the top.
    pub path: String,
    /// The first line in the old text, from 1; 0 if there is none.
    pub old_line: u32,
    /// The first line in the new text, from 1; 0 if there is none.
    pub new_line: u32,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Whether the line stays, goes or comes.
    pub change: LineChange,
    /// The line, without its newline.
    pub text: String,
}

/// What happens to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// It stays.
    Context,
    /// It goes.
    Removed,
    /// It comes.
    Added,
}

/// The difference between two states; a state that is absent has no lines.
///
/// Both must be [`cleaned`]; nothing if they read the same.
pub(crate) fn diff(old: Option<&Value>, new: Option<&Value>, mask: &Mask) -> Option<ObjectDiff> {
    let (old, new) = mask.both(old, new);
    let old = old.as_ref().map(lines::of).unwrap_or_default();
    let new = new.as_ref().map(lines::of).unwrap_or_default();
    let old_text: Vec<&str> = old.iter().map(|line| line.text.as_str()).collect();
    let new_text: Vec<&str> = new.iter().map(|line| line.text.as_str()).collect();
    let text =
        TextDiff::configure().algorithm(Algorithm::Patience).diff_slices(&old_text, &new_text);
    let mut diff = ObjectDiff::default();
    for group in text.grouped_ops(CONTEXT) {
        let hunk = hunk(&text, &group, &old, &new);
        let count = |change| hunk.lines.iter().filter(|line| line.change == change).count();
        diff.added += number(count(LineChange::Added));
        diff.removed += number(count(LineChange::Removed));
        diff.hunks.push(hunk);
    }
    (!diff.hunks.is_empty()).then_some(diff)
}

fn hunk(text: &TextDiff<'_, '_, str>, group: &[DiffOp], old: &[Line], new: &[Line]) -> Hunk {
    let changes: Vec<_> = group.iter().flat_map(|op| text.iter_changes(op)).collect();
    let first_changed = changes.iter().find(|change| change.tag() != ChangeTag::Equal);
    let path = first_changed.and_then(|change| match (change.new_index(), change.old_index()) {
        (Some(line), _) => new.get(line),
        (None, Some(line)) => old.get(line),
        (None, None) => None,
    });
    let first = |index: Option<usize>| index.map_or(0, |index| number(index + 1));
    Hunk {
        path: path.map(|line| line.path.clone()).unwrap_or_default(),
        old_line: first(changes.iter().find_map(similar::Change::old_index)),
        new_line: first(changes.iter().find_map(similar::Change::new_index)),
        lines: changes
            .iter()
            .map(|change| DiffLine {
                change: match change.tag() {
                    ChangeTag::Equal => LineChange::Context,
                    ChangeTag::Delete => LineChange::Removed,
                    ChangeTag::Insert => LineChange::Added,
                },
                text: change.value().to_owned(),
            })
            .collect(),
    }
}

/// A count for people; no object has four thousand million lines.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The usual text form: `@@ path` and lines led by a sign.
impl std::fmt::Display for ObjectDiff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for hunk in &self.hunks {
            writeln!(f, "@@ {}", hunk.path)?;
            for line in &hunk.lines {
                let sign = match line.change {
                    LineChange::Context => ' ',
                    LineChange::Removed => '-',
                    LineChange::Added => '+',
                };
                writeln!(f, "{sign}{}", line.text)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(image: &str, replicas: u32) -> Value {
        json!({
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [
                        { "image": "log:1", "name": "log" },
                        { "image": image, "name": "web", "ports": [{ "containerPort": 80 }] },
                    ] },
                },
            },
            "metadata": { "name": "web", "namespace": "prod" },
        })
    }

    /// Each changed place is a hunk that says where it is; list items go by their names.
    #[test]
    fn hunks_say_where() {
        let diff =
            diff(Some(&deployment("web:1", 1)), Some(&deployment("web:2", 3)), &Mask::default())
                .unwrap();
        insta::assert_snapshot!(diff, @r"
        @@ spec
           name: web
           namespace: prod
         spec:
        -  replicas: 1
        +  replicas: 3
           selector:
             matchLabels:
               app: web
        @@ spec.template.spec.containers[web]
               - name: log
                 image: log:1
               - name: web
        -        image: web:1
        +        image: web:2
                 ports:
                 - containerPort: 80
        ");
        assert_eq!((diff.added, diff.removed), (2, 2));
    }

    /// Equal states have no difference.
    #[test]
    fn nothing_changed() {
        let state = deployment("web:1", 1);
        assert_eq!(diff(Some(&state), Some(&state), &Mask::default()), None);
    }

    /// A Secret shows which keys change and no value of any.
    #[test]
    fn secrets_are_masked() {
        let secret = |data: Value| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": data });
        let old = secret(json!({ "same": "c2FtZQ==", "changed": "b2xk", "gone": "Z29uZQ==" }));
        let new = secret(json!({ "same": "c2FtZQ==", "changed": "bmV3", "come": "Y29tZQ==" }));
        let diff = diff(Some(&old), Some(&new), &Mask::default()).unwrap();
        insta::assert_snapshot!(diff, @r"
        @@ data
         metadata:
           name: s
         data:
        -  changed: (hidden, before)
        -  gone: (hidden, before)
        +  changed: (hidden, after)
        +  come: (hidden, after)
           same: (hidden)
        ");
    }
}
