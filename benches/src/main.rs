//! Landfall's budgets, measured and printed as tables; `make bench` builds everything and runs it.
//!
//! What is compared with Helm is run in turn with it, because machines are shared and noisy: the ratio counts. Nothing
//! here passes or fails; whoever reads the tables judges.

mod deployment;
mod memory;
mod process;
mod warm;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use comfy_table::{Table, presets};

/// Measures and prints.
#[derive(Debug, Parser)]
struct Args {
    /// The binary to measure
    #[arg(long, value_name = "FILE")]
    landfall: PathBuf,

    /// Runs of each command
    #[arg(long, default_value_t = 20, value_name = "N")]
    runs: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let charts = process::charts()?;
    print(
        "chart template against helm template, as processes in turn",
        &process::HEADER,
        process::measure(&args.landfall, &charts, args.runs)?,
    );
    print("the same chart rendered again in one process", &warm::HEADER, warm::measure(&charts)?);
    print(
        "a deployment on a simulated cluster without waiting for pods, from the request to its end",
        &deployment::HEADER,
        deployment::measure(&args.landfall, args.runs).await?,
    );
    print("memory of an idle server", &memory::HEADER, memory::measure(&args.landfall).await?);
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
