//! Rules for the dependencies in Chart.yaml and the charts below `charts/`.

use std::collections::HashSet;

use super::{Linter, Severity, chain};
use crate::chart::Chart;

pub(super) fn check(linter: &mut Linter) {
    let chart = match Chart::load_of_any_format(&linter.folder) {
        Ok(chart) => chart,
        Err(error) => {
            let text = format!("unable to load chart\n\t{}", chain(&error));
            linter.rule(Severity::Error, "", Err(text));
            return;
        }
    };
    let path = linter.folder.display().to_string();
    let undeclared = undeclared(&chart);
    linter.rule(
        Severity::Error,
        &path,
        listed("chart metadata is missing these dependencies", &undeclared),
    );
    let repeated = repeated(&chart);
    linter.rule(
        Severity::Error,
        &path,
        listed("multiple dependencies with name or alias", &repeated),
    );
    let missing = missing(&chart);
    linter.rule(
        Severity::Warning,
        &path,
        listed("chart directory is missing these dependencies", &missing),
    );
}

fn listed(what: &str, names: &[&str]) -> Result<(), String> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) }
}

/// Charts below `charts/` that Chart.yaml does not declare.
fn undeclared(chart: &Chart) -> Vec<&str> {
    let declared: HashSet<&str> =
        chart.metadata().declared().iter().map(|dependency| dependency.name.as_str()).collect();
    chart.dependencies().iter().map(Chart::name).filter(|name| !declared.contains(name)).collect()
}

/// Names, or aliases in their place, that are declared again.
fn repeated(chart: &Chart) -> Vec<&str> {
    let mut seen = HashSet::new();
    let declared = chart.metadata().declared().iter();
    declared
        .map(|d| if d.alias.is_empty() { d.name.as_str() } else { d.alias.as_str() })
        .filter(|name| !seen.insert(*name))
        .collect()
}

/// Charts that Chart.yaml declares and that are not below `charts/`.
fn missing(chart: &Chart) -> Vec<&str> {
    let there: HashSet<&str> = chart.dependencies().iter().map(Chart::name).collect();
    let declared = chart.metadata().declared().iter();
    declared
        .map(|dependency| dependency.name.as_str())
        .filter(|name| !there.contains(name))
        .collect()
}
