//! `landfall env …`: App Environments.

mod account;
mod adopt;
mod create;
mod drift;
mod history;
mod remove;
mod values;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Named, ServerArgs, Tagged, filters, understood};
use crate::output::{self, Format};

/// What can be asked about App Environments.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List App Environments with what runs in them
    List(ListArgs),
    /// List the deployments of an App Environment, newest first
    History(history::HistoryArgs),
    /// Create an App Environment and deploy a release to it
    Create(Box<create::Args>),
    /// Make an App Environment of a Helm release that is there already; nothing is deployed
    Adopt(adopt::AdoptArgs),
    /// List the Helm releases of a cluster that no App Environment has
    Adoptable(adopt::AdoptableArgs),
    /// Helm values of an App Environment
    #[command(subcommand)]
    Values(values::ValuesCommand),
    /// Tell why an App Environment has a value: which layer says so, since when, and who set it
    Why(why::WhyArgs),
    /// Compare what runs in an App Environment with what was deployed there
    Drift(drift::DriftArgs),
    /// Remove an App Environment: uninstall it from its cluster; its history stays readable
    Remove(remove::RemoveArgs),
    /// Keep an App Environment whose removal has deleted nothing
    Keep(remove::KeepArgs),
    /// Set the service account that an App Environment acts as on its cluster
    Account(account::AccountArgs),
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Only those whose name, namespace or cluster has this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    /// Only those in this state; `deleted` lists those that are gone
    #[arg(long, value_name = "STATE")]
    status: Option<String>,

    /// Only those of this App
    #[arg(long, value_name = "APP")]
    app: Option<String>,

    /// Only those of this kind: production or sandbox
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Only those on this cluster
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,

    /// Only those that run this Release: APP/TAG
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,

    /// How many at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    app: Named,
    kind: String,
    namespace: String,
    cluster: Named,
    status: String,
    #[serde(default)]
    release: Option<Tagged>,
    #[serde(default)]
    last: Option<Last>,
}

/// The last deployment.
#[derive(Debug, Deserialize)]
struct Last {
    #[serde(default)]
    culprit: Option<String>,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::History(args) => history::history(args).await,
        Command::Create(args) => create::create(*args).await,
        Command::Adopt(args) => adopt::adopt(args).await,
        Command::Adoptable(args) => adopt::adoptable(args).await,
        Command::Values(command) => values::run(command).await,
        Command::Why(args) => why::why(args).await,
        Command::Drift(args) => drift::drift(args).await,
        Command::Remove(args) => remove::remove(args).await,
        Command::Keep(args) => remove::keep(args).await,
        Command::Account(args) => account::set(args).await,
    }
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let asked = filters(&[
        ("search", args.search.as_deref()),
        ("status", args.status.as_deref()),
        ("app", args.app.as_deref()),
        ("kind", args.kind.as_deref()),
        ("cluster", args.cluster.as_deref()),
        ("release", args.release.as_deref()),
    ]);
    let path = format!("/api/v1/environments?limit={}{asked}", args.limit);
    let page: Value = args.server.client()?.get(&path).await?;
    let items: Vec<Row> = understood(&page["items"])?;
    let header =
        ["environment", "app", "kind", "release", "status", "cluster", "namespace", "culprit"];
    output::print(args.output, &page, &header, |_| {
        items
            .into_iter()
            .map(|row| {
                let release = row.release.map_or_else(|| "–".to_owned(), |release| release.tag);
                vec![
                    row.name,
                    row.app.name,
                    row.kind,
                    release,
                    row.status,
                    row.cluster.name,
                    row.namespace,
                    row.last.and_then(|last| last.culprit).unwrap_or_default(),
                ]
            })
            .collect()
    })?;
    Ok(ExitCode::SUCCESS)
}
