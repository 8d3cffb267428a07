//! Rendering the same chart again and again in one process, as previews over a fleet do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use helm::chart::Chart as HelmChart;
use helm::render::{PreparedChart, ReleaseOptions, RenderInput};

use crate::process::Chart;

pub(crate) const HEADER: [&str; 3] =
    ["chart", "renders a second, one thread", "renders a second, two threads"];

/// How long each figure is measured.
const LASTING: Duration = Duration::from_secs(2);

pub(crate) fn measure(charts: &[Chart]) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for chart in charts {
        let loaded = HelmChart::load(&chart.folder)
            .with_context(|| format!("could not load {}", chart.name))?;
        let prepared = Arc::new(PreparedChart::new(loaded)?);
        prepared.render(&input()).with_context(|| format!("could not render {}", chart.name))?;
        let rates: Vec<String> =
            [1, 2].iter().map(|threads| format!("{:.0}", rate(&prepared, *threads))).collect();
        rows.push(vec![chart.name.clone(), rates[0].clone(), rates[1].clone()]);
    }
    Ok(rows)
}

/// A first install with the chart's own values.
pub(crate) fn input() -> RenderInput {
    RenderInput::new(
        helm::values::parse_values("").unwrap_or_default(),
        ReleaseOptions::install("rel", "ns"),
    )
}

fn rate(chart: &Arc<PreparedChart>, threads: usize) -> f64 {
    let begun = Instant::now();
    let renders: u32 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let input = input();
                    let mut renders = 0;
                    while begun.elapsed() < LASTING {
                        renders += u32::from(chart.render(&input).is_ok());
                    }
                    renders
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    f64::from(renders) / begun.elapsed().as_secs_f64()
}
