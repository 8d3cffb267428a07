//! Fetching what was resolved into `charts/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use helm::chart::{Chart, Dependency};
use helm::registry::{Index, IndexEntry, Reference};
use helm::semver::{Constraint, Version};

use super::super::fetch::{Fetched, Fetcher, Provenance};
use super::super::flags::ConnectionFlags;
use super::super::package::save;
use super::super::repositories::{self, Known, same_address};
use super::super::words::{file_error, join, make_folder};
use super::manager::{Manager, Verify};
use super::resolve::local_path;

/// A chart that was found and not fetched yet.
enum Place {
    /// In a repository that is known by name.
    Known { known: Box<Known>, entry: Box<IndexEntry>, url: String },
    /// In another repository.
    Unknown { repository: String, entry: Box<IndexEntry>, url: String },
    /// In a registry.
    Registry { reference: String, version: String },
}

impl Place {
    /// What tells it from others.
    fn key(&self) -> String {
        match self {
            Self::Known { url, .. } | Self::Unknown { url, .. } => url.clone(),
            Self::Registry { reference, version } => format!("{reference}:{version}"),
        }
    }

    /// How it is called in errors and warnings.
    fn told(&self) -> &str {
        match self {
            Self::Known { url, .. } | Self::Unknown { url, .. } => url,
            Self::Registry { reference, .. } => reference,
        }
    }
}

impl Manager<'_> {
    /// Brings charts into `charts/` and takes outdated archives out of it; what was fetched.
    pub(super) fn fetch_all(&self, mut locked: Vec<Dependency>) -> Result<Vec<Dependency>> {
        // All indexes must be there, even those that nothing is fetched from.
        let mut known = Vec::new();
        for repository in repositories::all(self.settings)? {
            let index = repositories::index(&repository.name, self.settings)?;
            known.push((repository, index));
        }
        let charts = PathBuf::from(join(&self.chart, "charts"));
        if charts.exists() && !charts.is_dir() {
            bail!("{:?} is not a directory", charts.display().to_string());
        }
        make_folder(&charts)?;
        // Charts gather beside `charts/`, so that a failure leaves it as it was.
        let gathered = tempfile::Builder::new()
            .prefix(&format!("tmpcharts-{}", std::process::id()))
            .rand_bytes(0)
            .tempdir_in(&self.chart)?;
        self.say(&format!("Saving {} charts\n", locked.len()));
        let mut fetched = Vec::new();
        for dependency in &mut locked {
            if dependency.repository.is_empty() {
                self.check_unpacked(dependency)?;
            } else if dependency.repository.starts_with("file://") {
                let packed = self.pack(dependency, gathered.path());
                dependency.version = packed.map_err(|error| self.save_error(error))?;
            } else {
                self.fetch(dependency, &known, &mut fetched, gathered.path())
                    .map_err(|error| self.save_error(error))?;
            }
        }
        self.move_into(gathered.path(), &charts, &locked)?;
        Ok(locked)
    }

    /// Brings one chart from elsewhere into a folder.
    fn fetch(
        &self,
        dependency: &Dependency,
        known: &[(Known, Index)],
        fetched: &mut Vec<String>,
        folder: &Path,
    ) -> Result<()> {
        let Dependency { name, repository, .. } = dependency;
        let place = find(dependency, known).context("could not find ")?;
        if fetched.contains(&place.key()) {
            self.say(&format!("Already downloaded {name} from repo {repository}\n"));
            return Ok(());
        }
        self.say(&format!("Downloading {name} from repo {repository}\n"));
        self.download(&place, folder)
            .with_context(|| format!("could not download {}", place.told()))?;
        fetched.push(place.key());
        Ok(())
    }

    fn download(&self, place: &Place, folder: &Path) -> Result<()> {
        let wanted = self.verify != Verify::Never;
        let fetched = match place {
            Place::Known { known, entry, .. } => {
                let fetcher = Fetcher::new(&ConnectionFlags::default()).known(known);
                fetcher.with_provenance(wanted).listed_at(&known.url, entry)?
            }
            Place::Unknown { repository, entry, .. } => {
                let fetcher = Fetcher::new(&ConnectionFlags::default());
                fetcher.with_provenance(wanted).listed_at(repository, entry)?
            }
            Place::Registry { reference, version } => {
                let fetcher = Fetcher::new(self.connection).with_provenance(wanted);
                fetcher.oci(reference, version, self.settings)?
            }
        };
        self.say_pulled(&fetched.told);
        fetched.keep_in(folder)?;
        if wanted { self.verify_fetched(place, &fetched) } else { Ok(()) }
    }

    /// Checks a signature, which may be missing where that is enough.
    fn verify_fetched(&self, place: &Place, fetched: &Fetched) -> Result<()> {
        if let Provenance::Missing(why) = &fetched.provenance
            && self.verify == Verify::IfPresent
        {
            let told = place.told();
            self.say(&format!("WARNING: Verification not found for {told}: {why:#}\n"));
            return Ok(());
        }
        fetched.verify(&self.keyring).map(drop)
    }

    /// A dependency without a repository has to lie in `charts/` already.
    fn check_unpacked(&self, dependency: &Dependency) -> Result<()> {
        let Dependency { name, version, .. } = dependency;
        let path = join(&join(&self.chart, "charts"), name);
        self.say(&format!(
            "Dependency {name} did not declare a repository. Assuming it exists in the charts \
             directory\n"
        ));
        let chart = Chart::load_of_any_format(Path::new(&path))
            .with_context(|| format!("unable to load chart '{path}'"))?;
        let constraint = constraint(dependency)?;
        let found = Version::parse(chart.version())
            .with_context(|| format!("invalid version {version} for dependency {name}"))?;
        if !constraint.check(&found) {
            return Err(self.save_error(anyhow!(
                "dependency {name} at version {} does not satisfy the constraint {version}",
                chart.version()
            )));
        }
        Ok(())
    }

    /// Packs a chart's folder into another folder; the chart's version.
    fn pack(&self, dependency: &Dependency, folder: &Path) -> Result<String> {
        let Dependency { name, repository, .. } = dependency;
        let path = local_path(repository, &self.chart)?;
        let chart = Chart::load_of_any_format(Path::new(&path))?;
        let constraint = constraint(dependency)?;
        if !constraint.check(&Version::parse(chart.version())?) {
            bail!("can't get a valid version for dependency {name}");
        }
        save(&chart, &folder.to_string_lossy(), self.stamp)?;
        Ok(chart.version().to_owned())
    }

    /// Moves new archives into `charts/`, and deletes archives there that are not among them.
    fn move_into(&self, from: &Path, charts: &Path, locked: &[Dependency]) -> Result<()> {
        let before = names(charts)?;
        let new = names(from)?;
        for name in &new {
            let (from, to) = (from.join(name), charts.join(name));
            // Provenance files, for one, are no charts and stay behind.
            if let Err(error) = Chart::load_of_any_format(&from) {
                let (from, error) = (from.display(), Error::from(error));
                self.say(&format!("Could not verify {from} for moving: {error:#} (Skipping)"));
            } else if let Err(error) = fs::rename(&from, &to) {
                let (from, error) = (from.display(), file_error("rename", &from, &error));
                self.say(&format!("Unable to move {from} to charts dir {error} (Skipping)"));
            }
        }
        self.say("Deleting outdated charts\n");
        for name in before {
            let path = charts.join(&name);
            if path.is_dir() || new.contains(&name) {
                continue;
            }
            match Chart::load_of_any_format(&path) {
                Err(error) => {
                    let error = Error::from(error);
                    self.say(&format!(
                        "Could not verify {} for deletion: {error:#} (Skipping)\n",
                        path.display()
                    ));
                }
                Ok(chart) => {
                    let local =
                        locked.iter().any(|d| d.repository.is_empty() && d.name == chart.name());
                    if !local {
                        fs::remove_file(&path)
                            .map_err(|error| file_error("remove", &path, &error))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells an error before it ends the command.
    fn save_error(&self, error: Error) -> Error {
        self.say(&format!("Save error occurred:  {error:#}\n"));
        error
    }
}

/// The versions of a chart on disk that a dependency takes.
fn constraint(dependency: &Dependency) -> Result<Constraint> {
    let Dependency { name, version, .. } = dependency;
    Constraint::parse(version)
        .with_context(|| format!("dependency {name} has an invalid version/constraint format"))
}

/// Where the exact version of a dependency is.
fn find(dependency: &Dependency, known: &[(Known, Index)]) -> Result<Place> {
    let Dependency { name, version, repository, .. } = dependency;
    if Reference::is_oci(repository) {
        let reference = format!("{repository}/{name}");
        return Ok(Place::Registry { reference, version: version.clone() });
    }
    let owner = known.iter().find(|(known, _)| same_address(&known.url, repository));
    if let Some((known, index)) = owner {
        let entries = index.versions(name).map_err(|_| anyhow!("entry not found"))?;
        let entry = entries
            .into_iter()
            .find(|entry| !entry.urls.is_empty() && is_version(&entry.metadata.version, version))
            .context("no matching version")?;
        let url = Fetcher::new(&ConnectionFlags::default())
            .repository(repository)?
            .archive_url(&entry)?
            .into();
        return Ok(Place::Known { known: Box::new(known.clone()), entry: Box::new(entry), url });
    }
    let found = Fetcher::new(&ConnectionFlags::default()).entry(repository, name, version);
    let (entry, url) = found.with_context(|| format!("chart {name} not found in {repository}"))?;
    Ok(Place::Unknown { repository: repository.clone(), entry: Box::new(entry), url })
}

/// Whether a version is the wanted one; any is where none is wanted.
fn is_version(version: &str, wanted: &str) -> bool {
    match (Version::parse(version), Version::parse(wanted)) {
        _ if wanted.is_empty() => true,
        (Ok(version), Ok(wanted)) => version == wanted,
        (_, Err(_)) => version == wanted,
        (Err(_), Ok(_)) => false,
    }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| file_error("open", folder, &error))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
