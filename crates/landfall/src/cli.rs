//! The command line: clap types only. What the commands do is in `commands`.

use clap::{Parser, Subcommand};

use crate::commands::{chart_template, demo, deploy, env, op, release, rollback, serve, simulator};

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
    Serve(serve::Args),
    /// Try Landfall: a sample product on a simulated cluster, with nothing but this binary
    Demo(demo::Args),
    /// Run a simulated Kubernetes cluster as a process of its own
    Simulator(simulator::Args),
    /// Work with Helm charts as `helm` does
    #[command(subcommand)]
    Chart(ChartCommand),
    /// Releases of an App
    #[command(subcommand)]
    Release(release::Command),
    /// Deploy a release to an App Environment
    Deploy(deploy::Args),
    /// Repeat an earlier deployment of an App Environment
    Rollback(rollback::Args),
    /// Operations
    #[command(subcommand)]
    Op(op::Command),
    /// App Environments
    #[command(subcommand)]
    Env(env::Command),
}

/// `landfall chart …`: Helm's arguments, Helm's bytes.
#[derive(Debug, Subcommand)]
pub(crate) enum ChartCommand {
    /// Render a chart and print what `helm template` prints
    Template(Box<chart_template::Args>),
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
