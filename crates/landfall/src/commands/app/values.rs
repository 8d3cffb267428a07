//! `landfall app values …`: show, preview and set the Helm values of an App.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rollout::plan::PlannedObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::path;
use crate::client::{Client, ServerArgs, understood};
use crate::commands::{asked_to_stop, batch};
use crate::input;
use crate::output::{self, Format};

/// What can be done with the values of an App.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ValuesCommand {
    /// Print the App's Helm values
    Show(ShowArgs),
    /// Tell what new values would change, environment by environment, grouped by equal change; nothing is saved
    Preview(PreviewArgs),
    /// Save new values and deploy them to every environment that follows
    Set(SetArgs),
}

/// Whose, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// An earlier revision
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

/// Whose, and which new ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "The command succeeds only if the chart renders in every environment.")]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// File with the new Helm values; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: PathBuf,

    /// Print what changes in each group, too
    #[arg(long)]
    diff: bool,

    /// How to print the groups
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Whose, which new ones, and how they are deployed.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// File with the new Helm values; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    values: PathBuf,

    /// Why, for the history
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    note: String,

    /// Whether production environments wait until all sandbox ones are done
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
    sandbox_first: bool,

    /// Deployments at once
    #[arg(long, default_value_t = 20, value_name = "N")]
    at_once: i64,

    /// After how many failures nothing more is begun; 0 never stops
    #[arg(long, default_value_t = 3, value_name = "N")]
    stop_after: i64,

    /// Save only if this is still the newest revision
    #[arg(long, value_name = "N")]
    based_on: Option<i64>,

    /// Follow the deployments; the command then succeeds only if all do
    #[arg(long, short = 'w')]
    watch: bool,

    /// How to print what was saved
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Values {
    revision: i64,
    values: String,
    #[serde(default)]
    batch: Option<String>,
}

/// A preview, as far as it is printed.
#[derive(Debug, Deserialize)]
struct Preview {
    id: String,
    state: String,
    done: u64,
    total: u64,
    failing: i64,
    waiting: i64,
    groups: Vec<Group>,
    more_groups: i64,
    #[serde(default)]
    failure: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Group {
    kind: String,
    environments: i64,
    title: String,
    summary: String,
    names: Vec<String>,
    #[serde(default)]
    sample: Option<String>,
    objects: Vec<PlannedObject>,
}

/// Carries the command out.
pub(super) async fn run(command: ValuesCommand) -> Result<ExitCode> {
    match command {
        ValuesCommand::Show(args) => show(args).await,
        ValuesCommand::Preview(args) => preview(args).await,
        ValuesCommand::Set(args) => set(args).await,
    }
}

async fn show(args: ShowArgs) -> Result<ExitCode> {
    let mut path = path(&args.app, "values");
    if let Some(revision) = args.revision {
        path.extend(["?revision=", &revision.to_string()]);
    }
    let values: Values = args.server.client()?.get(&path).await?;
    std::io::stdout()
        .write_all(values.values.as_bytes())
        .context("could not write to standard output")?;
    eprintln!("revision {}", values.revision);
    Ok(ExitCode::SUCCESS)
}

async fn preview(args: PreviewArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let body = json!({ "values": input::text(&args.values)? });
    let begun: Value = client.post(&path(&args.app, "values/previews"), &body).await?;
    let begun: Preview = understood(&begun)?;
    let answer = tokio::select! {
        answer = follow(&client, &begun.id) => answer?,
        () = asked_to_stop() => {
            let path = format!("/api/v1/fleet-previews/{}/cancel", begun.id);
            client.post(&path, &json!({})).await?
        }
    };
    let preview: Preview = understood(&answer)?;
    print(&args, &answer, &preview)?;
    let whole = preview.state == "done" && preview.failing == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for the end of a preview, and shows how far it is.
async fn follow(client: &Client, id: &str) -> Result<Value> {
    let bar = bar();
    loop {
        let answer: Value = client.get(&format!("/api/v1/fleet-previews/{id}")).await?;
        let preview: Preview = understood(&answer)?;
        bar.set_length(preview.total);
        bar.set_position(preview.done);
        if preview.state != "running" {
            bar.finish_and_clear();
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn bar() -> ProgressBar {
    if !output::is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} environments previewed");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print(args: &PreviewArgs, answer: &Value, preview: &Preview) -> Result<()> {
    output::print(args.output, answer, &["environments", "what", "change", "where"], |_| {
        let row = |group: &Group| {
            let more = group.environments - i64::try_from(group.names.len()).unwrap_or(0);
            let names = group.names.join(", ");
            let names = if more > 0 { format!("{names} and {more} more") } else { names };
            let change = [group.title.as_str(), &group.summary].join("\n").trim().to_owned();
            vec![group.environments.to_string(), group.kind.replace('_', " "), change, names]
        };
        preview.groups.iter().map(row).collect()
    })?;
    if args.diff && args.output == Format::Table {
        let mut out = std::io::stdout();
        for group in &preview.groups {
            for object in &group.objects {
                let Some(diff) = &object.diff else { continue };
                let sample = group.sample.as_deref().unwrap_or_default();
                writeln!(out, "\n{}: {} (as in {sample})\n{diff}", group.title, object.key)
                    .context("could not write to standard output")?;
            }
        }
    }
    if preview.more_groups > 0 {
        eprintln!("and {} more groups", preview.more_groups);
    }
    if let Some(why) = &preview.failure {
        eprintln!("✗ {why}");
    }
    let (done, total) = (preview.done, preview.total);
    let sign = if preview.state == "done" && preview.failing == 0 { '✓' } else { '▲' };
    eprintln!("{sign} {done} of {total} environments previewed, {} would fail", preview.failing);
    if preview.waiting > 0 {
        eprintln!("  {} in production would wait for Operations", preview.waiting);
    }
    Ok(())
}

async fn set(args: SetArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let body = json!({
        "values": input::text(&args.values)?,
        "note": args.note,
        "based_on": args.based_on,
        "sandbox_first": args.sandbox_first,
        "at_once": args.at_once,
        "stop_after": args.stop_after,
    });
    let saved: Value = client.put(&path(&args.app, "values"), &body).await?;
    let read: Values = understood(&saved)?;
    if args.output != Format::Table || !args.watch {
        output::print(args.output, &saved, &["revision", "batch"], |_| {
            let batch = read.batch.clone().unwrap_or_else(|| "–".to_owned());
            vec![vec![read.revision.to_string(), batch]]
        })?;
    }
    match read.batch {
        Some(id) if args.watch => batch::watch(&client, &id).await,
        Some(_) => Ok(ExitCode::SUCCESS),
        None => {
            eprintln!("revision {}: nothing is deployed", read.revision);
            Ok(ExitCode::SUCCESS)
        }
    }
}
