//! Charts: what they are made of, loading them, packing them, and working out which of their parts
//! take part in a render.
//!
//! A chart comes from a folder ([`Chart::load`]), an archive ([`Chart::from_archive`]) or files in
//! memory ([`Chart::from_files`]); all three see the same rules, except that `.helmignore` only
//! counts in folders. Fetching charts is done in [`crate::registry`].

mod archive;
mod chartfile;
mod decode;
mod dependencies;
mod directory;
mod error;
mod expand;
mod files;
mod ignore;
mod limits;
mod lock;
mod metadata;
mod package;
mod pattern;
mod tar;
mod validate;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::render::Ahead;
use crate::schema::Compiled;

pub use archive::ArchiveError;
pub use chartfile::ChartfileError;
pub use decode::TypeError;
pub use dependencies::{DependencyError, check_presence, process_dependencies};
pub use error::ChartError;
pub use expand::{ExpandError, expand};
pub use ignore::IgnoreError;
pub use limits::{ChartLimit, ChartLimits};
pub use lock::{lock_digest, old_lock_digest};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
pub use package::{PackageError, pack, package};
pub use pattern::{BadPattern, Pattern};
pub use validate::ValidationError;

pub(crate) use chartfile::{ChartfileReading, NullItems, metadata_field};
pub(crate) use decode::{Decoder, sorted};
pub(crate) use dependencies::{is_compatible, process_dependencies_for_lint};
pub(crate) use validate::validate;

/// The largest sum of file sizes a chart may have, in bytes (Helm's limit: 100 MiB).
pub const MAX_CHART_SIZE: u64 = 100 * 1024 * 1024;

/// One file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path inside the chart, with `/`, such as `templates/service.yaml`.
    pub name: String,
    /// The content, without a byte order mark.
    pub data: Arc<[u8]>,
    /// When the file was last changed, where that is known.
    pub modified: Option<Timestamp>,
}

impl File {
    /// The content as text; bytes that are no text turn into replacement characters.
    pub fn text(&self) -> Cow<'_, str> {
        // The plain case first: it is several times quicker than the other, which looks for what is wrong.
        std::str::from_utf8(&self.data)
            .map_or_else(|_| String::from_utf8_lossy(&self.data), Cow::Borrowed)
    }
}

/// A chart with its sub-charts. Cloning is cheap: contents are shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    metadata: Arc<Metadata>,
    lock: Option<Arc<Lock>>,
    templates: Arc<[File]>,
    values: goyaml::Value,
    schema: Option<File>,
    compiled_schema: Compiled,
    ahead: Ahead,
    files: Arc<[File]>,
    /// Every file as loaded, Chart.yaml and values.yaml included.
    raw: Arc<[File]>,
    modified: Option<Timestamp>,
    dependencies: Vec<Chart>,
}

impl Chart {
    /// Loads the chart in a folder or in a `.tgz` file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ChartError> {
        let path = path.as_ref();
        if path.is_dir() {
            files::build_alone(directory::checked(path)?)
        } else {
            archive::load_file(path, Self::from_archive)
        }
    }

    /// As [`load`](Self::load), with the templates parsed by a second thread meanwhile: for charts
    /// that are rendered right after.
    pub fn load_to_render(path: impl AsRef<Path>) -> Result<Self, ChartError> {
        let path = path.as_ref();
        if path.is_dir() {
            let mut budget = limits::Budget::new(ChartLimits::default());
            files::build_to_render(directory::checked(path)?, &mut budget)
        } else {
            archive::load_file(path, archive::load_to_render)
        }
    }

    /// As [`load`](Self::load), whatever format Chart.yaml says the chart has: how Helm looks at
    /// charts it does not install.
    pub fn load_of_any_format(path: impl AsRef<Path>) -> Result<Self, ChartError> {
        let path = path.as_ref();
        if path.is_dir() {
            directory::load_of_any_format(path)
        } else {
            archive::load_file(path, archive::load_of_any_format)
        }
    }

    /// Loads a chart from the bytes of a `.tgz` file.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, ChartError> {
        Self::from_archive_within(bytes, ChartLimits::default())
    }

    /// Loads a chart from the bytes of a `.tgz` file, unless it is larger than allowed.
    pub fn from_archive_within(bytes: &[u8], limits: ChartLimits) -> Result<Self, ChartError> {
        archive::load(bytes, limits)
    }

    /// Builds a chart from its files, named by their paths inside the chart.
    pub fn from_files(files: Vec<(String, Vec<u8>)>) -> Result<Self, ChartError> {
        let file =
            |(name, data): (String, Vec<u8>)| File { name, data: data.into(), modified: None };
        files::build_alone(files.into_iter().map(file).collect())
    }

    /// Chart.yaml.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The chart's name, or its alias once dependencies were processed.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The chart's version as Chart.yaml spells it.
    pub fn version(&self) -> &str {
        &self.metadata.version
    }

    /// Chart.lock, where there is one.
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_deref()
    }

    /// The files below `templates/`, in the order they were loaded.
    pub fn templates(&self) -> &[File] {
        &self.templates
    }

    /// The chart's default values: a map, or null where there is no values.yaml.
    pub fn values(&self) -> &goyaml::Value {
        &self.values
    }

    /// values.schema.json, where there is one.
    pub fn schema(&self) -> Option<&File> {
        self.schema.as_ref()
    }

    /// The validator made of [`schema`](Self::schema), once there is one.
    pub(crate) fn compiled_schema(&self) -> &Compiled {
        &self.compiled_schema
    }

    /// Starts parsing, as [`load_to_render`](Self::load_to_render) does.
    #[cfg(test)]
    pub(crate) fn parse_ahead(&mut self) {
        self.ahead = Ahead::start(&self.raw);
    }

    /// The templates of this chart and those below it, as far as they were parsed ahead.
    pub(crate) fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// What templates see as `.Files`: everything that has no meaning of its own.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// One file as it was loaded, such as `values.yaml` with its comments or `README.md`.
    pub fn raw_file(&self, name: &str) -> Option<&File> {
        self.raw.iter().find(|file| file.name == name)
    }

    /// When Chart.yaml was last changed, where that is known.
    pub fn modified(&self) -> Option<Timestamp> {
        self.modified
    }

    /// The charts below `charts/`.
    pub fn dependencies(&self) -> &[Chart] {
        &self.dependencies
    }

    /// The definitions below `crds/` of this chart and then of its sub-charts, each with the path
    /// it is printed under. They are never rendered.
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let mut crds = Vec::new();
        self.collect_crds(self.name(), &mut crds);
        crds
    }

    fn collect_crds<'a>(&'a self, path: &str, crds: &mut Vec<Crd<'a>>) {
        let own = self.files.iter().filter(|file| is_crd(&file.name));
        crds.extend(own.map(|file| Crd { path: format!("{path}/{}", file.name), file }));
        for child in &self.dependencies {
            child.collect_crds(&format!("{path}/charts/{}", child.name()), crds);
        }
    }
}

/// A file below `crds/`.
#[derive(Clone, Debug)]
pub struct Crd<'a> {
    /// The path below the root chart's name, such as `shop/charts/db/crds/backup.yaml`.
    pub path: String,
    /// The file.
    pub file: &'a File,
}

fn is_crd(name: &str) -> bool {
    let extension = name.rsplit('/').next().and_then(|base| base.rsplit_once('.'));
    name.starts_with("crds/")
        && extension.is_some_and(|(_, extension)| {
            ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        })
}
