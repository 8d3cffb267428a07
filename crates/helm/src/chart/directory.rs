//! Charts in folders: walking them as Helm does.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::error::ChartError;
use super::ignore::IgnoreRules;
use super::{Chart, File, MAX_CHART_SIZE, archive, files};

/// The files of the chart in folder `path`, whose format is one that can be loaded.
pub(super) fn checked(path: &Path) -> Result<Vec<File>, ChartError> {
    let root = std::path::absolute(path)
        .map_err(|source| ChartError::Read { path: path.to_owned(), source })?;
    let chartfile = root.join("Chart.yaml");
    let data =
        fs::read(&chartfile).map_err(|source| ChartError::NoChart { path: chartfile, source })?;
    archive::check_version(&data)?;
    read(&root)
}

/// Loads the chart in folder `path` without a look at its format.
pub(super) fn load_of_any_format(path: &Path) -> Result<Chart, ChartError> {
    let root = std::path::absolute(path)
        .map_err(|source| ChartError::Read { path: path.to_owned(), source })?;
    files::build_alone(read(&root)?)
}

/// Every file of the folder that `.helmignore` leaves in, in Helm's order.
pub(super) fn read(root: &Path) -> Result<Vec<File>, ChartError> {
    let rules = match fs::read(root.join(".helmignore")) {
        Ok(data) => IgnoreRules::parse(&String::from_utf8_lossy(&data))?,
        Err(_) => IgnoreRules::parse("")?,
    };
    let mut walk = Walk { rules, files: Vec::new(), size: 0, buffer: vec![0; SMALL_FILE] };
    walk.folder(root, "")?;
    Ok(walk.files)
}

/// What most files of a chart fit into; bytes.
const SMALL_FILE: usize = 16 * 1024;

struct Walk {
    rules: IgnoreRules,
    files: Vec<File>,
    size: u64,
    /// What files are read into: reading into memory that was touched before costs half as much.
    buffer: Vec<u8>,
}

impl Walk {
    fn folder(&mut self, path: &Path, below: &str) -> Result<(), ChartError> {
        let failed = |source| ChartError::Read { path: path.to_owned(), source };
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        for name in names {
            let inside = match below {
                "" => name.clone(),
                below => format!("{below}/{name}"),
            };
            self.entry(&path.join(name), &inside)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str) -> Result<(), ChartError> {
        let failed = |source| ChartError::Read { path: PathBuf::from(name), source };
        let mut about = fs::symlink_metadata(path).map_err(failed)?;
        if about.is_symlink() {
            let link = |reason| ChartError::Link {
                path: path.to_owned(),
                missing: first_missing(path),
                reason,
            };
            let target = fs::canonicalize(path).map_err(link)?;
            about = fs::metadata(path).map_err(link)?;
            tracing::info!(
                path = %path.display(), resolved = %target.display(),
                "found symbolic link in path. Contents of linked file included and used"
            );
        }
        if self.rules.ignores(name, about.is_dir()) {
            return Ok(());
        }
        if about.is_dir() {
            return self.folder(path, name);
        }
        if !about.is_file() {
            return Err(ChartError::Irregular { path: path.to_owned() });
        }
        self.size += about.len();
        if self.size > MAX_CHART_SIZE {
            return Err(ChartError::TooLarge { name: name.to_owned(), limit: MAX_CHART_SIZE });
        }
        let data = self.read(path).map_err(failed)?;
        self.files.push(File {
            name: name.to_owned(),
            data,
            modified: about.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
        });
        Ok(())
    }

    /// A file without its byte order mark.
    fn read(&mut self, path: &Path) -> io::Result<Arc<[u8]>> {
        let mut file = fs::File::open(path)?;
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize(2 * length, 0);
            }
            match file.read(&mut self.buffer[length..]) {
                Ok(0) => return Ok(archive::without_mark(&self.buffer[..length]).into()),
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The first step of the way a link points that is not there.
fn first_missing(link: &Path) -> PathBuf {
    let target = fs::read_link(link).unwrap_or_default();
    let mut way = link.parent().map(Path::to_owned).unwrap_or_default();
    for step in target.components() {
        match step {
            Component::ParentDir => {
                way.pop();
            }
            step => way.push(step),
        }
        if fs::symlink_metadata(&way).is_err() {
            break;
        }
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, data) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, data).unwrap();
        }
        folder
    }

    const CHARTFILE: (&str, &[u8]) = ("Chart.yaml", b"apiVersion: v2\nname: c\nversion: 0.1.0\n");

    /// Ignored files and folders are left out, byte order marks are stripped, links are followed.
    #[test]
    fn walk() {
        let folder = folder(&[
            CHARTFILE,
            (".helmignore", b"*.bak\nskip/\n"),
            ("templates/b.yaml", b"\xef\xbb\xbfkind: B\r\n"),
            ("templates/a.yaml", b"a"),
            ("templates/.swp", b"x"),
            ("old.bak", b"x"),
            ("skip/x.txt", b"x"),
        ]);
        std::os::unix::fs::symlink(
            folder.path().join("templates/a.yaml"),
            folder.path().join("templates/link.yaml"),
        )
        .unwrap();
        let chart = Chart::load(folder.path()).unwrap();
        let names: Vec<&str> = chart.templates().iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["templates/a.yaml", "templates/b.yaml", "templates/link.yaml"]);
        assert_eq!(&*chart.templates()[1].data, b"kind: B\r\n");
        assert_eq!(chart.files().len(), 1);
    }

    /// A link to nothing is an error that names the link.
    #[test]
    fn dangling_link() {
        let folder = folder(&[CHARTFILE]);
        let link = folder.path().join("templates.yaml");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert_eq!(
            Chart::load(folder.path()).unwrap_err().to_string(),
            format!(
                "error evaluating symlink {}: lstat {}: no such file or directory",
                link.display(),
                folder.path().join("nowhere").display()
            )
        );
    }

    /// A folder without Chart.yaml is no chart, one of a later format is refused.
    #[test]
    fn what_is_no_chart() {
        let empty = folder(&[("values.yaml", b"")]);
        assert!(matches!(Chart::load(empty.path()), Err(ChartError::NoChart { .. })));
        let later = folder(&[("Chart.yaml", b"apiVersion: v4\nname: c\nversion: 1\n")]);
        assert!(matches!(Chart::load(later.path()), Err(ChartError::UnsupportedVersion)));
    }
}
