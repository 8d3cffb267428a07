//! `landfall op …`: following Ops; and what all commands have that start one.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{Client, ServerArgs, watch};
use crate::output::Format;

/// What can be done with an Op.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Follow an Op: its log, and how far it is; ends with it, successfully only if it succeeded
    Watch(WatchArgs),
    /// Stop an Op at the next safe point; its log says what was left behind
    Cancel(CancelArgs),
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

/// Which Op.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The Op's id: `op_…`
    op: String,
}

/// What commands have that start an Op for a reason.
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// Why, for the history
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,

    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// Whether what was started is followed, and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct FollowArgs {
    /// Follow the Op; the command then succeeds only if the Op does
    #[arg(long, short = 'w')]
    watch: bool,

    /// How to print what was started
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

impl FollowArgs {
    /// Whether what was started is told by following it, and not printed.
    pub(crate) fn is_only_followed(&self) -> bool {
        self.watch && self.output == Format::Table
    }

    /// Follows the Op to its end, where that was asked for.
    pub(crate) async fn follow(&self, client: &Client, op: &str) -> Result<ExitCode> {
        if !self.watch {
            return Ok(ExitCode::SUCCESS);
        }
        Ok(watch::watch(client, op).await?.report())
    }
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Watch(args) => Ok(watch::watch(&args.server.client()?, &args.op).await?.report()),
        Command::Cancel(args) => {
            let path = format!("/api/v1/ops/{}/cancel", args.op);
            args.server.client()?.post::<Value>(&path, &json!({})).await?;
            eprintln!("✓ {} stops at its next safe point", args.op);
            Ok(ExitCode::SUCCESS)
        }
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
