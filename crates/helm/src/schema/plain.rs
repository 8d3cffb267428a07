//! Schemas of the plain words that most charts keep to, and values that surely pass them.
//!
//! Compiling a schema costs more than all else of a first render, because the schema itself has to be checked against
//! its draft. A schema of nothing but types, properties, items and simple bounds means the same in every draft and is right
//! if each word has a value of the right kind; that is seen in passing. Here is only said that values pass. Whatever
//! else there is to say, about values or schema, is left to the validator proper.

use serde_json::Value;

/// The word that names a schema's draft, which only the whole schema has here.
const DRAFT: &str = "$schema";

/// The drafts that a plain schema may name, as far as charts do.
const DRAFTS: [&str; 5] = [
    "http://json-schema.org/schema#",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

/// A schema of plain words alone.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// Empty where any type will do.
    types: Vec<Type>,
    properties: Vec<(String, Plain)>,
    /// What properties of other names must be; `None` where they may be anything.
    other_properties: Option<Box<Other>>,
    items: Option<Box<Plain>>,
    required: Vec<String>,
    /// Empty where any value will do.
    values: Vec<Value>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

#[derive(Debug)]
enum Other {
    Nothing,
    Plain(Plain),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    String,
}

impl Plain {
    /// The schema, if it is plain and right.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let words = schema.as_object()?;
        if let Some(draft) = words.get(DRAFT)
            && !DRAFTS.contains(&draft.as_str()?)
        {
            return None;
        }
        Self::of_words(words.iter().filter(|(word, _)| *word != DRAFT))
    }

    fn of_any(schema: &Value) -> Option<Self> {
        match schema {
            Value::Bool(true) => Some(Self::default()),
            Value::Object(words) => Self::of_words(words.iter()),
            _ => None,
        }
    }

    fn of_words<'v>(words: impl Iterator<Item = (&'v String, &'v Value)>) -> Option<Self> {
        let mut plain = Self::default();
        for (word, value) in words {
            match word.as_str() {
                "type" => plain.types = types(value)?,
                "properties" => {
                    let each = value.as_object()?.iter();
                    plain.properties = each
                        .map(|(name, schema)| Some((name.clone(), Self::of_any(schema)?)))
                        .collect::<Option<_>>()?;
                    plain.properties.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                }
                "additionalProperties" => {
                    plain.other_properties = Some(Box::new(match value {
                        Value::Bool(false) => Other::Nothing,
                        schema => Other::Plain(Self::of_any(schema)?),
                    }));
                }
                "items" => plain.items = Some(Box::new(Self::of_any(value)?)),
                "required" => plain.required = names(value)?,
                "enum" => plain.values.clone_from(distinct(value)?),
                "minimum" => plain.minimum = Some(value.as_number()?.as_f64()?),
                "maximum" => plain.maximum = Some(value.as_number()?.as_f64()?),
                "title" | "description" | "$comment" => {
                    value.as_str()?;
                }
                "examples" => {
                    value.as_array()?;
                }
                "deprecated" => {
                    value.as_bool()?;
                }
                // Words for forms and readers that no draft knows.
                "default" | "example" | "form" | "hidden" | "render" | "sliderMax"
                | "sliderMin" | "sliderUnit" => {}
                _ => return None,
            }
        }
        Some(plain)
    }

    /// Whether a value surely passes.
    pub(super) fn takes(&self, value: &Value) -> bool {
        if !self.types.is_empty() && !self.types.iter().any(|wanted| wanted.is_of(value)) {
            return false;
        }
        if !self.values.is_empty() && !self.values.contains(value) {
            return false;
        }
        match value {
            Value::Number(number) => {
                let number = number.as_f64();
                let within = |bound: Option<f64>, fits: fn(&f64, &f64) -> bool| {
                    bound.is_none_or(|bound| number.is_some_and(|number| fits(&number, &bound)))
                };
                within(self.minimum, f64::ge) && within(self.maximum, f64::le)
            }
            Value::Array(items) => {
                self.items.as_ref().is_none_or(|schema| items.iter().all(|item| schema.takes(item)))
            }
            Value::Object(map) => {
                self.required.iter().all(|name| map.contains_key(name))
                    && map.iter().all(|(name, value)| self.takes_property(name, value))
            }
            Value::Null | Value::Bool(_) | Value::String(_) => true,
        }
    }

    fn takes_property(&self, name: &str, value: &Value) -> bool {
        if let Ok(at) = self.properties.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            return self.properties[at].1.takes(value);
        }
        match self.other_properties.as_deref() {
            None => true,
            Some(Other::Nothing) => false,
            Some(Other::Plain(schema)) => schema.takes(value),
        }
    }
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "array" => Self::Array,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "null" => Self::Null,
            "number" => Self::Number,
            "object" => Self::Object,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Array => value.is_array(),
            Self::Boolean => value.is_boolean(),
            // Whether 1e30 is an integer, drafts disagree about.
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Null => value.is_null(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }
}

fn types(value: &Value) -> Option<Vec<Type>> {
    match value {
        Value::String(name) => Some(vec![Type::named(name)?]),
        several => names(several)?.iter().map(|name| Type::named(name)).collect(),
    }
}

/// Different texts, at least one: the first drafts ask for that.
fn names(value: &Value) -> Option<Vec<String>> {
    distinct(value)?.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect()
}

fn distinct(value: &Value) -> Option<&Vec<Value>> {
    let values = value.as_array().filter(|values| !values.is_empty())?;
    let differs = |(at, value): (usize, &Value)| !values[..at].contains(value);
    values.iter().enumerate().all(differs).then_some(values)
}

#[cfg(test)]
mod tests {
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
                prop::collection::vec(name.clone(), 0..3)
                    .prop_map(|all| ("type", Value::from(all))),
                properties.prop_map(|all| ("properties", all)),
                inner.clone().prop_map(|schema| ("additionalProperties", schema)),
                inner.prop_map(|schema| ("items", schema)),
                names.clone().prop_map(|names| ("required", names)),
                prop::collection::vec(value(), 0..3).prop_map(|all| ("enum", Value::from(all))),
                value().prop_map(|value| ("minimum", value)),
                (-1..2_i64).prop_map(|bound| ("maximum", Value::from(bound))),
                value().prop_map(|value| ("default", value)),
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
                Value::Object(
                    words.into_iter().map(|(word, value)| (word.to_owned(), value)).collect(),
                )
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is plain is a schema that the validator compiles, and what it takes, the validator takes.
        #[test]
        fn validator_agrees(schema in schema(), value in value()) {
            if let Some(plain) = Plain::of(&schema) {
                let full = compiles_and_takes(schema, &value);
                prop_assert!(full.is_ok(), "{full:?}");
                prop_assert!(!plain.takes(&value) || full == Ok(true));
            }
        }
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
}
