//! `landfall admin`: what whoever runs a Landfall does with all of its data. The commands work on the storage itself, not
//! through a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;
use control::dump::{self, Amount};

use crate::output::size;
use crate::settings::{self, StorageArgs, make_data_folder};

/// What can be done with all data.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write everything that Landfall stores to one file: rows and objects, but never the key
    ///
    /// Servers may run meanwhile: the file holds one moment. What is secret in it is encrypted with the key file, without
    /// which the file is of no use; keep both, apart from each other.
    Dump(DumpArgs),
    /// Load a dump into an empty database and object store, of either kind
    ///
    /// Takes the version that made the dump, and its key file. Stop the servers that the dump was made of before others
    /// are started on what was loaded: both would carry the same Ops out.
    Load(LoadArgs),
}

/// Where from, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct DumpArgs {
    /// File to write, which must not be there yet
    file: PathBuf,

    #[command(flatten)]
    storage: StorageArgs,
}

/// Where from, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    /// File that `landfall admin dump` wrote
    file: PathBuf,

    #[command(flatten)]
    storage: StorageArgs,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Dump(args) => {
            let args =
                settings::with_file(args, |args| args.storage.config.as_deref(), "admin dump")?;
            let config = args.storage.config(&args.storage.folder()?);
            let amount = dump::dump(&config, &args.file).await.context("nothing was dumped")?;
            println!("Dumped {} to {}.", told(amount), args.file.display());
            let key = config.key_file.display();
            if config.key_file.exists() {
                println!("The key file is not part of it: keep {key} safe, too.");
            } else {
                println!(
                    "There is no key at {key}. Without the server's key file, kept elsewhere, the dump is of no use."
                );
            }
            if amount.unended > 0 {
                println!(
                    "{} had not ended. Before servers are started on what is loaded of it, stop these.",
                    ops(amount)
                );
            }
        }
        Command::Load(args) => {
            let args =
                settings::with_file(args, |args| args.storage.config.as_deref(), "admin load")?;
            let data = args.storage.folder()?;
            make_data_folder(&data)?;
            let config = args.storage.config(&data);
            let amount = dump::load(&config, &args.file).await.context("nothing was loaded")?;
            println!("Loaded {} from {}.", told(amount), args.file.display());
            if amount.unended > 0 {
                println!(
                    "{} had not ended: a server that is started now goes on with them.",
                    ops(amount)
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(amount: Amount) -> String {
    let plural =
        |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let size = size(i64::try_from(amount.bytes).unwrap_or(i64::MAX));
    format!("{} and {} ({size})", plural(amount.rows, "row"), plural(amount.objects, "object"))
}

fn ops(amount: Amount) -> String {
    format!("{} Op{}", amount.unended, if amount.unended == 1 { "" } else { "s" })
}
