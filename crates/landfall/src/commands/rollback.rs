//! `landfall rollback`: repeats an earlier deployment of an App Environment.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{ServerArgs, environment_path};
use crate::commands::deploy;
use crate::commands::op::StartArgs;

/// What to go back to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// A deployment (`#41`), or a release tag: the last deployment of it that succeeded there
    #[arg(long, value_name = "#NUMBER|TAG")]
    to: String,

    /// Take over fields that other managers own: what they set there is overruled
    #[arg(long)]
    force_conflicts: bool,

    #[command(flatten)]
    start: StartArgs,
}

/// Carries the command out.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.server.client()?;
    let path = format!("{}/rollbacks", environment_path(&args.environment));
    let body = json!({
        "to": args.to,
        "force_conflicts": args.force_conflicts,
        "reason": args.start.reason,
    });
    let started: Value = client.post(&path, &body).await?;
    deploy::tell(&client, started, &args.start.follow).await
}
