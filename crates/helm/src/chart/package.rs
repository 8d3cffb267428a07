//! Packing a chart folder into a `.tgz`, the same bytes every time.
//!
//! Unlike `helm package` this keeps Chart.yaml as written and gives every entry the same time, so
//! that equal folders give equal archives and digests can be compared.

use std::io::Write as _;
use std::path::Path;

use super::error::ChartError;
use super::{Chart, File, directory};

/// Why a folder cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is not a chart Helm can load.
    #[error("the folder is not a chart")]
    Chart(#[from] ChartError),
    /// A path is longer than tar can hold.
    #[error("the file {name} cannot be put into an archive")]
    Entry {
        /// The path inside the chart.
        name: String,
        /// What the archive writer said.
        source: std::io::Error,
    },
}

/// Packs the chart in folder `path`: gzip of tar, entries below the chart's name, Chart.yaml first
/// and the rest in order of their paths.
pub fn package(path: impl AsRef<Path>) -> Result<Vec<u8>, PackageError> {
    let path = path.as_ref();
    // Loading checks the chart as a whole before anything is packed.
    let chart = Chart::load(path)?;
    let root = std::path::absolute(path)
        .map_err(|source| ChartError::Read { path: path.to_owned(), source })?;
    let mut entries = directory::read(&root)?;
    entries.sort_by(|a, b| {
        let later = |file: &File| file.name != "Chart.yaml";
        later(a).cmp(&later(b)).then_with(|| a.name.cmp(&b.name))
    });
    let mut tar = tar::Builder::new(Vec::new());
    for file in &entries {
        append(&mut tar, chart.name(), file)
            .map_err(|source| PackageError::Entry { name: file.name.clone(), source })?;
    }
    let tar = tar.into_inner().expect("writing to memory does not fail");
    let mut gzip =
        flate2::GzBuilder::new().comment("Helm").write(Vec::new(), flate2::Compression::best());
    let packed = gzip.write_all(&tar).and_then(|()| gzip.finish());
    Ok(packed.expect("writing to memory does not fail"))
}

fn append(tar: &mut tar::Builder<Vec<u8>>, chart: &str, file: &File) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(file.data.len() as u64);
    header.set_mtime(0);
    tar.append_data(&mut header, format!("{chart}/{}", file.name), &*file.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packed folder loads as the same chart, and packing it again gives the same bytes.
    #[test]
    fn round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, data: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, data).unwrap();
        };
        write("values.yaml", "a: 1 # kept\n");
        write("templates/a.yaml", "kind: Foo\n");
        write("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 1.0.0\n");
        write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n");
        write(&format!("files/{}.txt", "long/".repeat(60)), "x");
        let bytes = package(folder.path()).unwrap();
        let chart = Chart::from_archive(&bytes).unwrap();
        assert_eq!(chart.name(), "c");
        assert_eq!(chart.dependencies()[0].name(), "s");
        assert_eq!(&*chart.raw_file("values.yaml").unwrap().data, b"a: 1 # kept\n");
        assert_eq!(chart.files().len(), 1);
        write("values.yaml", "a: 1 # kept\n");
        assert_eq!(package(folder.path()).unwrap(), bytes);
    }
}
