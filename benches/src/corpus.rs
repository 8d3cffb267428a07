//! The whole of a folder of public charts: each against `helm template`, and all of them in one process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use helm::chart::Chart as HelmChart;
use helm::render::{PreparedChart, PrintedHooks};

use crate::process::{self, Chart};
use crate::{memory, warm};

pub(crate) const AGAINST_HELM: [&str; 7] = [
    "charts compared",
    "left out",
    "helm ms, sum of medians",
    "landfall ms, sum of medians",
    "times faster, geometric mean",
    "least",
    "of chart",
];

pub(crate) const IN_ONE_PROCESS: [&str; 5] =
    ["round", "rendered", "refused", "seconds", "peak resident MB so far"];

/// Rounds over all charts in one process: what is kept from one would show as growth in the next.
const ROUNDS: u32 = 3;

/// The folder of charts, if `LANDFALL_CHARTS` names one.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os("LANDFALL_CHARTS").map(PathBuf::from)
}

/// Every chart of the folder, sorted.
fn all(folder: &Path) -> Result<Vec<Chart>> {
    let mut charts = Vec::new();
    for entry in std::fs::read_dir(folder).context("LANDFALL_CHARTS cannot be read")? {
        let folder = entry?.path();
        if folder.join("Chart.yaml").is_file() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            charts.push(Chart { name, folder });
        }
    }
    ensure!(!charts.is_empty(), "LANDFALL_CHARTS holds no charts");
    charts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(charts)
}

/// Each chart with its default values through both binaries in turn. What Helm itself refuses is left out, and named.
pub(crate) fn against_helm(
    landfall: &Path,
    folder: &Path,
    runs: usize,
) -> Result<Vec<Vec<String>>> {
    let (mut compared, mut left_out) = (0_u32, Vec::new());
    let (mut theirs_sum, mut ours_sum, mut logarithms) = (0.0, 0.0, 0.0);
    let mut least = (f64::INFINITY, String::new());
    for chart in all(folder)? {
        if !process::renders(&chart)? {
            left_out.push(chart.name);
            continue;
        }
        let (theirs, ours) = process::medians(landfall, &chart, runs)?;
        compared += 1;
        theirs_sum += theirs;
        ours_sum += ours;
        logarithms += (theirs / ours).ln();
        if theirs / ours < least.0 {
            least = (theirs / ours, chart.name);
        }
    }
    if !left_out.is_empty() {
        eprintln!("LEFT OUT, because Helm refuses them: {}", left_out.join(", "));
    }
    Ok(vec![vec![
        compared.to_string(),
        left_out.len().to_string(),
        format!("{theirs_sum:.0}"),
        format!("{ours_sum:.0}"),
        format!("{:.1}", (logarithms / f64::from(compared)).exp()),
        format!("{:.1}", least.0),
        least.1,
    ]])
}

/// Runs [`round_trip`] in a process of its own, whose memory nothing else has touched.
pub(crate) fn in_one_process(folder: &Path) -> Result<Vec<Vec<String>>> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--only-corpus")
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()
        .context("could not start another process of this program")?;
    ensure!(output.status.success(), "rendering the corpus ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// Loads, renders and drops every chart, one after the other, and prints one line for each round.
pub(crate) fn round_trip(folder: &Path) -> Result<()> {
    let charts = all(folder)?;
    for round in 1..=ROUNDS {
        let begun = Instant::now();
        let rendered = charts.iter().filter(|chart| render(chart).is_some()).count();
        let refused = charts.len() - rendered;
        let seconds = begun.elapsed().as_secs_f64();
        let peak = memory::megabytes(std::process::id(), "VmHWM:")?;
        println!("{round}\t{rendered}\t{refused}\t{seconds:.1}\t{peak:.1}");
    }
    Ok(())
}

/// The number of bytes `helm template` would print; nothing for charts that are refused.
fn render(chart: &Chart) -> Option<usize> {
    let prepared = PreparedChart::new(HelmChart::load(&chart.folder).ok()?).ok()?;
    Some(prepared.render(&warm::input()).ok()?.to_printed(PrintedHooks::All).len())
}
