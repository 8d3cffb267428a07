//! Label and field selectors: parsing the query forms, matching objects.

use serde_json::Value;

use crate::{object, status::StatusError};

/// What a requirement asks of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|it| it == value);
        let compared = |wanted: fn(i64, i64) -> bool| {
            let number = value.and_then(|value| value.parse::<i64>().ok());
            let limit = self.values.first().and_then(|value| value.parse::<i64>().ok());
            number.zip(limit).is_some_and(|(number, limit)| wanted(number, limit))
        };
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => compared(|number, limit| number > limit),
            Operator::LessThan => compared(|number, limit| number < limit),
        }
    }
}

/// A label selector: all requirements have to hold. The empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Parses the query form: `app=web,tier!=db,env in (a,b),!legacy`.
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if !part.is_empty() {
                requirements.push(parse_requirement(part)?);
            }
        }
        Ok(Self { requirements })
    }

    /// Reads a `LabelSelector` object (`matchLabels`, `matchExpressions`), or a plain map as
    /// Services have it. A missing selector matches nothing in Kubernetes; here the caller decides.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        let structured =
            selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
        let labels = if structured { &selector["matchLabels"] } else { selector };
        for (key, value) in labels.as_object().into_iter().flatten() {
            requirements.push(Requirement {
                key: key.clone(),
                operator: Operator::In,
                values: vec![value.as_str().unwrap_or_default().to_owned()],
            });
        }
        for expression in object::list(selector, &["matchExpressions"]) {
            let operator = match object::text(expression, &["operator"]) {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                _ => Operator::DoesNotExist,
            };
            let values = object::list(expression, &["values"]);
            requirements.push(Requirement {
                key: object::text(expression, &["key"]).to_owned(),
                operator,
                values: values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            });
        }
        Self { requirements }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels, given by a look-up, satisfy every requirement.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(label(&requirement.key)))
    }

    /// Whether the labels of an object (or of a pod template) satisfy every requirement.
    pub fn matches_object(&self, object: &Value) -> bool {
        self.matches(|key| object::at(object, &["metadata", "labels", key]).and_then(Value::as_str))
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (position, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_requirement(part: &str) -> Result<Requirement, StatusError> {
    let of = |key: &str, operator, values: Vec<String>| {
        let key = key.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if key.is_empty() || !key.chars().all(plain) {
            return Err(StatusError::bad_request(format!(
                "unable to parse requirement: found '{part}', expected: a label key"
            )));
        }
        Ok(Requirement { key: key.to_owned(), operator, values })
    };
    if let Some(key) = part.strip_prefix('!').filter(|rest| !rest.contains('=')) {
        return of(key, Operator::DoesNotExist, Vec::new());
    }
    if let Some((head, list)) = part.split_once('(') {
        let values = list.trim_end().trim_end_matches(')').split(',');
        let values = values.map(|value| value.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next()) {
            (Some(key), Some("in")) => of(key, Operator::In, values),
            (Some(key), Some("notin")) => of(key, Operator::NotIn, values),
            _ => Err(StatusError::bad_request(format!(
                "unable to parse requirement: found '{part}', expected: in, notin"
            ))),
        };
    }
    let operators: [(&str, Operator); 5] = [
        ("!=", Operator::NotIn),
        ("==", Operator::In),
        ("=", Operator::In),
        (">", Operator::GreaterThan),
        ("<", Operator::LessThan),
    ];
    for (sign, operator) in operators {
        if let Some((key, value)) = part.split_once(sign) {
            return of(key, operator, vec![value.trim().to_owned()]);
        }
    }
    of(part, Operator::Exists, Vec::new())
}

/// A field selector such as `status.phase!=Running,spec.nodeName=node-1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// (path, whether equal is wanted, value)
    terms: Vec<(String, bool, String)>,
}

impl FieldSelector {
    /// Parses the query form.
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (path, equal, value) = if let Some((path, value)) = part.split_once("!=") {
                (path, false, value)
            } else if let Some((path, value)) = part.split_once("==") {
                (path, true, value)
            } else if let Some((path, value)) = part.split_once('=') {
                (path, true, value)
            } else {
                return Err(StatusError::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            terms.push((path.trim().to_owned(), equal, value.trim().to_owned()));
        }
        Ok(Self { terms })
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|(path, _, _)| path.as_str())
    }

    /// The name, if the selector is `metadata.name=…` among others.
    pub fn name(&self) -> Option<&str> {
        let term = self.terms.iter().find(|(path, equal, _)| *equal && path == "metadata.name");
        term.map(|(_, _, name)| name.as_str())
    }

    /// The namespace, if the selector is `metadata.namespace=…` among others.
    pub fn namespace(&self) -> Option<&str> {
        let term =
            self.terms.iter().find(|(path, equal, _)| *equal && path == "metadata.namespace");
        term.map(|(_, _, namespace)| namespace.as_str())
    }

    /// Whether anything but name and namespace is asked for, so that the object has to be read.
    pub fn needs_object(&self) -> bool {
        self.terms.iter().any(|(path, equal, _)| {
            !equal || !matches!(path.as_str(), "metadata.name" | "metadata.namespace")
        })
    }

    /// Whether an object's fields satisfy every term.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|(path, equal, wanted)| {
            let found = path.split('.').try_fold(object, |value, key| value.get(key));
            let found = match found {
                Some(Value::String(text)) => text.clone(),
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            (found == *wanted) == *equal
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every form of a label selector says which of three objects it takes.
    #[test]
    fn label_selectors() {
        let objects = [
            json!({ "metadata": { "labels": { "app": "web", "tier": "front", "n": "5" } } }),
            json!({ "metadata": { "labels": { "app": "db" } } }),
            json!({ "metadata": {} }),
        ];
        let cases = [
            ("", vec![0, 1, 2]),
            ("app=web", vec![0]),
            ("app == web", vec![0]),
            ("app!=web", vec![1, 2]),
            ("app", vec![0, 1]),
            ("!app", vec![2]),
            ("app in (web, db)", vec![0, 1]),
            ("app in (web,db),tier", vec![0]),
            ("app notin (web)", vec![1, 2]),
            ("n>4", vec![0]),
            ("n<4", vec![]),
        ];
        for (text, wanted) in cases {
            let selector = LabelSelector::parse(text).unwrap();
            let found: Vec<usize> =
                (0..3).filter(|&index| selector.matches_object(&objects[index])).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    /// A selector that cannot be read is refused, not taken for "everything".
    #[test]
    fn broken_label_selectors() {
        for text in ["app within (a)", "=x", "a b"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }

    /// Field selectors compare texts; a missing field is the empty text.
    #[test]
    fn field_selectors() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } });
        let cases = [
            ("status.phase=Running", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("metadata.name=a,status.phase==Running", true),
            ("metadata.name=b", false),
        ];
        for (text, wanted) in cases {
            assert_eq!(FieldSelector::parse(text).unwrap().matches(&pod), wanted, "{text}");
        }
    }
}
