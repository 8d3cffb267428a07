//! `landfall release …`: Releases of an App.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::ServerArgs;
use crate::output::{self, Format};

/// What can be done with Releases.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add a release: a tag that names one exact chart version
    Add(Box<AddArgs>),
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
    #[arg(long, value_name = "VERSION")]
    chart_version: String,

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
struct Added {
    tag: String,
    chart: AddedChart,
}

#[derive(Debug, Deserialize)]
struct AddedChart {
    name: String,
    version: String,
    sha256: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Add(args) = command;
    let changelog = match &args.changelog_file {
        Some(file) => read_text(file)?,
        None => args.changelog.clone(),
    };
    let values = args.values.as_deref().map(read_text).transpose()?;
    let body = json!({
        "app": args.app,
        "tag": args.tag,
        "chart_version": args.chart_version,
        "changelog": changelog,
        "values": values.unwrap_or_default(),
    });
    let added: Value = args.server.client()?.post("/api/v1/releases", &body).await?;
    let read: Added = serde_json::from_value(added.clone())
        .context("the server's answer is not what this version of landfall understands")?;
    output::print(args.output, &added, &["release", "chart", "sha256"], |_| {
        vec![vec![
            read.tag,
            format!("{} {}", read.chart.name, read.chart.version),
            read.chart.sha256,
        ]]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn read_text(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}
