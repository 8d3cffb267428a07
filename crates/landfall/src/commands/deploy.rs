//! `landfall deploy`: a release into an App Environment.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::{Client, Named, ServerArgs, Tagged, environment_path, understood};
use crate::commands::op::{FollowArgs, StartArgs};
use crate::commands::preview;
use crate::input;
use crate::output;

/// What to deploy, and where.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --preview the command succeeds only if the cluster would accept all of it."
)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// Tag of the release; without it the one that runs is deployed again
    #[arg(long, default_value = "", value_name = "TAG", hide_default_value = true)]
    release: String,

    /// File with the deployment's Helm values; without it the environment's own are kept
    #[arg(long, short = 'f', value_name = "FILE")]
    values: Option<PathBuf>,

    /// What happens if it fails [default: leave for sandbox environments, roll-back for production]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,

    /// Take over fields that other managers own: what they set there is overruled
    #[arg(long)]
    force_conflicts: bool,

    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "watch")]
    preview: bool,

    #[command(flatten)]
    start: StartArgs,
}

/// What happens if a deployment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnFailure {
    /// The cluster is left as it is
    Leave,
    /// The last good deployment is repeated
    RollBack,
}

/// A deployment just made, as far as commands need it.
#[derive(Debug, Deserialize)]
struct Started {
    deployment: Deployment,
    op: Op,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    number: i64,
    environment: Named,
    release: Tagged,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Op {
    id: String,
}

/// Carries the command out.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.server.client()?;
    let values = args.values.as_deref().map(input::text).transpose()?;
    let path = environment_path(&args.environment);
    if args.preview {
        let body = json!({
            "release": args.release,
            "values": values,
            "force_conflicts": args.force_conflicts,
        });
        let shown: Value = client.post(&format!("{path}/previews"), &body).await?;
        return preview::print(args.start.follow.output, &shown);
    }
    let body = json!({
        "release": args.release,
        "values": values,
        "on_failure": args.on_failure,
        "force_conflicts": args.force_conflicts,
        "reason": args.start.reason,
    });
    let started: Value = client.post(&format!("{path}/deployments"), &body).await?;
    tell(&client, started, &args.start.follow).await
}

/// Says what was started, and follows it if asked to.
pub(crate) async fn tell(client: &Client, started: Value, follow: &FollowArgs) -> Result<ExitCode> {
    let read: Started = understood(&started)?;
    if follow.is_only_followed() {
        let deployment = &read.deployment;
        eprintln!(
            "{}#{}: {}",
            deployment.environment.name, deployment.number, deployment.release.tag
        );
    } else {
        output::print(follow.output, &started, &["deployment", "release", "state", "op"], |_| {
            let deployment = &read.deployment;
            vec![vec![
                format!("{}#{}", deployment.environment.name, deployment.number),
                deployment.release.tag.clone(),
                deployment.state.clone(),
                read.op.id.clone(),
            ]]
        })?;
    }
    follow.follow(client, &read.op.id).await
}
