//! Joining what the user supplied with the defaults of a chart and its sub-charts.
//!
//! The rules are those of Helm's `pkg/chart/common/util/coalesce.go`. There are two ways of
//! joining: *coalescing*, in which a `null` of the user's deletes a default, and *merging*, in which it
//! stays, because coalescing comes later.

use std::sync::Arc;

use goyaml::{Map, Value};

use super::HelmMode;
use super::print::{as_bool, plain};
use crate::chart::Chart;

/// The key whose values every sub-chart sees.
const GLOBAL: &str = "global";

/// Why values cannot be joined with a chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoalesceError {
    /// The values of a sub-chart are something other than a mapping.
    #[error("type mismatch on {chart}: {value}")]
    NotATable {
        /// The sub-chart.
        chart: String,
        /// What stands there, as Go's `%t` prints it.
        value: String,
    },
}

/// Joins `values` (a mapping, or nothing) with the defaults of `chart` and of its sub-charts as
/// Helm 4 does; the result is what templates see as `.Values`.
///
/// A `null` in `values` takes the default away, and stays where there is none. A sub-chart finds
/// its values under its name, and under `global` what its parents have there. Where a mapping
/// meets something else, `values` win, and a warning says so: `tracing` event of level `info` in
/// Helm's words.
pub fn coalesce(chart: &Chart, values: &Value) -> Result<Value, CoalesceError> {
    coalesce_as(HelmMode::V4, chart, values)
}

/// As [`coalesce`]. In Helm 3 a `null` among the defaults of a chart stands.
pub fn coalesce_as(mode: HelmMode, chart: &Chart, values: &Value) -> Result<Value, CoalesceError> {
    let joining = Joining { merge: false, keep_default_nulls: mode == HelmMode::V3 };
    joining.chart(chart, own_map(values), "").map(Value::Map)
}

/// Joins as [`coalesce`] does, except that every `null` stays (Helm's `MergeValues`), for values
/// that are going to be coalesced later.
pub fn merge_defaults(chart: &Chart, values: &Value) -> Result<Value, CoalesceError> {
    let joining = Joining { merge: true, keep_default_nulls: true };
    joining.chart(chart, own_map(values), "").map(Value::Map)
}

/// Joins two tables of which `dst` wins, `null` included (Helm's `MergeTables`).
pub fn merge_tables(dst: &Map, src: &Map) -> Map {
    Joining { merge: true, keep_default_nulls: true }.tables(dst, src, "")
}

/// Joins two tables of which `dst` wins and a `null` in it deletes (Helm's `CoalesceTables`).
pub fn coalesce_tables(dst: &Map, src: &Map) -> Map {
    Joining { merge: false, keep_default_nulls: false }.tables(dst, src, "")
}

fn own_map(values: &Value) -> Map {
    values.as_map().cloned().unwrap_or_default()
}

fn prefixed(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

#[derive(Clone, Copy)]
struct Joining {
    /// Whether a `null` of the user's stays instead of deleting.
    merge: bool,
    keep_default_nulls: bool,
}

impl Joining {
    fn chart(self, chart: &Chart, values: Map, prefix: &str) -> Result<Map, CoalesceError> {
        let path = prefixed(prefix, chart.name());
        let values = self.defaults(chart, values, &path);
        self.children(chart, values, &path)
    }

    /// Joins with the chart's own defaults.
    fn defaults(self, chart: &Chart, values: Map, path: &str) -> Map {
        let Some(defaults) = chart.values().as_map() else {
            return values;
        };
        let mut joined = values.clone();
        let mut deleted = Vec::new();
        for (key, default) in defaults.shared_iter() {
            match (values.get(key), default) {
                (Some(Value::Null), _) if !self.merge => deleted.push(&**key),
                (Some(Value::Map(table)), Value::Map(default)) => {
                    let table = self.default_table(chart, table, default, key, path);
                    replace(&mut joined, key, table);
                }
                (Some(Value::Map(_)), default) if !default.is_null() => {
                    tracing::info!("warning: skipped value for {path}.{key}: Not a table.");
                }
                (Some(_), _) => {}
                (None, default) => {
                    if let Some(default) = self.default_alone(default) {
                        joined.insert(Arc::clone(key), default);
                    }
                }
            }
        }
        if !deleted.is_empty() {
            joined.retain(|key, _| !deleted.contains(&key));
        }
        joined
    }

    /// A table of the user's joined with one of the defaults. Below the name of a sub-chart,
    /// `null` has to stay until that chart's own defaults are joined.
    fn default_table(
        self,
        chart: &Chart,
        table: &Map,
        default: &Map,
        key: &str,
        path: &str,
    ) -> Map {
        let path = prefixed(path, key);
        if self.merge || chart.dependencies().iter().any(|child| child.name() == key) {
            return Self { merge: true, ..self }.tables(table, default, &path);
        }
        if self.keep_default_nulls {
            return self.tables(table, default, &path);
        }
        self.tables(table, &without_nulls(default), &path)
    }

    /// A default nobody says anything about.
    fn default_alone(self, default: &Value) -> Option<Value> {
        if self.merge || self.keep_default_nulls {
            return Some(default.clone());
        }
        match default {
            Value::Null => None,
            Value::Map(table) => Some(Value::Map(without_nulls(table))),
            other => Some(other.clone()),
        }
    }

    fn children(self, chart: &Chart, mut values: Map, path: &str) -> Result<Map, CoalesceError> {
        for child in chart.dependencies() {
            let own = match values.get(child.name()) {
                None => Map::new(),
                Some(Value::Map(own)) => own.clone(),
                Some(other) => {
                    let (chart, value) = (child.name().to_owned(), as_bool(other));
                    return Err(CoalesceError::NotATable { chart, value });
                }
            };
            let own = with_globals(own, &values, path);
            let own = self.chart(child, own, path)?;
            replace(&mut values, &child.name().into(), own);
        }
        Ok(values)
    }

    /// Joins two tables of which `dst` wins.
    fn tables(self, dst: &Map, src: &Map, path: &str) -> Map {
        if dst.is_empty() {
            return src.clone();
        }
        let mut joined = dst.clone();
        let mut deleted = Vec::new();
        for (key, value) in src.shared_iter() {
            match (dst.get(key), value) {
                (None, value) => {
                    joined.insert(Arc::clone(key), value.clone());
                }
                (Some(Value::Null), value) if !value.is_null() || self.keep_default_nulls => {
                    // In Helm 3 even a default `null` is taken away by another.
                    if !self.merge {
                        deleted.push(&**key);
                    }
                }
                (Some(Value::Map(upper)), Value::Map(lower)) => {
                    let table = self.tables(upper, lower, &prefixed(path, key));
                    replace(&mut joined, key, table);
                }
                (Some(Value::Null), _) => {}
                (Some(_), Value::Map(_)) => tracing::info!(
                    "warning: cannot overwrite table with non table for {} ({})",
                    prefixed(path, key),
                    plain(value)
                ),
                (Some(Value::Map(_)), value) if !value.is_null() => tracing::info!(
                    "warning: destination for {} is a table. Ignoring non-table value ({})",
                    prefixed(path, key),
                    plain(value)
                ),
                (Some(_), _) => {}
            }
        }
        if !deleted.is_empty() {
            joined.retain(|key, _| !deleted.contains(&key));
        }
        joined
    }
}

/// Puts a table at `key`, unless it is the very one that is there.
fn replace(map: &mut Map, key: &Arc<str>, table: Map) {
    if !matches!(map.get(key), Some(Value::Map(there)) if there.same(&table)) {
        map.insert(Arc::clone(key), Value::Map(table));
    }
}

/// `map` without `null`, at any depth but not inside lists. Shared as far as there is none.
pub(crate) fn without_nulls(map: &Map) -> Map {
    let mut clean = map.clone();
    for (key, value) in map.shared_iter() {
        if let Value::Map(inner) = value {
            replace(&mut clean, key, without_nulls(inner));
        }
    }
    clean.retain(|_, value| !value.is_null());
    clean
}

/// The values of a sub-chart with the globals of its parent laid over its own.
fn with_globals(mut own: Map, parent: &Map, path: &str) -> Map {
    let mut globals = match own.get(GLOBAL) {
        None => Map::new(),
        Some(Value::Map(globals)) => globals.clone(),
        Some(_) => {
            tracing::info!(
                "warning: skipping globals because destination {GLOBAL} is not a table."
            );
            return own;
        }
    };
    let none = Map::new();
    let from = match parent.get(GLOBAL) {
        None => &none,
        Some(Value::Map(from)) => from,
        Some(_) => {
            tracing::info!("warning: skipping globals because source {GLOBAL} is not a table.");
            return own;
        }
    };
    let merging = Joining { merge: true, keep_default_nulls: true };
    for (key, value) in from.shared_iter() {
        match (value, globals.get(key)) {
            (Value::Map(upper), Some(Value::Map(lower))) => {
                let table = merging.tables(upper, lower, &prefixed(path, key));
                replace(&mut globals, key, table);
            }
            (Value::Map(_), Some(_)) => {
                let key = gotemplate::print::quote(&**key);
                tracing::info!("Conflict: cannot merge map onto non-map for {key}. Skipping.");
            }
            (_, Some(Value::Map(_))) => tracing::info!("key {key} is table. Skipping"),
            _ => {
                globals.insert(Arc::clone(key), value.clone());
            }
        }
    }
    replace(&mut own, &GLOBAL.into(), globals);
    own
}

#[cfg(test)]
mod tests;
