//! Helm and Landfall side by side.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use harness::tool;
use tempfile::TempDir;

/// Two folders with the same files, one for each program.
pub(crate) struct Pair {
    pub(crate) helm: TempDir,
    pub(crate) landfall: TempDir,
    /// Where they find configuration and keep caches: Helm and Landfall.
    homes: [TempDir; 2],
}

impl Pair {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let new = || tempfile::tempdir().unwrap();
        let pair = Self { helm: new(), landfall: new(), homes: [new(), new()] };
        for (name, text) in files {
            pair.write(name, text);
        }
        pair
    }

    /// Writes the same file into both folders.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        for folder in [&self.helm, &self.landfall] {
            write(&folder.path().join(name), content.as_ref());
        }
    }

    fn run(mut command: Command, (folder, home): (&TempDir, &TempDir), args: &[&str]) -> Output {
        command
            .args(args)
            .current_dir(folder.path())
            .env("HOME", home.path())
            .env("HELM_CONFIG_HOME", home.path())
            .env("HELM_CACHE_HOME", home.path())
            .env("HELM_DATA_HOME", home.path())
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .env_remove("KUBECONFIG")
            .env_remove("GNUPGHOME")
            .env_remove("DOCKER_CONFIG")
            .output()
            .unwrap()
    }

    /// Writes the same file where both find configuration and caches.
    pub(crate) fn write_at_home(&self, name: &str, content: impl AsRef<[u8]>) {
        for home in &self.homes {
            write(&home.path().join(name), content.as_ref());
        }
    }

    /// Runs Helm alone.
    pub(crate) fn helm(&self, args: &[&str]) -> Output {
        let helm = Command::new(tool("LANDFALL_HELM", "helm"));
        Self::run(helm, (&self.helm, &self.homes[0]), args)
    }

    /// Runs both; what Helm printed.
    pub(crate) fn assert_same(&self, args: &[&str]) -> String {
        self.assert_equal(args, str::to_owned).0
    }

    /// As [`assert_same`](Self::assert_same), with lines on standard error in any order: what Helm
    /// says there follows Go's maps. Both streams.
    pub(crate) fn assert_same_lines(&self, args: &[&str]) -> (String, String) {
        self.assert_equal(args, |text| {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        })
    }

    fn assert_equal(&self, args: &[&str], errors: fn(&str) -> String) -> (String, String) {
        let theirs = self.helm(args);
        let mut landfall = Command::new(env!("CARGO_BIN_EXE_landfall"));
        landfall.arg("chart");
        let ours = Self::run(landfall, (&self.landfall, &self.homes[1]), args);
        let told = |output: &Output, folder: &TempDir, home: &TempDir| {
            let text = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes)
                    .replace("landfall chart", "helm")
                    .replace(folder.path().to_str().unwrap(), "FOLDER")
                    .replace(home.path().to_str().unwrap(), "HOME");
                settled(&without_process_ids(&text))
            };
            (text(&output.stdout), errors(&text(&output.stderr)), output.status.code())
        };
        let theirs = told(&theirs, &self.helm, &self.homes[0]);
        let ours = told(&ours, &self.landfall, &self.homes[1]);
        assert_eq!(ours, theirs, "{args:?}");
        (theirs.0, theirs.1)
    }

    /// Every file below both folders, archives unpacked; times of locks left out. Of the caches the
    /// indexes.
    pub(crate) fn assert_same_files(&self) {
        assert_eq!(contents(self.landfall.path()), contents(self.helm.path()));
        let indexes = |home: &TempDir| {
            let mut cached = contents(home.path());
            cached.retain(|name, _| name.ends_with("-index.yaml"));
            cached
        };
        assert_eq!(indexes(&self.homes[1]), indexes(&self.homes[0]));
    }
}

/// Helm downloads indexes at once and tells of each when it is there, in any order.
fn settled(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for run in lines.chunk_by_mut(|one, next| one.starts_with("...") && next.starts_with("...")) {
        run.sort_unstable();
    }
    lines.concat()
}

/// Helm's folder for charts that are on their way bears the number of the process.
fn without_process_ids(text: &str) -> String {
    let mut parts = text.split("tmpcharts-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "tmpcharts-" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// Writes a file and the folders it lies in.
pub(crate) fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            if bytes.starts_with(&[0x1f, 0x8b]) {
                let packed = std::mem::take(&mut bytes);
                // The header up to the comment's end: what is compressed may differ.
                bytes.extend_from_slice(&packed[..61]);
                GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = text.lines().filter(|line| !line.starts_with("generated: "));
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, text.collect::<Vec<_>>().join("\n"));
        }
    }
    found
}
