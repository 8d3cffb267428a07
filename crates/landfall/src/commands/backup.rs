//! `landfall backup …`: backups of App Environments.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, ServerArgs, environment_path, understood, watch};
use crate::commands::deploy::{self, OnFailure};
use crate::commands::op::StartArgs;
use crate::input;
use crate::output::{self, Format, size};

/// What can be done with backups.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the backups of an App Environment, newest first
    List(ListArgs),
    /// Back an App Environment up: its release, values and manifest, and the data that its App's methods give
    Create(CreateArgs),
    /// Show a backup and what it holds
    Show(OneArgs),
    /// Put a backup's data back and deploy its release, to the same App Environment or to another one
    Restore(RestoreArgs),
    /// Delete a backup and its data for good
    Delete(DeleteArgs),
    /// Show or change when an App Environment is backed up by itself
    Schedule(ScheduleArgs),
}

/// Whose backups.
#[derive(Debug, clap::Args)]
pub(crate) struct EnvironmentArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,
}

/// Whose backups, and how to print them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    of: EnvironmentArgs,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// What is backed up.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    of: EnvironmentArgs,

    /// What to remember of it
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    note: String,

    /// Follow it; the command then succeeds only if the backup becomes whole
    #[arg(long, short = 'w')]
    watch: bool,

    /// How to print it
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Which backup.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    of: EnvironmentArgs,

    /// Its number
    backup: i64,

    /// How to print it
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Which backup, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    of: EnvironmentArgs,

    /// Its number
    backup: i64,

    /// Another App Environment of the App: it takes release and data, and keeps its own values and domain
    #[arg(long, value_name = "ENVIRONMENT")]
    to: Option<String>,

    /// What happens if the deployment fails once the data is back [default: leave]
    #[arg(long, value_enum, value_name = "WHAT")]
    on_failure: Option<OnFailure>,

    /// Take over fields that other managers own: what they set there is overruled
    #[arg(long)]
    force_conflicts: bool,

    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,

    #[command(flatten)]
    start: StartArgs,
}

/// Which backup goes.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    of: EnvironmentArgs,

    /// Its number
    backup: i64,

    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

/// When an environment is backed up by itself; without an option it is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleArgs {
    #[command(flatten)]
    list: ListArgs,

    /// Every so many hours
    #[arg(long, value_name = "HOURS")]
    every_hours: Option<i64>,

    /// No schedule any more
    #[arg(long, conflicts_with = "every_hours")]
    off: bool,

    /// Keep so many of the backups that nobody asked for
    #[arg(long, value_name = "NUMBER")]
    keep: Option<i64>,

    /// Back up before each deployment, which is not carried out without
    #[arg(long, value_name = "true|false")]
    before_deployments: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Backup {
    number: i64,
    state: String,
    cause: String,
    note: String,
    deployment_number: i64,
    bytes: i64,
    release: Release,
    by: By,
    op: Op,
    created_at: jiff::Timestamp,
}

#[derive(Debug, Deserialize)]
struct Release {
    tag: String,
}

#[derive(Debug, Deserialize)]
struct By {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Op {
    id: String,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Create(args) => create(args).await,
        Command::Show(args) => show(args).await,
        Command::Restore(args) => restore(args).await,
        Command::Delete(args) => delete(args).await,
        Command::Schedule(args) => schedule(args).await,
    }
}

fn all_path(environment: &str) -> String {
    format!("{}/backups", environment_path(environment))
}

fn one_path(environment: &str, backup: i64) -> String {
    format!("{}/{backup}", all_path(environment))
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let client = args.of.server.client()?;
    let path = format!("{}?limit=200", all_path(&args.of.environment));
    let mut all: Value = client.get(&path).await?;
    while let Some(next) = all["next"].as_str().map(str::to_owned) {
        let more: Value = client.get(&format!("{path}&cursor={next}")).await?;
        let items = more["items"].as_array().cloned().unwrap_or_default();
        if let Some(known) = all["items"].as_array_mut() {
            known.extend(items);
        }
        all["next"] = more["next"].clone();
    }
    let read: Vec<Backup> = understood(&all["items"])?;
    print(args.output, &all, &read)?;
    Ok(ExitCode::SUCCESS)
}

async fn create(args: CreateArgs) -> Result<ExitCode> {
    let client = args.of.server.client()?;
    let path = all_path(&args.of.environment);
    let made: Value = client.post(&path, &json!({ "note": args.note })).await?;
    let backup: Backup = understood(&made)?;
    if !args.watch {
        print(args.output, &made, &[backup])?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("Backup {} of {}", backup.number, args.of.environment);
    let ended = watch::watch(&client, &backup.op.id).await?.report();
    if args.output != Format::Table {
        let path = one_path(&args.of.environment, backup.number);
        let made: Value = client.get(&path).await?;
        output::print(args.output, &made, &[], |_| Vec::new())?;
    }
    Ok(ended)
}

async fn show(args: OneArgs) -> Result<ExitCode> {
    let client = args.of.server.client()?;
    let shown: Value = client.get(&one_path(&args.of.environment, args.backup)).await?;
    if args.output != Format::Table {
        output::print(args.output, &shown, &[], |_| Vec::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    print(args.output, &shown, &[understood(&shown)?])?;
    let parts = shown["parts"].as_array().cloned().unwrap_or_default();
    if !parts.is_empty() {
        println!();
        output::print(
            args.output,
            &shown,
            &["data", "kind", "size", "sha256 or snapshot"],
            |_| {
                let text =
                    |part: &Value, field: &str| part[field].as_str().unwrap_or("–").to_owned();
                let bytes = |part: &Value| part["bytes"].as_i64().map_or("–".to_owned(), size);
                let rows = |part: &Value| -> Vec<Vec<String>> {
                    let kind = text(part, "kind");
                    let snapshots = part["snapshots"].as_array().filter(|all| !all.is_empty());
                    let Some(snapshots) = snapshots else {
                        return vec![vec![
                            text(part, "method"),
                            kind,
                            bytes(part),
                            text(part, "sha256"),
                        ]];
                    };
                    let row = |it: &Value| {
                        let method = format!("{}: {}", text(part, "method"), text(it, "claim"));
                        let name = format!("{}/{}", text(it, "namespace"), text(it, "snapshot"));
                        vec![method, kind.clone(), bytes(it), name]
                    };
                    snapshots.iter().map(row).collect()
                };
                parts.iter().flat_map(rows).collect()
            },
        )?;
    }
    if let Some(message) = shown["failure"]["message"].as_str() {
        let remedy = shown["failure"]["remedy"].as_str().unwrap_or_default();
        eprintln!("✗ {message} {remedy}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn restore(args: RestoreArgs) -> Result<ExitCode> {
    let client = args.of.server.client()?;
    let path = one_path(&args.of.environment, args.backup);
    let to = args.to.as_deref().unwrap_or(&args.of.environment);
    if !args.yes {
        let backup: Backup = understood(&client.get(&path).await?)?;
        let what = format!(
            "The data of {to} is replaced by that of backup {} ({}, {}), and {} is deployed.",
            backup.number,
            size(backup.bytes),
            output::minute(backup.created_at),
            backup.release.tag
        );
        confirm(&what, to)?;
    }
    let body = json!({
        "to": args.to.unwrap_or_default(),
        "on_failure": args.on_failure,
        "force_conflicts": args.force_conflicts,
        "reason": args.start.reason,
    });
    let started: Value = client.post(&format!("{path}/restorations"), &body).await?;
    deploy::tell(&client, started, &args.start.follow).await
}

async fn delete(args: DeleteArgs) -> Result<ExitCode> {
    let client = args.of.server.client()?;
    let path = one_path(&args.of.environment, args.backup);
    if !args.yes {
        let what = format!("Backup {} of {} is deleted.", args.backup, args.of.environment);
        confirm(&what, &args.backup.to_string())?;
    }
    let _: Value = client.delete(&path).await?;
    eprintln!("✓ Backup {} of {} is deleted", args.backup, args.of.environment);
    Ok(ExitCode::SUCCESS)
}

/// Asks for a word that shows that it is meant.
fn confirm(what: &str, word: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{what} Say --yes to do it without being asked");
    }
    eprintln!("{what}");
    if input::ask(&format!("Type {word} to go on: "))? != word {
        bail!("nothing was done: that is not {word}");
    }
    Ok(())
}

async fn schedule(args: ScheduleArgs) -> Result<ExitCode> {
    let client = args.list.of.server.client()?;
    let path = format!("{}/backup-schedule", environment_path(&args.list.of.environment));
    let mut shown: Value = client.get(&path).await?;
    if let Some(body) = changed(&args, &shown) {
        shown = change(&client, &path, &body).await?;
    }
    output::print(
        args.list.output,
        &shown,
        &["every", "before deployments", "keep", "next"],
        |_| {
            let every = shown["every_hours"].as_i64();
            let before = shown["before_deployments"].as_bool().unwrap_or_default();
            vec![vec![
                every.map_or("–".to_owned(), |hours| format!("{hours} h")),
                if before { "yes" } else { "no" }.to_owned(),
                shown["keep"].to_string(),
                shown["next_at"].as_str().unwrap_or("–").to_owned(),
            ]]
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

async fn change(client: &Client, path: &str, body: &Value) -> Result<Value> {
    client.put(path, body).await
}

/// What is sent: what stands, with what was asked for over it; none where nothing was.
fn changed(args: &ScheduleArgs, now: &Value) -> Option<Value> {
    let ScheduleArgs { every_hours, off, keep, before_deployments, .. } = args;
    if every_hours.is_none() && !off && keep.is_none() && before_deployments.is_none() {
        return None;
    }
    let mut body = json!({
        "every_hours": now["every_hours"], "keep": now["keep"],
        "before_deployments": now["before_deployments"],
    });
    if let Some(hours) = every_hours {
        body["every_hours"] = json!(hours);
    }
    if *off {
        body["every_hours"] = Value::Null;
    }
    if let Some(keep) = keep {
        body["keep"] = json!(keep);
    }
    if let Some(before) = before_deployments {
        body["before_deployments"] = json!(before);
    }
    Some(body)
}

/// Prints what the API answered, for people as a table of the backups in it.
fn print(format: Format, answer: &Value, backups: &[Backup]) -> Result<()> {
    let header = ["backup", "state", "release", "of", "size", "made", "cause", "by", "note"];
    output::print(format, answer, &header, |_| {
        let row = |backup: &Backup| {
            vec![
                backup.number.to_string(),
                backup.state.clone(),
                backup.release.tag.clone(),
                format!("#{}", backup.deployment_number),
                size(backup.bytes),
                backup.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
                backup.cause.clone(),
                backup.by.name.clone(),
                backup.note.clone(),
            ]
        };
        backups.iter().map(row).collect()
    })
}
