//! `landfall app add` and `landfall app list`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{ServerArgs, Tagged, items, part, understood};
use crate::commands::FindArgs;
use crate::input;
use crate::output::{self, Format};

/// The new App.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["chart_url", "uploads"]))]
pub(crate) struct AddArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Its name, as people call the product
    app: String,

    /// URL of a Helm repository (the folder of its index.yaml), or `oci://` and the chart's place in a registry
    #[arg(long, value_name = "URL")]
    chart_url: Option<String>,

    /// Its releases bring their chart's archive with them: `landfall release add --chart FILE`
    #[arg(long)]
    uploads: bool,

    /// The chart's name, in a Helm repository or of the archives
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    chart: String,

    /// User of the repository or registry, if it asks for one
    #[arg(long, value_name = "USER", requires = "password_stdin")]
    username: Option<String>,

    /// Read that user's password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,

    /// File with the App's Helm values; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: Option<PathBuf>,

    /// Seconds after which a deployment that does not come up has failed [default: 300]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,

    /// How to print it
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    chart: Chart,
    #[serde(default)]
    newest: Option<Tagged>,
    environments: Counts,
}

#[derive(Debug, Deserialize)]
struct Chart {
    kind: String,
    #[serde(default)]
    url: String,
    /// None of a registry, whose URL ends with it.
    #[serde(default)]
    chart: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    production: i64,
    sandbox: i64,
}

/// Lists Apps.
pub(super) async fn list(args: FindArgs) -> Result<ExitCode> {
    let search = part(&args.search);
    let path = format!("/api/v1/apps?limit={}&search={search}", args.limit);
    let page: Value = args.server.client()?.get(&path).await?;
    let rows: Vec<Row> = items(&page)?;
    print(args.output, &page, rows)
}

/// Adds an App.
pub(super) async fn add(args: AddArgs) -> Result<ExitCode> {
    let values = args.values.as_deref().map(input::text).transpose()?;
    let password = if args.password_stdin {
        if args.values.as_deref().is_some_and(|file| file.as_os_str() == "-") {
            bail!("values and password cannot both be read from standard input");
        }
        let read = std::io::read_to_string(std::io::stdin());
        Some(read.context("could not read the password")?.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        None
    };
    let body = json!({
        "name": args.app,
        "chart_kind": if args.uploads { "upload" } else { "" },
        "chart_url": args.chart_url.unwrap_or_default(),
        "chart_name": args.chart,
        "registry_username": args.username,
        "registry_password": password,
        "wait_seconds": args.wait,
        "values": values.unwrap_or_default(),
    });
    let added: Value = args.server.client()?.post("/api/v1/apps", &body).await?;
    let row: Row = understood(&added)?;
    print(args.output, &added, vec![row])
}

fn print(format: Format, answer: &Value, rows: Vec<Row>) -> Result<ExitCode> {
    let header = ["app", "chart", "from", "newest release", "production", "sandbox"];
    output::print(format, answer, &header, |_| {
        let cells = |row: Row| {
            let from =
                if row.chart.kind == "upload" { "uploads".to_owned() } else { row.chart.url };
            let newest = row.newest.map_or_else(|| "–".to_owned(), |newest| newest.tag);
            let Counts { production, sandbox } = row.environments;
            let chart = match row.chart.chart {
                Some(chart) => chart,
                None => from.rsplit('/').next().unwrap_or_default().to_owned(),
            };
            vec![row.name, chart, from, newest, production.to_string(), sandbox.to_string()]
        };
        rows.into_iter().map(cells).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}
