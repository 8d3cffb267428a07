//! `chart template` against `helm template`: both as processes, in turn, on the same charts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::{corpus, median};

pub(crate) const HEADER: [&str; 4] = ["chart", "helm ms", "landfall ms", "times faster"];

/// A chart folder and what it is called in the tables.
pub(crate) struct Chart {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// The sample product's chart, and the three public ones where `LANDFALL_CHARTS` names a folder of charts.
pub(crate) fn charts() -> Result<Vec<Chart>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/parcel/0.31.0");
    let mut charts = vec![Chart { name: "parcel (own)".to_owned(), folder: own }];
    let Some(public) = corpus::folder() else {
        eprintln!(
            "LEFT OUT: podinfo, ingress-nginx and nginx, because LANDFALL_CHARTS names no folder of charts"
        );
        return Ok(charts);
    };
    for (name, chart) in [
        ("podinfo", "stefanprodan__podinfo__charts__podinfo"),
        ("ingress-nginx", "kubernetes__ingress-nginx__charts__ingress-nginx"),
        ("bitnami nginx", "bitnami__charts__bitnami__nginx"),
    ] {
        let folder = public.join(chart);
        ensure!(folder.is_dir(), "LANDFALL_CHARTS has no chart {chart}");
        charts.push(Chart { name: name.to_owned(), folder });
    }
    Ok(charts)
}

pub(crate) fn measure(landfall: &Path, charts: &[Chart], runs: usize) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let mut logarithms = 0.0;
    for chart in charts {
        let (theirs, ours) = medians(landfall, chart, runs)?;
        logarithms += (theirs / ours).ln();
        rows.push(row(&chart.name, format!("{theirs:.1}"), format!("{ours:.1}"), theirs / ours));
    }
    let count = u32::try_from(charts.len()).context("too many charts")?;
    rows.push(row(
        "geometric mean",
        String::new(),
        String::new(),
        (logarithms / f64::from(count)).exp(),
    ));
    Ok(rows)
}

fn row(name: &str, theirs: String, ours: String, ratio: f64) -> Vec<String> {
    vec![name.to_owned(), theirs, ours, format!("{ratio:.1}")]
}

/// The median milliseconds Helm and Landfall take, run in turn.
pub(crate) fn medians(landfall: &Path, chart: &Chart, runs: usize) -> Result<(f64, f64)> {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    // The first pair warms the file cache and is not counted.
    for run in 0..=runs {
        let a = time(&mut helm_template(chart))?;
        let b = time(template(Command::new(landfall).arg("chart"), chart))?;
        if run > 0 {
            theirs.push(a);
            ours.push(b);
        }
    }
    Ok((median(theirs), median(ours)))
}

/// Whether Helm renders the chart with its default values.
pub(crate) fn renders(chart: &Chart) -> Result<bool> {
    let mut command = helm_template(chart);
    let status = command.status().with_context(|| format!("could not run {command:?}"))?;
    Ok(status.success())
}

fn helm_template(chart: &Chart) -> Command {
    let mut command = Command::new(harness::tool("LANDFALL_HELM", "helm"));
    template(&mut command, chart);
    command
}

fn template<'a>(command: &'a mut Command, chart: &Chart) -> &'a mut Command {
    command
        .args(["template", "rel"])
        .arg(&chart.folder)
        .args(["--namespace", "ns"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

/// Milliseconds from start to end.
fn time(command: &mut Command) -> Result<f64> {
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("could not run {command:?}"))?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(took)
}
