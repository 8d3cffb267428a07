//! Helm's answers, kept between runs: a chart's contents, the values and Helm's version decide them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use sha2::{Digest, Sha256};

use super::{Answer, helm_binary, real};

/// Helm's answers for one chart.
pub(crate) struct Answers {
    chart: PathBuf,
    /// Stands for Helm's version and everything in the chart.
    digest: Sha256,
}

impl Answers {
    pub(crate) fn new(chart: &Path) -> Self {
        let mut digest = Sha256::new();
        digest.update(version());
        add(&mut digest, chart);
        Self { chart: chart.to_owned(), digest }
    }

    /// The answer of run number `attempt`; runs differ where a chart draws passwords.
    pub(crate) fn get(&self, flags: &[&str], attempt: usize) -> Answer {
        let mut digest = self.digest.clone();
        for flag in flags {
            // What is in a values file counts, not where it lies.
            let values = Path::new(flag).is_absolute().then(|| fs::read(flag).ok()).flatten();
            digest.update(values.unwrap_or_else(|| flag.as_bytes().to_vec()));
            digest.update([0]);
        }
        let name: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let file = folder().join(&name[..2]).join(format!("{name}.{attempt}"));
        if let Some(answer) = read(&file) {
            return answer;
        }
        let answer = real(&self.chart, flags);
        keep(&file, &answer);
        answer
    }
}

fn read(file: &Path) -> Option<Answer> {
    let text = fs::read_to_string(file).ok()?;
    match text.split_at_checked(1)? {
        ("=", text) => Some(Ok(text.to_owned())),
        ("!", text) => Some(Err(text.to_owned())),
        _ => None,
    }
}

/// Written beside its place and moved there: a run that is ended leaves no half answer. Where
/// nothing can be kept, the next run asks again.
fn keep(file: &Path, answer: &Answer) {
    let (sign, text) = match answer {
        Ok(text) => ('=', text),
        Err(text) => ('!', text),
    };
    let Some(parent) = file.parent() else { return };
    let draft = file.with_extension(format!("draft{}", std::process::id()));
    let _ = fs::create_dir_all(parent)
        .and_then(|()| fs::write(&draft, format!("{sign}{text}")))
        .and_then(|()| fs::rename(&draft, file));
}

/// Where `scripts/lib.sh` keeps caches, too.
fn folder() -> PathBuf {
    let home = || {
        let home = env::var_os("HOME").map_or_else(env::temp_dir, PathBuf::from);
        let cache =
            env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
        cache.join("landfall")
    };
    env::var_os("LANDFALL_CACHE").map_or_else(home, PathBuf::from).join("helm-answers")
}

fn version() -> &'static [u8] {
    static VERSION: OnceLock<Vec<u8>> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new(helm_binary()).arg("version").output();
        output.expect("Helm can be started").stdout
    })
}

/// Adds all files below a folder, by name and contents.
fn add(digest: &mut Sha256, path: &Path) {
    let Ok(entries) = fs::read_dir(path) else {
        digest.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        let contents = fs::read(path).unwrap_or_default();
        digest.update((contents.len() as u64).to_be_bytes());
        digest.update(contents);
        return;
    };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a chart can be listed").path()).collect();
    paths.sort();
    digest.update(path.file_name().unwrap_or_default().as_encoded_bytes());
    digest.update((paths.len() as u64).to_be_bytes());
    for path in paths {
        add(digest, &path);
    }
}
