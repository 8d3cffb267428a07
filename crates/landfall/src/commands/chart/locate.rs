//! Finding the chart a command names: on disk, or fetched.

use std::path::Path;

use anyhow::{Result, bail};
use helm::chart::{Chart, ChartError};
use helm::provenance::verify_file;

use super::fetch::{Fetched, Fetcher, now};
use super::flags::LocationFlags;
use super::repositories;
use super::settings::Settings;

/// A chart that was found.
pub(super) enum Located {
    /// On disk, as it was named.
    Path(String),
    /// Fetched.
    Archive(Vec<u8>),
}

impl Located {
    pub(super) fn load(&self) -> Result<Chart, ChartError> {
        match self {
            Self::Path(path) => Chart::load(path),
            Self::Archive(bytes) => Chart::from_archive(bytes),
        }
    }

    /// As [`load`](Self::load), for a chart that is rendered right after.
    pub(super) fn load_to_render(&self) -> Result<Chart, ChartError> {
        match self {
            Self::Path(path) => Chart::load_to_render(path),
            Self::Archive(_) => self.load(),
        }
    }
}

/// Finds the chart, and checks its signature if that is wanted; what is fetched is told on standard
/// error.
pub(super) fn locate(chart: &str, flags: &LocationFlags, settings: &Settings) -> Result<Located> {
    let chart = chart.trim();
    if flags.repository().is_none() {
        if Path::new(chart).exists() {
            if flags.verify.verify {
                let path = std::path::absolute(chart)?;
                let mut provenance = path.clone().into_os_string();
                provenance.push(".prov");
                verify_file(&path, provenance.as_ref(), &flags.verify.keyring.file(), now())?;
            }
            return Ok(Located::Path(chart.to_owned()));
        }
        if Path::new(chart).is_absolute() || chart.starts_with('.') {
            bail!("path {chart:?} not found");
        }
    }
    let fetched = fetch(chart, flags, settings, flags.verify.verify)?;
    eprint!("{}", fetched.told);
    if flags.verify.verify {
        fetched.verify(&flags.verify.keyring.file())?;
    }
    Ok(Located::Archive(fetched.archive))
}

/// Fetches a chart that is named by an address, as `REPOSITORY/NAME`, or by its name in the
/// repository that the flags give; with its provenance if that is wanted.
pub(super) fn fetch(
    chart: &str,
    flags: &LocationFlags,
    settings: &Settings,
    provenance: bool,
) -> Result<Fetched> {
    let fetcher = || Fetcher::new(&flags.connection).with_provenance(provenance);
    if let Some(repository) = flags.repository() {
        return fetcher().chart(repository, chart, flags.wanted(), settings);
    }
    match chart.split_once("://") {
        Some(("http" | "https", _)) => match repositories::owner(chart, settings)? {
            Some(known) => fetcher().known(&known).archive(&known.url, chart),
            None => fetcher().archive(chart, chart),
        },
        Some(("oci", _)) => fetcher().oci(chart, flags.wanted(), settings),
        Some((scheme, _)) => bail!("charts cannot be fetched through {scheme}: here"),
        None => match chart.split_once('/') {
            Some((repository, name)) => {
                let known = repositories::named(repository, settings)?;
                let entry = repositories::entry(&known, name, flags.wanted(), settings)?;
                fetcher().known(&known).listed_at(&known.url, &entry)
            }
            None => bail!(
                "non-absolute URLs should be in form of repo_name/path_to_chart, got: {chart}"
            ),
        },
    }
}
