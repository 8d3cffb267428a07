//! Laying values over one another, as several `-f` flags do.

use goyaml::{Map, Value};

use super::Origins;

/// Values with a name for where they come from, such as a file or a revision.
#[derive(Clone, Debug)]
pub struct Layer<'a, L> {
    /// Where the values come from.
    pub label: L,
    /// A mapping; anything else counts as empty.
    pub values: &'a Value,
}

/// What layers add up to.
#[derive(Clone, Debug)]
pub struct Merged<L> {
    /// The values, always a mapping.
    pub values: Value,
    /// Which layer each of them comes from.
    pub origins: Origins<L>,
}

/// Lays `layers` over one another, the lowest first, as Helm lays several `-f` files: mappings are
/// joined, anything else is replaced, `null` included, which then stands as a value. Helm 3 and
/// Helm 4 agree on this.
///
/// ```
/// use helm::values::{Layer, merge, parse_values};
///
/// let app = parse_values("image: {tag: '1', pull: Always}").unwrap();
/// let mine = parse_values("image: {tag: '2'}").unwrap();
/// let merged =
///     merge(&[Layer { label: "app", values: &app }, Layer { label: "mine", values: &mine }]);
/// assert_eq!(merged.values.get_path(&["image", "tag"]).unwrap().as_str(), Some("2"));
/// assert_eq!(merged.origins.of(&["image", "tag"]).unwrap().label, &"mine");
/// assert_eq!(merged.origins.of(&["image", "pull"]).unwrap().label, &"app");
/// ```
pub fn merge<L: Clone>(layers: &[Layer<'_, L>]) -> Merged<L> {
    let maps = layers.iter().filter_map(|layer| layer.values.as_map());
    let values = maps.fold(Map::new(), |below, above| merge_maps(&below, above));
    Merged { values: Value::Map(values), origins: Origins::new(layers) }
}

/// Lays `above` over `below`. What does not change is shared with both.
pub fn merge_maps(below: &Map, above: &Map) -> Map {
    if below.is_empty() || below.same(above) {
        return above.clone();
    }
    let mut merged = below.clone();
    for (key, value) in above.shared_iter() {
        let value = match (below.get(key), value) {
            (Some(Value::Map(lower)), Value::Map(upper)) => {
                let joined = merge_maps(lower, upper);
                if joined.same(lower) {
                    continue;
                }
                Value::Map(joined)
            }
            _ => value.clone(),
        };
        merged.insert(std::sync::Arc::clone(key), value);
    }
    merged
}

#[cfg(test)]
pub(in crate::values) mod tests {
    use goyaml::{Map, Value};
    use proptest::prelude::*;

    use super::{Layer, merge, merge_maps};
    use crate::values::parse_values;

    fn joined(texts: &[&str]) -> String {
        let parsed: Vec<Value> = texts.iter().map(|text| parse_values(text).unwrap()).collect();
        let layers: Vec<_> = parsed.iter().map(|values| Layer { label: (), values }).collect();
        goyaml::json::to_string(&merge(&layers).values).unwrap()
    }

    /// Mappings are joined, lists replaced, and `null` stands.
    #[test]
    fn rules() {
        assert_eq!(
            joined(&["a: {p: 1, q: 2}\nl: [1, 2]\nk: 1", "a: {q: null}\nl: [3]\nk: null", "z: {}"]),
            r#"{"a":{"p":1,"q":null},"k":null,"l":[3],"z":{}}"#
        );
        assert_eq!(joined(&["a: {p: 1}", "a: 5", "a: {q: 2}"]), r#"{"a":{"q":2}}"#);
    }

    /// What no layer changed is the same tree in memory, not a copy.
    #[test]
    fn shares() {
        let below = parse_values("a: {deep: {x: 1}}\nb: {y: 1}").unwrap();
        let above = parse_values("b: {z: 2}").unwrap();
        let merged = merge_maps(below.as_map().unwrap(), above.as_map().unwrap());
        let part = |map: &Map, key: &str| map.get(key).unwrap().as_map().unwrap().clone();
        assert!(part(&merged, "a").same(&part(below.as_map().unwrap(), "a")));
        assert!(!part(&merged, "b").same(&part(below.as_map().unwrap(), "b")));
    }

    /// Mappings of a few keys, so that layers meet.
    pub(in crate::values) fn maps() -> impl Strategy<Value = Map> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (0..3_u8).prop_map(|number| Value::Float(number.into())),
            Just(Value::Seq(vec![Value::Null].into())),
        ];
        let value = leaf.prop_recursive(3, 16, 3, |inner| {
            prop::collection::vec(("[abc]", inner), 0..3)
                .prop_map(|entries| Value::Map(entries.into_iter().collect()))
        });
        prop::collection::vec(("[abc]", value), 0..4)
            .prop_map(|entries| entries.into_iter().collect())
    }

    /// Whether no key is a mapping in one tree and something else in the other.
    fn same_shape(a: &Map, b: &Map) -> bool {
        a.iter().all(|(key, value)| match (value, b.get(key)) {
            (Value::Map(a), Some(Value::Map(b))) => same_shape(a, b),
            (Value::Map(_), Some(_)) | (_, Some(Value::Map(_))) => false,
            _ => true,
        })
    }

    proptest! {
        /// Laying something over itself, or nothing over it, changes nothing.
        #[test]
        fn identity(map in maps()) {
            prop_assert_eq!(merge_maps(&map, &map), map.clone());
            prop_assert_eq!(merge_maps(&map, &Map::new()), map.clone());
            prop_assert_eq!(merge_maps(&Map::new(), &map), map);
        }

        /// The order of joining does not matter as long as no key turns from a mapping into
        /// something else or back: that cuts off what lies below for good.
        #[test]
        fn associative(a in maps(), b in maps(), c in maps()) {
            prop_assume!(same_shape(&a, &b) && same_shape(&b, &c) && same_shape(&a, &c));
            let left = merge_maps(&merge_maps(&a, &b), &c);
            let right = merge_maps(&a, &merge_maps(&b, &c));
            prop_assert_eq!(left, right);
        }

        /// Whatever lies above is there afterwards, `null` included.
        #[test]
        fn above_wins(a in maps(), b in maps()) {
            let merged = merge_maps(&a, &b);
            for (key, value) in b.iter().filter(|(_, value)| value.as_map().is_none()) {
                prop_assert_eq!(merged.get(key), Some(value));
            }
        }
    }
}
