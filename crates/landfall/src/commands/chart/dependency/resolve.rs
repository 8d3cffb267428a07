//! From what Chart.yaml declares to exact versions.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use helm::chart::{Chart, Dependency};
use helm::registry::{ArchiveDigest, OciChart, Reference};
use helm::semver::{Constraint, Version};

use super::super::fetch::{Fetcher, run};
use super::super::flags::ConnectionFlags;
use super::super::repositories::{self, Known, same_address};
use super::super::settings::Settings;
use super::super::words::join;

/// Declared dependencies with their repositories looked up.
pub(super) struct Names {
    /// As declared, with addresses in the place of aliases.
    pub(super) dependencies: Vec<Dependency>,
    /// The names of the repositories over HTTP, by the names of the dependencies. Whoever uses them
    /// last has given a repository that is not known one made from its address.
    repositories: HashMap<String, String>,
}

impl Names {
    /// Looks up the repositories of `declared`, which `chart` (a folder) declares.
    pub(super) fn of(declared: &[Dependency], chart: &str, settings: &Settings) -> Result<Self> {
        let known = repositories::all(settings)?;
        let mut names = Self { dependencies: declared.to_vec(), repositories: HashMap::new() };
        let mut missing = Vec::new();
        for dependency in &mut names.dependencies {
            let repository = dependency.repository.clone();
            if repository.starts_with("file://") {
                local_path(&repository, chart)?;
                continue;
            }
            if repository.is_empty() || Reference::is_oci(&repository) {
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let found = known
                .iter()
                .find(|known| alias == Some(&known.name) || same_address(&known.url, &repository));
            if let Some(found) = found {
                if alias == Some(&found.name) {
                    dependency.repository.clone_from(&found.url);
                }
                names.repositories.insert(dependency.name.clone(), found.name.clone());
            } else if !is_address(&repository) {
                missing.push(repository);
            }
        }
        if !missing.is_empty() {
            let plain = |name: &String| {
                !name.contains("//") && !name.starts_with('@') && !name.starts_with("alias:")
            };
            let note = if missing.iter().any(plain) { NOTE } else { "" };
            bail!(
                "no repository definition for {}. Please add them via 'helm repo add'{note}",
                missing.join(", ")
            );
        }
        Ok(names)
    }

    /// Names the repositories that are not known, under which their indexes are kept; these
    /// repositories.
    pub(super) fn name_unknown(&mut self) -> Vec<Known> {
        let mut unknown = Vec::new();
        for Dependency { name, repository: url, .. } in &self.dependencies {
            if needs_no_repository(url) || self.repositories.contains_key(name) {
                continue;
            }
            let made = format!("{MADE}{}", ArchiveDigest::of(url.as_bytes()).hex());
            self.repositories.insert(name.clone(), made.clone());
            let connection = ConnectionFlags::default();
            unknown.push(Known { name: made, url: url.clone(), connection });
        }
        unknown
    }
}

/// What the names that were made from addresses begin with.
const MADE: &str = "helm-manager-";

/// How a repository is called where progress is told: nobody knows a name that was made.
pub(super) fn told_name(known: &Known) -> &str {
    if known.name.starts_with(MADE) { &known.url } else { &known.name }
}

/// Whether a chart comes from where no repository with an index is: `charts/`, a folder, a registry.
fn needs_no_repository(url: &str) -> bool {
    url.is_empty() || url.starts_with("file://") || Reference::is_oci(url)
}

/// Whether Go takes a text for an address: it has a scheme or is a path.
fn is_address(text: &str) -> bool {
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.starts_with('/')
        || text.split_once(':').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(scheme)
        })
}

const NOTE: &str = "\nNote that repositories must be URLs or aliases. For example, to refer to the \
                    \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" \
                    instead of\n\"example\". Don't forget to add the repo, too ('helm repo add').";

/// Checks that the repositories of a lock are known.
pub(super) fn check_repositories(locked: &[Dependency], settings: &Settings) -> Result<()> {
    let known = repositories::all(settings)?;
    let missing: Vec<&str> = locked
        .iter()
        .map(|dependency| dependency.repository.as_str())
        .filter(|url| !needs_no_repository(url) && !known.iter().any(|k| same_address(&k.url, url)))
        .collect();
    if !missing.is_empty() {
        bail!(
            "no repository definition for {}. Please add the missing repos via 'helm repo add'",
            missing.join(", ")
        );
    }
    Ok(())
}

/// Finds the exact version of each dependency.
pub(super) struct Resolver<'a> {
    /// The folder of the chart.
    pub(super) chart: &'a str,
    pub(super) settings: &'a Settings,
    /// How registries are reached.
    pub(super) registries: &'a ConnectionFlags,
}

impl Resolver<'_> {
    pub(super) fn resolve(&self, names: &Names) -> Result<Vec<Dependency>> {
        let mut locked = Vec::new();
        let mut missing = Vec::new();
        for dependency in &names.dependencies {
            let Dependency { name, version, repository, .. } = dependency;
            let constraint = Constraint::parse(version).map_err(|error| {
                anyhow!("dependency {name:?} has an invalid version/constraint format: {error}")
            })?;
            let found = if repository.is_empty() {
                local_path(&format!("charts/{name}"), self.chart)?;
                Some(version.clone())
            } else if repository.starts_with("file://") {
                self.in_folder(repository, &constraint)?
            } else if Reference::is_oci(repository) {
                Some(self.in_registry(dependency, &constraint)?)
            } else {
                let known = names.repositories.get(name).map_or("", String::as_str);
                self.in_index(known, dependency, &constraint)?
            };
            match found {
                None => missing
                    .push(format!("{name:?} (repository {repository:?}, version {version:?})")),
                Some(version) => locked.push(Dependency {
                    name: name.clone(),
                    version,
                    repository: repository.clone(),
                    ..Dependency::default()
                }),
            }
        }
        if !missing.is_empty() {
            bail!(
                "can't get a valid version for {} subchart(s): {}. Make sure a matching chart \
                 version exists in the repo, or change the version constraint in Chart.yaml",
                missing.len(),
                missing.join(", ")
            );
        }
        Ok(locked)
    }

    fn in_folder(&self, repository: &str, constraint: &Constraint) -> Result<Option<String>> {
        let path = local_path(repository, self.chart)?;
        let found = Chart::load_of_any_format(Path::new(&path))?;
        let fits = Version::parse(found.version()).is_ok_and(|v| constraint.check(&v));
        Ok(fits.then(|| found.version().to_owned()))
    }

    /// The newest tag that fits. As in Helm the constraint itself stands for none, which then
    /// cannot be fetched.
    fn in_registry(&self, dependency: &Dependency, constraint: &Constraint) -> Result<String> {
        let Dependency { name, version, repository, .. } = dependency;
        if Version::parse(version).is_ok() {
            return Ok(version.clone());
        }
        let reference = format!("{repository}/{name}");
        let fetcher = Fetcher::new(self.registries);
        let chart = OciChart::new(&reference, fetcher.registry_access(&reference, self.settings)?)?;
        let versions = run(async { Ok(chart.versions().await?) }).with_context(|| {
            format!("could not retrieve list of tags for repository {repository}")
        })?;
        let fits = |tag: &String| Version::parse(tag).is_ok_and(|v| constraint.check(&v));
        Ok(versions.into_iter().find(fits).unwrap_or_else(|| version.clone()))
    }

    /// The newest version in a downloaded index that fits and has an archive.
    fn in_index(
        &self,
        known: &str,
        dependency: &Dependency,
        constraint: &Constraint,
    ) -> Result<Option<String>> {
        let index = repositories::index(known, self.settings).with_context(|| {
            format!("no cached repository for {known} found. (try 'helm repo update')")
        })?;
        let Dependency { name, repository, .. } = dependency;
        let entries = index
            .versions(name)
            .map_err(|_| anyhow!("{name} chart not found in repo {repository}"))?;
        let found = entries.into_iter().find(|entry| {
            let version = Version::parse(&entry.metadata.version);
            !entry.urls.is_empty() && version.is_ok_and(|version| constraint.check(&version))
        });
        Ok(found.map(|entry| entry.metadata.version))
    }
}

/// The folder that a `file://` repository, or a path below the chart's folder, means.
pub(super) fn local_path(repository: &str, chart: &str) -> Result<String> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let path = if path.starts_with('/') { join("", path) } else { join(chart, path) };
    if !Path::new(&path).exists() {
        bail!("directory {path} not found");
    }
    Ok(path)
}
