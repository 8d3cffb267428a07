//! repositories.yaml, which is only read, and the indexes that were downloaded for its repositories.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::future::join_all;
use goyaml::Value;
use helm::registry::{Index, IndexEntry, IndexError, Repository};

use super::fetch::{Fetcher, run};
use super::flags::ConnectionFlags;
use super::settings::Settings;
use super::words::{file_error, make_folder};

/// A repository with a name.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its name.
    pub(super) name: String,
    /// Its address.
    pub(super) url: String,
    /// How it is reached.
    pub(super) connection: ConnectionFlags,
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
    let file =
        |key: &str| Some(PathBuf::from(text(key))).filter(|path| !path.as_os_str().is_empty());
    let flag = |key: &str| entry.get(key) == Some(&Value::Bool(true));
    let connection = ConnectionFlags {
        username: Some(text("username")),
        password: Some(text("password")),
        pass_credentials: flag("pass_credentials_all"),
        ca_file: file("caFile"),
        cert_file: file("certFile"),
        key_file: file("keyFile"),
        insecure_skip_tls_verify: flag("insecure_skip_tls_verify"),
        plain_http: false,
    };
    Known { name: text("name"), url: text("url"), connection }
}

/// Whether two addresses are of the same place, written with or without `/` at the end.
pub(super) fn same_address(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The index that was downloaded for the repository of a name.
pub(super) fn index(name: &str, settings: &Settings) -> Result<Index> {
    let path = index_file(name, settings);
    let bytes = std::fs::read(&path).map_err(|error| file_error("open", &path, &error))?;
    Index::parse(&bytes).map_err(|error| anyhow!("error loading {}: {error}", path.display()))
}

fn index_file(name: &str, settings: &Settings) -> PathBuf {
    settings.repository_cache.join(format!("{name}-index.yaml"))
}

/// The version of a chart that the downloaded index of a repository offers for what is wanted.
pub(super) fn entry(
    known: &Known,
    chart: &str,
    wanted: &str,
    settings: &Settings,
) -> Result<IndexEntry> {
    let index = index(&known.name, settings).context(NOT_CACHED)?;
    index.resolve(chart, wanted).map_err(in_helms_words).with_context(|| {
        format!(
            "chart {chart:?} matching {wanted} not found in {} index. (try 'helm repo update')",
            known.name
        )
    })
}

/// Helm is terse where the library says it in full.
fn in_helms_words(error: IndexError) -> anyhow::Error {
    match error {
        IndexError::NoChart { .. } => anyhow!("no chart name found"),
        IndexError::NoVersion { chart, version } => {
            anyhow!("no chart version found for {chart}-{version}")
        }
        IndexError::Constraint { version } => anyhow!("improper constraint: {version:?}"),
        other => other.into(),
    }
}

const NOT_CACHED: &str = "no cached repo found. (try 'helm repo update')";

/// The repository whose index lists an archive's address, as its settings count for the archive.
pub(super) fn owner(address: &str, settings: &Settings) -> Result<Option<Known>> {
    for known in all(settings)? {
        if index(&known.name, settings).context(NOT_CACHED)?.lists(address) {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// Downloads the indexes of repositories; what became of each, in their order. Of several with one
/// address the last counts.
pub(super) fn update(
    repositories: &[Known],
    settings: &Settings,
) -> Result<Vec<(Known, Result<()>)>> {
    let mut chosen: Vec<(Known, Repository)> = Vec::new();
    for known in repositories {
        let client =
            Fetcher::new(&ConnectionFlags::default()).known(known).repository(&known.url)?;
        chosen.retain(|(other, _)| !same_address(&other.url, &known.url));
        chosen.push((known.clone(), client));
    }
    make_folder(&settings.repository_cache)?;
    let work = chosen.into_iter().map(|(known, client)| async move {
        let outcome = download(&known, &client, settings).await;
        (known, outcome)
    });
    run(async { Ok(join_all(work).await) })
}

/// Downloads an index, and keeps it if it is one.
async fn download(known: &Known, client: &Repository, settings: &Settings) -> Result<()> {
    let bytes = client.index_file().await?;
    let index = Index::parse(&bytes)?;
    let mut names: Vec<&str> = index.chart_names().collect();
    names.sort_unstable();
    let names: String = names.iter().flat_map(|name| [*name, "\n"]).collect();
    let list = settings.repository_cache.join(format!("{}-charts.txt", known.name));
    replace(&list, names.as_bytes())?;
    replace(&index_file(&known.name, settings), &bytes)
}

/// Writes a file at once, so that whoever reads it never meets half of it.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |error: &std::io::Error| file_error("open", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    file.write_all(content).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}
