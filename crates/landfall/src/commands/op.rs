//! `landfall op …`: following Ops.

use std::process::ExitCode;

use anyhow::Result;

use crate::client::{ServerArgs, watch};

/// What can be done with an Op.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Follow an Op: its log, and how far it is; ends with it, successfully only if it succeeded
    Watch(WatchArgs),
}

/// Which Op.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The Op's id: `op_…`
    op: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Watch(args) = command;
    Ok(watch::watch(&args.server.client()?, &args.op).await?.report())
}
