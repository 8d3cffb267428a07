//! `landfall env history`.

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Named, ServerArgs, Tagged, filters, part, understood};
use crate::output::{self, Format};

/// Whose deployments, and which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment; one that was removed by its id: `env_…`
    environment: String,

    /// Only those in this state: succeeded, failed, running, queued, …
    #[arg(long, value_name = "STATE")]
    state: Option<String>,

    /// Only those of this cause: manual, rollback, `values_updated`, …
    #[arg(long, value_name = "TRIGGER")]
    trigger: Option<String>,

    /// How many at most
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Row {
    number: i64,
    release: Tagged,
    trigger: String,
    state: String,
    by: Named,
    created_at: jiff::Timestamp,
    reason: String,
    #[serde(default)]
    culprit: Option<String>,
}

/// Lists the deployments of an environment, newest first.
pub(super) async fn history(args: HistoryArgs) -> Result<ExitCode> {
    let asked = filters(&[("state", args.state.as_deref()), ("trigger", args.trigger.as_deref())]);
    let environment = part(&args.environment);
    let path = format!("/api/v1/deployments?environment={environment}&limit={}{asked}", args.limit);
    let page: Value = args.server.client()?.get(&path).await?;
    let items: Vec<Row> = understood(&page["items"])?;
    let header = ["number", "release", "trigger", "state", "by", "made", "reason", "culprit"];
    output::print(args.output, &page, &header, |_| {
        let row = |row: Row| {
            vec![
                format!("#{}", row.number),
                row.release.tag,
                row.trigger,
                row.state,
                row.by.name,
                output::minute(row.created_at),
                row.reason,
                row.culprit.unwrap_or_default(),
            ]
        };
        items.into_iter().map(row).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}
