//! Landfall's budgets, measured and printed as tables; `make bench` builds everything and runs it.
//!
//! What is compared with Helm is run in turn with it, because machines are shared and noisy: the ratio counts. Nothing
//! here passes or fails; whoever reads the tables judges.

mod against_helm;
mod bare_client;
mod corpus;
mod deployment;
mod fleet;
mod memory;
mod process;
mod size;
mod warm;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::{Table, presets};

/// Measures and prints.
#[derive(Debug, Parser)]
struct Args {
    /// The binary to measure
    #[arg(long, value_name = "FILE", required_unless_present = "only_corpus")]
    landfall: Option<PathBuf>,

    /// Runs of each command
    #[arg(long, default_value_t = 20, value_name = "N")]
    runs: usize,

    /// Runs of each command over the whole folder of public charts
    #[arg(long, default_value_t = 3, value_name = "N")]
    corpus_runs: usize,

    /// Deployments of each chart on a real control plane
    #[arg(long, default_value_t = 5, value_name = "N")]
    upgrades: usize,

    /// Environments deployed at once
    #[arg(long, default_value_t = 1000, value_name = "N")]
    releases: usize,

    /// Leave out what is about rendering
    #[arg(long)]
    only_clusters: bool,

    /// Only what is about many environments at once
    #[arg(long)]
    only_fleet: bool,

    /// Only what is about an account of many environments and deployments
    #[arg(long, conflicts_with_all = ["only_clusters", "only_fleet"])]
    only_size: bool,

    #[command(flatten)]
    size: size::SizeArgs,

    /// Only render every chart of this folder in this process, and print what that took
    #[arg(long, value_name = "FOLDER", hide = true)]
    only_corpus: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(folder) = &args.only_corpus {
        return corpus::round_trip(folder);
    }
    let landfall = args.landfall.clone().context("no binary to measure")?;
    if args.only_size {
        return size::measure(&landfall, &args.size).await;
    }
    if !args.only_clusters && !args.only_fleet {
        rendering(&landfall, &args)?;
    }
    if !args.only_fleet {
        deployments(&landfall, &args).await?;
    }
    print(
        "as many environments of podinfo without replicas, created at once",
        &fleet::HEADER,
        fleet::measure(&landfall, args.releases).await?,
    );
    print("memory of an idle server", &memory::HEADER, memory::measure(&landfall).await?);
    if !args.only_clusters && !args.only_fleet {
        size::measure(&landfall, &args.size).await?;
    }
    Ok(())
}

/// What single deployments take.
async fn deployments(landfall: &Path, args: &Args) -> Result<()> {
    print(
        "a deployment on a simulated cluster without waiting for pods, from the request to its end",
        &deployment::HEADER,
        deployment::measure(landfall, args.runs).await?,
    );
    print(
        "a deployment against helm upgrade --wait on the same real control plane, in turn",
        &against_helm::HEADER,
        against_helm::measure(landfall, args.upgrades).await?,
    );
    Ok(())
}

/// What rendering takes, as a process, over many charts, and again in one process.
fn rendering(landfall: &Path, args: &Args) -> Result<()> {
    let charts = process::charts()?;
    print(
        "chart template against helm template, as processes in turn",
        &process::HEADER,
        process::measure(landfall, &charts, args.runs)?,
    );
    match corpus::folder() {
        Some(folder) => {
            print(
                "the same over every chart below LANDFALL_CHARTS",
                &corpus::AGAINST_HELM,
                corpus::against_helm(landfall, &folder, args.corpus_runs)?,
            );
            print(
                "all of them loaded, rendered and dropped in one process, one after the other",
                &corpus::IN_ONE_PROCESS,
                corpus::in_one_process(&folder)?,
            );
        }
        None => eprintln!(
            "LEFT OUT: the tables over a whole folder of charts, because LANDFALL_CHARTS names none"
        ),
    }
    print("the same chart rendered again in one process", &warm::HEADER, warm::measure(&charts)?);
    Ok(())
}

fn print(title: &str, header: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    println!("\n{title}\n{table}");
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
