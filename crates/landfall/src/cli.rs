//! The command line: clap types only. What the commands do is in `commands`.

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::chart::{self, ChartCommand};
use crate::commands::{
    admin, app, backup, batch, cluster, completion, demo, deploy, diff, domain, env, login, op,
    release, rollback, serve, simulator, team,
};
use crate::lazy::Lazy;

/// Releases a product, packaged as a Helm chart, into every environment it runs in.
#[derive(Debug, Parser)]
#[command(name = "landfall", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked of the binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: pages, API and the workers that carry Ops out
    Serve(Box<Lazy<serve::Args>>),
    /// Try Landfall: a sample product on a simulated cluster, with nothing but this binary
    Demo(Lazy<demo::Args>),
    /// Run a simulated Kubernetes cluster as a process of its own
    Simulator(Lazy<simulator::Args>),
    /// Work with Helm charts as `helm` does
    #[command(subcommand)]
    Chart(Lazy<ChartCommand>),
    /// Apps
    #[command(subcommand)]
    App(Lazy<app::Command>),
    /// Releases of an App
    #[command(subcommand)]
    Release(Lazy<release::Command>),
    /// Deploy a release to an App Environment
    Deploy(Lazy<deploy::Args>),
    /// Repeat an earlier deployment of an App Environment
    Rollback(Lazy<rollback::Args>),
    /// Compare two deployments, or what two App Environments run
    Diff(Lazy<diff::Args>),
    /// Batches: one act that deploys to many App Environments
    #[command(subcommand)]
    Batch(Lazy<batch::Command>),
    /// Operations
    #[command(subcommand)]
    Op(Lazy<op::Command>),
    /// App Environments
    #[command(subcommand)]
    Env(Lazy<env::Command>),
    /// Backups of App Environments
    #[command(subcommand)]
    Backup(Lazy<backup::Command>),
    /// Custom domains of App Environments
    #[command(subcommand)]
    Domain(Lazy<domain::Command>),
    /// Clusters
    #[command(subcommand)]
    Cluster(Lazy<cluster::Command>),
    /// People and invitations
    #[command(subcommand)]
    Team(Lazy<team::Command>),
    /// Log in to a server: later commands use it, and a token that is kept for it
    Login(Lazy<login::LoginArgs>),
    /// Log out: ends the token that is kept
    Logout(Lazy<login::LogoutArgs>),
    /// Everything that a Landfall stores: dump and load it
    #[command(subcommand)]
    Admin(Lazy<admin::Command>),
    /// Print what a shell needs to complete commands
    Completion(Lazy<completion::Args>),
}

impl Cli {
    /// Reads the command line; a call that is wrong ends here, as Helm ends it below `chart`.
    pub(crate) fn read() -> Self {
        let read = Self::command()
            .try_get_matches_from(std::env::args_os())
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches));
        match read {
            Ok(cli) => cli,
            Err(error) if std::env::args().nth(1).as_deref() == Some("chart") => {
                chart::end_wrong_call(&error)
            }
            Err(error) => error.exit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    /// Every command's arguments fit together; clap checks this only when a command is used.
    #[test]
    fn commands_are_sound() {
        super::Cli::command().debug_assert();
    }
}
