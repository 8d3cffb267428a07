//! `landfall chart push`: archives pushed to OCI registries, as `helm push` does it.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use helm::registry::OciChart;
use helm::registry::oci::{Push, created_at};

use super::fetch::{Fetcher, run as ask, underscore_note};
use super::flags::{ConnectionFlags, GlobalFlags};
use super::log;
use super::settings::Settings;
use super::words::{Count, check_count, file_error, print};

/// Helm's arguments of `push`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The archive, and the place in a registry: `oci://HOST/PATH`
    #[arg(value_name = "CHART REMOTE")]
    names: Vec<String>,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    check_count(&args.names, Count::AtLeast(2), "push", "[chart] [remote] [flags]")?;
    log::start(args.global.debug);
    let [chart, remote, ..] = args.names.as_slice() else { return Ok(()) };
    match remote.split_once("://") {
        Some(("oci", _)) => {}
        Some((scheme, _)) => bail!("scheme {scheme:?} not supported"),
        None => bail!("scheme prefix missing from remote (e.g. \"oci://\")"),
    }
    let path = Path::new(chart);
    let about = std::fs::metadata(path).map_err(|_| anyhow!("{chart}: no such file"))?;
    if about.is_dir() {
        bail!("cannot push directory, must provide chart archive (.tgz)");
    }
    let archive = std::fs::read(path).map_err(|error| file_error("open", path, &error))?;
    let provenance = std::fs::read(format!("{chart}.prov")).ok();
    let created = created_at(about.modified().context("the archive has no time")?);
    let push = Push { archive: &archive, provenance: provenance.as_deref(), created: &created };
    let access =
        Fetcher::new(&args.connection).registry_access(remote, &Settings::new(&args.global))?;
    let pushed = ask(async { Ok(OciChart::push(remote, access, push).await?) })?;
    let note = underscore_note(&pushed.reference);
    let text = format!("Pushed: {}\nDigest: {}\n{note}", pushed.reference, pushed.manifest_digest);
    print(text.as_bytes())
}
