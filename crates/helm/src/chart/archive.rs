//! Charts in archives: gzip and tar, with the safety checks Helm makes.
//!
//! Entries are only kept in memory; nothing is written to disk.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::ChartError;
use super::limits::Budget;
use super::{Chart, ChartLimit, ChartLimits, File, MAX_CHART_SIZE, chartfile, files};
use crate::golang::path::clean_text as clean_path;

/// Why bytes are not a chart archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is no such file, or it cannot be read.
    #[error("file '{}' cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A values file was given where a chart was meant.
    #[error("file '{}' seems to be a YAML file, but expected a gzipped archive", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
    },
    /// The bytes do not begin like gzip.
    #[error(
        "file '{}' does not appear to be a gzipped archive; got '{found}'", path.display()
    )]
    NotGzip {
        /// The file.
        path: PathBuf,
        /// What the bytes look like, as a media type.
        found: &'static str,
    },
    /// It begins like gzip and cannot be unpacked, or has entries no chart may have.
    #[error("unable to load chart archive")]
    Damaged {
        /// The reason.
        source: Damage,
    },
    /// As [`Damaged`](Self::Damaged), for a file, where Helm keeps the reason to itself.
    #[error("unable to load chart archive")]
    DamagedFile {
        /// The reason, which the text does not give.
        reason: Damage,
    },
    /// An archive below `charts/`, for which Helm gives the bare reason.
    #[error(transparent)]
    DamagedSubchart(Damage),
    /// No entry is called Chart.yaml.
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoChartfile,
}

/// What is wrong inside an archive.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It does not begin like gzip.
    #[error("gzip: invalid header")]
    NotGzip,
    /// gzip or tar structure.
    #[error("the archive cannot be unpacked")]
    Unpack(#[source] io::Error),
    /// An entry with a path from the root.
    #[error("chart illegally contains absolute paths")]
    Absolute,
    /// An entry at the top, outside any folder.
    #[error("chart illegally contains content outside the base directory: {0:?}")]
    OutsideBase(String),
    /// An entry that climbs out of the chart.
    #[error("chart illegally references parent directory")]
    Parent,
    /// An entry with a drive letter.
    #[error("chart contains illegally named files")]
    Drive,
    /// Chart.yaml without a folder around it.
    #[error("chart yaml not in base directory")]
    ChartfileAtTop,
    /// More than Helm allows.
    #[error("decompressed chart is larger than the maximum size {limit}")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// More entries than are allowed.
    #[error("chart has more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// Nothing inside.
    #[error("no files in chart archive")]
    Empty,
}

impl Damage {
    /// The limit that is exceeded, if that is what is wrong.
    pub(super) fn exceeded(&self) -> Option<ChartLimit> {
        match *self {
            Self::TooLarge { limit } => Some(ChartLimit::Unpacked(limit)),
            Self::TooManyFiles { limit } => Some(ChartLimit::Files(limit)),
            _ => None,
        }
    }
}

/// Loads the chart in a `.tgz` file with one of the functions below.
pub(super) fn load_file(
    path: &Path,
    load: fn(&[u8]) -> Result<Chart, ChartError>,
) -> Result<Chart, ChartError> {
    let unreadable = |source| ArchiveError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CHART_SIZE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if !looks_like_gzip(&bytes) {
        let path = path.to_owned();
        let yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        return Err(if yaml {
            ArchiveError::Yaml { path }
        } else {
            ArchiveError::NotGzip { path, found: sniff(&bytes) }
        }
        .into());
    }
    load(&bytes).map_err(|error| match error {
        ChartError::Archive(ArchiveError::Damaged { source: reason }) => {
            ArchiveError::DamagedFile { reason }.into()
        }
        other => other,
    })
}

/// Loads a chart from the bytes of an archive.
pub(super) fn load(bytes: &[u8], limits: ChartLimits) -> Result<Chart, ChartError> {
    let mut budget = Budget::new(limits);
    files::build(checked(bytes, &mut budget)?, &mut budget)
}

/// As [`load`] within the usual limits, with the templates parsed by a second thread meanwhile.
pub(super) fn load_to_render(bytes: &[u8]) -> Result<Chart, ChartError> {
    let mut budget = Budget::new(ChartLimits::default());
    files::build_to_render(checked(bytes, &mut budget)?, &mut budget)
}

/// The files of an archive that holds a chart whose format is one that can be loaded.
fn checked(bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, ChartError> {
    let entries = unpack(bytes, budget).map_err(|source| ArchiveError::Damaged { source })?;
    let chartfile = entries.iter().find(|file| file.name == "Chart.yaml");
    check_version(&chartfile.ok_or(ArchiveError::NoChartfile)?.data)?;
    Ok(entries)
}

/// Loads an archive that is not to be installed; there Helm does not look at the chart's format first.
pub(super) fn load_of_any_format(bytes: &[u8]) -> Result<Chart, ChartError> {
    load_subchart(bytes, &mut Budget::new(ChartLimits::default()))
}

/// Loads an archive below `charts/`, at whose format Helm does not look first, either.
pub(super) fn load_subchart(bytes: &[u8], budget: &mut Budget) -> Result<Chart, ChartError> {
    let entries = unpack(bytes, budget).map_err(ArchiveError::DamagedSubchart)?;
    files::build(entries, budget)
}

/// Refuses chart formats other than `v1` and `v2`, before anything else is looked at.
pub(super) fn check_version(chartfile: &[u8]) -> Result<(), ChartError> {
    let text = String::from_utf8_lossy(without_mark(chartfile));
    let version = chartfile::api_version(&text)
        .map_err(|source| ChartError::Chartfile { file: "Chart.yaml", source })?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => Err(ChartError::Version3),
        _ => Err(ChartError::UnsupportedVersion),
    }
}

/// The bytes of a file without a UTF-8 byte order mark.
pub(super) fn without_mark(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)
}

/// The files of an archive, named by their paths below the first folder.
pub(super) fn unpack(bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, Damage> {
    if !looks_like_gzip(bytes) {
        return Err(Damage::NotGzip);
    }
    let (over, limit) = (Cell::new(false), budget.limits().unpacked);
    let too_large = || Damage::TooLarge { limit };
    let damaged = |source| if over.get() { too_large() } else { Damage::Unpack(source) };
    let stream = flate2::read::MultiGzDecoder::new(bytes);
    let mut archive = ::tar::Archive::new(Bounded { stream, left: budget.stream(), over: &over });
    let mut files = Vec::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        budget.entry()?;
        let kind = entry.header().entry_type();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let global = kind.is_pax_global_extensions() || kind.is_pax_local_extensions();
        if kind.is_dir() || name.ends_with('/') || global {
            continue;
        }
        let inside = path_inside(&name)?;
        if entry.size() > budget.bytes() {
            return Err(too_large());
        }
        let mut data = Vec::new();
        (&mut entry).take(budget.bytes()).read_to_end(&mut data).map_err(damaged)?;
        budget.content(data.len() as u64)?;
        let modified = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
        files.push(File {
            name: inside,
            data: without_mark(&data).into(),
            modified: modified.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        });
    }
    if files.is_empty() {
        return Err(Damage::Empty);
    }
    Ok(files)
}

/// A stream that ends with an error where it is longer than it may be: what tar reads of headers is
/// no file's content, and is held in memory all the same.
struct Bounded<'a, R> {
    stream: R,
    left: u64,
    over: &'a Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => {
                self.over.set(true);
                Err(io::Error::other("the archive unpacks to more than is allowed"))
            }
        }
    }
}

/// The path of an entry below the archive's first folder, if a chart may have it.
fn path_inside(name: &str) -> Result<String, Damage> {
    let separator = if name.contains('\\') { '\\' } else { '/' };
    let (top, rest) = name.split_once(separator).unwrap_or((name, ""));
    let rest = rest.replace(separator, "/");
    if rest.starts_with('/') {
        return Err(Damage::Absolute);
    }
    let clean = clean_path(&rest);
    if clean == "." {
        return Err(Damage::OutsideBase(name.to_owned()));
    }
    if clean.starts_with("..") {
        return Err(Damage::Parent);
    }
    let mut start = clean.bytes();
    if start.next().is_some_and(|b| b.is_ascii_alphabetic())
        && start.next() == Some(b':')
        && start.next() == Some(b'/')
    {
        return Err(Damage::Drive);
    }
    if top == "Chart.yaml" {
        return Err(Damage::ChartfileAtTop);
    }
    Ok(clean)
}

fn looks_like_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

/// The media type bytes look like, for the error text; the common cases of Go's sniffer.
fn sniff(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(512)];
    let signatures: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "application/zip"),
        (b"%PDF-", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
        (b"<?xml", "text/xml; charset=utf-8"),
        (b"%!PS-Adobe-", "application/postscript"),
    ];
    if let Some((_, kind)) = signatures.iter().find(|(signature, _)| start.starts_with(signature)) {
        return kind;
    }
    let binary = |b: &u8| matches!(b, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    // Go looks at 512 bytes and pads a shorter file with zeros.
    if start.len() < 512 || start.iter().any(binary) {
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths lose their first folder and are cleaned; what climbs out is refused.
    #[test]
    fn paths() {
        assert_eq!(path_inside("c/./templates//a.yaml").unwrap(), "templates/a.yaml");
        assert_eq!(path_inside("c\\templates\\a.yaml").unwrap(), "templates/a.yaml");
        assert!(matches!(path_inside("c/../../x"), Err(Damage::Parent)));
        assert!(matches!(path_inside("c//etc/passwd"), Err(Damage::Absolute)));
        assert!(matches!(path_inside("readme"), Err(Damage::OutsideBase(_))));
        assert!(matches!(path_inside("c/c:/x"), Err(Damage::Drive)));
        assert!(matches!(path_inside("Chart.yaml/x"), Err(Damage::ChartfileAtTop)));
    }

    /// What is no archive is refused by what it looks like.
    #[test]
    fn not_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let yaml = folder.path().join("values.yaml");
        std::fs::write(&yaml, "a: 1").unwrap();
        assert_eq!(
            Chart::load(&yaml).unwrap_err().to_string(),
            format!(
                "file '{}' seems to be a YAML file, but expected a gzipped archive",
                yaml.display()
            )
        );
        assert_eq!(
            Chart::from_archive(&[0x1f, 0x8b, 0x08, 1, 2]).unwrap_err().to_string(),
            "unable to load chart archive"
        );
    }
}
