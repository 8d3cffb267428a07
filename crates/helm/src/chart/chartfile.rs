//! Chart.yaml, requirements.yaml and Chart.lock, read as Helm reads them.

use goyaml::Value;

use super::decode::{Decoder, TypeError};
use super::metadata::{Dependency, Lock, Maintainer, Metadata};

/// Why a metadata file of a chart cannot be read; the texts are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum ChartfileError {
    /// The file is not YAML.
    #[error(transparent)]
    Yaml(#[from] goyaml::ParseError),
    /// A field has the wrong type.
    #[error(transparent)]
    Type(#[from] TypeError),
}

/// Items that Helm refuses when it validates, not when it reads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NullItems {
    /// Whether a maintainer is `null`.
    pub(crate) maintainer: bool,
    /// The position of the first `null` among the dependencies.
    pub(super) dependency: Option<usize>,
}

/// Lays the fields of a Chart.yaml (or requirements.yaml) over `metadata`.
pub(super) fn read_onto(
    text: &str,
    metadata: &mut Metadata,
    nulls: &mut NullItems,
) -> Result<(), ChartfileError> {
    let document = goyaml::parse_keeping_integers(text)?;
    let mut decoder = Decoder::default();
    decode_metadata(&mut decoder, &document, "v2.Metadata", metadata, nulls);
    Ok(decoder.finish(())?)
}

/// A Chart.yaml by itself, for who looks for mistakes in it.
#[derive(Debug)]
pub(crate) struct ChartfileReading {
    /// What it says.
    pub(crate) metadata: Metadata,
    /// Items that are null; they have taken the place of empty ones.
    pub(crate) nulls: NullItems,
}

impl ChartfileReading {
    /// Reads the text of a Chart.yaml; nothing is filled in.
    pub(crate) fn of(text: &str) -> Result<Self, ChartfileError> {
        let (mut metadata, mut nulls) = (Metadata::default(), NullItems::default());
        read_onto(text, &mut metadata, &mut nulls)?;
        Ok(Self { metadata, nulls })
    }
}

/// Only the field that says which kind of chart this is.
pub(super) fn api_version(text: &str) -> Result<String, ChartfileError> {
    let document = goyaml::parse_keeping_integers(text)?;
    let mut decoder = Decoder::default();
    let mut version = String::new();
    decoder.object(&document, "loader.chartBase", |decoder, key, value| {
        if key == "apiversion" {
            decoder.text(value, &mut version);
        }
    });
    Ok(decoder.finish(version)?)
}

/// Reads Chart.lock.
pub(super) fn read_lock(text: &str) -> Result<Lock, ChartfileError> {
    let document = goyaml::parse_keeping_integers(text)?;
    let mut decoder = Decoder::default();
    let mut lock = Lock::default();
    let mut nulls = NullItems::default();
    decoder.object(&document, "v2.Lock", |decoder, key, value| match key {
        "generated" => decoder.text(value, &mut lock.generated),
        "digest" => decoder.text(value, &mut lock.digest),
        "dependencies" => lock.dependencies = dependencies(decoder, value, &mut nulls),
        _ => {}
    });
    if lock.generated.is_empty() {
        "0001-01-01T00:00:00Z".clone_into(&mut lock.generated);
    }
    Ok(decoder.finish(lock)?)
}

/// Reads the fields of chart metadata, unknown ones ignored.
pub(super) fn decode_metadata(
    decoder: &mut Decoder,
    document: &Value,
    go_type: &'static str,
    metadata: &mut Metadata,
    nulls: &mut NullItems,
) {
    decoder.object(document, go_type, |decoder, key, value| {
        metadata_field(decoder, key, value, metadata, nulls);
    });
}

/// Reads one field of chart metadata; whether `key` (in lower case) is one.
pub(crate) fn metadata_field(
    decoder: &mut Decoder,
    key: &str,
    value: &Value,
    metadata: &mut Metadata,
    nulls: &mut NullItems,
) -> bool {
    match key {
        "name" => decoder.text(value, &mut metadata.name),
        "home" => decoder.text(value, &mut metadata.home),
        "sources" => decoder.texts(value, &mut metadata.sources),
        "version" => decoder.text(value, &mut metadata.version),
        "description" => decoder.text(value, &mut metadata.description),
        "keywords" => decoder.texts(value, &mut metadata.keywords),
        "maintainers" => {
            metadata.maintainers = decoder
                .list(value, "[]*v2.Maintainer", |decoder, item| {
                    nulls.maintainer |= item.is_null();
                    maintainer(decoder, item)
                })
                .unwrap_or_default();
        }
        "icon" => decoder.text(value, &mut metadata.icon),
        "apiversion" => decoder.text(value, &mut metadata.api_version),
        "condition" => decoder.text(value, &mut metadata.condition),
        "tags" => decoder.text(value, &mut metadata.tags),
        "appversion" => decoder.text(value, &mut metadata.app_version),
        "deprecated" => decoder.flag(value, &mut metadata.deprecated),
        "annotations" => metadata.annotations = decoder.text_map(value),
        "kubeversion" => decoder.text(value, &mut metadata.kube_version),
        "dependencies" => metadata.dependencies = dependencies(decoder, value, nulls),
        "type" => decoder.text(value, &mut metadata.chart_type),
        _ => return false,
    }
    true
}

fn maintainer(decoder: &mut Decoder, value: &Value) -> Maintainer {
    let mut maintainer = Maintainer::default();
    decoder.object(value, "v2.Maintainer", |decoder, key, value| match key {
        "name" => decoder.text(value, &mut maintainer.name),
        "email" => decoder.text(value, &mut maintainer.email),
        "url" => decoder.text(value, &mut maintainer.url),
        _ => decoder.unknown(),
    });
    maintainer
}

fn dependencies(
    decoder: &mut Decoder,
    value: &Value,
    nulls: &mut NullItems,
) -> Option<Vec<Dependency>> {
    let mut at = 0;
    decoder.list(value, "[]*v2.Dependency", |decoder, item| {
        if item.is_null() {
            nulls.dependency.get_or_insert(at);
        }
        at += 1;
        dependency(decoder, item)
    })
}

fn dependency(decoder: &mut Decoder, value: &Value) -> Dependency {
    let mut dependency = Dependency::default();
    decoder.object(value, "v2.Dependency", |decoder, key, value| match key {
        "name" => decoder.text(value, &mut dependency.name),
        "version" => decoder.text(value, &mut dependency.version),
        "repository" => decoder.text(value, &mut dependency.repository),
        "condition" => decoder.text(value, &mut dependency.condition),
        "tags" => decoder.texts(value, &mut dependency.tags),
        "enabled" => decoder.flag(value, &mut dependency.enabled),
        "import-values" => {
            dependency.import_values = decoder
                .list(value, "[]interface {}", |_, item| crate::json::from_yaml(item))
                .unwrap_or_default();
        }
        "alias" => decoder.text(value, &mut dependency.alias),
        _ => decoder.unknown(),
    });
    dependency
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Metadata, String> {
        let mut metadata = Metadata::default();
        read_onto(text, &mut metadata, &mut NullItems::default())
            .map(|()| metadata)
            .map_err(|error| error.to_string())
    }

    /// Unquoted versions go through 32-bit floats, keys match in any letter case.
    #[test]
    fn coercions() {
        let metadata = read(
            "NAME: c\nversion: 1.10\nappVersion: 16.1234567\nkeywords: [1, true]\n\
             annotations: {a: 1.50, b: no}\nunknown: {x: 1}\n",
        )
        .unwrap();
        assert_eq!(metadata.name, "c");
        assert_eq!(metadata.version, "1.1");
        assert_eq!(metadata.app_version, "16.123457");
        assert_eq!(metadata.keywords, ["1", "true"]);
        assert_eq!(metadata.annotations.unwrap()["a"], "1.5");
    }

    /// A field of the wrong type is refused in Go's words; the first in key order is named.
    #[test]
    fn wrong_types() {
        let prefix = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ";
        let table = [
            ("name: {a: b}", "object into Go struct field .name of type string"),
            ("keywords: a", "string into Go struct field .keywords of type []string"),
            ("keywords: [[a]]", "array into .keywords.0 of type string"),
            ("deprecated: 1", "number into Go struct field .deprecated of type bool"),
            (
                "annotations: {a: {b: 1}}",
                "object into Go struct field .annotations.a of type string",
            ),
            ("maintainers: [a]", "string into .maintainers.0 of type v2.Maintainer"),
            (
                "maintainers: [{name: [a]}]",
                "array into Go struct field .maintainers.0.name of type string",
            ),
            (
                "dependencies: a",
                "string into Go struct field .dependencies of type []*v2.Dependency",
            ),
            (
                "dependencies: [{import-values: b}]",
                "string into Go struct field .dependencies.0.import-values of type []interface {}",
            ),
            ("sources: b\nname: [a]", "array into Go struct field .name of type string"),
        ];
        for (text, message) in table {
            assert_eq!(read(text).unwrap_err(), format!("{prefix}{message}"), "{text}");
        }
    }
}
