//! Unpacking an archive into a folder, every file as it is.

use std::io;
use std::path::{Path, PathBuf};

use super::ChartLimits;
use super::archive::{self, Damage};
use super::chartfile::{ChartfileError, ChartfileReading};
use super::limits::Budget;

/// Why an archive cannot be unpacked; the texts are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum ExpandError {
    /// It is damaged or has entries no chart may have.
    #[error(transparent)]
    Archive(#[from] Damage),
    /// Chart.yaml cannot be read.
    #[error("cannot load Chart.yaml")]
    Chartfile(#[from] ChartfileError),
    /// Without a name there is no folder.
    #[error("chart name not specified")]
    NoName,
    /// The name is no name of a folder.
    #[error("chart name {name:?} is not allowed")]
    Dots {
        /// The name.
        name: String,
    },
    /// The name would lead elsewhere.
    #[error("chart name {name:?} must not contain path separators")]
    Separators {
        /// The name.
        name: String,
    },
    /// A file cannot be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Unpacks the bytes of a `.tgz` into a folder of the chart's name below `folder`; that folder.
pub fn expand(bytes: &[u8], folder: &Path) -> Result<PathBuf, ExpandError> {
    let files = archive::unpack(bytes, &mut Budget::new(ChartLimits::default()))?;
    let mut name = String::new();
    for chartfile in files.iter().filter(|file| file.name == "Chart.yaml") {
        name = ChartfileReading::of(&chartfile.text())?.metadata.name;
    }
    match name.as_str() {
        "" => return Err(ExpandError::NoName),
        "." | ".." => return Err(ExpandError::Dots { name }),
        _ if name.contains('/') => return Err(ExpandError::Separators { name }),
        _ => {}
    }
    let root = folder.join(name);
    for file in files {
        // Names were cleaned when they were read: none leads out of the folder.
        let path = root.join(&file.name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, &file.data))
            .map_err(|source| ExpandError::Write { path, source })?;
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, pack};
    use super::*;

    fn packed(name: &str) -> Vec<u8> {
        let files = vec![
            ("Chart.yaml".into(), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n").into()),
            ("templates/a.yaml".into(), b"kind: Foo\n".to_vec()),
        ];
        pack(&Chart::from_files(files).unwrap(), None).unwrap()
    }

    /// Files end up below the chart's name.
    #[test]
    fn unpacks() {
        let folder = tempfile::tempdir().unwrap();
        let root = expand(&packed("shop"), folder.path()).unwrap();
        assert_eq!(root, folder.path().join("shop"));
        assert_eq!(std::fs::read(root.join("templates/a.yaml")).unwrap(), b"kind: Foo\n");
    }

    /// What is no archive leaves nothing behind.
    #[test]
    fn refuses() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(expand(b"x", folder.path()), Err(ExpandError::Archive(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
