//! Schemas of the plain words that most charts keep to, and values that surely pass them.
//!
//! Compiling a schema costs more than all else of a first render, because the schema itself has to be checked against
//! its draft. A schema of nothing but types, properties, items, simple bounds and combinations of such means the same in every
//! draft since 7 and is right if each word has a value of the right kind; that is seen in passing. Here is only said that values
//! pass. Whatever else there is to say, about values or schema, is left to the validator proper.

mod verdict;

use serde_json::{Map, Value};

use crate::golang::regexp::Regexp;
use verdict::Run;

/// The word that names a schema's draft, which only the whole schema has here.
const DRAFT: &str = "$schema";

/// The word that names a schema, likewise.
const NAME: &str = "$id";

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
        if words.get(NAME).is_some_and(|name| !is_address(name)) {
            return None;
        }
        let mut reader = Reader { pointers: Vec::new() };
        let root = reader.whole(words)?;
        // References among these add to the list: one after the other, so that no chain of them needs recursion.
        let mut referred = Vec::new();
        while let Some(pointer) = reader.pointers.get(referred.len()) {
            referred.push(match pointer.as_str() {
                "" => reader.whole(words)?,
                pointer => reader.schema(schema.pointer(pointer)?)?,
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
    fn whole(&mut self, words: &Map<String, Value>) -> Option<Schema> {
        self.words(words.iter().filter(|(word, _)| ![DRAFT, NAME].contains(&word.as_str())))
    }

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
                "required" => schema.required = texts(distinct(value)?)?,
                "enum" => schema.values = Some(some(distinct(value)?)?.to_vec()),
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
        several => {
            let names = texts(some(distinct(several)?)?)?;
            names.iter().map(|name| Type::named(name)).collect()
        }
    }
}

fn texts(values: &[Value]) -> Option<Vec<String>> {
    values.iter().map(|text| text.as_str().map(ToOwned::to_owned)).collect()
}

/// The values if there is one.
fn some(values: &[Value]) -> Option<&[Value]> {
    (!values.is_empty()).then_some(values)
}

/// The values of a list that has none twice.
fn distinct(value: &Value) -> Option<&[Value]> {
    let values = value.as_array()?;
    let differs = |(at, value): (usize, &Value)| !values[..at].contains(value);
    values.iter().enumerate().all(differs).then_some(values)
}

/// Whether a name of the whole schema is the address of a page, as names are: it only says what references by name would
/// mean, of which a plain schema has none.
fn is_address(name: &Value) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    let page = name
        .as_str()
        .and_then(|name| name.strip_prefix("https://").or(name.strip_prefix("http://")));
    page.is_some_and(|page| {
        page.starts_with(|c: char| c.is_ascii_alphanumeric())
            && page.chars().all(plain)
            && !page.starts_with("json-schema.org")
    })
}

#[cfg(test)]
mod tests;
