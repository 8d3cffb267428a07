//! repositories.yaml and the indexes that were downloaded for its repositories. Both are only read.

use std::io::ErrorKind;

use anyhow::{Context as _, Result, anyhow, bail};
use goyaml::Value;
use helm::registry::{Credentials, Index, IndexEntry};

use super::settings::Settings;
use super::words::file_error;

/// A repository with a name.
pub(super) struct Known {
    /// Its name.
    pub(super) name: String,
    /// Its address.
    pub(super) url: String,
    /// The user and password to use there.
    pub(super) credentials: Option<Credentials>,
}

/// The repository of that name.
pub(super) fn named(name: &str, settings: &Settings) -> Result<Known> {
    let found = all(settings)?.into_iter().find(|known| known.name == name);
    let known = found.ok_or_else(|| anyhow!("repo {name} not found"))?;
    if known.url.is_empty() {
        bail!("no URL found for repository {name}");
    }
    Ok(known)
}

/// All of them; none where there is no file.
pub(super) fn all(settings: &Settings) -> Result<Vec<Known>> {
    let path = &settings.repository_config;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let cause = file_error("open", path, &error);
            bail!("couldn't load repositories file ({}): {cause}", path.display());
        }
    };
    let document = goyaml::parse(&text)?;
    let entries = document.get("repositories").and_then(Value::as_seq).unwrap_or_default();
    Ok(entries.iter().map(known).collect())
}

fn known(entry: &Value) -> Known {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (username, password) = (text("username"), text("password"));
    let credentials = (!username.is_empty() && !password.is_empty())
        .then_some(Credentials { username, password });
    Known { name: text("name"), url: text("url"), credentials }
}

/// The version of a chart that the downloaded index of a repository offers for what is wanted.
pub(super) fn entry(
    known: &Known,
    chart: &str,
    wanted: &str,
    settings: &Settings,
) -> Result<IndexEntry> {
    let path = settings.repository_cache.join(format!("{}-index.yaml", known.name));
    let index = std::fs::read(&path)
        .map_err(|error| file_error("open", &path, &error))
        .and_then(|bytes| Ok(Index::parse(&bytes)?))
        .context("no cached repo found. (try 'helm repo update')")?;
    index.resolve(chart, wanted).with_context(|| {
        format!(
            "chart {chart:?} matching {wanted} not found in {} index. (try 'helm repo update')",
            known.name
        )
    })
}
