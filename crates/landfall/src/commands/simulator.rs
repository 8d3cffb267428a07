//! `landfall simulator`: a simulated Kubernetes cluster as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use simulator::{Program, Simulator, Storage};

use crate::commands::{asked_to_stop, serve::LogFormat, serve::log_to_stderr};
use crate::simulated::Pace;

/// Where the simulated cluster listens and what it keeps.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// File that keeps the cluster's objects over restarts; without it they are gone at the end
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,

    /// File to write the kubeconfig to, for kubectl, helm and `serve --simulated-cluster`
    #[arg(long, default_value = "simulator.kubeconfig", value_name = "FILE")]
    kubeconfig: PathBuf,

    /// The cluster's name in the kubeconfig
    #[arg(long, default_value = "simulated")]
    name: String,

    /// How fast the cluster is
    #[arg(long, value_enum, default_value_t = Pace::Believable)]
    pace: Pace,

    /// A program of this machine that answers for commands executed in pods; pods name it by the annotation
    /// `simulator.landfall.dev/exec: COMMAND=NAME`
    #[arg(long, value_name = "NAME=PATH", value_parser = program)]
    program: Vec<(String, PathBuf)>,
}

fn program(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("give a name and a path: shop-dump=/usr/local/bin/dump".to_owned()),
    }
}

/// Runs until it is asked to stop.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    log_to_stderr("warn", LogFormat::Text);
    let storage = args.data.map_or(Storage::Memory, Storage::File);
    let programs = args.program.into_iter();
    let programs =
        programs.map(|(name, path)| (name, Program { path, arguments: Vec::new() })).collect();
    let cluster = Simulator::builder()
        .name(&args.name)
        .listen(args.listen)
        .store(storage)
        .timing(args.pace.timing())
        .programs(programs)
        .start()
        .await
        .context("could not start the simulated cluster")?;
    write_private(&args.kubeconfig, &cluster.kubeconfig())
        .with_context(|| format!("could not write {}", args.kubeconfig.display()))?;
    println!(
        "Simulated cluster `{}` listens on {}; no containers run in it",
        args.name,
        cluster.url()
    );
    println!("kubectl --kubeconfig {} get nodes", args.kubeconfig.display());
    asked_to_stop().await;
    cluster.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// A kubeconfig holds a token: only its owner may read it, and readers never see half of it.
fn write_private(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?
        .write_all(text.as_bytes())?;
    std::fs::rename(fresh, file)
}
