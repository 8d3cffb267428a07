//! One file per command; here only which is which, and the asynchronous runtime for those that need one.
//!
//! `chart` runs without a runtime: it starts in milliseconds because it sets nothing up that it does not use.

pub(crate) mod admin;
pub(crate) mod app;
pub(crate) mod backup;
pub(crate) mod batch;
pub(crate) mod chart;
pub(crate) mod cluster;
pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod domain;
pub(crate) mod env;
pub(crate) mod login;
pub(crate) mod op;
pub(crate) mod preview;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod serve;
pub(crate) mod simulator;
pub(crate) mod team;

use std::future::Future;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::{Cli, Command};
use crate::client::ServerArgs;
use crate::lazy::Lazy;
use crate::output::Format;

/// Carries the command out.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Chart(Lazy(command)) => Ok(chart::run(&command)),
        Command::Serve(args) => with_runtime(serve::run(args.0)),
        Command::Demo(Lazy(args)) => with_runtime(demo::run(args)),
        Command::Simulator(Lazy(args)) => with_runtime(simulator::run(args)),
        Command::App(Lazy(command)) => with_runtime(app::run(command)),
        Command::Release(Lazy(command)) => with_runtime(release::run(command)),
        Command::Deploy(Lazy(args)) => with_runtime(deploy::run(args)),
        Command::Diff(Lazy(args)) => with_runtime(diff::run(args)),
        Command::Rollback(Lazy(args)) => with_runtime(rollback::run(args)),
        Command::Backup(Lazy(command)) => with_runtime(backup::run(command)),
        Command::Batch(Lazy(command)) => with_runtime(batch::run(command)),
        Command::Op(Lazy(command)) => with_runtime(op::run(command)),
        Command::Env(Lazy(command)) => with_runtime(env::run(command)),
        Command::Domain(Lazy(command)) => with_runtime(domain::run(command)),
        Command::Cluster(Lazy(command)) => with_runtime(cluster::run(command)),
        Command::Team(Lazy(command)) => with_runtime(team::run(command)),
        Command::Login(Lazy(args)) => with_runtime(login::login(args)),
        Command::Logout(Lazy(args)) => with_runtime(login::logout(args)),
        Command::Admin(Lazy(command)) => with_runtime(admin::run(command)),
        Command::Completion(Lazy(args)) => completion::run(&args),
    }
}

/// Which of many things that have names.
#[derive(Debug, clap::Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Only those whose name has a part that begins so
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) search: String,

    /// How many at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

fn with_runtime(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    heap::keep_small();
    // Both reqwest and kube ask rustls for the process's provider; there is one in the whole binary.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // One for every two processors, unless tokio's own variable says otherwise: what is worked out at length has threads of its
    // own, and two workers wake each other all the time.
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        runtime.worker_threads((processors / 2).max(1));
    }
    runtime
        .enable_all()
        .build()
        .context("could not start the asynchronous runtime")?
        .block_on(command)
}

/// Ends when the process is asked to stop: Ctrl-C, or SIGTERM from a service manager.
pub(crate) async fn asked_to_stop() {
    let mut terminate = match tokio::signal::unix::signal(
        tokio::signal::unix::SignalKind::terminate(),
    ) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard; only Ctrl-C stops the process gracefully");
            let _ = tokio::signal::ctrl_c().await;
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
