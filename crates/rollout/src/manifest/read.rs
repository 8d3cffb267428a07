//! From a manifest's text to its objects.

use goyaml::Value as Yaml;
use serde_json::{Number, Value};

use super::{DesiredObject, ManifestError, template};
use crate::ObjectKey;

/// Every object of a manifest in its order; lists (`kind: List`) are taken apart, documents that only
/// hold comments left out.
pub(crate) fn read_objects(manifest: &str) -> Result<Vec<DesiredObject>, ManifestError> {
    let mut objects = Vec::new();
    for document in goyaml::documents(manifest) {
        let document = document.map_err(|error| ManifestError::Yaml {
            template: "the manifest".to_owned(),
            line: Some(error.line),
            message: error.to_string(),
        })?;
        let source = source_of(&document.text);
        let value = goyaml::parse_keeping_integers(&document.text).map_err(|error| {
            ManifestError::Yaml {
                template: template(source),
                line: error.line(),
                message: error.message().to_owned(),
            }
        })?;
        if !value.is_null() {
            add(json(&value), source, &mut objects)?;
        }
    }
    Ok(objects)
}

/// The template a document came from: Helm writes it in a comment before the first content.
fn source_of(document: &str) -> Option<&str> {
    document
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with('#') || line.starts_with("---"))
        .find_map(|line| line.strip_prefix("# Source: "))
        .map(str::trim)
}

fn add(
    object: Value,
    source: Option<&str>,
    objects: &mut Vec<DesiredObject>,
) -> Result<(), ManifestError> {
    let problem = |problem: &str| ManifestError::NotAnObject {
        template: template(source),
        problem: problem.to_owned(),
    };
    let Value::Object(fields) = &object else {
        return Err(problem("it is not a map"));
    };
    let is_list = fields.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
    if is_list && let Some(Value::Array(items)) = fields.get("items") {
        return items.iter().try_for_each(|item| add(item.clone(), source, objects));
    }
    let key = ObjectKey::of(&object);
    match (key.api_version.is_empty(), key.kind.is_empty(), key.name.is_empty()) {
        (true, true, _) => Err(problem("apiVersion not set, kind not set")),
        (true, false, _) => Err(problem("apiVersion not set")),
        (false, true, _) => Err(problem("kind not set")),
        (false, false, true) => {
            Err(problem("metadata.name not set; generateName cannot be applied"))
        }
        (false, false, false) => {
            objects.push(DesiredObject { key, source: source.map(str::to_owned), object });
            Ok(())
        }
    }
}

/// YAML as the JSON that is sent. Floats without a fraction become integers, as Go writes them.
fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(*value),
        Yaml::Int(value) => Value::from(*value),
        Yaml::Uint(value) => Value::from(*value),
        Yaml::Float(value) => float(*value),
        Yaml::String(text) => Value::String(text.to_string()),
        Yaml::Seq(items) => items.iter().map(json).collect(),
        Yaml::Map(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.to_string(), json(value))).collect())
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within i64's exact range")]
fn float(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Documents are split as Helm writes them, sources kept, comment-only ones dropped.
    #[test]
    fn documents_and_sources() {
        let manifest = "---\n# Source: c/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  text: |\n    ---\n    not a separator\n\n---\n# Source: c/templates/empty.yaml\n# nothing here\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n";
        let objects = read_objects(manifest).unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0].source.as_deref(), Some("c/templates/a.yaml"));
        assert_eq!(objects[0].object["data"]["text"], "---\nnot a separator\n");
        assert_eq!(objects[1].source, None);
    }

    /// A list stands for its items.
    #[test]
    fn lists_are_taken_apart() {
        let manifest = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n";
        let names: Vec<String> =
            read_objects(manifest).unwrap().into_iter().map(|o| o.key.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    /// What is not an object is refused with the template's name.
    #[test]
    fn not_objects() {
        let refused = |document: &str| {
            read_objects(&format!("---\n# Source: c/a.yaml\n{document}")).unwrap_err().to_string()
        };
        insta::assert_snapshot!(refused("a: 1"), @"c/a.yaml did not render to a Kubernetes object: apiVersion not set, kind not set");
        insta::assert_snapshot!(refused("- a"), @"c/a.yaml did not render to a Kubernetes object: it is not a map");
        insta::assert_snapshot!(refused("apiVersion: v1\nkind: Pod"), @"c/a.yaml did not render to a Kubernetes object: metadata.name not set; generateName cannot be applied");
    }

    /// Numbers are sent as Go sends them.
    #[test]
    fn numbers() {
        let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {a: 3, b: 3.0, c: 0.5, d: 18446744073709551615}\n";
        let objects = read_objects(manifest).unwrap();
        assert_eq!(objects[0].object["spec"], json!({ "a": 3, "b": 3, "c": 0.5, "d": u64::MAX }));
    }
}
