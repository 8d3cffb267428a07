//! The JSON of a release record, field by field in Helm's order.
//!
//! Reading accepts what Helm 3 and Helm 4 write; writing gives Helm 4.3's bytes (see `codec`).

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::hook::Hook;
use super::shared::Shared;
use crate::chart::{Chart, File, Lock, Metadata};
use crate::json::null_as_default;
use crate::render::{ReleaseOptions, Rendered};

/// One revision of a release.
///
/// The labels of the Secret are not part of it: see [`super::storage`]. `C` is what is kept of the chart, by far the
/// largest part: all of it, or its [`ChartOutline`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub struct Release<C = StoredChart> {
    /// The release's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// State and times.
    #[serde(default)]
    pub info: Info,
    /// The root chart; sub-charts are not stored. Shared, because copies of a record differ in everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Shared<C>>,
    /// The values the user gave, without the chart's defaults.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// The rendered documents, as `helm get manifest` prints them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// Hooks in the order they were printed.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    #[serde(default)]
    pub version: u32,
    /// The namespace the release lives in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// How objects were sent. Records of Helm 3 lack it, which means [`ApplyMethod::ClientSide`].
    #[serde(default, deserialize_with = "known_method", skip_serializing_if = "Option::is_none")]
    pub apply_method: Option<ApplyMethod>,
}

impl<C> Release<C> {
    /// The same release with this kept of its chart.
    pub(super) fn with_chart<D>(self, chart: Option<Shared<D>>) -> Release<D> {
        let Self {
            name,
            info,
            chart: _,
            config,
            manifest,
            hooks,
            version,
            namespace,
            apply_method,
        } = self;
        Release { name, info, chart, config, manifest, hooks, version, namespace, apply_method }
    }
}

impl Release {
    /// The record of a release about to be made, before anything was sent: no times, no
    /// description, status unknown. `values` are the user's, without the chart's defaults.
    pub fn of_render(
        rendered: &Rendered,
        options: &ReleaseOptions,
        values: &goyaml::Value,
        apply_method: ApplyMethod,
    ) -> Self {
        Self {
            name: options.name.clone(),
            info: Info { notes: rendered.notes.clone().unwrap_or_default(), ..Info::default() },
            chart: Some(Shared::new(StoredChart::from(&rendered.chart))),
            config: crate::json::object_from_yaml(values).unwrap_or_default(),
            manifest: rendered.manifest.clone(),
            hooks: rendered.hooks.clone(),
            version: options.revision,
            namespace: options.namespace.clone(),
            apply_method: Some(apply_method),
        }
    }

    /// How the objects were sent to the cluster, an absent word read as Helm reads it.
    pub fn effective_apply_method(&self) -> ApplyMethod {
        self.apply_method.unwrap_or(ApplyMethod::ClientSide)
    }
}

/// How Helm sends objects to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplyMethod {
    /// Server-side apply.
    #[serde(rename = "ssa")]
    ServerSide,
    /// Three-way patches computed by the client.
    #[serde(rename = "csa")]
    ClientSide,
}

/// The state of a revision, as `helm status` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The revision is what the cluster is meant to run.
    Deployed,
    /// The release was uninstalled and its history kept.
    Uninstalled,
    /// A later revision took its place.
    Superseded,
    /// The last action on it failed.
    Failed,
    /// An uninstall is under way.
    Uninstalling,
    /// An install is under way.
    PendingInstall,
    /// An upgrade is under way.
    PendingUpgrade,
    /// A rollback is under way.
    PendingRollback,
    /// Helm cannot tell; also every word this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// The word in records and in the label `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether an action holds the release: another one must not start.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// State and times of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// When revision 1 was installed.
    #[serde(default, deserialize_with = "lenient_time", skip_serializing_if = "Option::is_none")]
    pub first_deployed: Option<Timestamp>,
    /// When this revision was made.
    #[serde(default, deserialize_with = "lenient_time", skip_serializing_if = "Option::is_none")]
    pub last_deployed: Option<Timestamp>,
    /// When the release was uninstalled.
    #[serde(default, deserialize_with = "lenient_time", skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// A line for people, such as `Upgrade complete`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The state.
    #[serde(default)]
    pub status: Status,
    /// The revision this one repeats, for rollbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_revision: Option<u32>,
    /// The rendered `NOTES.txt`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

/// The root chart inside a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredChart {
    /// Chart.yaml, with pruned and renamed dependencies.
    pub metadata: Option<Metadata>,
    /// Chart.lock.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// Templates; `null` where there are none.
    #[serde(default)]
    pub templates: Option<Vec<StoredFile>>,
    /// The chart's defaults after imported values were merged in.
    #[serde(default)]
    pub values: Option<Map<String, Value>>,
    /// values.schema.json.
    #[serde(default, with = "base64_bytes")]
    pub schema: Option<Vec<u8>>,
    /// When the schema was last changed; year 1 where there is none.
    #[serde(
        default,
        rename = "schemamodtime",
        deserialize_with = "lenient_time",
        serialize_with = "go_time"
    )]
    pub schema_modified: Option<Timestamp>,
    /// Every other file; `null` where there are none.
    #[serde(default)]
    pub files: Option<Vec<StoredFile>>,
    /// When Chart.yaml was last changed.
    #[serde(
        default,
        rename = "modtime",
        deserialize_with = "lenient_time",
        skip_serializing_if = "Option::is_none"
    )]
    pub modified: Option<Timestamp>,
}

/// What tells a record's chart from others, without its files and values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ChartOutline {
    /// Chart.yaml, with pruned and renamed dependencies.
    pub metadata: Option<Metadata>,
}

impl From<ChartOutline> for StoredChart {
    fn from(outline: ChartOutline) -> Self {
        Self {
            metadata: outline.metadata,
            lock: None,
            templates: None,
            values: None,
            schema: None,
            schema_modified: None,
            files: None,
            modified: None,
        }
    }
}

impl From<Release<ChartOutline>> for Release {
    /// The same with a chart that has no files and no values; not to be written anywhere.
    fn from(mut outline: Release<ChartOutline>) -> Self {
        let chart = outline.chart.take();
        outline.with_chart(chart.map(|chart| Shared::new(chart.into_inner().into())))
    }
}

impl From<&Chart> for StoredChart {
    /// What Helm stores of a chart whose dependencies were processed.
    fn from(chart: &Chart) -> Self {
        Self {
            metadata: Some(chart.metadata().clone()),
            lock: chart.lock().cloned(),
            templates: stored_files(chart.templates()),
            values: crate::json::object_from_yaml(chart.values()).map(sorted),
            schema: chart.schema().map(|file| file.data.to_vec()),
            schema_modified: chart.schema().and_then(|file| file.modified),
            files: stored_files(chart.files()),
            modified: chart.modified(),
        }
    }
}

/// As Go writes maps, so that nothing has to be put in order when it is written.
fn sorted(mut values: Map<String, Value>) -> Map<String, Value> {
    super::codec::sort(&mut values);
    values
}

fn stored_files(files: &[File]) -> Option<Vec<StoredFile>> {
    (!files.is_empty()).then(|| files.iter().map(StoredFile::from).collect())
}

/// A file inside a stored chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The path inside the chart, such as `templates/service.yaml`.
    pub name: String,
    /// The content.
    #[serde(default, with = "base64_bytes")]
    pub data: Option<Vec<u8>>,
    /// When the file was last changed.
    #[serde(
        default,
        rename = "modtime",
        deserialize_with = "lenient_time",
        skip_serializing_if = "Option::is_none"
    )]
    pub modified: Option<Timestamp>,
}

impl From<&File> for StoredFile {
    fn from(file: &File) -> Self {
        Self { name: file.name.clone(), data: Some(file.data.to_vec()), modified: file.modified }
    }
}

/// Reads a time; an absent one, `null`, an empty text and Go's zero time are all "no time".
pub(super) fn lenient_time<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?.unwrap_or_default();
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Writes a time that Go never leaves out: no time is the first moment of year 1.
#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn go_time<S: Serializer>(time: &Option<Timestamp>, output: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => time.serialize(output),
        None => output.serialize_str("0001-01-01T00:00:00Z"),
    }
}

/// A word other than Helm's two reads as absent, which Helm treats as client-side.
fn known_method<'de, D: Deserializer<'de>>(input: D) -> Result<Option<ApplyMethod>, D::Error> {
    Ok(match Option::<String>::deserialize(input)?.as_deref() {
        Some("ssa") => Some(ApplyMethod::ServerSide),
        Some("csa") => Some(ApplyMethod::ClientSide),
        _ => None,
    })
}

/// Go's `[]byte` in JSON: base64, or `null` for a nil slice.
mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => output.serialize_str(&STANDARD.encode(bytes)),
            None => output.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(input)?
            .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
            .transpose()
    }
}
