//! `landfall chart lint`: what `helm lint` finds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use helm::capabilities::KubeVersion;
use helm::lint::{Finding, Options, Severity};

use super::flags::{GlobalFlags, ValuesFlags};
use super::log;
use super::settings;
use super::words::{Count, check_count, go_words, join, print};

/// Helm's arguments of `lint`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a command line")]
pub(crate) struct Args {
    /// Folders or archives of charts
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Fail on warnings
    #[arg(long)]
    strict: bool,
    /// Print only warnings and errors
    #[arg(long)]
    quiet: bool,
    /// Lint the charts below charts/ as well
    #[arg(long)]
    with_subcharts: bool,
    /// Do not check values against schemas
    #[arg(long)]
    skip_schema_validation: bool,
    /// Kubernetes version for templates and deprecations
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    #[command(flatten)]
    values: ValuesFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

/// What became of one path.
enum Outcome {
    /// It could be linted.
    Findings(Vec<Finding>),
    /// It is no chart; why.
    NoChart(anyhow::Error),
}

pub(super) fn run(args: &Args) -> Result<()> {
    heap::use_large_pages();
    check_count(&args.paths, Count::AtLeast(1), "lint", "PATH [flags]")?;
    log::start(args.global.debug);
    let kube_version = kube_version(args.kube_version.as_deref())?;
    let paths = if args.with_subcharts { with_subcharts(&args.paths) } else { args.paths.clone() };
    let values = args.values.merge()?;
    let namespace = settings::namespace(&args.global);
    let options = Options {
        values: &values,
        namespace: &namespace,
        kube_version,
        skip_schema: args.skip_schema_validation,
    };
    let mut text = String::new();
    let (mut failed, mut noticeable) = (0, 0);
    for path in &paths {
        let outcome = lint(path, &options);
        let (notice, failure) = outcome.weight(args.strict);
        noticeable += usize::from(notice);
        failed += usize::from(failure);
        if !args.quiet || notice {
            outcome.print(path, args.quiet, &mut text);
        }
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed == 0 && (!args.quiet || noticeable > 0) {
        text.push_str(&summary);
        text.push('\n');
    }
    print(text.as_bytes())?;
    if failed > 0 {
        bail!(summary);
    }
    Ok(())
}

impl Outcome {
    /// Whether there is anything above information, and whether the chart fails.
    fn weight(&self, strict: bool) -> (bool, bool) {
        let fatal = if strict { Severity::Warning } else { Severity::Error };
        match self {
            Self::NoChart(_) => (true, true),
            Self::Findings(findings) => (
                findings.iter().any(|finding| finding.severity > Severity::Info),
                findings.iter().any(|finding| finding.severity >= fatal),
            ),
        }
    }

    fn print(&self, path: &str, quiet: bool, text: &mut String) {
        let mut lines = vec![format!("==> Linting {path}")];
        match self {
            Self::NoChart(error) => lines.push(format!("Error {error:#}")),
            Self::Findings(findings) => {
                let shown = findings.iter().filter(|f| !quiet || f.severity > Severity::Info);
                lines.extend(shown.map(Finding::to_string));
            }
        }
        lines.push(String::new());
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
}

/// The version a person gave; an empty text is none.
pub(super) fn kube_version(text: Option<&str>) -> Result<Option<KubeVersion>> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => KubeVersion::parse(text)
            .map(Some)
            .with_context(|| format!("invalid kube version '{text}'")),
    }
}

fn lint(path: &str, options: &Options<'_>) -> Outcome {
    match lint_chart(path, options) {
        Ok(findings) => Outcome::Findings(findings),
        Err(error) => Outcome::NoChart(error),
    }
}

fn lint_chart(path: &str, options: &Options<'_>) -> Result<Vec<Finding>> {
    if !is_archive(path) {
        return lint_folder(Path::new(path), path, options);
    }
    let folder = tempfile::Builder::new()
        .prefix("helm-lint")
        .tempdir()
        .context("unable to create temp dir to extract tarball")?;
    let bytes = std::fs::read(path)
        .map_err(|error| anyhow!("unable to open tarball: open {path}: {}", go_words(&error)))?;
    let chart = helm::chart::expand(&bytes, folder.path()).context("unable to extract tarball")?;
    lint_folder(&chart, &chart.to_string_lossy(), options)
}

fn lint_folder(folder: &Path, shown: &str, options: &Options<'_>) -> Result<Vec<Finding>> {
    std::fs::metadata(folder.join("Chart.yaml")).map_err(|error| {
        let path = join(shown, "Chart.yaml");
        anyhow!("unable to check Chart.yaml file in chart: stat {path}: {}", go_words(&error))
    })?;
    Ok(helm::lint::lint(folder, options))
}

/// Whether a path has the ending that Helm takes for an archive's.
fn is_archive(path: &str) -> bool {
    [".tgz", ".tar.gz"].iter().any(|ending| path.ends_with(ending))
}

/// The paths and, behind all of them, the charts below their `charts/`.
fn with_subcharts(paths: &[String]) -> Vec<String> {
    let mut all = paths.to_vec();
    for path in paths {
        walk(&join(path, "charts"), &mut all);
    }
    all
}

/// Looks for charts in a folder, deeper ones included; links are not followed.
fn walk(path: &str, found: &mut Vec<String>) {
    let Ok(about) = std::fs::symlink_metadata(path) else { return };
    let name = path.rsplit('/').next().unwrap_or_default();
    if name == "Chart.yaml" {
        let folder = PathBuf::from(path);
        found.extend(folder.parent().map(|folder| folder.to_string_lossy().into_owned()));
    } else if is_archive(path) {
        found.push(path.to_owned());
    }
    if !about.is_dir() {
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    for name in names {
        walk(&format!("{path}/{name}"), found);
    }
}
