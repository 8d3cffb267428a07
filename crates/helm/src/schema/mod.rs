//! Checking values against the `values.schema.json` of a chart and its sub-charts.
//!
//! The rules are JSON Schema's, drafts 4 to 2020-12; the texts are those of Helm, whose library
//! (`santhosh-tekuri/jsonschema` for Go) has a sibling in Rust that finds the same faults. Two
//! things differ from Helm on purpose: a reference out of the schema file, to another file or
//! over the network, is refused, because rendering a chart must not depend on anything but the
//! chart; and sibling faults come in the order of the values, where Helm's is random.

mod compile;
mod message;
mod plain;
mod violation;

use goyaml::{Map, Value};

use crate::chart::Chart;
pub(crate) use compile::Compiled;
pub use violation::Violation;

/// Deeper values are checked with a stack of their own.
const DEPTH_FOR_ANY_STACK: usize = 48;

/// The stack for such values, in bytes.
const BIG_STACK: usize = 128 * 1024 * 1024;

/// Values that break the schemas of one or more charts. The text is Helm's.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaError {
    charts: Vec<ChartFault>,
}

/// What is wrong in the values of one chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartFault {
    /// The chart's name.
    pub chart: String,
    /// The keys that lead from the root of all values to the values of this chart.
    pub path: Vec<String>,
    /// What is wrong.
    pub fault: Fault,
}

/// Why values do not pass a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// They break its rules.
    Violations(Vec<Violation>),
    /// The schema itself is no use; why.
    Schema(String),
    /// The values of a sub-chart are no mapping, but of this Go type.
    NotAMap(&'static str),
}

impl SchemaError {
    /// The faults, chart by chart, parents first.
    pub fn charts(&self) -> &[ChartFault] {
        &self.charts
    }
}

impl std::error::Error for SchemaError {}

impl std::fmt::Display for SchemaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "values don't meet the specifications of the schema(s) in the following chart(s):\n",
        )?;
        for ChartFault { chart, fault, .. } in &self.charts {
            writeln!(f, "{chart}:")?;
            match fault {
                Fault::Violations(violations) => {
                    violations.iter().try_for_each(|violation| violation.write(f, 0))?;
                }
                // Helm ends this text with nothing, so that the next chart goes on behind it.
                Fault::Schema(text) => f.write_str(text)?,
                Fault::NotAMap(found) => {
                    writeln!(f, "invalid type for values: expected object (map), got {found}")?;
                }
            }
        }
        Ok(())
    }
}

/// Checks coalesced `values` against the schemas of `chart` and, below their names, of its
/// sub-charts. A chart without a schema takes anything; a sub-chart without values is left out.
pub fn validate(chart: &Chart, values: &Value) -> Result<(), SchemaError> {
    let mut charts = Vec::new();
    let none = Map::new();
    check(chart, values.as_map().unwrap_or(&none), &mut Vec::new(), &mut charts);
    if charts.is_empty() { Ok(()) } else { Err(SchemaError { charts }) }
}

fn check(chart: &Chart, values: &Map, path: &mut Vec<String>, faults: &mut Vec<ChartFault>) {
    if let Some(schema) = chart.schema()
        && let Err(fault) = check_one(&schema.data, chart.compiled_schema(), values)
    {
        faults.push(ChartFault { chart: chart.name().into(), path: path.clone(), fault });
    }
    for child in chart.dependencies() {
        path.push(child.name().into());
        match values.get(child.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Map(values)) => check(child, values, path, faults),
            Some(other) => faults.push(ChartFault {
                chart: child.name().into(),
                path: path.clone(),
                fault: Fault::NotAMap(go_type(other)),
            }),
        }
        path.pop();
    }
}

/// Checks one mapping against the text of one schema by itself; the text of what is wrong is Helm's.
pub(crate) fn validate_alone(schema: &[u8], values: &Map) -> Result<(), String> {
    check_one(schema, &Compiled::default(), values).map_err(|fault| match fault {
        Fault::Violations(violations) => violations.iter().map(Violation::to_string).collect(),
        Fault::Schema(text) => text,
        Fault::NotAMap(found) => format!("expected object (map), got {found}"),
    })
}

/// Checks one mapping against the text of one schema.
fn check_one(schema: &[u8], compiled: &Compiled, values: &Map) -> Result<(), Fault> {
    let instance = json_object(values);
    if !deeper_than(&instance, DEPTH_FOR_ANY_STACK) {
        return compiled.check(schema, &instance);
    }
    std::thread::scope(|scope| {
        let checking = || compiled.check(schema, &instance);
        let thread = std::thread::Builder::new().stack_size(BIG_STACK);
        match thread.spawn_scoped(scope, checking).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            _ => Err(Fault::Schema("unable to validate schema: the values are too deep".into())),
        }
    })
}

fn json_object(map: &Map) -> serde_json::Value {
    serde_json::Value::Object(map.iter().map(|(key, value)| (key.into(), json(value))).collect())
}

/// A value for the validator; a float without fraction as an integer, which it is for JSON Schema.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Float(value) => {
            #[allow(clippy::cast_possible_truncation, reason = "within 53 bits there is none")]
            let whole = *value as i64;
            if value.fract() == 0.0 && value.abs() < 9.007_199_254_740_992e15 {
                whole.into()
            } else {
                (*value).into()
            }
        }
        Value::String(text) => (&**text).into(),
        Value::Seq(items) => items.iter().map(json).collect(),
        Value::Map(map) => json_object(map),
    }
}

fn deeper_than(value: &serde_json::Value, depth: usize) -> bool {
    let below = |value| depth == 0 || deeper_than(value, depth - 1);
    match value {
        serde_json::Value::Array(items) => items.iter().any(below),
        serde_json::Value::Object(map) => map.values().any(below),
        _ => false,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests;
