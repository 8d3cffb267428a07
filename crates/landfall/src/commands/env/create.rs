//! `landfall env create`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::adopt::Kind;
use crate::client::ServerArgs;
use crate::commands::deploy::{self, OnFailure};
use crate::commands::op::FollowArgs;
use crate::input;

/// What is made, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// Its name: 1 to 53 of a-z, 0-9 and -
    environment: String,

    /// The App that it is an instance of
    #[arg(long, value_name = "APP")]
    app: String,

    /// The cluster it runs on
    #[arg(long, value_name = "CLUSTER")]
    cluster: String,

    /// What it is for
    #[arg(long, value_enum, default_value_t = Kind::Sandbox)]
    kind: Kind,

    /// Tag of the release to begin with [default: the App's newest]
    #[arg(long, default_value = "", value_name = "TAG", hide_default_value = true)]
    release: String,

    /// Its namespace [default: the App's name and its own]
    #[arg(
        long,
        short = 'n',
        default_value = "",
        value_name = "NAMESPACE",
        hide_default_value = true
    )]
    namespace: String,

    /// Name of its Helm release [default: its own name]
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    helm_release: String,

    /// The service account that it acts as, as a name of its namespace or namespace/name
    #[arg(long, default_value = "", value_name = "ACCOUNT", hide_default_value = true)]
    account: String,

    /// File with its own Helm values; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: Option<PathBuf>,

    /// What happens if its first deployment fails [default: leave for sandbox environments, roll-back for production]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,

    #[command(flatten)]
    follow: FollowArgs,
}

/// Creates it.
pub(super) async fn create(args: Args) -> Result<ExitCode> {
    let values = args.values.as_deref().map(input::text).transpose()?;
    let client = args.server.client()?;
    let body = json!({
        "name": args.environment,
        "app": args.app,
        "kind": args.kind,
        "cluster": args.cluster,
        "release": args.release,
        "namespace": args.namespace,
        "release_name": args.helm_release,
        "service_account": args.account,
        "values": values.unwrap_or_default(),
        "on_failure": args.on_failure,
    });
    let made: Value = client.post("/api/v1/environments", &body).await?;
    deploy::tell(&client, made, &args.follow).await
}
