//! Bringing `charts/` in line with Chart.yaml or Chart.lock.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use helm::chart::{Chart, Dependency, Lock};
use jiff::{Timestamp, Zoned};

use super::super::flags::ConnectionFlags;
use super::super::log;
use super::super::repositories::{self, Known};
use super::super::settings::Settings;
use super::super::words::{file_error, go_words, join};
use super::resolve::{self, Names, Resolver, told_name};

/// Who brings charts in line, which decides where progress and registries' words are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Output {
    /// `dependency`: everything on standard output.
    Everything,
    /// `package`: registries' words alone.
    Registries,
    /// `template`: registries' words on standard error.
    Apart,
}

/// What is done about signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    Never,
    /// Those that are there must hold.
    IfPresent,
    Always,
}

/// One chart's folder and how its dependencies are fetched.
pub(in super::super) struct Manager<'a> {
    pub(super) chart: String,
    pub(super) settings: &'a Settings,
    /// How registries are reached; repositories have settings of their own.
    pub(super) connection: &'a ConnectionFlags,
    pub(super) stamp: Option<Timestamp>,
    output: Output,
    pub(super) verify: Verify,
    pub(super) keyring: PathBuf,
    skip_refresh: bool,
    pub(super) debug: bool,
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
        Self {
            chart: chart.to_owned(),
            settings,
            connection,
            stamp,
            output,
            verify: Verify::Never,
            keyring: PathBuf::new(),
            skip_refresh: false,
            debug: false,
        }
    }

    pub(super) fn verifying(mut self, verify: Verify, keyring: PathBuf) -> Self {
        (self.verify, self.keyring) = (verify, keyring);
        self
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
        let found = Names::of(declared, &self.chart, self.settings)?;
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
        self.refresh_known()?;
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
        let mut names = Names::of(declared, &self.chart, self.settings)?;
        let unknown = names.name_unknown();
        if !self.skip_refresh && !unknown.is_empty() {
            self.say("Getting updates for unmanaged Helm repositories...\n");
            self.refresh(&unknown)?;
        }
        self.refresh_known()?;
        let (chart_folder, settings) = (&self.chart, self.settings);
        let resolver = Resolver { chart: chart_folder, settings, registries: self.connection };
        let locked = resolver.resolve(&names)?;
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

    /// Downloads the indexes of all repositories that are known by name, unless nothing is to be.
    fn refresh_known(&self) -> Result<()> {
        let known = repositories::all(self.settings)?;
        if self.skip_refresh || known.is_empty() {
            return Ok(());
        }
        self.say("Hang tight while we grab the latest from your chart repositories...\n");
        self.refresh(&known)?;
        self.say("Update Complete. ⎈Happy Helming!⎈\n");
        Ok(())
    }

    /// Downloads indexes. One that cannot be had is told and stops nothing yet.
    fn refresh(&self, wanted: &[Known]) -> Result<()> {
        for (known, outcome) in repositories::update(wanted, self.settings)? {
            let name = told_name(&known);
            match outcome {
                Ok(()) => self.say(&format!(
                    "...Successfully got an update from the {name:?} chart repository\n"
                )),
                Err(error) => {
                    let place = if name == known.url { "" } else { &*format!(" ({})", known.url) };
                    self.say(&format!(
                        "...Unable to get an update from the {name:?} chart repository{place}:\n\t\
                         {error:#}\n"
                    ));
                }
            }
        }
        Ok(())
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

    fn write_lock(&self, lock: &Lock, old: bool) -> Result<()> {
        let name = if old { "requirements.lock" } else { "Chart.lock" };
        let path = PathBuf::from(join(&self.chart, name));
        if let Ok(link) = fs::read_link(&path) {
            bail!("the {name} file is a symlink to {:?}", link.display().to_string());
        }
        fs::write(&path, lock.to_yaml()).map_err(|error| file_error("open", &path, &error))
    }

    /// Tells progress. That nobody reads it stops nothing.
    pub(super) fn say(&self, text: &str) {
        if self.output != Output::Registries {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
    }

    /// Tells what a registry gave.
    pub(super) fn say_pulled(&self, text: &str) {
        if self.output == Output::Apart {
            eprint!("{text}");
        } else {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
    }
}
