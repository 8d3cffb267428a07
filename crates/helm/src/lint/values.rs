//! Rules for values.yaml and values.schema.json of the chart itself; sub-charts are not looked at.

use goyaml::Map;

use super::{Linter, Options, Severity, chain};
use crate::{schema, values};

const FILE: &str = "values.yaml";

pub(super) fn check(linter: &mut Linter, options: &Options<'_>) {
    let path = linter.folder.join(FILE);
    let exists = if path.exists() { Ok(()) } else { Err("file does not exist") };
    if !linter.rule(Severity::Info, FILE, exists) {
        return;
    }
    let outcome = check_file(linter, options);
    linter.rule(Severity::Error, FILE, outcome);
}

fn check_file(linter: &Linter, options: &Options<'_>) -> Result<(), String> {
    let path = linter.folder.join(FILE);
    let bytes = std::fs::read(&path).map_err(|error| {
        format!("unable to parse YAML: {}", super::go_words("read", &path, &error))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let defaults = values::parse_values(&text)
        .map_err(|error| format!("unable to parse YAML: {}", chain(&error)))?;
    let none = Map::new();
    let given = options.values.as_map().unwrap_or(&none);
    let given = values::coalesce_tables(&none, given);
    let joined = values::coalesce_tables(&given, defaults.as_map().unwrap_or(&none));
    // A schema that cannot be read counts as none.
    let schema = std::fs::read(linter.folder.join("values.schema.json")).unwrap_or_default();
    if schema.is_empty() || options.skip_schema {
        return Ok(());
    }
    schema::validate_alone(&schema, &joined)
}

#[cfg(test)]
mod tests {
    use goyaml::Value;

    use super::super::{Finding, lint};
    use super::*;

    /// What values.yaml says is checked together with the values given.
    #[test]
    fn values_given_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\nicon: https://a.b/c\n")
            .unwrap();
        write("values.yaml", "port: 80\n").unwrap();
        write("values.schema.json", r#"{"properties": {"port": {"type": "integer"}}}"#).unwrap();
        let found = |values: &str, skip_schema| -> Vec<Finding> {
            let values: Value = values::parse_values(values).unwrap();
            let options =
                Options { values: &values, namespace: "n", kube_version: None, skip_schema };
            let all = lint(folder.path(), &options);
            all.into_iter().filter(|finding| finding.path == FILE).collect()
        };
        assert!(found("", false).is_empty());
        assert_eq!(found("port: many", false)[0].text, "- at '/port': got string, want integer\n");
        assert!(found("port: many", true).is_empty());
    }
}
