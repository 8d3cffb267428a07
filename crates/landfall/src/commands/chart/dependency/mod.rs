//! `landfall chart dependency`: the charts a chart depends on, as `helm dependency` lists, locks and
//! fetches them.

mod gather;
mod list;
mod manager;
mod resolve;

use anyhow::Result;
use clap::Subcommand;

use super::flags::{ConnectionFlags, GlobalFlags, VerifyFlags};
use super::go_flags::GoFlags;
use super::log;
use super::settings::{self, Settings};
use super::words::{Count, check_count};

use manager::Verify;
pub(super) use manager::{Manager, Output};

/// What can be done with dependencies.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what Chart.yaml declares and whether it is there
    #[command(visible_alias = "ls")]
    List(GoFlags<list::Args>),
    /// Fetch what Chart.lock names into charts/
    Build(GoFlags<Args>),
    /// Fetch the newest charts that fit Chart.yaml into charts/, and write Chart.lock
    #[command(visible_alias = "up")]
    Update(GoFlags<Args>),
}

/// Helm's arguments of `dependency build` and `dependency update`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the chart
    #[arg(value_name = "CHART")]
    charts: Vec<String>,
    /// Use indexes of repositories as they were downloaded last
    #[arg(long)]
    skip_refresh: bool,
    #[command(flatten)]
    verify: VerifyFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods belong to one lifetime each"
)]
pub(super) fn run(command: &Command) -> Result<()> {
    match command {
        Command::List(args) => list::run(args),
        Command::Build(args) => {
            with_manager(args, "build", Verify::IfPresent, |manager| manager.build())
        }
        Command::Update(args) => {
            with_manager(args, "update", Verify::Always, |manager| manager.update())
        }
    }
}

fn with_manager(
    args: &Args,
    name: &str,
    verify: Verify,
    action: impl FnOnce(&Manager<'_>) -> Result<()>,
) -> Result<()> {
    let usage = "CHART [flags]";
    check_count(&args.charts, Count::AtMost(1), &format!("dependency {name}"), usage)?;
    log::start(args.global.debug);
    let chart = args.charts.first().map_or_else(|| ".".to_owned(), |chart| helm::clean_path(chart));
    let stamp = settings::source_date()?;
    let settings = Settings::new(&args.global);
    let manager = Manager::new(&chart, &settings, &args.connection, stamp, Output::Everything)
        .verifying(
            if args.verify.verify { verify } else { Verify::Never },
            args.verify.keyring.file(),
        )
        .with_skip_refresh(args.skip_refresh)
        .with_debug(args.global.debug);
    action(&manager)
}
