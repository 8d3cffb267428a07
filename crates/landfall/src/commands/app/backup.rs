//! `landfall app backup …`: how the data of an App's environments is backed up.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{OneArgs, path};
use crate::client::understood;
use crate::input;
use crate::output::{self, Format};

/// What can be done with backup methods.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BackupCommand {
    /// Show the backup methods of an App
    Show(OneArgs),
    /// Declare the backup methods of an App anew, all of them
    Set(SetArgs),
}

/// Which ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "The file is YAML or JSON, as `show -o yaml` prints it:

  methods:
  - name: database
    selector: app.kubernetes.io/instance={release},app.kubernetes.io/component=db
    container: postgres            # left out: the pod's own choice, else its first
    backup: [pg_dump, --format=custom, --username=shop, shop]
    restore: [pg_restore, --clean, --if-exists, --single-transaction, --username=shop, --dbname=shop]
    timeout_seconds: 3600
  - name: files
    kind: volumes                  # left out: commands
    selector: app.kubernetes.io/instance={release},app.kubernetes.io/component=files
    snapshot_class: fast           # left out: the default of the volumes' driver

Commands run without a shell. What `backup` writes to its standard output is kept; `restore` is given it as
standard input, which just ends where the connection breaks, and may be run again after it was broken off.
Everyone who sees the App reads the commands: no passwords in them. `volumes` are the
PersistentVolumeClaims with these labels: the cluster snapshots them, and keeps the snapshots. `{release}` stands for the environment's Helm release.")]
pub(crate) struct SetArgs {
    #[command(flatten)]
    one: OneArgs,

    /// File with the methods; - reads standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Methods {
    methods: Vec<Method>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Method {
    name: String,
    kind: String,
    selector: String,
    backup: Vec<String>,
    restore: Vec<String>,
    snapshot_class: String,
}

/// Carries the command out.
pub(crate) async fn run(command: BackupCommand) -> Result<ExitCode> {
    match command {
        BackupCommand::Show(args) => show(args).await,
        BackupCommand::Set(args) => set(args).await,
    }
}

async fn show(args: OneArgs) -> Result<ExitCode> {
    let shown = args.server.client()?.get(&path(&args.app, "backup-methods")).await?;
    print(args.output, &shown)?;
    Ok(ExitCode::SUCCESS)
}

async fn set(args: SetArgs) -> Result<ExitCode> {
    let methods = read(&args.file)?;
    let client = args.one.server.client()?;
    let path = path(&args.one.app, "backup-methods");
    let saved: Value = client.put(&path, &json!({ "methods": methods })).await?;
    print(args.one.output, &saved)?;
    Ok(ExitCode::SUCCESS)
}

/// The methods of a file: under `methods`, as `show` prints them, or the list alone.
fn read(file: &Path) -> Result<Value> {
    let read = goyaml::parse(&input::text(file)?)
        .with_context(|| format!("{} is no YAML", file.display()))?;
    let json = goyaml::json::to_string(&read)
        .with_context(|| format!("{} has what JSON cannot say", file.display()))?;
    let mut value: Value = serde_json::from_str(&json)?;
    Ok(match value.get_mut("methods") {
        Some(methods) => methods.take(),
        None => value,
    })
}

fn print(format: Format, answer: &Value) -> Result<()> {
    let read: Methods = understood(answer)?;
    output::print(format, answer, &["method", "labels", "backs up", "restores"], |_| {
        let row = |it: &Method| {
            let (backup, restore) = match it.kind.as_str() {
                "volumes" if it.snapshot_class.is_empty() => {
                    ("snapshots of volumes".to_owned(), String::new())
                }
                "volumes" => {
                    (format!("snapshots of volumes, class {}", it.snapshot_class), String::new())
                }
                _ => (it.backup.join(" "), it.restore.join(" ")),
            };
            vec![it.name.clone(), it.selector.clone(), backup, restore]
        };
        read.methods.iter().map(row).collect()
    })
}
