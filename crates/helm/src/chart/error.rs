//! Why a chart cannot be loaded.
//!
//! Joined with `: `, an error and its sources read as Helm prints them.

use std::io;
use std::path::PathBuf;

use super::ChartLimit;
use super::archive::ArchiveError;
use super::chartfile::ChartfileError;
use super::ignore::IgnoreError;
use super::validate::ValidationError;
use crate::values::ValuesError;

/// Why a chart cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The folder has no Chart.yaml, or it cannot be read.
    #[error("unable to detect chart at {}", path.display())]
    NoChart {
        /// The Chart.yaml that was looked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("error reading {}", path.display())]
    Read {
        /// The path, relative to the chart where the chart is a folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A symbolic link leads nowhere. The text has the cause in it, as Helm's.
    #[error(
        "error evaluating symlink {}: lstat {}: no such file or directory",
        path.display(), missing.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// The first step of the way it points that is not there.
        missing: PathBuf,
        /// What the system said; not a source, because the text says it.
        reason: io::Error,
    },
    /// A device, socket or pipe lies among the files.
    #[error(
        "cannot load irregular file {} as it has file mode type bits set", path.display()
    )]
    Irregular {
        /// The file.
        path: PathBuf,
    },
    /// The files are larger than Helm allows.
    #[error("error reading {name}: chart exceeds maximum decompressed size of {limit} bytes")]
    TooLarge {
        /// The file that passed the limit.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Charts lie below `charts/` of charts below `charts/`, too many times.
    #[error("more than {limit} charts lie inside each other")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// `.helmignore` has a line Helm does not understand.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// The archive is damaged or not an archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There is no Chart.yaml among the files.
    #[error("Chart.yaml file is missing")]
    NoChartfile,
    /// Chart.yaml names a chart format of the future.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// Chart.yaml says `apiVersion: v3`, which Helm loads and then refuses to render.
    #[error("invalid chart apiVersion")]
    Version3,
    /// Chart.yaml, Chart.lock or one of their predecessors cannot be understood.
    #[error("cannot load {file}")]
    Chartfile {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        source: ChartfileError,
    },
    /// values.yaml cannot be understood.
    #[error("cannot load values.yaml")]
    Values {
        /// What is wrong with it.
        source: ValuesError,
    },
    /// The metadata breaks a rule.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// An archive below `charts/` is not a file of that name.
    #[error("error unpacking subchart tar in {chart}: expected {expected}, got {found}")]
    SubchartName {
        /// The chart it belongs to.
        chart: String,
        /// The name below `charts/`.
        expected: String,
        /// The path that was found.
        found: String,
    },
    /// A chart below `charts/` cannot be loaded.
    #[error("error unpacking subchart {name} in {chart}")]
    Subchart {
        /// Its folder or archive below `charts/`.
        name: String,
        /// The chart it belongs to.
        chart: String,
        /// What is wrong with it.
        source: Box<ChartError>,
    },
}

impl ChartError {
    /// The limit that the chart exceeds, if that is why it cannot be loaded.
    pub fn exceeded(&self) -> Option<ChartLimit> {
        match self {
            Self::TooLarge { limit, .. } => Some(ChartLimit::Unpacked(*limit)),
            Self::TooDeep { limit } => Some(ChartLimit::Depth(*limit)),
            Self::Archive(
                ArchiveError::Damaged { source: damage }
                | ArchiveError::DamagedFile { reason: damage }
                | ArchiveError::DamagedSubchart(damage),
            ) => damage.exceeded(),
            Self::Subchart { source, .. } => source.exceeded(),
            _ => None,
        }
    }
}
