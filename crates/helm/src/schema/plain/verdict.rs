//! What is sure about a value and a plain schema.

use std::cell::Cell;

use serde_json::{Number, Value};

use super::{Bounds, Schema, Type};

/// How many schemas are asked at most: references can multiply what is to do.
const MOST_STEPS: u32 = 200_000;
/// How deep references lead on at most without a step into the value: they can lead in a circle.
const MOST_REFERENCES: u32 = 64;
/// Numbers beyond are not told apart by their floating-point value.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    Fails,
    /// Drafts disagree, or it would take too long to tell.
    Unsure,
}

use Verdict::{Fails, Passes, Unsure};

impl Verdict {
    fn of(passes: bool) -> Self {
        if passes { Passes } else { Fails }
    }

    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Fails => Fails,
            Passes => other(),
            Unsure => match other() {
                Fails => Fails,
                _ => Unsure,
            },
        }
    }

    /// All of them, of which none is asked for after one that fails.
    fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Passes;
        for verdict in verdicts {
            all = all.and(|| verdict);
            if all == Fails {
                break;
            }
        }
        all
    }
}

/// One value asked about.
pub(super) struct Run<'p> {
    referred: &'p [Schema],
    steps: Cell<u32>,
}

impl<'p> Run<'p> {
    pub(super) fn new(referred: &'p [Schema]) -> Self {
        Self { referred, steps: Cell::new(0) }
    }

    /// Whether the value surely passes.
    pub(super) fn passes(&self, schema: &Schema, value: &Value) -> bool {
        self.verdict(schema, value, 0) == Passes
    }

    pub(super) fn verdict(&self, schema: &Schema, value: &Value, references: u32) -> Verdict {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            return Unsure;
        }
        if schema.nothing {
            return Fails;
        }
        if let Some(reference) = schema.reference {
            return match self.referred.get(reference) {
                Some(schema) if references < MOST_REFERENCES => {
                    self.verdict(schema, value, references + 1)
                }
                _ => Unsure,
            };
        }
        is_one_of(&schema.types, value)
            .and(|| is_among(schema.values.as_deref(), value))
            .and(|| self.of_its_kind(schema, value))
            .and(|| self.combined(schema, value, references))
    }

    /// What the words for values of this kind say.
    fn of_its_kind(&self, schema: &Schema, value: &Value) -> Verdict {
        match value {
            Value::Null | Value::Bool(_) => Passes,
            Value::Number(number) => within(&schema.number, number),
            Value::String(text) => {
                let matches = |text: &str| {
                    schema.pattern.as_ref().is_none_or(|it| it.is_match(text.as_bytes()))
                };
                let length = &schema.length;
                let bounded = length.least.is_some() || length.most.is_some();
                Verdict::of(!bounded || length.take(text.chars().count()))
                    .and(|| Verdict::of(matches(text)))
            }
            Value::Array(items) => {
                let Some(each) = &schema.items else {
                    return Verdict::of(schema.item_count.take(items.len()));
                };
                Verdict::of(schema.item_count.take(items.len()))
                    .and(|| Verdict::all(items.iter().map(|item| self.verdict(each, item, 0))))
            }
            Value::Object(map) => {
                let required = schema.required.iter().all(|name| map.contains_key(name));
                let properties = map.iter().map(|(name, value)| self.property(schema, name, value));
                Verdict::of(required && schema.property_count.take(map.len()))
                    .and(|| Verdict::all(properties))
            }
        }
    }

    fn property(&self, schema: &Schema, name: &str, value: &Value) -> Verdict {
        let known = schema.properties.binary_search_by(|(known, _)| known.as_str().cmp(name));
        let known = known.ok().map(|at| &schema.properties[at].1);
        let matching = schema.pattern_properties.iter();
        let matching = matching.filter(|(pattern, _)| pattern.is_match(name.as_bytes()));
        let mut counted: Vec<&Schema> = known.into_iter().collect();
        counted.extend(matching.map(|(_, schema)| schema));
        if counted.is_empty() {
            counted.extend(schema.other_properties.as_deref());
        }
        Verdict::all(counted.into_iter().map(|schema| self.verdict(schema, value, 0)))
    }

    fn combined(&self, schema: &Schema, value: &Value, references: u32) -> Verdict {
        let ask = |schema: &Schema| self.verdict(schema, value, references + 1);
        let any_of = || {
            let Some(schemas) = &schema.any_of else { return Passes };
            let verdicts: Vec<Verdict> = schemas.iter().map(ask).collect();
            if verdicts.contains(&Passes) {
                Passes
            } else if verdicts.contains(&Unsure) {
                Unsure
            } else {
                Fails
            }
        };
        let one_of = || {
            let Some(schemas) = &schema.one_of else { return Passes };
            let verdicts: Vec<Verdict> = schemas.iter().map(ask).collect();
            let passing = verdicts.iter().filter(|verdict| **verdict == Passes).count();
            if passing > 1 {
                Fails
            } else if verdicts.contains(&Unsure) {
                Unsure
            } else {
                Verdict::of(passing == 1)
            }
        };
        let not = || match schema.not.as_deref().map(ask) {
            None | Some(Fails) => Passes,
            Some(Passes) => Fails,
            Some(Unsure) => Unsure,
        };
        let branch = |schema: &Option<Box<Schema>>| schema.as_deref().map_or(Passes, ask);
        let condition = || match schema.condition.as_deref().map(ask) {
            None => Passes,
            Some(Passes) => branch(&schema.then),
            Some(Fails) => branch(&schema.otherwise),
            Some(Unsure) => Unsure,
        };
        if references >= MOST_REFERENCES {
            return Unsure;
        }
        Verdict::all(schema.all_of.iter().map(ask)).and(any_of).and(one_of).and(not).and(condition)
    }
}

fn is_one_of(types: &[Type], value: &Value) -> Verdict {
    if types.is_empty() || types.iter().any(|wanted| wanted.is_of(value)) {
        return Passes;
    }
    // Whether 1.0 is an integer, drafts disagree about.
    let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
    if whole && types.contains(&Type::Integer) { Unsure } else { Fails }
}

fn is_among(values: Option<&[Value]>, value: &Value) -> Verdict {
    match (values, value) {
        (None, _) => Passes,
        (Some(values), value) if values.contains(value) => Passes,
        (_, Value::Null | Value::Bool(_) | Value::String(_)) => Fails,
        // 1 and 1.0 are the same there and not here.
        _ => Unsure,
    }
}

fn within(bounds: &Bounds<f64>, number: &Number) -> Verdict {
    if bounds.least.is_none() && bounds.most.is_none() {
        return Passes;
    }
    match number.as_f64() {
        Some(number) if number.abs() < EXACT => Verdict::of(bounds.take(number)),
        _ => Unsure,
    }
}

impl<T: Copy + PartialOrd> Bounds<T> {
    fn take(&self, value: T) -> bool {
        self.least.is_none_or(|least| value >= least) && self.most.is_none_or(|most| value <= most)
    }
}

impl Type {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Array => value.is_array(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Null => value.is_null(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }
}
