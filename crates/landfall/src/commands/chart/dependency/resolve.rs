//! From what Chart.yaml declares to exact versions.

use anyhow::{Result, bail};
use helm::chart::{Chart, Dependency};
use helm::semver::{Constraint, Version};

use super::super::repositories;
use super::super::settings::Settings;
use super::super::words::join;

/// Declared dependencies with their repositories looked up.
pub(super) struct Names {
    /// As declared, with addresses in the place of aliases.
    pub(super) dependencies: Vec<Dependency>,
}

impl Names {
    /// Looks up the repositories of `declared`, which `chart` (a folder) declares.
    pub(super) fn of(declared: &[Dependency], chart: &str, settings: &Settings) -> Result<Self> {
        let known = repositories::all(settings)?;
        let mut dependencies = declared.to_vec();
        let mut missing = Vec::new();
        for dependency in &mut dependencies {
            let repository = dependency.repository.clone();
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            if repository.starts_with("file://") {
                local_path(&repository, chart)?;
            } else if let Some(found) =
                alias.and_then(|alias| known.iter().find(|known| known.name == alias))
            {
                dependency.repository.clone_from(&found.url);
            } else if !repository.is_empty() && !repository.contains("://") {
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
        Ok(Self { dependencies })
    }
}

const NOTE: &str = "\nNote that repositories must be URLs or aliases. For example, to refer to the \
                    \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" \
                    instead of\n\"example\". Don't forget to add the repo, too ('helm repo add').";

/// Checks that the repositories of a lock are known.
pub(super) fn check_repositories(locked: &[Dependency], settings: &Settings) -> Result<()> {
    let known = repositories::all(settings)?;
    let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
    let is_web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    let missing: Vec<&str> = locked
        .iter()
        .map(|dependency| dependency.repository.as_str())
        .filter(|url| is_web(url) && !known.iter().any(|k| trimmed(&k.url) == trimmed(url)))
        .collect();
    if !missing.is_empty() {
        bail!(
            "no repository definition for {}. Please add the missing repos via 'helm repo add'",
            missing.join(", ")
        );
    }
    Ok(())
}

/// The exact version of each dependency.
pub(super) fn resolve(names: &Names, chart: &str) -> Result<Vec<Dependency>> {
    let mut locked = Vec::new();
    let mut missing = Vec::new();
    for dependency in &names.dependencies {
        let Dependency { name, version, repository, .. } = dependency;
        let constraint = Constraint::parse(version).map_err(|error| {
            anyhow::anyhow!("dependency {name:?} has an invalid version/constraint format: {error}")
        })?;
        let found = if repository.is_empty() {
            local_path(&format!("charts/{name}"), chart)?;
            Some(version.clone())
        } else if repository.starts_with("file://") {
            let path = local_path(repository, chart)?;
            let found = Chart::load_of_any_format(std::path::Path::new(&path))?;
            Version::parse(found.version())
                .is_ok_and(|version| constraint.check(&version))
                .then(|| found.version().to_owned())
        } else {
            Some(version.clone())
        };
        match found {
            None => {
                missing.push(format!("{name:?} (repository {repository:?}, version {version:?})"));
            }
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
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version \
             exists in the repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        );
    }
    Ok(locked)
}

/// The folder that a `file://` repository, or a path below the chart's folder, means.
pub(super) fn local_path(repository: &str, chart: &str) -> Result<String> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let path = if path.starts_with('/') { join("", path) } else { join(chart, path) };
    if !std::path::Path::new(&path).exists() {
        bail!("directory {path} not found");
    }
    Ok(path)
}
