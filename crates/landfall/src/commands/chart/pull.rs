//! `landfall chart pull`: charts fetched from repositories and registries, as `helm pull` does it.
//!
//! Nothing is verified here, and nothing kept but what is asked for.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use helm::registry::Provenance;

use super::fetch::Fetched;
use super::flags::{GlobalFlags, LocationFlags};
use super::settings::Settings;
use super::words::{Count, check_count, file_error, print};
use super::{locate, log};

/// Helm's arguments of `pull`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Charts: addresses, REPOSITORY/NAME, or with --repo names
    #[arg(value_name = "CHART")]
    charts: Vec<String>,
    /// Folder to write to
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    destination: String,
    /// Unpack the chart instead of keeping its archive
    #[arg(long)]
    untar: bool,
    /// Folder to unpack in, below the destination
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    untardir: String,
    /// Fetch the provenance file, too, without verifying it
    #[arg(long)]
    prov: bool,
    #[command(flatten)]
    location: LocationFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let usage = "[chart URL | repo/chartname] [...] [flags]";
    check_count(&args.charts, Count::AtLeast(1), "pull", usage)?;
    log::start(args.global.debug);
    let settings = Settings::new(&args.global);
    args.charts.iter().try_for_each(|chart| pull(args, chart.trim(), &settings))
}

fn pull(args: &Args, chart: &str, settings: &Settings) -> Result<()> {
    let wanted = if args.prov { Provenance::IfPresent } else { Provenance::Unwanted };
    let fetched = locate::fetch(chart, &args.location, settings, wanted)?;
    print(fetched.told.as_bytes())?;
    if args.prov && fetched.provenance.is_none() {
        print(
            format!("WARNING: Verification not found for {chart}: it has no provenance\n")
                .as_bytes(),
        )?;
    }
    if args.untar { unpack(args, chart, &fetched) } else { keep(args, &fetched) }
}

/// Writes the archive, and beside it the provenance.
fn keep(args: &Args, fetched: &Fetched) -> Result<()> {
    let path = Path::new(&args.destination).join(&fetched.file_name);
    fs::write(&path, &fetched.archive).map_err(|error| file_error("open", &path, &error))?;
    if let Some(provenance) = &fetched.provenance {
        let path = PathBuf::from(format!("{}.prov", path.display()));
        fs::write(&path, provenance).map_err(|error| file_error("open", &path, &error))?;
    }
    Ok(())
}

/// Unpacks into a folder of the chart's name, which must not be there.
fn unpack(args: &Args, chart: &str, fetched: &Fetched) -> Result<()> {
    let folder = Path::new(&args.destination).join(&args.untardir);
    let name = chart.rsplit('/').next().unwrap_or_default();
    let place = if args.untardir == "." && args.destination == "." {
        PathBuf::from(name)
    } else {
        folder.join(name)
    };
    if place.exists() {
        let place = super::words::clean(&place.to_string_lossy());
        bail!("failed to untar: a file or directory with the name {place} already exists");
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to untar (mkdir): {}", folder.display()))?;
    helm::chart::expand(&fetched.archive, &folder)?;
    Ok(())
}
