//! `landfall chart verify`: whether an archive's signature holds, as `helm verify` says it.

use std::path::Path;

use anyhow::Result;
use helm::provenance::verify_file;

use super::fetch::now;
use super::flags::{GlobalFlags, KeyringFlag};
use super::log;
use super::words::{Count, check_count, print};

/// Helm's arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The archive, which has its provenance beside it
    #[arg(value_name = "PATH")]
    archives: Vec<String>,
    #[command(flatten)]
    keyring: KeyringFlag,
    #[command(flatten)]
    global: GlobalFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    check_count(&args.archives, Count::Exactly(1), "verify", "PATH [flags]")?;
    log::start(args.global.debug);
    let archive = &args.archives[0];
    let provenance = format!("{archive}.prov");
    let keyring = args.keyring.file();
    let found = verify_file(Path::new(archive), Path::new(&provenance), &keyring, now())?;
    print(found.to_string().as_bytes())
}
