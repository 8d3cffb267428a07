//! `landfall chart pull`: charts fetched from repositories and registries, as `helm pull` does it.
//!
//! Nothing is kept but what is asked for.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::fetch::{Fetched, Provenance};
use super::flags::{GlobalFlags, LocationFlags};
use super::settings::Settings;
use super::words::{Count, check_count, make_folder, print};
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
    let verify = &args.location.verify;
    let fetched = locate::fetch(chart, &args.location, settings, args.prov || verify.verify)?;
    print(fetched.told.as_bytes())?;
    if !args.untar {
        fetched.keep_in(Path::new(&args.destination))?;
    }
    let mut told = String::new();
    if verify.verify {
        told = fetched.verify(&verify.keyring.file())?.to_string();
    } else if let Provenance::Missing(why) = &fetched.provenance {
        let named = if args.location.repository().is_some() { &fetched.address } else { chart };
        told = format!("WARNING: Verification not found for {named}: {why:#}\n");
    }
    if args.untar {
        unpack(args, chart, &fetched)?;
    }
    print(told.as_bytes())
}

/// Unpacks into a folder of the chart's name, which must not be there.
fn unpack(args: &Args, chart: &str, fetched: &Fetched) -> Result<()> {
    let folder = Path::new(&args.destination).join(&args.untardir);
    let name = chart.rsplit('/').next().unwrap_or_default();
    let place = helm::clean_path(&folder.join(name).to_string_lossy());
    if Path::new(&place).exists() {
        bail!("failed to untar: a file or directory with the name {place} already exists");
    }
    // As in Helm the folder is made under this name, even where the chart has another.
    make_folder(Path::new(&place)).context("failed to untar (mkdir)")?;
    helm::chart::expand(&fetched.archive, &folder)?;
    Ok(())
}
