use super::verdict::Verdict;
use super::*;
use crate::schema::compile::tests::compiles_and_takes;
use proptest::prelude::*;
use serde_json::json;

/// Small values, so that schemas often fit them.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        Just(json!(0.5)),
        Just(json!(1e30)),
        "[ab]{0,1}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[abc]", inner), 0..3)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Schemas of plain words, and of some that are not, with values of the right kind more often than not.
fn schema() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("array"),
        Just("boolean"),
        Just("integer"),
        Just("null"),
        Just("number"),
        Just("object"),
        Just("string"),
        Just("text"),
    ];
    let names = prop::collection::vec("[abc]", 0..3).prop_map(Value::from);
    let leaf = prop_oneof![Just(json!({})), any::<bool>().prop_map(Value::from)];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let properties = prop::collection::vec(("[abc]", inner.clone()), 0..3)
            .prop_map(|pairs| Value::Object(pairs.into_iter().collect()));
        let word = prop_oneof![
            name.clone().prop_map(|name| ("type", Value::from(name))),
            prop::collection::vec(name.clone(), 0..3).prop_map(|all| ("type", Value::from(all))),
            properties.prop_map(|all| ("properties", all)),
            inner.clone().prop_map(|schema| ("additionalProperties", schema)),
            inner.clone().prop_map(|schema| ("items", schema)),
            inner.clone().prop_map(|schema| ("not", schema)),
            inner.clone().prop_map(|schema| ("if", schema)),
            inner.clone().prop_map(|schema| ("then", schema)),
            inner.clone().prop_map(|schema| ("else", schema)),
            inner.clone().prop_map(|schema| ("definitions", json!({ "a": schema }))),
            inner.clone().prop_map(|schema| ("own", json!({ "word": schema }))),
            prop::collection::vec(("[abc]{0,1}", inner.clone()), 0..3).prop_map(|pairs| (
                "patternProperties",
                Value::Object(pairs.into_iter().collect())
            )),
            (
                prop_oneof![Just("allOf"), Just("anyOf"), Just("oneOf")],
                prop::collection::vec(inner, 0..3).prop_map(Value::from)
            ),
            prop_oneof![Just("#"), Just("#/definitions/a"), Just("#/own/word"), Just("#/no")]
                .prop_map(|to| ("$ref", Value::from(to))),
            ("m(in|ax)(Length|Items|Properties)", 0..3).prop_map(|(word, bound)| {
                let words = [
                    "minLength",
                    "maxLength",
                    "minItems",
                    "maxItems",
                    "minProperties",
                    "maxProperties",
                ];
                let word = words.into_iter().find(|it| **it == *word).unwrap_or_default();
                (word, Value::from(bound))
            }),
            "[ab]|a*|\\[".prop_map(|text| ("pattern", Value::from(text))),
            value().prop_map(|value| ("const", value)),
            names.clone().prop_map(|names| ("required", names)),
            prop::collection::vec(value(), 0..3).prop_map(|all| ("enum", Value::from(all))),
            value().prop_map(|value| ("minimum", value)),
            (-1..2_i64).prop_map(|bound| ("maximum", Value::from(bound))),
            value().prop_map(|value| ("default", value)),
            Just(("$id", json!("https://example.org/charts/x.json"))),
            Just(("$id", json!("x.json"))),
            value().prop_map(|value| ("description", value)),
            value().prop_map(|value| ("examples", value)),
            value().prop_map(|value| ("deprecated", value)),
            value().prop_map(|value| ("form", value)),
            Just(("$schema", json!("http://json-schema.org/schema#"))),
            Just(("$schema", json!("http://json-schema.org/draft-07/schema#"))),
            Just(("$schema", json!("https://json-schema.org/draft/2019-09/schema"))),
            Just(("uniqueItems", json!(true))),
        ];
        prop::collection::vec(word, 0..5).prop_map(|words| {
            Value::Object(words.into_iter().map(|(word, value)| (word.to_owned(), value)).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// What is plain is a schema that the validator compiles, and where something is sure about a value, the validator
    /// says it, too.
    #[test]
    fn validator_agrees(schema in schema(), value in value()) {
        if let Some(plain) = Plain::of(&schema) {
            let full = compiles_and_takes(schema, &value);
            prop_assert!(full.is_ok(), "{full:?}");
            match Run::new(&plain.referred).verdict(&plain.root, &value, 0) {
                Verdict::Passes => prop_assert_eq!(full, Ok(true)),
                Verdict::Fails => prop_assert_eq!(full, Ok(false)),
                Verdict::Unsure => {}
            }
        }
    }
}

/// All of them are drafts that the validator knows, too, and gives the same meaning.
#[test]
fn drafts() {
    for draft in DRAFTS {
        let schema = json!({ "$schema": draft, "if": { "type": "null" }, "then": { "const": 1 } });
        assert!(Plain::of(&schema).is_some(), "{draft}");
        assert_eq!(compiles_and_takes(schema, &Value::Null), Ok(false), "{draft}");
    }
}

/// References may lead in a circle, into the values or nowhere.
#[test]
fn references() {
    let tree = json!({ "definitions": { "tree": {
        "properties": { "left": { "$ref": "#/definitions/tree" }, "name": { "type": "string" } },
    } }, "properties": { "root": { "$ref": "#/definitions/tree" } } });
    let plain = Plain::of(&tree).expect("plain words");
    assert!(plain.takes(&json!({ "root": { "left": { "left": { "name": "a" } } } })));
    assert!(!plain.takes(&json!({ "root": { "left": { "left": { "name": 1 } } } })));
    let circle = Plain::of(&json!({ "properties": { "a": { "$ref": "#/properties/a" } } }));
    assert!(!circle.expect("plain words").takes(&json!({ "a": 1 })), "the validator is asked");
}

/// What doubles with each reference is left to the validator once it takes too long.
#[test]
fn bounded() {
    let level = |number: usize| {
        let below = json!({ "$ref": format!("#/definitions/{}", number + 1) });
        (number.to_string(), json!({ "allOf": [below, below] }))
    };
    let mut definitions: serde_json::Map<String, Value> = (0..40).map(level).collect();
    definitions.insert("40".into(), json!(true));
    let schema = json!({
        "definitions": definitions, "properties": { "a": { "$ref": "#/definitions/0" } },
    });
    assert!(!Plain::of(&schema).expect("plain words").takes(&json!({ "a": 1 })));
}

/// The plain words are all understood: what a chart usually has passes here and not at the validator.
#[test]
fn usual() {
    let schema = json!({
        "$schema": "http://json-schema.org/schema#",
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {"type": "object", "properties": {"tag": {"type": ["string", "null"], "default": ""}}},
            "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "form": true},
            "hosts": {"type": "array", "items": {"type": "string"}},
            "kind": {"enum": ["a", "b"]},
            "labels": {"additionalProperties": {"type": "string"}},
        },
        "additionalProperties": false,
    });
    let plain = Plain::of(&schema).expect("plain words");
    let good = json!({
        "image": {"tag": null, "other": 1}, "replicas": 9, "hosts": ["x"], "kind": "b",
        "labels": {"a": "b"},
    });
    assert!(plain.takes(&good));
    for (key, wrong) in [
        ("image", json!({"tag": 1})),
        ("replicas", json!(0)),
        ("replicas", json!(10)),
        ("replicas", json!(1.5)),
        ("hosts", json!([1])),
        ("kind", json!("c")),
        ("labels", json!({"a": 1})),
        ("unknown", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[key] = wrong;
        assert!(!plain.takes(&bad), "{bad}");
    }
    assert!(!plain.takes(&json!({"replicas": 1})));
}
