//! `landfall env remove` and `landfall env keep`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, Named, ServerArgs, environment_path, part, understood};
use crate::commands::op::StartArgs;
use crate::input;
use crate::output;

/// Which one, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// Leave its cluster alone and only forget it: for one whose cluster is gone for ever
    #[arg(long)]
    forget: bool,

    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,

    #[command(flatten)]
    start: StartArgs,
}

/// Which one.
#[derive(Debug, clap::Args)]
pub(crate) struct KeepArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,
}

/// What the removal would take away.
#[derive(Debug, Deserialize)]
struct Outline {
    #[serde(default)]
    objects: Vec<Object>,
    #[serde(default)]
    queued: i64,
}

#[derive(Debug, Deserialize)]
struct Object {
    name: String,
    kept: bool,
}

/// The Op that was queued.
#[derive(Debug, Deserialize)]
struct Op {
    id: String,
    state: String,
    environment: Named,
}

/// Queues the removal, once it is confirmed.
pub(super) async fn remove(args: RemoveArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    if !args.yes {
        confirm(&client, &args).await?;
    }
    let path = format!(
        "{}?forget={}&reason={}",
        environment_path(&args.environment),
        args.forget,
        part(&args.start.reason)
    );
    let started: Value = client.delete(&path).await?;
    let op: Op = understood(&started)?;
    if !args.start.follow.is_only_followed() {
        output::print(args.start.follow.output, &started, &["environment", "state", "op"], |_| {
            vec![vec![op.environment.name.clone(), op.state.clone(), op.id.clone()]]
        })?;
    }
    args.start.follow.follow(&client, &op.id).await
}

/// Says what is deleted and has the name typed.
async fn confirm(client: &Client, args: &RemoveArgs) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to be asked whether to remove {}; pass --yes", args.environment);
    }
    let outline: Outline =
        client.get(&format!("{}/removal", environment_path(&args.environment))).await?;
    if args.forget {
        eprintln!("{} is forgotten; whatever runs in its cluster runs on.", args.environment);
    }
    for object in &outline.objects {
        let becomes = match (args.forget, object.kept) {
            (true, _) => "left",
            (false, true) => "kept",
            (false, false) => "deleted",
        };
        eprintln!("  {:<8} {}", becomes, object.name);
    }
    if outline.queued > 0 {
        eprintln!("Queued deployments that will not be carried out: {}.", outline.queued);
    }
    let typed = input::ask(&format!("Type its name to remove {}: ", args.environment))?;
    if typed != args.environment {
        bail!("that is not its name; nothing was removed");
    }
    Ok(())
}

/// Gives a removal up.
pub(super) async fn keep(args: KeepArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let path = format!("{}/keep", environment_path(&args.environment));
    let kept: Value = client.post(&path, &json!({})).await?;
    let state = kept["state"].as_str().unwrap_or_default();
    eprintln!("✓ {} is {state} as before", args.environment);
    Ok(ExitCode::SUCCESS)
}
