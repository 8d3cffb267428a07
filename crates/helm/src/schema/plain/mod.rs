//! Schemas of the plain words that most charts keep to, and values that surely pass them.
//!
//! Compiling a schema costs more than all else of a first render, because the schema itself has to be checked against
//! its draft. A schema of nothing but types, properties, items, simple bounds and combinations of such means the same in every
//! draft since 7 and is right if each word has a value of the right kind; that is seen in passing. Here is only said that values
//! pass. Whatever else there is to say, about values or schema, is left to the validator proper.

mod verdict;

use serde_json::Value;

use crate::golang::regexp::Regexp;
use verdict::Run;

/// The word that names a schema's draft, which only the whole schema has here.
const DRAFT: &str = "$schema";

/// The drafts that a plain schema may name, as far as charts do.
const DRAFTS: [&str; 7] = [
    "http://json-schema.org/schema#",
    "https://json-schema.org/schema#",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

/// Words that a draft gives a meaning which is not looked after here. Whatever is neither here nor read means nothing.
const NOT_PLAIN: [&str; 32] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "maxContains",
    "minContains",
    "multipleOf",
    "prefixItems",
    "propertyNames",
    "readOnly",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "writeOnly",
    "disallow",
    "extends",
];

/// Words that say something to readers alone.
const FOR_READERS: [&str; 6] =
    ["title", "description", "$comment", "default", "examples", "deprecated"];

/// A schema of plain words alone.
#[derive(Debug)]
pub(super) struct Plain {
    root: Schema,
    /// What references lead to, by the number that stands for it in [`Schema::reference`].
    referred: Vec<Schema>,
}

/// One schema of it.
#[derive(Debug, Default)]
struct Schema {
    /// Whether nothing passes: `false`.
    nothing: bool,
    reference: Option<usize>,
    /// Empty where any type will do.
    types: Vec<Type>,
    properties: Vec<(String, Schema)>,
    pattern_properties: Vec<(Regexp, Schema)>,
    /// What properties of other names must be; `None` where they may be anything.
    other_properties: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    /// `None` where any value will do.
    values: Option<Vec<Value>>,
    pattern: Option<Regexp>,
    number: Bounds<f64>,
    length: Bounds<usize>,
    item_count: Bounds<usize>,
    property_count: Bounds<usize>,
    all_of: Vec<Schema>,
    any_of: Option<Vec<Schema>>,
    one_of: Option<Vec<Schema>>,
    not: Option<Box<Schema>>,
    condition: Option<Box<Schema>>,
    then: Option<Box<Schema>>,
    otherwise: Option<Box<Schema>>,
}

/// The least and the most that passes, both included.
#[derive(Debug, Default)]
struct Bounds<T> {
    least: Option<T>,
    most: Option<T>,
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
        let mut reader = Reader { pointers: Vec::new() };
        let root = reader.words(words.iter().filter(|(word, _)| *word != DRAFT))?;
        // References among these add to the list: one after the other, so that no chain of them needs recursion.
        let mut referred = Vec::new();
        while let Some(pointer) = reader.pointers.get(referred.len()) {
            // The whole schema again may name its draft.
            let target = schema.pointer(pointer)?;
            let whole = pointer.is_empty();
            referred.push(match target {
                Value::Object(words) if whole => {
                    reader.words(words.iter().filter(|(word, _)| *word != DRAFT))?
                }
                part => reader.schema(part)?,
            });
        }
        Some(Self { root, referred })
    }

    /// Whether a value surely passes.
    pub(super) fn takes(&self, value: &Value) -> bool {
        Run::new(&self.referred).passes(&self.root, value)
    }
}

/// Reads schemas; nothing comes of what is not plain or not right.
struct Reader {
    /// Where references lead, each once.
    pointers: Vec<String>,
}

impl Reader {
    fn schema(&mut self, schema: &Value) -> Option<Schema> {
        match schema {
            Value::Bool(anything) => Some(Schema { nothing: !anything, ..Schema::default() }),
            Value::Object(words) => self.words(words.iter()),
            _ => None,
        }
    }

    fn boxed(&mut self, schema: &Value) -> Option<Box<Schema>> {
        Some(Box::new(self.schema(schema)?))
    }

    fn several(&mut self, schemas: &Value) -> Option<Vec<Schema>> {
        let schemas = schemas.as_array().filter(|schemas| !schemas.is_empty())?;
        schemas.iter().map(|schema| self.schema(schema)).collect()
    }

    fn named(&mut self, schemas: &Value) -> Option<Vec<(String, Schema)>> {
        let each = schemas.as_object()?.iter();
        let read = each.map(|(name, schema)| Some((name.clone(), self.schema(schema)?)));
        let mut named: Vec<_> = read.collect::<Option<_>>()?;
        named.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Some(named)
    }

    /// The number of what a reference leads to inside the same schema.
    fn reference(&mut self, to: &Value) -> Option<usize> {
        let pointer = to.as_str()?.strip_prefix('#')?;
        let plain = pointer.is_empty() || pointer.starts_with('/');
        if !plain || pointer.contains(['%', '~']) {
            return None;
        }
        let known = self.pointers.iter().position(|known| known == pointer);
        Some(known.unwrap_or_else(|| {
            self.pointers.push(pointer.to_owned());
            self.pointers.len() - 1
        }))
    }

    fn words<'v>(
        &mut self,
        words: impl Iterator<Item = (&'v String, &'v Value)> + Clone,
    ) -> Option<Schema> {
        let mut schema = Schema::default();
        for (word, value) in words.clone() {
            match word.as_str() {
                "$ref" => schema.reference = Some(self.reference(value)?),
                "$defs" | "definitions" => {
                    self.named(value)?;
                }
                "type" => schema.types = types(value)?,
                "properties" => schema.properties = self.named(value)?,
                "patternProperties" => {
                    let named = self.named(value)?.into_iter();
                    let read = named.map(|(name, schema)| Some((pattern(&name)?, schema)));
                    schema.pattern_properties = read.collect::<Option<_>>()?;
                }
                "additionalProperties" => schema.other_properties = Some(self.boxed(value)?),
                "items" => schema.items = Some(self.boxed(value)?),
                "required" => schema.required = names(value)?,
                "enum" => schema.values = Some(distinct(value)?.clone()),
                "const" => schema.all_of.push(Schema::only(value)),
                "pattern" => schema.pattern = Some(pattern(value.as_str()?)?),
                "minimum" => schema.number.least = Some(value.as_number()?.as_f64()?),
                "maximum" => schema.number.most = Some(value.as_number()?.as_f64()?),
                "minLength" => schema.length.least = Some(count(value)?),
                "maxLength" => schema.length.most = Some(count(value)?),
                "minItems" => schema.item_count.least = Some(count(value)?),
                "maxItems" => schema.item_count.most = Some(count(value)?),
                "minProperties" => schema.property_count.least = Some(count(value)?),
                "maxProperties" => schema.property_count.most = Some(count(value)?),
                "allOf" => schema.all_of.extend(self.several(value)?),
                "anyOf" => schema.any_of = Some(self.several(value)?),
                "oneOf" => schema.one_of = Some(self.several(value)?),
                "not" => schema.not = Some(self.boxed(value)?),
                "if" => schema.condition = Some(self.boxed(value)?),
                "then" => schema.then = Some(self.boxed(value)?),
                "else" => schema.otherwise = Some(self.boxed(value)?),
                "title" | "description" | "$comment" => {
                    value.as_str()?;
                }
                "examples" => {
                    value.as_array()?;
                }
                "deprecated" => {
                    value.as_bool()?;
                }
                word if NOT_PLAIN.contains(&word) => return None,
                // Words for forms and readers that no draft knows.
                _ => {}
            }
        }
        // What stands beside a reference counts in some drafts and not in others.
        let beside = |word: &str| word != "$ref" && !FOR_READERS.contains(&word);
        if schema.reference.is_some() && words.into_iter().any(|(word, _)| beside(word)) {
            return None;
        }
        Some(schema)
    }
}

impl Schema {
    fn only(value: &Value) -> Self {
        Self { values: Some(vec![value.clone()]), ..Self::default() }
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
}

fn pattern(text: &str) -> Option<Regexp> {
    Regexp::compile(text.as_bytes()).ok()
}

fn count(value: &Value) -> Option<usize> {
    value.as_u64()?.try_into().ok()
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
                prop::collection::vec(name.clone(), 0..3)
                    .prop_map(|all| ("type", Value::from(all))),
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
            let schema =
                json!({ "$schema": draft, "if": { "type": "null" }, "then": { "const": 1 } });
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
}
