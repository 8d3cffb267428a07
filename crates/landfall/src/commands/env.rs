//! `landfall env …`: App Environments.

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::client::ServerArgs;
use crate::output::{self, Format};

/// What can be asked about App Environments.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List App Environments with what runs in them
    List(ListArgs),
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Only those whose name, namespace or cluster has this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

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

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Tagged {
    tag: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::List(args) = command;
    let mut path = format!("/api/v1/environments?limit={}", args.limit);
    if let Some(search) = &args.search {
        let encoded: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        path.push_str("&search=");
        path.push_str(&encoded);
    }
    let page: Value = args.server.client()?.get(&path).await?;
    let items: Vec<Row> = serde_json::from_value(page.get("items").cloned().unwrap_or_default())?;
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
