//! Properties of merging: whatever the layers are, every key names the layer it comes from.

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::app::HelmMode;
use crate::deployment::job::LayerTexts;
use crate::values::{ValuesLayer, merge_layers};

/// Values with few keys, so that layers meet often.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..5_i64).prop_map(Value::from),
        "[a-z #:]{0,6}".prop_map(Value::from),
        prop::collection::vec(0..3_i64, 0..3).prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[abc]", inner, 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
    });
    prop::collection::btree_map("[abc]", tree, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

fn chart(values: &Value) -> helm::chart::Chart {
    helm::chart::Chart::from_files(vec![
        ("Chart.yaml".to_owned(), "apiVersion: v2\nname: shop\nversion: 1.0.0\n".into()),
        ("values.yaml".to_owned(), values.to_string().into()),
    ])
    .unwrap()
}

/// What a layer has to say about a path.
enum Said<'v> {
    /// This.
    Value(&'v Value),
    /// Something above the path is no map (or `null`): what lower layers say is gone.
    Gone,
    /// Nothing.
    Nothing,
}

fn said<'v>(layer: &'v Value, path: &str) -> Said<'v> {
    let mut at = layer;
    for key in path.split('.') {
        let Value::Object(map) = at else { return Said::Gone };
        match map.get(key) {
            Some(value) => at = value,
            None => return Said::Nothing,
        }
    }
    Said::Value(at)
}

/// The highest layer that says something at a path, and what.
fn highest<'v>(
    layers: &[(ValuesLayer, &'v Value)],
    defaults: &'v Value,
    path: &str,
) -> Option<(ValuesLayer, &'v Value)> {
    for (layer, values) in layers {
        match said(values, path) {
            Said::Value(value) => return Some((*layer, value)),
            Said::Gone => break,
            Said::Nothing => {}
        }
    }
    match said(defaults, path) {
        Said::Value(value) => Some((ValuesLayer::Chart, value)),
        Said::Gone | Said::Nothing => None,
    }
}

proptest! {
    /// The layer that a key names is the highest one that says something there, and the value is what
    /// it says. A layer that puts something else than a map in the way cuts off the ones below it, but
    /// for the chart's own values, which Helm fills in last.
    #[test]
    fn keys_come_from_the_highest_layer(
        defaults in values(), app in values(), release in values(), deployment in values(),
    ) {
        let texts = LayerTexts {
            app: app.to_string(),
            release: release.to_string(),
            domain: String::new(),
            deployment: deployment.to_string(),
        };
        let merged = merge_layers(HelmMode::V4, &chart(&defaults), &texts).unwrap().view;
        let layers = [
            (ValuesLayer::Deployment, &deployment),
            (ValuesLayer::Release, &release),
            (ValuesLayer::App, &app),
        ];
        for key in &merged.keys {
            // An empty map says nothing of its own: it may be what several layers agree on.
            if key.value == "{}" {
                continue;
            }
            let (layer, value) =
                highest(&layers, &defaults, &key.path).expect("some layer says every key");
            prop_assert_eq!(layer, key.layer, "{}", key.path);
            prop_assert_eq!(value.to_string(), key.value.clone(), "{}", key.path);
            prop_assert_eq!(&key.chain.last().expect("someone says it").value, &key.value);
            prop_assert!(key.chain.is_sorted_by_key(|said| said.layer), "{:?}", key.chain);
        }
    }

    /// The printed values are what the keys say: reading them again gives the same leaves.
    #[test]
    fn printed_values_read_back(defaults in values(), deployment in values()) {
        let texts = LayerTexts { deployment: deployment.to_string(), ..LayerTexts::default() };
        let merged = merge_layers(HelmMode::V4, &chart(&defaults), &texts).unwrap().view;
        let again: Value = merged.keys.iter().fold(Value::Object(Map::new()), |tree, key| {
            put(tree, &key.path.split('.').collect::<Vec<_>>(), serde_json::from_str(&key.value).unwrap())
        });
        let read = goyaml::parse(&merged.yaml).unwrap();
        let read: Value = serde_json::from_str(&goyaml::json::to_string(&read).unwrap()).unwrap();
        prop_assert_eq!(again, read);
    }
}

fn put(tree: Value, path: &[&str], leaf: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return leaf };
    let Value::Object(mut map) = tree else { panic!("a leaf stands where a map should") };
    let below = map.remove(*key).unwrap_or_else(|| Value::Object(Map::new()));
    map.insert((*key).to_owned(), if rest.is_empty() { leaf } else { put(below, rest, leaf) });
    Value::Object(map)
}
