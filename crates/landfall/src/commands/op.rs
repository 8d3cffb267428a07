//! `landfall op …`: following Ops.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{ServerArgs, watch};

/// What can be done with an Op.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Follow an Op: its log, and how far it is; ends with it, successfully only if it succeeded
    Watch(WatchArgs),
    /// Say that nobody works on the Helm revision that an Op waits for: it is marked failed, and the Op goes on
    Recover(RecoverArgs),
}

/// Which Op.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The Op's id: `op_…`
    op: String,
}

/// Which Op.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The Op's id: `op_…`
    op: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Watch(args) => Ok(watch::watch(&args.server.client()?, &args.op).await?.report()),
        Command::Recover(args) => recover(args).await,
    }
}

async fn recover(args: RecoverArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let op: Value = client.post(&format!("/api/v1/ops/{}/recover", args.op), &json!({})).await?;
    let revision = &op["waits_for"]["revision"];
    eprintln!("✓ Helm revision {revision} is marked failed, and {} goes on", args.op);
    Ok(ExitCode::SUCCESS)
}
