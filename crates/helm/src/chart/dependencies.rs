//! Which sub-charts take part, under which names, and what their parents import from them.
//!
//! Three steps, in Helm's order: every declared chart must be there ([`check_presence`]); then
//! tags and conditions switch charts off and aliases rename them; then `import-values` copies
//! defaults of children into their parents ([`process_dependencies`] does both).

use std::sync::Arc;

use goyaml::{Map, Value};
use serde_json::json;

use super::metadata::Dependency;
use super::{Chart, Metadata};
use crate::semver::{Constraint, Version};
use crate::values::{self, CoalesceError, HelmMode};

/// Charts that may take part, each alias counted: aliases of charts with aliases multiply, and a few
/// lines would use up all memory. Helm has no such limit.
const CHARTS: usize = 1000;

/// Why dependencies cannot be worked out; the texts are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum DependencyError {
    /// Charts that Chart.yaml declares are not below `charts/`.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm \
         dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in \
         charts/ directory: {}", names.join(", ")
    )]
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// Values for a sub-chart are not a table.
    #[error("chart dependencies processing failed")]
    Values {
        /// Which.
        source: CoalesceError,
    },
    /// Aliases make more charts than anyone needs.
    #[error("more than {limit} sub-charts take part, each alias counted")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl From<CoalesceError> for DependencyError {
    fn from(source: CoalesceError) -> Self {
        Self::Values { source }
    }
}

/// Checks that each declared dependency has some chart of its name, enabled or not.
pub fn check_presence(chart: &Chart) -> Result<(), DependencyError> {
    let there = |name: &str| chart.dependencies.iter().any(|child| child.name() == name);
    let missing = chart.metadata.declared().iter().filter(|declared| !there(&declared.name));
    let names: Vec<String> = missing.map(|declared| declared.name.clone()).collect();
    if names.is_empty() { Ok(()) } else { Err(DependencyError::Missing { names }) }
}

/// The chart as it is rendered with `values` (the user's, without defaults): disabled sub-charts
/// left out, aliases applied, imported defaults merged in. Conditions and tags look at values
/// joined as `mode` says.
pub fn process_dependencies(
    mode: HelmMode,
    chart: &Chart,
    values: &Value,
) -> Result<Chart, DependencyError> {
    let mut chart = chart.clone();
    enable(mode, &mut chart, values, "", &mut { CHARTS })?;
    import(&mut chart, Nulls::Kept)?;
    Ok(chart)
}

/// As [`process_dependencies`], except that imports take nulls out of defaults: how Helm lints.
pub(crate) fn process_dependencies_for_lint(
    chart: &Chart,
    values: &Value,
) -> Result<Chart, DependencyError> {
    let mut chart = chart.clone();
    enable(HelmMode::V4, &mut chart, values, "", &mut { CHARTS })?;
    import(&mut chart, Nulls::Dropped)?;
    Ok(chart)
}

/// What becomes of nulls among defaults when imports are merged into them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Kept,
    Dropped,
}

/// Applies declarations, tags and conditions to `chart` and, below it, to what is left.
///
/// `path` is the dotted chain of chart names from below the root, with a final dot; `left` is how many
/// charts may still take part.
fn enable(
    mode: HelmMode,
    chart: &mut Chart,
    values: &Value,
    path: &str,
    left: &mut usize,
) -> Result<(), DependencyError> {
    if chart.metadata.dependencies.is_none() {
        return Ok(());
    }
    let children = declared_children(chart);
    let too_many = DependencyError::TooMany { limit: CHARTS };
    *left = left.checked_sub(children.len()).ok_or(too_many)?;
    let mut declared = Arc::make_mut(&mut chart.metadata).dependencies.take().unwrap_or_default();
    for dependency in &mut declared {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
    chart.dependencies = children;
    let merged = values::coalesce_as(mode, chart, values)?;
    for dependency in &mut declared {
        dependency.enabled = by_tags(dependency, &merged);
        if let Some(decided) = by_condition(dependency, &merged, path) {
            dependency.enabled = decided;
        }
    }
    let disabled: Vec<String> = declared
        .iter()
        .filter(|dependency| !dependency.enabled)
        .map(|dependency| dependency.name.clone())
        .collect();
    chart.dependencies.retain(|child| !disabled.iter().any(|name| name == child.name()));
    declared.retain(|dependency| !disabled.contains(&dependency.name));
    for child in &mut chart.dependencies {
        let path = format!("{path}{}.", child.name());
        enable(mode, child, &merged, &path, left)?;
    }
    // Helm's pruning turns an empty remainder into "no list", which import takes notice of.
    Arc::make_mut(&mut chart.metadata).dependencies = Some(declared).filter(|d| !d.is_empty());
    Ok(())
}

/// The children in Helm's order: undeclared ones first, then one per declaration, renamed.
fn declared_children(chart: &Chart) -> Vec<Chart> {
    let declared = chart.metadata.declared();
    let fits = |dependency: &Dependency, child: &Chart| {
        child.name() == dependency.name && is_compatible(&dependency.version, child.version())
    };
    let undeclared =
        chart.dependencies.iter().filter(|child| !declared.iter().any(|d| fits(d, child)));
    let mut children: Vec<Chart> = undeclared.cloned().collect();
    for dependency in declared {
        let Some(found) = chart.dependencies.iter().find(|child| fits(dependency, child)) else {
            continue;
        };
        let mut child = found.clone();
        if !dependency.alias.is_empty() {
            let metadata: &mut Metadata = Arc::make_mut(&mut child.metadata);
            metadata.name.clone_from(&dependency.alias);
        }
        children.push(child);
    }
    children
}

/// Whether a version satisfies a declaration; what cannot be parsed is incompatible.
pub(crate) fn is_compatible(constraint: &str, version: &str) -> bool {
    match (Constraint::parse(constraint), Version::parse(version)) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => false,
    }
}

/// What tags say: any true one enables, else any false one disables.
fn by_tags(dependency: &Dependency, values: &Value) -> bool {
    let Some(tags) = values.get("tags").and_then(Value::as_map) else {
        return true;
    };
    let (mut any_true, mut any_false) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag) {
            Some(Value::Bool(true)) => any_true = true,
            Some(Value::Bool(false)) => any_false = true,
            Some(_) => {
                tracing::warn!(tag, chart = dependency.name, "returned non-bool value");
            }
            None => {}
        }
    }
    any_true || !any_false
}

/// What the first condition that leads to a boolean says.
fn by_condition(dependency: &Dependency, values: &Value, path: &str) -> Option<bool> {
    for condition in dependency.condition.trim().split(',').filter(|part| !part.is_empty()) {
        let steps: Vec<&str> = path.split_terminator('.').chain(condition.split('.')).collect();
        match values.get_path(&steps) {
            Some(Value::Bool(decided)) => return Some(*decided),
            None | Some(Value::Map(_)) => {}
            Some(_) => {
                tracing::warn!(
                    path = condition,
                    chart = dependency.name,
                    "returned non-bool value"
                );
            }
        }
    }
    None
}

/// Copies what parents import from children's defaults, deepest charts first.
fn import(chart: &mut Chart, nulls: Nulls) -> Result<(), CoalesceError> {
    for child in &mut chart.dependencies {
        import(child, nulls)?;
    }
    if chart.metadata.dependencies.is_none() {
        return Ok(());
    }
    let merged = match nulls {
        Nulls::Kept => values::merge_defaults(chart, &Value::empty_map())?,
        Nulls::Dropped => values::coalesce(chart, &Value::empty_map())?,
    };
    let join = match nulls {
        Nulls::Kept => values::merge_tables,
        Nulls::Dropped => values::coalesce_tables,
    };
    let mut imported = Map::new();
    for dependency in Arc::make_mut(&mut chart.metadata).dependencies.iter_mut().flatten() {
        let items = std::mem::take(&mut dependency.import_values);
        for item in items {
            let Some((child, parent)) = import_paths(&item) else { continue };
            dependency.import_values.push(json!({ "child": child, "parent": parent }));
            let steps: Vec<&str> =
                std::iter::once(dependency.name.as_str()).chain(child.split('.')).collect();
            if let Some(table) = merged.get_path(&steps).and_then(Value::as_map) {
                imported = join(&imported, &nested(&parent, table));
            } else {
                warn_missing_table(&merged, &dependency.name, &steps, &item);
            }
        }
    }
    let mut own = merged.as_map().cloned().unwrap_or_default();
    if nulls == Nulls::Dropped {
        own = values::without_nulls(&own);
    }
    chart.values = Value::Map(join(&own, &imported));
    Ok(())
}

/// Says which step of the way to a table to import leads to none.
fn warn_missing_table(merged: &Value, chart: &str, steps: &[&str], item: &serde_json::Value) {
    let is_table =
        |end: &usize| merged.get_path(&steps[..*end]).is_some_and(|v| v.as_map().is_some());
    let missing = (1..=steps.len()).find(|end| !is_table(end)).map_or("", |end| steps[end - 1]);
    let error = format!("{missing:?} is not a table");
    if item.is_string() {
        tracing::warn!(error, "ImportValues missing table");
    } else {
        tracing::warn!(chart, error, "ImportValues missing table from chart");
    }
}

/// Source and destination of one item of `import-values`, each a dotted path.
fn import_paths(item: &serde_json::Value) -> Option<(String, String)> {
    match item {
        serde_json::Value::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        serde_json::Value::Object(map) => {
            let text = |key: &str| match map.get(key) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Null) | None => "<nil>".to_owned(),
                Some(other) => other.to_string(),
            };
            Some((text("child"), text("parent")))
        }
        _ => None,
    }
}

/// `table` below the dotted path `destination`; `.` is the root.
fn nested(destination: &str, table: &Map) -> Map {
    if destination == "." {
        return table.clone();
    }
    destination
        .split('.')
        .rev()
        .fold(table.clone(), |inner, key| Map::from_iter([(key, Value::Map(inner))]))
}
