//! `landfall chart package`: archives as `helm package` makes them.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use helm::chart::{Chart, DependencyError, PackageError};
use helm::semver::Version;
use jiff::Timestamp;

use super::dependency::{Manager, Output};
use super::flags::{ConnectionFlags, GlobalFlags};
use super::log;
use super::settings::{self, Settings};
use super::sign::SignFlags;
use super::words::{file_error, join, make_folder, print};

/// Helm's arguments of `package`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of charts
    #[arg(value_name = "CHART_PATH")]
    paths: Vec<String>,
    /// Version of the chart in the archive
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Version of the application in the archive
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// Folder to write to
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    destination: String,
    /// Fetch what Chart.yaml depends on before packing
    #[arg(short = 'u', long)]
    dependency_update: bool,
    #[command(flatten)]
    signing: SignFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    if args.paths.is_empty() {
        bail!("need at least one argument, the path to the chart");
    }
    log::start(args.global.debug);
    let stamp = settings::source_date()?;
    let mut signing = args.signing.signing()?;
    let settings = Settings::new(&args.global);
    for path in &args.paths {
        let shown = Path::new(path);
        std::fs::metadata(shown).map_err(|error| file_error("stat", shown, &error))?;
        let folder = std::path::absolute(shown)?.to_string_lossy().into_owned();
        if args.dependency_update {
            Manager::new(&folder, &settings, &args.connection, stamp, Output::Registries)
                .update()?;
        }
        let written = package(args, &folder, stamp)?;
        if let Some(signing) = &mut signing {
            signing.sign(&written)?;
        }
        print(format!("Successfully packaged chart and saved it to: {written}\n").as_bytes())?;
    }
    Ok(())
}

/// Packs one chart; the path of the archive.
fn package(args: &Args, folder: &str, stamp: Option<Timestamp>) -> Result<String> {
    let mut chart = load(folder)?;
    if let Some(version) = args.version.as_deref().filter(|version| !version.is_empty()) {
        chart = chart.with_version(version);
    }
    Version::parse(chart.version())?;
    if let Some(version) = args.app_version.as_deref().filter(|version| !version.is_empty()) {
        chart = chart.with_app_version(version);
    }
    helm::chart::check_presence(&chart).map_err(|error| match error {
        DependencyError::Missing { names } => {
            anyhow!("found in Chart.yaml, but missing in charts/ directory: {}", names.join(", "))
        }
        other => other.into(),
    })?;
    let folder = match args.destination.as_str() {
        "." => std::env::current_dir()?.to_string_lossy().into_owned(),
        other => other.to_owned(),
    };
    save(&chart, &folder, stamp).context("failed to save")
}

/// Packing takes folders only.
fn load(folder: &str) -> Result<Chart> {
    let chartfile = Path::new(folder).join("Chart.yaml");
    if !Path::new(folder).is_dir()
        && let Err(error) = std::fs::metadata(&chartfile)
    {
        let cause = file_error("open", &chartfile, &error);
        bail!("unable to detect chart at {}: {cause}", chartfile.display());
    }
    Ok(Chart::load(folder)?)
}

/// Writes a chart's archive into a folder, which is made if need be; the archive's path.
pub(super) fn save(chart: &Chart, folder: &str, stamp: Option<Timestamp>) -> Result<String> {
    let file = join(folder, &format!("{}-{}.tgz", chart.name(), chart.version()));
    let folder = Path::new(&file).parent().unwrap_or(Path::new("."));
    if folder.exists() && !folder.is_dir() {
        bail!("is not a directory: {}", folder.display());
    }
    let packed = helm::chart::pack(chart, stamp).map_err(|error: PackageError| anyhow!(error))?;
    make_folder(folder)?;
    std::fs::write(&file, packed).map_err(|error| file_error("open", Path::new(&file), &error))?;
    Ok(file)
}
