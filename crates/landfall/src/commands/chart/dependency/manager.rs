//! Bringing `charts/` in line with Chart.yaml or Chart.lock.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use helm::chart::{Chart, Dependency, Lock};
use helm::semver::{Constraint, Version};
use jiff::{Timestamp, Zoned};

use super::super::fetch::Fetcher;
use super::super::flags::ConnectionFlags;
use super::super::log;
use super::super::package::save;
use super::super::settings::Settings;
use super::super::words::{file_error, go_words, join, make_folder};
use super::resolve::{self, local_path};

/// Where progress is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Output {
    /// Standard output.
    Standard,
    /// Nowhere.
    Nowhere,
}

/// One chart's folder and how its dependencies are fetched.
pub(in super::super) struct Manager<'a> {
    chart: String,
    settings: &'a Settings,
    connection: &'a ConnectionFlags,
    stamp: Option<Timestamp>,
    output: Output,
    skip_refresh: bool,
    debug: bool,
}

impl<'a> Manager<'a> {
    /// For the chart in folder `chart`; archives made of folders bear the time `stamp`.
    pub(in super::super) fn new(
        chart: &str,
        settings: &'a Settings,
        connection: &'a ConnectionFlags,
        stamp: Option<Timestamp>,
        output: Output,
    ) -> Self {
        let chart = chart.to_owned();
        Self { chart, settings, connection, stamp, output, skip_refresh: false, debug: false }
    }

    pub(super) fn with_skip_refresh(mut self, skip: bool) -> Self {
        self.skip_refresh = skip;
        self
    }

    pub(super) fn with_debug(mut self, debug: bool) -> Self {
        self.debug = debug;
        self
    }

    /// Fetches what Chart.lock names; as [`update`](Self::update) where there is no lock.
    pub(in super::super) fn build(&self) -> Result<()> {
        let chart = self.load()?;
        let Some(lock) = chart.lock() else { return self.update() };
        let old = chart.metadata().api_version == "v1";
        let declared = chart.metadata().declared();
        let found = resolve::Names::of(declared, &self.chart, self.settings)?;
        let locked = lock.dependencies.clone().unwrap_or_default();
        if helm::chart::lock_digest(&found.dependencies, &locked) != lock.digest {
            if !old {
                bail!(
                    "the lock file (Chart.lock) is out of sync with the dependencies file \
                     (Chart.yaml). Please update the dependencies with 'helm dependency update'"
                );
            }
            Self::check_old_digest(declared, lock)?;
        }
        resolve::check_repositories(&locked, self.settings)?;
        self.fetch_all(locked).map(drop)
    }

    /// Locks written by Helm 2 have another digest.
    fn check_old_digest(declared: &[Dependency], lock: &Lock) -> Result<()> {
        log::say(
            tracing::Level::INFO,
            "warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...",
            &[],
        );
        if helm::chart::old_lock_digest(declared) == lock.digest {
            return Ok(());
        }
        bail!(
            "the lock file (requirements.lock) is out of sync with the dependencies file \
             (requirements.yaml). Please update the dependencies"
        )
    }

    /// Fetches the newest charts that fit Chart.yaml, and locks them.
    pub(in super::super) fn update(&self) -> Result<()> {
        let chart = self.load()?;
        let Some(declared) = &chart.metadata().dependencies else { return Ok(()) };
        let names = resolve::Names::of(declared, &self.chart, self.settings)?;
        let locked = resolve::resolve(&names, &self.chart)?;
        let locked = self.fetch_all(locked)?;
        let digest = helm::chart::lock_digest(&names.dependencies, &locked);
        if chart.lock().is_some_and(|lock| lock.digest == digest) {
            return Ok(());
        }
        let generated = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        let generated = match generated.strip_suffix("+00:00") {
            Some(utc) => format!("{utc}Z"),
            None => generated,
        };
        let lock = Lock { generated, digest, dependencies: Some(locked) };
        self.write_lock(&lock, chart.metadata().api_version == "v1")
    }

    fn load(&self) -> Result<Chart> {
        let chart = &self.chart;
        let about = fs::metadata(chart).map_err(|error| {
            anyhow!("could not find {chart}: stat {chart}: {}", go_words(&error))
        })?;
        if !about.is_dir() {
            bail!("only unpacked charts can be updated");
        }
        Ok(Chart::load_of_any_format(Path::new(chart))?)
    }

    /// Brings charts into `charts/` and takes outdated archives out of it; what was fetched.
    fn fetch_all(&self, mut locked: Vec<Dependency>) -> Result<Vec<Dependency>> {
        let charts = PathBuf::from(join(&self.chart, "charts"));
        if charts.exists() && !charts.is_dir() {
            bail!("{:?} is not a directory", charts.display().to_string());
        }
        make_folder(&charts)?;
        // Charts gather beside `charts/`, so that a failure leaves it as it was.
        let gathered = tempfile::Builder::new().prefix("tmpcharts-").tempdir_in(&self.chart)?;
        self.say(&format!("Saving {} charts\n", locked.len()));
        for dependency in &mut locked {
            if dependency.repository.is_empty() {
                self.check_unpacked(dependency)?;
                continue;
            }
            if let Err(error) = self.fetch(dependency, gathered.path()) {
                return Err(self.save_error(error));
            }
        }
        self.move_into(gathered.path(), &charts, &locked)?;
        Ok(locked)
    }

    /// Brings one chart into a folder; its version is then the one that was found.
    fn fetch(&self, dependency: &mut Dependency, folder: &Path) -> Result<()> {
        if dependency.repository.starts_with("file://") {
            if self.debug {
                let Dependency { name, repository, .. } = &dependency;
                self.say(&format!("Archiving {name} from repo {repository}\n"));
            }
            dependency.version = self.pack(dependency, folder)?;
            return Ok(());
        }
        let Dependency { name, version, repository, .. } = &*dependency;
        self.say(&format!("Downloading {name} from repo {repository}\n"));
        let archive = Fetcher::new(self.connection)
            .chart(repository, name, version)
            .with_context(|| format!("could not find {repository}"))?
            .archive;
        let chart = Chart::from_archive(&archive)?;
        let path = folder.join(format!("{name}-{}.tgz", chart.version()));
        fs::write(&path, &archive).map_err(|error| file_error("open", &path, &error))?;
        chart.version().clone_into(&mut dependency.version);
        Ok(())
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
        let constraint = Constraint::parse(version).with_context(|| {
            format!("dependency {name} has an invalid version/constraint format")
        })?;
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
        let Dependency { name, version, repository, .. } = dependency;
        let path = local_path(repository, &self.chart)?;
        let chart = Chart::load_of_any_format(Path::new(&path))?;
        let constraint = Constraint::parse(version).with_context(|| {
            format!("dependency {name} has an invalid version/constraint format")
        })?;
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
            fs::rename(&from, &to).map_err(|error| file_error("rename", &from, &error))?;
        }
        self.say("Deleting outdated charts\n");
        for name in before {
            let path = charts.join(&name);
            if path.is_dir() || new.contains(&name) {
                continue;
            }
            match Chart::load_of_any_format(&path) {
                Err(error) => {
                    let error = anyhow::Error::from(error);
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

    fn write_lock(&self, lock: &Lock, old: bool) -> Result<()> {
        let name = if old { "requirements.lock" } else { "Chart.lock" };
        let path = PathBuf::from(join(&self.chart, name));
        if let Ok(link) = fs::read_link(&path) {
            bail!("the {name} file is a symlink to {:?}", link.display().to_string());
        }
        fs::write(&path, lock.to_yaml()).map_err(|error| file_error("open", &path, &error))
    }

    /// Tells an error before it ends the command.
    fn save_error(&self, error: anyhow::Error) -> anyhow::Error {
        self.say(&format!("Save error occurred:  {error:#}\n"));
        error
    }

    /// Tells progress. That nobody reads it stops nothing.
    fn say(&self, text: &str) {
        if self.output == Output::Standard {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
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
