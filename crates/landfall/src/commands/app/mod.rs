//! `landfall app …`: Apps.

use crate::client::part;
mod add;
mod backup;
mod settings;
mod values;

use std::process::ExitCode;

use anyhow::Result;

use crate::client::ServerArgs;
use crate::commands::FindArgs;
use crate::output::Format;

/// What can be done with Apps.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List Apps
    List(FindArgs),
    /// Add an App: a product, and where its chart comes from
    Add(Box<add::AddArgs>),
    /// How the data of an App's environments is backed up
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Settings of an App: waiting, Helm's rules, masked values, signatures, custom domains
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// Helm values of an App: what all its environments start from
    #[command(subcommand)]
    Values(values::ValuesCommand),
}

/// Which App.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App
    app: String,

    /// How to print the answer
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => add::list(args).await,
        Command::Add(args) => add::add(*args).await,
        Command::Backup(command) => backup::run(command).await,
        Command::Settings(command) => settings::run(command).await,
        Command::Values(command) => values::run(command).await,
    }
}

/// A resource of an App, whose name may have blanks and more.
fn path(app: &str, resource: &str) -> String {
    let app = part(app);
    format!("/api/v1/apps/{app}/{resource}")
}
