//! `landfall env values …`: the Helm values of one App Environment.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{ServerArgs, environment_path, understood};
use crate::commands::deploy::{OnFailure, tell};
use crate::commands::op::StartArgs;
use crate::input;
use crate::output::{self, Format};

/// What can be done with the values of an App Environment.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ValuesCommand {
    /// Print its own values, or all that it runs with
    Show(ShowArgs),
    /// Replace its own values, by a deployment of what runs
    Set(SetArgs),
}

/// Whose, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// All values that it runs with, each with the layer that set it, instead of its own
    #[arg(long)]
    all: bool,

    /// How to print them; its own are YAML as written by default
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Whose, and which new ones.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// File with its own Helm values; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: PathBuf,

    /// What happens if it fails [default: leave for sandbox environments, roll-back for production]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,

    /// Take over fields that other managers own: what they set there is overruled
    #[arg(long)]
    force_conflicts: bool,

    #[command(flatten)]
    start: StartArgs,
}

#[derive(Debug, Deserialize)]
struct Values {
    own: Own,
    #[serde(default)]
    running: Option<Running>,
}

#[derive(Debug, Deserialize)]
struct Own {
    values: String,
}

#[derive(Debug, Deserialize)]
struct Running {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Key {
    path: String,
    value: String,
    layer: String,
}

/// Carries the command out.
pub(super) async fn run(command: ValuesCommand) -> Result<ExitCode> {
    match command {
        ValuesCommand::Show(args) => show(args).await,
        ValuesCommand::Set(args) => set(args).await,
    }
}

async fn show(args: ShowArgs) -> Result<ExitCode> {
    let path = format!("{}/values", environment_path(&args.environment));
    let answer: Value = args.server.client()?.get(&path).await?;
    let values: Values = understood(&answer)?;
    if !args.all && args.output == Format::Table {
        std::io::stdout()
            .write_all(values.own.values.as_bytes())
            .context("could not write to standard output")?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(args.output, &answer, &["key", "value", "from"], |_| {
        let keys = values.running.map(|running| running.keys).unwrap_or_default();
        keys.into_iter().map(|key| vec![key.path, key.value, key.layer]).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn set(args: SetArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let body = json!({
        "values": input::text(&args.values)?,
        "on_failure": args.on_failure,
        "force_conflicts": args.force_conflicts,
        "reason": args.start.reason,
    });
    let path = format!("{}/values", environment_path(&args.environment));
    let started: Value = client.put(&path, &body).await?;
    tell(&client, started, &args.start.follow).await
}
