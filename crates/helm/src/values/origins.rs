//! Which layer a value comes from.

use goyaml::{Map, Value};

use super::Layer;

/// The layers values were merged from, for asking where each value comes from.
///
/// Nothing is worked out in advance: a question walks down its path once per layer.
#[derive(Clone, Debug)]
pub struct Origins<L> {
    layers: Vec<(L, Map)>,
}

/// What one layer says about a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin<'a, L> {
    /// The layer.
    pub label: &'a L,
    /// The value it sets, there or above.
    pub value: &'a Value,
    /// How many steps of the path lead to that value. Fewer than the path has means that the
    /// layer puts something that is no mapping further up, and so takes away what lower layers
    /// have at the path.
    pub depth: usize,
}

impl<L: Clone> Origins<L> {
    /// Takes note of layers, the lowest first. What is no mapping counts as empty.
    pub fn new(layers: &[Layer<'_, L>]) -> Self {
        let noted = |layer: &Layer<'_, L>| {
            (layer.label.clone(), layer.values.as_map().cloned().unwrap_or_default())
        };
        Self { layers: layers.iter().map(noted).collect() }
    }
}

impl<L> Origins<L> {
    /// What every layer says about `path`, the lowest first; layers that say nothing are left
    /// out. The last one decides, except that mappings are joined.
    pub fn get<K: AsRef<str>>(&self, path: &[K]) -> Vec<Origin<'_, L>> {
        self.layers.iter().filter_map(|(label, map)| said(label, map, path)).collect()
    }

    /// The layer that decides what stands at `path`; `None` if nothing does. For a mapping that is
    /// the highest layer that adds to it.
    pub fn of<K: AsRef<str>>(&self, path: &[K]) -> Option<Origin<'_, L>> {
        let last = self.layers.iter().rev().find_map(|(label, map)| said(label, map, path))?;
        (last.depth == path.len()).then_some(last)
    }

    /// Every path of the merged values that ends in something that is no mapping with entries,
    /// with the layer that decided it, in the order the layers bring them up.
    pub fn leaves(&self) -> Vec<(Vec<&str>, Origin<'_, L>)> {
        let mut leaves = Vec::new();
        let layers: Vec<_> = self.layers.iter().map(|(label, map)| (label, map)).collect();
        collect(&layers, &mut Vec::new(), &mut leaves);
        leaves
    }
}

/// Adds the leaves below `path`, where `layers` have these mappings.
fn collect<'a, L>(
    layers: &[(&'a L, &'a Map)],
    path: &mut Vec<&'a str>,
    leaves: &mut Vec<(Vec<&'a str>, Origin<'a, L>)>,
) {
    let mut seen = Map::new();
    for key in layers.iter().flat_map(|(_, map)| map.keys()) {
        if seen.insert(key, Value::Null).is_some() {
            continue;
        }
        let highest = layers.iter().rev().find_map(|(label, map)| Some((*label, map.get(key)?)));
        // Mappings are joined down to the last layer that has something else.
        let mut joined: Vec<_> = layers
            .iter()
            .rev()
            .filter_map(|(label, map)| Some((*label, map.get(key)?)))
            .map_while(|(label, value)| Some((label, value.as_map()?)))
            .collect();
        joined.reverse();
        path.push(key);
        if joined.iter().any(|(_, map)| !map.is_empty()) {
            collect(&joined, path, leaves);
        } else if let Some((label, value)) = highest {
            leaves.push((path.clone(), Origin { label, value, depth: path.len() }));
        }
        path.pop();
    }
}

fn said<'a, L, K: AsRef<str>>(label: &'a L, map: &'a Map, path: &[K]) -> Option<Origin<'a, L>> {
    walk(map, path).map(|(value, depth)| Origin { label, value, depth })
}

/// The value at `path`, or the first on the way that is no mapping, and how many steps lead there.
fn walk<'a, K: AsRef<str>>(map: &'a Map, path: &[K]) -> Option<(&'a Value, usize)> {
    let mut map = map;
    for (at, step) in path.iter().enumerate() {
        let value = map.get(step.as_ref())?;
        match value {
            Value::Map(inner) if at + 1 < path.len() => map = inner,
            _ => return Some((value, at + 1)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use goyaml::{Map, Value};
    use proptest::prelude::*;

    use super::Origins;
    use crate::values::merge::tests::maps;
    use crate::values::{Layer, merge, parse_values};

    fn origins(texts: &[(&'static str, &str)]) -> Origins<&'static str> {
        let parsed: Vec<_> =
            texts.iter().map(|(label, text)| (*label, parse_values(text).unwrap())).collect();
        let layers: Vec<_> =
            parsed.iter().map(|(label, values)| Layer { label: *label, values }).collect();
        Origins::new(&layers)
    }

    /// The chain of a value is every layer that sets it, and ends with the one that counts.
    #[test]
    fn chain() {
        let origins = origins(&[("chart", "a: {b: 1}"), ("app", "c: 1"), ("mine", "a: {b: null}")]);
        let chain: Vec<_> =
            origins.get(&["a", "b"]).iter().map(|o| (*o.label, o.value.clone())).collect();
        assert_eq!(chain, [("chart", Value::Float(1.0)), ("mine", Value::Null)]);
        assert_eq!(origins.of(&["a", "b"]).unwrap().label, &"mine");
        assert_eq!(origins.of(&["c"]).unwrap().label, &"app");
        assert_eq!(origins.of(&["nope"]), None);
    }

    /// A layer that replaces a mapping takes away what lower layers have in it.
    #[test]
    fn replaced_mapping() {
        let origins = origins(&[("low", "a: {b: 1}"), ("mid", "a: 5"), ("top", "a: {c: 2}")]);
        assert_eq!(origins.of(&["a", "b"]), None);
        let chain = origins.get(&["a", "b"]);
        assert_eq!((*chain[1].label, chain[1].depth), ("mid", 1));
        let leaves: Vec<_> =
            origins.leaves().into_iter().map(|(path, o)| (path.join("."), *o.label)).collect();
        assert_eq!(leaves, [("a.c".to_owned(), "top")]);
    }

    fn rebuild(leaves: &[(Vec<&str>, super::Origin<'_, usize>)]) -> Map {
        let mut map = Map::new();
        for (path, origin) in leaves {
            put(&mut map, path, origin.value.clone());
        }
        map
    }

    fn put(map: &mut Map, path: &[&str], value: Value) {
        let Some((first, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            map.insert(*first, value);
            return;
        }
        if !map.contains_key(first) {
            map.insert(*first, Value::empty_map());
        }
        if let Some(inner) = map.get_mut(first).and_then(Value::as_map_mut) {
            put(inner, rest, value);
        }
    }

    proptest! {
        /// The leaves, each with its origin's value, are exactly the merged values.
        #[test]
        fn agree_with_values(parts in prop::collection::vec(maps(), 0..4)) {
            let parts: Vec<Value> = parts.into_iter().map(Value::Map).collect();
            let layers: Vec<_> =
                parts.iter().enumerate().map(|(label, values)| Layer { label, values }).collect();
            let merged = merge(&layers);
            let rebuilt = rebuild(&merged.origins.leaves());
            prop_assert_eq!(Value::Map(rebuilt), merged.values);
        }
    }
}
