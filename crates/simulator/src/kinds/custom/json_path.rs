//! The simple JSON paths of printer columns: fields, indexes, `[*]` and filters by equality.

use serde_json::Value;

/// A path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(isize),
    All,
    /// Items whose value at a path is this text.
    Equal(Vec<String>, String),
}

impl JsonPath {
    /// Reads a path such as `.status.conditions[?(@.type=="Ready")].status`; what cannot be read
    /// finds nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim().trim_start_matches('{').trim_end_matches('}');
        let mut steps = Vec::new();
        let mut rest = text.trim_start_matches('$');
        while !rest.is_empty() {
            let (step, after) = if let Some(inside) = rest.strip_prefix('[') {
                let Some((inside, after)) = bracket(inside) else { break };
                (subscript(inside), after)
            } else {
                let (name, after) = field_name(rest.strip_prefix('.').unwrap_or(rest));
                match name.as_str() {
                    "" => (None, after),
                    "*" => (Some(Step::All), after),
                    _ => (Some(Step::Field(name)), after),
                }
            };
            if after.len() == rest.len() {
                break;
            }
            rest = after;
            steps.extend(step);
        }
        Self { steps }
    }

    /// All values it leads to.
    pub(crate) fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found
    }
}

impl Step {
    fn follow<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let items = || value.as_array().map_or(&[][..], Vec::as_slice);
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let items = items();
                let at = if *index < 0 {
                    items.len().checked_add_signed(*index)
                } else {
                    usize::try_from(*index).ok()
                };
                at.and_then(|at| items.get(at)).into_iter().collect()
            }
            Self::All => match value {
                Value::Object(map) => map.values().collect(),
                _ => items().iter().collect(),
            },
            Self::Equal(path, wanted) => items()
                .iter()
                .filter(|item| {
                    let found = path.iter().try_fold(*item, |value, key| value.get(key));
                    found.is_some_and(|found| match found {
                        Value::String(text) => text == wanted,
                        Value::Bool(value) => wanted.parse() == Ok(*value),
                        Value::Number(number) => {
                            wanted.parse::<serde_json::Number>().is_ok_and(|it| it == *number)
                        }
                        _ => false,
                    })
                })
                .collect(),
        }
    }
}

/// The text up to the closing bracket, which may not be inside quotes or parentheses.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut depth) = (None, 0_u32);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ']') if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn subscript(inside: &str) -> Option<Step> {
    let inside = inside.trim();
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|it| it.strip_suffix(')')) {
        let (left, right) = filter.split_once("==")?;
        let path = JsonPath::parse(left.trim().trim_start_matches('@'));
        let keys = path.steps.into_iter().filter_map(|step| match step {
            Step::Field(name) => Some(name),
            _ => None,
        });
        return Some(Step::Equal(
            keys.collect(),
            right.trim().trim_matches(['\'', '"']).to_owned(),
        ));
    }
    match inside.parse() {
        Ok(index) => Some(Step::Index(index)),
        Err(_) => Some(Step::Field(inside.trim_matches(['\'', '"']).to_owned())),
    }
}

/// A field's name, in which a backslash keeps a point from ending it.
fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(characters.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The forms that definitions use.
    #[test]
    fn finds() {
        let object = json!({
            "metadata": { "annotations": { "a.b/c": "note" } },
            "spec": { "size": 3, "hosts": ["x", "y"] },
            "status": { "conditions": [
                { "type": "Ready", "status": "True" },
                { "type": "Synced", "status": "False" },
            ] },
        });
        let cases = [
            (".spec.size", json!([3])),
            ("spec.size", json!([3])),
            ("{.spec.size}", json!([3])),
            (".spec.hosts[1]", json!(["y"])),
            (".spec.hosts[-1]", json!(["y"])),
            (".spec.hosts[*]", json!(["x", "y"])),
            (".spec.hosts", json!([["x", "y"]])),
            (".metadata.annotations.a\\.b/c", json!(["note"])),
            (".metadata.annotations['a.b/c']", json!(["note"])),
            (".status.conditions[?(@.type==\"Ready\")].status", json!(["True"])),
            (".status.conditions[?(@.type=='Synced')].status", json!(["False"])),
            (".status.conditions[?(@.type==\"None\")].status", json!([])),
            (".spec.missing.deeper", json!([])),
            (".spec.hosts[", json!([["x", "y"]])),
        ];
        for (path, wanted) in cases {
            assert_eq!(json!(JsonPath::parse(path).find(&object)), wanted, "{path}");
        }
    }
}
