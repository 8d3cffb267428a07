//! `landfall release …`: Releases of an App.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Named, ServerArgs, items, part, understood};
use crate::input;
use crate::output::{self, Format};

/// What can be done with Releases.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List releases, the last added first, with where they run
    List(ListArgs),
    /// List the App Environments that run a release now
    Where(WhereArgs),
    /// Add a release: a tag that names one exact chart version
    Add(Box<AddArgs>),
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Only those of this App
    #[arg(default_value = "", hide_default_value = true)]
    app: String,

    /// Only those whose tag, chart version or changelog has a word that begins so
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    search: String,

    /// Archived ones instead of the others
    #[arg(long)]
    archived: bool,

    /// How many at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Which release.
#[derive(Debug, clap::Args)]
pub(crate) struct WhereArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// The release's tag
    tag: String,

    /// How many at most
    #[arg(long, default_value_t = 200, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// The new release.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// The release's tag, unique within the App
    tag: String,

    /// The chart version it names
    #[arg(
        long,
        value_name = "VERSION",
        required_unless_present = "chart",
        conflicts_with = "chart"
    )]
    chart_version: Option<String>,

    /// The chart's archive, for Apps whose archives are uploaded; a signature beside it (FILE.prov) goes with it
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,

    /// What is new, in Markdown
    #[arg(long, default_value = "", value_name = "TEXT", conflicts_with = "changelog_file")]
    changelog: String,

    /// File with the changelog; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    changelog_file: Option<PathBuf>,

    /// File with the Release values; `-` reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: Option<PathBuf>,

    /// How to print the release
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Row {
    app: Named,
    tag: String,
    chart: Chart,
    newest: bool,
    prerelease: bool,
    runs_in: Counts,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Chart {
    name: String,
    version: String,
    sha256: String,
}

#[derive(Debug, Deserialize)]
struct Counts {
    production: i64,
    sandbox: i64,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Where(args) => runs_in(args).await,
        Command::Add(args) => add(*args).await,
    }
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &args.limit.to_string()).append_pair("search", &args.search);
    if !args.app.is_empty() {
        query.append_pair("app", &args.app);
    }
    if args.archived {
        query.append_pair("archived", "true");
    }
    let path = format!("/api/v1/releases?{}", query.finish());
    let page: Value = args.server.client()?.get(&path).await?;
    let rows: Vec<Row> = items(&page)?;
    let header = ["app", "release", "chart", "production", "sandbox", "added"];
    output::print(args.output, &page, &header, |_| {
        let cells = |row: Row| {
            let mark = match (row.newest, row.prerelease) {
                (true, _) => " (newest)",
                (_, true) => " (pre-release)",
                _ => "",
            };
            vec![
                row.app.name,
                format!("{}{mark}", row.tag),
                format!("{} {}", row.chart.name, row.chart.version),
                row.runs_in.production.to_string(),
                row.runs_in.sandbox.to_string(),
                output::minute(row.created_at),
            ]
        };
        rows.into_iter().map(cells).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Deserialize)]
struct Environment {
    name: String,
    kind: String,
    status: String,
    cluster: Named,
    namespace: String,
    #[serde(default)]
    current_deployment: Option<Deployed>,
}

#[derive(Debug, Deserialize)]
struct Deployed {
    number: i64,
}

async fn runs_in(args: WhereArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    // Asked for first, so that a release that is not there is told as such.
    let release = format!("/api/v1/apps/{}/releases/{}", part(&args.app), part(&args.tag));
    let release: Value = client.get(&release).await?;
    let id = release["id"].as_str().unwrap_or_default();
    let path = format!("/api/v1/environments?release={id}&sort=name&limit={}", args.limit);
    let page: Value = client.get(&path).await?;
    let rows: Vec<Environment> = items(&page)?;
    let header = ["environment", "kind", "deployment", "status", "cluster", "namespace"];
    output::print(args.output, &page, &header, |_| {
        let cells = |row: Environment| {
            let number = row.current_deployment.map(|current| format!("#{}", current.number));
            vec![
                row.name,
                row.kind,
                number.unwrap_or_else(|| "–".to_owned()),
                row.status,
                row.cluster.name,
                row.namespace,
            ]
        };
        rows.into_iter().map(cells).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn add(args: AddArgs) -> Result<ExitCode> {
    let changelog = match &args.changelog_file {
        Some(file) => input::text(file)?,
        None => args.changelog.clone(),
    };
    let values = args.values.as_deref().map(input::text).transpose()?;
    let (archive, provenance) = match &args.chart {
        Some(file) => (Some(read_archive(file)?), read_provenance(file)?),
        None => (None, None),
    };
    let body = json!({
        "app": args.app,
        "tag": args.tag,
        "chart_version": args.chart_version.unwrap_or_default(),
        "archive": archive,
        "provenance": provenance,
        "changelog": changelog,
        "values": values.unwrap_or_default(),
    });
    let added: Value = args.server.client()?.post("/api/v1/releases", &body).await?;
    let read: Row = understood(&added)?;
    output::print(args.output, &added, &["release", "chart", "sha256"], |_| {
        let chart = format!("{} {}", read.chart.name, read.chart.version);
        vec![vec![read.tag, chart, read.chart.sha256]]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// An archive as the API takes it: in base64.
fn read_archive(file: &Path) -> Result<String> {
    if file.is_dir() {
        let folder = file.display();
        bail!("{folder} is a folder; pack it first: landfall chart package {folder}");
    }
    input::base64(file)
}

/// The signature beside an archive, if there is one.
fn read_provenance(archive: &Path) -> Result<Option<String>> {
    let mut name = archive.as_os_str().to_owned();
    name.push(".prov");
    let file = PathBuf::from(name);
    if !file.exists() {
        return Ok(None);
    }
    input::text(&file).map(Some)
}
