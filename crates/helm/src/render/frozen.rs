//! Values as templates share them, and what of them is the same in every render of a chart.

use std::sync::Arc;

use gotemplate::{Frozen, FrozenMap, MapType};
use goyaml::{Map, Value};
use rustc_hash::FxHashMap;

use crate::chart::Chart;

/// The default values of a chart and its sub-charts, frozen. Merged values share with them every mapping that
/// nobody said anything about, and that is not frozen again.
///
/// Holds good as long as the chart it was made of exists: mappings are known by where they are in memory.
#[derive(Debug, Default)]
pub(super) struct FrozenDefaults(FxHashMap<usize, Arc<FrozenMap>>);

impl FrozenDefaults {
    pub(super) fn new(chart: &Chart) -> Self {
        let mut defaults = Self::default();
        defaults.add_chart(chart);
        defaults
    }

    fn add_chart(&mut self, chart: &Chart) {
        if let Some(values) = chart.values().as_map() {
            self.add(values);
        }
        for child in chart.dependencies() {
            self.add_chart(child);
        }
    }

    fn add(&mut self, map: &Map) {
        for (_, value) in map.iter() {
            if let Value::Map(inner) = value {
                self.add(inner);
            }
        }
        let frozen = self.freeze_map(map);
        self.0.insert(map.identity(), frozen);
    }

    /// Numbers from YAML are floats already; integers are those of `--set`, which Go holds as `int64`.
    pub(super) fn freeze(&self, value: &Value) -> Frozen {
        match value {
            Value::Null => Frozen::Nil,
            Value::Bool(value) => Frozen::Bool(*value),
            Value::Int(value) => Frozen::Int64(*value),
            Value::Uint(value) => Frozen::Uint64(*value),
            Value::Float(value) => Frozen::Float64(*value),
            Value::String(text) => Frozen::string(Arc::clone(text)),
            Value::Seq(items) => Frozen::list(items.iter().map(|item| self.freeze(item)).collect()),
            Value::Map(map) => Frozen::Map(self.freeze_map(map)),
        }
    }

    fn freeze_map(&self, map: &Map) -> Arc<FrozenMap> {
        if let Some(known) = self.0.get(&map.identity()) {
            return Arc::clone(known);
        }
        let entries = map.iter().map(|(key, value)| (key, self.freeze(value)));
        Arc::new(FrozenMap::new(MapType::ANY, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{coalesce, parse_values};

    /// What the user says nothing about is frozen once; what is changed, and what lies around it, is not shared.
    #[test]
    fn shares_what_nobody_changed() {
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            ("values.yaml", "a: {deep: {x: 1}}\nb: {c: {z: 1}, w: {v: 1}}\n"),
        ];
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().into()));
        let chart = Chart::from_files(files.collect()).unwrap();
        let defaults = FrozenDefaults::new(&chart);
        let values = coalesce(&chart, &parse_values("b: {c: {z: 2}}").unwrap()).unwrap();
        let frozen = |value: &Value| match defaults.freeze(value) {
            Frozen::Map(map) => Arc::as_ptr(&map),
            other => panic!("{other:?}"),
        };
        let same = |path: &[&str]| {
            let [before, after] =
                [chart.values(), &values].map(|v| frozen(v.get_path(path).unwrap()));
            before == after
        };
        assert!(same(&["a"]) && same(&["b", "w"]));
        assert!(!same(&["b"]) && !same(&["b", "c"]));
    }
}
