//! Merging the layers, and telling for every key where it comes from. Pure.

use std::collections::BTreeMap;

use goyaml::{Map, Value};
use helm::chart::Chart;
use helm::values::{
    CoalesceError, Layer, Merged, ValuesError, coalesce_as, merge, parse_values_as,
};

use super::{LayerValue, MergedKey, MergedValues, ValuesLayer};
use crate::app::HelmMode;
use crate::deployment::job::LayerTexts;

/// Layers that cannot be merged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    /// A layer's text is not values.
    #[error("the {} are not valid", layer.title())]
    Layer {
        /// Which layer.
        layer: ValuesLayer,
        /// What is wrong, and where.
        source: ValuesError,
    },
    /// The layers do not fit the chart.
    #[error(transparent)]
    Chart(#[from] CoalesceError),
}

/// What the layers of a deployment come to.
#[derive(Clone, Debug)]
pub(crate) struct MergedLayers {
    /// The layers above the chart's own values: what rendering is given, and what Helm keeps as `config`.
    pub(crate) supplied: Value,
    /// All values with their origins, for people. Not masked.
    pub(crate) view: MergedValues,
    /// By which Helm's rules they were merged, and are to be rendered.
    pub(crate) mode: HelmMode,
}

/// Merges the layers over the values of `chart` as Helm merges several `-f` files.
pub(crate) fn merge_layers(
    mode: HelmMode,
    chart: &Chart,
    texts: &LayerTexts,
) -> Result<MergedLayers, MergeError> {
    let read = |layer: ValuesLayer, text: &str| {
        parse_values_as(mode.into(), text).map_err(|source| MergeError::Layer { layer, source })
    };
    let layers = [
        (ValuesLayer::App, read(ValuesLayer::App, &texts.app)?),
        (ValuesLayer::Release, read(ValuesLayer::Release, &texts.release)?),
        (ValuesLayer::Domain, read(ValuesLayer::Domain, &texts.domain)?),
        (ValuesLayer::Deployment, read(ValuesLayer::Deployment, &texts.deployment)?),
    ];
    let above: Vec<Layer<'_, ValuesLayer>> =
        layers.iter().map(|(label, values)| Layer { label: *label, values }).collect();
    let supplied = merge(&above);
    let all = coalesce_as(mode.into(), chart, &supplied.values)?;
    let defaults = coalesce_as(mode.into(), chart, &Value::Map(Map::new()))?;
    let view = view(&all, &supplied, chart, &defaults);
    Ok(MergedLayers { supplied: supplied.values, view, mode })
}

/// Lists every leaf with its line in the printed YAML and the layer it comes from.
fn view(
    all: &Value,
    supplied: &Merged<ValuesLayer>,
    chart: &Chart,
    defaults: &Value,
) -> MergedValues {
    let keys = Vec::new();
    let mut walk = Walk { supplied, chart, defaults, keys, path: Vec::new(), line: 1 };
    walk.map(all);
    MergedValues { yaml: printed(all), keys: walk.keys }
}

fn printed(value: &Value) -> String {
    // Values come from YAML or JSON, which nests no deeper than what the writer takes.
    goyaml::to_string(value).unwrap_or_default()
}

struct Walk<'a> {
    supplied: &'a Merged<ValuesLayer>,
    chart: &'a Chart,
    /// What the chart and its sub-charts say by themselves.
    defaults: &'a Value,
    keys: Vec<MergedKey>,
    path: Vec<String>,
    /// The line that comes next, from 1.
    line: u32,
}

impl Walk<'_> {
    fn map(&mut self, value: &Value) {
        let Some(map) = value.as_map() else { return };
        let mut entries: Vec<(&str, &Value)> = map.iter().collect();
        entries.sort_by(|(a, _), (b, _)| goyaml::compare_keys(a, b));
        for (key, value) in entries {
            self.path.push(key.to_owned());
            if value.as_map().is_some_and(|map| !map.is_empty()) {
                self.line += 1;
                self.map(value);
            } else {
                self.leaf(value);
            }
            self.path.pop();
        }
    }

    fn leaf(&mut self, value: &Value) {
        let chain = self.chain();
        self.keys.push(MergedKey {
            path: written(&self.path),
            value: in_a_line(value),
            layer: chain.last().map_or(ValuesLayer::Chart, |last| last.layer),
            chain,
            line: self.line,
        });
        self.line += self.lines_of(value);
    }

    /// What the layers say of where the walk stands, lowest first. The chart's own values, which Helm
    /// fills in last, count wherever they have it.
    fn chain(&self) -> Vec<LayerValue> {
        let default = self.path.iter().try_fold(self.defaults, |at, key| at.get(key));
        let default = default.map(|value| (ValuesLayer::Chart, value));
        let path = self.set_at();
        let origins = self.supplied.origins.get(path);
        // What put something else than a map in the way took the lower layers' say, and has none itself.
        let whole = origins.rsplit(|origin| origin.depth < path.len()).next().unwrap_or_default();
        let layers = whole.iter().map(|origin| (*origin.label, origin.value));
        let all = default.into_iter().chain(layers);
        all.map(|(layer, value)| LayerValue { layer, value: in_a_line(value) }).collect()
    }

    /// Where layers set what stands here: the globals of a sub-chart are those of the whole, where
    /// these have it.
    fn set_at(&self) -> &[String] {
        let mut charts = Some(self.chart);
        for (at, key) in self.path.iter().enumerate() {
            let global = &self.path[at..];
            if at > 0 && key == "global" && !self.supplied.origins.get(global).is_empty() {
                return global;
            }
            let below = |chart: &'_ Chart| {
                chart.dependencies().iter().position(|child| child.name() == key)
            };
            let Some(n) = charts.and_then(below) else { break };
            charts = charts.and_then(|chart| chart.dependencies().get(n));
        }
        &self.path
    }

    /// How many lines the leaf takes where it stands: folding depends on the depth.
    fn lines_of(&self, value: &Value) -> u32 {
        let nested = self.path.iter().rev().fold(value.clone(), |inner, key| {
            Value::Map(std::iter::once((key.as_str(), inner)).collect())
        });
        let lines = printed(&nested).lines().count() + 1 - self.path.len();
        u32::try_from(lines).unwrap_or(u32::MAX)
    }
}

/// A value as one line of JSON.
fn in_a_line(value: &Value) -> String {
    goyaml::json::to_string(value).unwrap_or_default()
}

/// The leaves of values that are of one layer only.
pub(crate) fn leaves(values: &Value, layer: ValuesLayer) -> MergedValues {
    fn walk(value: &Value, layer: ValuesLayer, path: &mut Vec<String>, keys: &mut Vec<MergedKey>) {
        match value.as_map().filter(|map| !map.is_empty()) {
            Some(map) => {
                for (key, value) in map.iter() {
                    path.push(key.to_owned());
                    walk(value, layer, path, keys);
                    path.pop();
                }
            }
            None => keys.push(MergedKey {
                path: written(path),
                value: in_a_line(value),
                layer,
                chain: Vec::new(),
                line: 0,
            }),
        }
    }
    let mut keys = Vec::new();
    walk(values, layer, &mut Vec::new(), &mut keys);
    MergedValues { yaml: printed(values), keys }
}

/// Values printed with `mask` in the place of the leaves that `hides` finds by their path and JSON; none where it finds none.
pub(crate) fn masked(
    values: &Value,
    mask: &str,
    hides: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    fn walk(
        value: &Value,
        mask: &str,
        hides: &dyn Fn(&str, &str) -> bool,
        (path, found): (&mut Vec<String>, &mut bool),
    ) -> Value {
        if let Some(map) = value.as_map().filter(|map| !map.is_empty()) {
            let mut shown = Map::new();
            for (key, value) in map.iter() {
                path.push(key.to_owned());
                let value = walk(value, mask, hides, (&mut *path, &mut *found));
                path.pop();
                shown.insert(key, value);
            }
            return Value::Map(shown);
        }
        if hides(&written(path), &in_a_line(value)) {
            *found = true;
            return Value::from(mask);
        }
        value.clone()
    }
    let mut found = false;
    let shown = walk(values, mask, &hides, (&mut Vec::new(), &mut found));
    found.then(|| printed(&shown))
}

/// What the text of one layer says at a path, as one line of JSON; nothing where it does not say anything there.
pub(crate) fn said_at(mode: HelmMode, text: &str, path: &str) -> Option<String> {
    let values = parse_values_as(mode.into(), text).ok()?;
    let all = leaves(&values, ValuesLayer::App);
    all.keys.into_iter().find(|key| key.path == path).map(|key| key.value)
}

/// Values by the layers that set them, such as `replicas` in the App values, for people to know where to correct them.
/// A path may lead into a list, or to a map with several keys.
pub(crate) fn places<'p>(
    view: &MergedValues,
    paths: impl IntoIterator<Item = &'p [String]>,
) -> String {
    let mut by_layer: BTreeMap<ValuesLayer, Vec<String>> = BTreeMap::new();
    for path in paths {
        let above: Vec<String> = (1..=path.len()).map(|length| written(&path[..length])).collect();
        let below = above.last().map_or_else(String::new, |whole| format!("{whole}."));
        let set = |key: &&MergedKey| above.contains(&key.path) || key.path.starts_with(&below);
        // Where the chart's own values are only a part of it, someone else brought what is wrong.
        let layer = view.keys.iter().filter(set).map(|key| key.layer).max();
        let name = match above.last() {
            Some(whole) => format!("`{whole}`"),
            None => "the top level".to_owned(),
        };
        let names = by_layer.entry(layer.unwrap_or(ValuesLayer::Deployment)).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let groups = by_layer
        .into_iter()
        .map(|(layer, names)| format!("{} in the {}", names.join(", "), layer.title()));
    groups.collect::<Vec<_>>().join("; ")
}

/// A path as people write it; keys with dots are quoted.
fn written(path: &[String]) -> String {
    let keys = path.iter().map(|key| {
        if key.is_empty() || key.contains(['.', '"']) { format!("{key:?}") } else { key.clone() }
    });
    keys.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &str) -> Chart {
        let metadata = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
        Chart::from_files(vec![
            ("Chart.yaml".to_owned(), metadata.into()),
            ("values.yaml".to_owned(), values.into()),
        ])
        .unwrap()
    }

    fn texts(app: &str, release: &str, deployment: &str) -> LayerTexts {
        LayerTexts {
            app: app.to_owned(),
            release: release.to_owned(),
            domain: String::new(),
            deployment: deployment.to_owned(),
        }
    }

    /// Every key tells what each layer set it to.
    #[test]
    fn origins_of_keys() {
        let chart = chart("image: {repository: shop, tag: latest}\nreplicas: 1\nempty: {}\n");
        let layers = texts("replicas: 2\nimage: {tag: '1'}", "image: {tag: '2'}", "replicas: 3");
        let merged = merge_layers(HelmMode::V4, &chart, &layers).unwrap();
        let told: Vec<String> = merged
            .view
            .keys
            .iter()
            .map(|key| {
                let said = |said: &LayerValue| format!("{} {}", said.layer, said.value);
                let chain: Vec<String> = key.chain.iter().map(said).collect();
                format!("{} {}={}: {}", key.line, key.path, key.value, chain.join(", "))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        1 empty={}: chart {}
        3 image.repository="shop": chart "shop"
        4 image.tag="2": chart "latest", app "1", release "2"
        5 replicas=3: chart 1, app 2, deployment 3
        "#);
        insta::assert_snapshot!(merged.view.yaml, @r#"
        empty: {}
        image:
          repository: shop
          tag: "2"
        replicas: 3
        "#);
    }

    /// Something else than a map takes away what lower layers say below it; `null` and what was a map
    /// are told as they were.
    #[test]
    fn chains_that_are_cut() {
        let chart = chart("a: {b: 1}\nc: {d: 1}\n");
        let layers = texts("a: {b: 2}\nc: null", "a: 5\nc: {d: 2}", "a: {b: 3}\nc: x");
        let merged = merge_layers(HelmMode::V4, &chart, &layers).unwrap();
        let told: Vec<String> = merged
            .view
            .keys
            .iter()
            .flat_map(|key| {
                key.chain.iter().map(|it| format!("{} {} {}", key.path, it.layer, it.value))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        a.b chart 1
        a.b deployment 3
        c chart {"d":1}
        c app null
        c release {"d":2}
        c deployment "x"
        "#);
    }

    /// What is global for a sub-chart comes from the layer that set it for the whole.
    #[test]
    fn globals_of_sub_charts() {
        let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
        let chart = Chart::from_files(vec![
            file("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
            file("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
            file("charts/db/values.yaml", "global: {zone: a}\nsize: 1\n"),
        ])
        .unwrap();
        let layers = texts("global: {zone: b}", "", "db: {size: 2}");
        let view = merge_layers(HelmMode::V4, &chart, &layers).unwrap().view;
        let zone = view.keys.iter().find(|key| key.path == "db.global.zone").unwrap();
        assert_eq!((zone.value.as_str(), zone.layer), ("\"b\"", ValuesLayer::App));
        assert_eq!(zone.chain.last().unwrap().value, zone.value);
    }

    /// A `null` takes the chart's default away; the key is then nowhere.
    #[test]
    fn null_deletes() {
        let merged =
            merge_layers(HelmMode::V4, &chart("a: 1\nb: 2\n"), &texts("", "", "a: null")).unwrap();
        assert_eq!(merged.view.yaml, "b: 2\n");
        assert_eq!(merged.view.keys.len(), 1);
    }

    /// The line of every leaf is where its key stands in the printed YAML, whatever the leaves before it look like.
    #[test]
    fn lines_fit_the_text() {
        let long = "word ".repeat(60);
        let values = format!(
            "a: {{b: {{c: [1, {{x: 1, y: 2}}], d: {long:?}}}}}\nlist: []\ntext: \"one\\ntwo\\nthree\\n\"\nz: end\n"
        );
        let merged = merge_layers(HelmMode::V4, &chart(&values), &texts("", "", "")).unwrap();
        let lines: Vec<&str> = merged.view.yaml.lines().collect();
        for key in &merged.view.keys {
            let last = key.path.rsplit('.').next().unwrap();
            let line = lines[key.line as usize - 1].trim_start();
            assert!(line.starts_with(&format!("{last}:")), "{} at {}: {line}", key.path, key.line);
        }
    }

    /// What is to be corrected is named with the layer that set it; list items and maps count as what they are part of.
    #[test]
    fn places_by_layer() {
        let chart = chart("image: {tag: '1'}\nports: [80]\nreplicas: 1\n");
        let merged = merge_layers(
            HelmMode::V4,
            &chart,
            &texts("replicas: 0", "", "image: {tag: 2}\nports: [x]"),
        );
        let view = merged.unwrap().view;
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        let paths = [path("ports/0"), path("image"), path("replicas"), path("missing")];
        insta::assert_snapshot!(
            places(&view, paths.iter().map(Vec::as_slice)),
            @"`replicas` in the App values; `ports.0`, `image`, `missing` in the deployment values"
        );
    }

    /// What is wrong in a layer is told with its place.
    #[test]
    fn broken_layer() {
        let broken =
            merge_layers(HelmMode::V4, &chart(""), &texts("a: 1", "", "a: [1\nb: 2")).unwrap_err();
        let MergeError::Layer { layer, source } = broken else { panic!("{broken}") };
        assert_eq!(layer, ValuesLayer::Deployment);
        assert!(source.line().is_some());
    }
}
