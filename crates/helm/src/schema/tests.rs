//! Faults in values, each with the text Helm 4.3 prints for it.

use super::{Fault, SchemaError, validate};
use crate::chart::Chart;
use crate::values::{coalesce, parse_values};

/// What a chart with `schema` says about `values`; empty if nothing.
fn verdict(schema: &str, values: &str) -> String {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let chart = Chart::from_files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.schema.json", schema),
    ])
    .unwrap();
    let outcome = validate(&chart, &parse_values(values).unwrap());
    let text = outcome.map_or_else(|error| error.to_string(), |()| String::new());
    let start = "values don't meet the specifications of the schema(s) in the following \
                 chart(s):\nc:\n";
    text.strip_prefix(start).unwrap_or(&text).to_owned()
}

/// A schema is compiled by the first check; clones of the chart, as renders make them, use what that made.
#[test]
fn compiled_once() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let chart = Chart::from_files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.schema.json", r#"{"required": ["q"], "propertyNames": true}"#),
    ])
    .unwrap();
    let other = chart.clone();
    assert!(validate(&chart, &parse_values("q: 1").unwrap()).is_ok());
    assert_eq!(format!("{:?}", other.compiled_schema()), "Compiled(true)");
    assert!(validate(&other, &parse_values("a: 1").unwrap()).is_err());
}

/// The list of faults: missing keys before the values of keys that are there.
#[test]
fn faults() {
    insta::assert_snapshot!(
        verdict(r#"{"required": ["q"], "properties": {"a": {"type": "string"}}}"#, "a: 1"),
        @r"
    - at '': missing property 'q'
    - at '/a': got number, want string
    "
    );
    assert_eq!(verdict(r#"{"properties": {"a": {"type": "integer"}}}"#, "a: 1"), "");
}

/// A combining keyword is named even if a single one of its parts fails.
#[test]
fn combining() {
    insta::assert_snapshot!(
        verdict(
            r#"{"allOf": [{"properties": {"x": {"anyOf": [{"type": "string"}]}}}, {}]}"#,
            "x: 1"
        ),
        @r"
    - at '': 'allOf' failed
      - at '/x': 'anyOf' failed
        - at '/x': got number, want string
    "
    );
    insta::assert_snapshot!(
        verdict(
            r#"{"properties": {"x": {"oneOf": [{"type": "string"}, {"type": ["boolean", "null"]}]}}}"#,
            "x: 1"
        ),
        @r"
    - at '/x': 'oneOf' failed, none matched
      - at '/x': got number, want string
      - at '/x': got number, want null or boolean
    "
    );
    insta::assert_snapshot!(
        verdict(r#"{"properties": {"x": {"oneOf": [{"minimum": 0}, {"type": "number"}]}}}"#, "x: 1"),
        @"- at '/x': 'oneOf' failed, subschemas 0, 1 matched"
    );
}

/// A reference does not show unless it holds several faults together.
#[test]
fn references() {
    let schema = r##"{"properties": {"x": {"$ref": "#/$defs/s"}}, "$defs": {"s": RULES}}"##;
    insta::assert_snapshot!(
        verdict(&schema.replace("RULES", r#"{"type": "string"}"#), "x: 1"),
        @"- at '/x': got number, want string"
    );
    insta::assert_snapshot!(
        verdict(&schema.replace("RULES", r#"{"minProperties": 3, "required": ["a"]}"#), "x: {}"),
        @r"
    - at '/x': validation failed
      - at '/x': minProperties: got 0, want 3
      - at '/x': missing property 'a'
    "
    );
}

/// Numbers are printed as English has them.
#[test]
fn numbers() {
    let schema = r#"{"properties": {"a": {"minimum": 1234567.5}, "b": {"maximum": 1000.5},
        "c": {"multipleOf": 0.3}, "d": {"minLength": 1200}, "e": {"exclusiveMaximum": 1e-5}}}"#;
    insta::assert_snapshot!(
        verdict(schema, "a: 5\nb: 12345\nc: 1\nd: x\ne: 1"),
        @r"
    - at '/a': minimum: got 5, want 1.2345675 × 10⁰⁶
    - at '/b': maximum: got 12,345, want 1,000.5
    - at '/c': multipleOf: got 1, want 0.3
    - at '/d': minLength: got 1, want 1,200
    - at '/e': exclusiveMaximum: got 1, want 1 × 10⁻⁰⁵
    "
    );
}

/// What is allowed is listed, unless it is a collection.
#[test]
fn enumerations() {
    insta::assert_snapshot!(
        verdict(
            r#"{"properties": {"x": {"enum": [1, 1.5, "a", null, true]}, "k": {"const": null},
                "z": {"enum": [[1]]}, "w": {"enum": ["it's"]}}}"#,
            "x: 9\nk: 1\nz: 2\nw: 1"
        ),
        @r"
    - at '/x': value must be one of 1, 1.5, 'a', <nil>, true
    - at '/k': value must be <nil>
    - at '/z': 'enum' failed
    - at '/w': value must be 'it\'s'
    "
    );
}

/// Names of properties are values of their own.
#[test]
fn property_names() {
    insta::assert_snapshot!(
        verdict(r#"{"properties": {"x": {"propertyNames": {"pattern": "^b"}}}}"#, "x: {a: 1}"),
        @r"
    - at '/x': invalid propertyName 'a'
      - at '': 'a' does not match pattern '^b'
    "
    );
}

/// A format is checked up to draft 7, and what it refuses is not checked further.
#[test]
fn formats() {
    let schema =
        r#"{"$schema": "DRAFT", "properties": {"x": {"format": "email", "minLength": 9}}}"#;
    insta::assert_snapshot!(
        verdict(&schema.replace("DRAFT", "http://json-schema.org/draft-07/schema#"), "x: a"),
        @"- at '/x': 'a' is not valid email: missing @"
    );
    insta::assert_snapshot!(
        verdict(&schema.replace("DRAFT", "https://json-schema.org/draft/2020-12/schema"), "x: a"),
        @"- at '/x': minLength: got 1, want 9"
    );
}

/// A schema that is no use is reported in place of faults.
#[test]
fn bad_schemas() {
    insta::assert_snapshot!(verdict("{bad", ""), @"invalid character 'b' looking for beginning of object key string");
    insta::assert_snapshot!(verdict("", ""), @"EOF");
    insta::assert_snapshot!(
        verdict(r#"{"type": "strin"}"#, ""),
        @r#"
    "file:///values.schema.json#" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'
    - at '': 'allOf' failed
      - at '/type': 'anyOf' failed
        - at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'
        - at '/type': got string, want array
    "#
    );
    insta::assert_snapshot!(
        verdict(r##"{"properties": {"x": {"$ref": "#/nope"}}}"##, ""),
        @r#"json-pointer in "file:///values.schema.json#/nope" not found"#
    );
}

/// Nothing outside the schema is loaded; a URN allows everything.
#[test]
fn outside() {
    for reference in ["http://example.com/s.json", "https://example.com/s.json", "other.json"] {
        let text = verdict(&format!(r#"{{"properties": {{"x": {{"$ref": "{reference}"}}}}}}"#), "");
        assert!(text.starts_with("failing loading "), "{text}");
        assert!(text.ends_with("a schema may refer to nothing outside its own file"), "{text}");
    }
    let text = verdict(r#"{"$schema": "http://example.com/s"}"#, "");
    assert!(text.starts_with(r#"failing loading "http://example.com/s""#), "{text}");
    assert_eq!(verdict(r#"{"properties": {"x": {"$ref": "urn:foo"}}}"#, "x: 1"), "");
}

/// Every chart's values are checked against its own schema, and every fault is listed.
#[test]
fn subcharts() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let schema = r#"{"properties": {"a": {"type": "string"}}, "additionalProperties": false}"#;
    let chart = Chart::from_files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.schema.json", r#"{"required": ["q"], "propertyNames": true}"#),
        file("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
        file("charts/s/values.yaml", "a: 1\n"),
        file("charts/s/values.schema.json", schema),
    ])
    .unwrap();
    let values = coalesce(&chart, &parse_values("").unwrap()).unwrap();
    let error: SchemaError = validate(&chart, &values).unwrap_err();
    insta::assert_snapshot!(error, @r"
    values don't meet the specifications of the schema(s) in the following chart(s):
    c:
    - at '': missing property 'q'
    s:
    - at '/a': got number, want string
    - at '': additional properties 'global' not allowed
    ");
    let Fault::Violations(violations) = &error.charts()[1].fault else {
        panic!("{error:?} should be violations");
    };
    assert_eq!(error.charts()[1].path, ["s"]);
    assert_eq!(violations[0].path, ["a"]);
}

/// Values as deep as values can be, against a schema that follows them down, are no danger.
#[test]
fn deep() {
    let values = format!("{}1{}", "{x: ".repeat(450), "}".repeat(450));
    let schema = r##"{"properties": {"x": {"$ref": "#"}}, "type": "object"}"##;
    let text = verdict(schema, &format!("x: {values}"));
    assert!(text.ends_with("got number, want object\n"), "{text}");
}
