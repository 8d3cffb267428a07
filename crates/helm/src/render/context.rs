//! The maps templates see as their dot: one per chart, `.Values` of children inside their parents'.

use gotemplate::{Frozen, Map, MapType, Value};

use super::frozen::FrozenDefaults;
use super::values_type::{VALUES, find_table};
use super::{Purpose, ReleaseOptions, RenderInput, capabilities, files};
use crate::chart::{Chart, Dependency, Maintainer, Metadata};

/// The dots of a chart and its sub-charts, in the order of [`Scope::walk`].
pub(super) struct Scope {
    /// The context itself, of type `map[string]interface {}`; what parents see in `.Subcharts`.
    context: Map,
    children: Vec<Scope>,
}

impl Scope {
    /// The contexts of `chart` and everything below it, over merged values.
    pub(super) fn new(
        chart: &Chart,
        values: &goyaml::Value,
        defaults: &FrozenDefaults,
        input: &RenderInput,
        purpose: Purpose,
    ) -> Self {
        let shared = Shared {
            release: Value::Map(release(&input.release, purpose)),
            capabilities: capabilities::value(&input.capabilities),
        };
        let values = match defaults.freeze(values) {
            Frozen::Map(map) => Map::from_frozen(map),
            _ => Map::new(),
        };
        Self::of_chart(chart, values.retyped(&VALUES), true, &shared)
    }

    fn of_chart(chart: &Chart, values: Map, is_root: bool, shared: &Shared) -> Self {
        let mut children = Vec::new();
        let mut subcharts = Vec::new();
        for child in chart.dependencies() {
            let table = find_table(&values, child.name()).unwrap_or_default();
            let scope = Self::of_chart(child, table.retyped(&VALUES), false, shared);
            subcharts.push((child.name(), Value::Map(scope.context.clone())));
            children.push(scope);
        }
        let entries = [
            ("Capabilities", shared.capabilities.clone()),
            ("Chart", Value::Map(metadata(chart.metadata(), is_root))),
            ("Files", files::value(chart.files())),
            ("Release", shared.release.clone()),
            ("Subcharts", Value::Map(Map::from_entries(MapType::ANY, subcharts))),
            ("Values", Value::Map(values)),
        ];
        Self { context: Map::from_entries(MapType::ANY, entries), children }
    }

    /// The dot of this chart's templates.
    pub(super) fn dot(&self) -> Map {
        self.context.retyped(&VALUES)
    }

    /// All dots: this chart's, then its children's in depth.
    pub(super) fn dots(&self) -> Vec<Map> {
        let below = self.children.iter().flat_map(Self::dots);
        std::iter::once(self.dot()).chain(below).collect()
    }
}

/// `.Template` of the file being rendered.
pub(super) fn template(name: &str, base_path: &str) -> Value {
    let entries = [("Name", Value::from(name)), ("BasePath", Value::from(base_path))];
    Value::Map(Map::from_entries(&VALUES, entries))
}

/// What all charts of a render have in common.
struct Shared {
    release: Value,
    capabilities: Value,
}

fn release(release: &ReleaseOptions, purpose: Purpose) -> Map {
    // Helm lints a release that is neither installed nor upgraded.
    let is_install = purpose == Purpose::Output && !release.is_upgrade;
    Map::from_entries(
        MapType::ANY,
        [
            ("IsInstall", Value::Bool(is_install)),
            ("IsUpgrade", Value::Bool(release.is_upgrade)),
            ("Name", Value::from(release.name.as_str())),
            ("Namespace", Value::from(release.namespace.as_str())),
            ("Revision", Value::Int(i64::from(release.revision))),
            ("Service", Value::from("Helm")),
        ],
    )
}

/// `.Chart`: a map with the field names of Helm's struct.
fn metadata(metadata: &Metadata, is_root: bool) -> Map {
    let text = |text: &String| Value::from(text.as_str());
    let texts = |texts: &[String]| Value::list(texts.iter().map(text).collect());
    let annotations = match &metadata.annotations {
        None => Map::nil(MapType::STRINGS),
        Some(map) => {
            Map::from_entries(MapType::STRINGS, map.iter().map(|(k, v)| (k.as_str(), text(v))))
        }
    };
    Map::from_entries(
        MapType::ANY,
        [
            ("APIVersion", text(&metadata.api_version)),
            ("Annotations", Value::Map(annotations)),
            ("AppVersion", text(&metadata.app_version)),
            ("Condition", text(&metadata.condition)),
            ("Dependencies", Value::list(metadata.declared().iter().map(dependency).collect())),
            ("Deprecated", Value::Bool(metadata.deprecated)),
            ("Description", text(&metadata.description)),
            ("Home", text(&metadata.home)),
            ("Icon", text(&metadata.icon)),
            ("IsRoot", Value::Bool(is_root)),
            ("Keywords", texts(&metadata.keywords)),
            ("KubeVersion", text(&metadata.kube_version)),
            ("Maintainers", Value::list(metadata.maintainers.iter().map(maintainer).collect())),
            ("Name", text(&metadata.name)),
            ("Sources", texts(&metadata.sources)),
            ("Tags", text(&metadata.tags)),
            ("Type", text(&metadata.chart_type)),
            ("Version", text(&metadata.version)),
        ],
    )
}

fn maintainer(maintainer: &Maintainer) -> Value {
    let entries = [
        ("Email", Value::from(maintainer.email.as_str())),
        ("Name", Value::from(maintainer.name.as_str())),
        ("URL", Value::from(maintainer.url.as_str())),
    ];
    Value::Map(Map::from_entries(MapType::ANY, entries))
}

fn dependency(dependency: &Dependency) -> Value {
    let tags = dependency.tags.iter().map(|tag| Value::from(tag.as_str())).collect();
    let imports = dependency.import_values.iter().map(import).collect();
    let entries = [
        ("Alias", Value::from(dependency.alias.as_str())),
        ("Condition", Value::from(dependency.condition.as_str())),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::list(imports)),
        ("Name", Value::from(dependency.name.as_str())),
        ("Repository", Value::from(dependency.repository.as_str())),
        ("Tags", Value::list(tags)),
        ("Version", Value::from(dependency.version.as_str())),
    ];
    Value::Map(Map::from_entries(MapType::ANY, entries))
}

/// An item of `import-values`, which processing has turned into a map of two texts.
fn import(item: &serde_json::Value) -> Value {
    match item {
        serde_json::Value::Object(map) => Value::Map(Map::from_entries(
            MapType::STRINGS,
            map.iter().map(|(k, v)| (k.as_str(), Value::from(v.as_str().unwrap_or_default()))),
        )),
        other => from_json(other),
    }
}

/// An object of a cluster as templates see it: integers are `int64`.
pub(super) fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int64(integer),
            None => Value::Float64(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(Map::from_entries(
            MapType::ANY,
            map.iter().map(|(key, value)| (key.as_str(), from_json(value))),
        )),
    }
}
