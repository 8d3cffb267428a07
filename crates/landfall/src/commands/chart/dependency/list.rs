//! `landfall chart dependency list`: a table of what Chart.yaml declares and what lies in `charts/`.

use std::path::Path;

use anyhow::{Result, bail};
use helm::chart::{Chart, Dependency};
use helm::semver::{Constraint, Version};

use super::super::flags::GlobalFlags;
use super::super::log;
use super::super::words::{Count, check_count, go_words, join, print};

/// Helm's arguments of `dependency list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder or archive of the chart
    #[arg(value_name = "CHART")]
    charts: Vec<String>,
    /// Columns wider than this are cut
    #[arg(long, value_name = "CHARACTERS", default_value_t = 80)]
    max_col_width: usize,
    #[command(flatten)]
    global: GlobalFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    check_count(&args.charts, Count::AtMost(1), "dependency list", "CHART [flags]")?;
    log::start(args.global.debug);
    let path = args.charts.first().map_or_else(|| ".".to_owned(), |chart| helm::clean_path(chart));
    if let Err(error) = std::fs::metadata(&path) {
        bail!("stat {path}: {}", go_words(&error));
    }
    let chart = Chart::load_of_any_format(Path::new(&path))?;
    let charts = join(&path, "charts");
    let Some(declared) = &chart.metadata().dependencies else {
        return print(format!("WARNING: no dependencies at {charts}\n").as_bytes());
    };
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned)];
    for dependency in declared {
        rows.push([
            dependency.name.clone(),
            dependency.version.clone(),
            dependency.repository.clone(),
            status(dependency, &chart, &charts).to_owned(),
        ]);
    }
    let mut text = table(&rows, args.max_col_width);
    text.push('\n');
    text.push_str(&undeclared(&charts, declared));
    print(text.as_bytes())
}

/// What is there of a dependency: as an archive of its name first, then among the loaded charts.
fn status(dependency: &Dependency, parent: &Chart, charts: &str) -> &'static str {
    let archives = archives(dependency, charts);
    let chosen = match archives.as_slice() {
        [] => None,
        [one] => Some(one),
        several => {
            let versioned: Vec<&String> =
                several.iter().filter(|file| has_version(file, dependency)).collect();
            match versioned.as_slice() {
                [] => None,
                [one] => Some(*one),
                _ => return "too many matches",
            }
        }
    };
    if let Some(archive) = chosen {
        return archive_status(&format!("{charts}/{archive}"), dependency);
    }
    let found = parent.dependencies().iter().rfind(|child| child.name() == dependency.name);
    match found {
        None => "missing",
        Some(child) => misfit(child, dependency).unwrap_or("unpacked"),
    }
}

/// Files of the name `<dependency>-*.tgz`.
fn archives(dependency: &Dependency, charts: &str) -> Vec<String> {
    let start = format!("{}-", dependency.name);
    let fits = |name: &String| {
        name.strip_prefix(&start).is_some_and(|rest| rest.strip_suffix(".tgz").is_some())
    };
    names(charts).into_iter().filter(fits).collect()
}

fn has_version(file: &str, dependency: &Dependency) -> bool {
    let version = file
        .strip_suffix(".tgz")
        .and_then(|name| name.strip_prefix(&format!("{}-", dependency.name)));
    version.is_some_and(|version| Version::parse_strict(version).is_ok())
}

fn archive_status(path: &str, dependency: &Dependency) -> &'static str {
    match Chart::load_of_any_format(Path::new(path)) {
        Err(_) => "corrupt",
        Ok(chart) if chart.name() != dependency.name => "misnamed",
        Ok(chart) => misfit(&chart, dependency).unwrap_or("ok"),
    }
}

/// Why a chart's version is not the wanted one.
fn misfit(chart: &Chart, dependency: &Dependency) -> Option<&'static str> {
    if chart.version() == dependency.version {
        return None;
    }
    let Ok(constraint) = Constraint::parse(&dependency.version) else {
        return Some("invalid version");
    };
    let Ok(version) = Version::parse(chart.version()) else { return Some("invalid version") };
    (!constraint.check(&version)).then_some("wrong version")
}

/// Charts in the folder that Chart.yaml does not declare, one warning each.
fn undeclared(charts: &str, declared: &[Dependency]) -> String {
    let mut text = String::new();
    for name in names(charts) {
        let path = format!("{charts}/{name}");
        if !Path::new(&path).is_dir() && name.strip_suffix(".tgz").is_none() {
            continue;
        }
        let quoted = gotemplate::print::quote(&path);
        match Chart::load_of_any_format(Path::new(&path)) {
            Err(_) => text.extend(["WARNING: ", &quoted, " is not a chart.\n"]),
            Ok(chart) if !declared.iter().any(|d| d.name == chart.name()) => {
                text.extend(["WARNING: ", &quoted, " is not in Chart.yaml.\n"]);
            }
            Ok(_) => {}
        }
    }
    text
}

/// The names in a folder, in order; none where there is no folder.
fn names(folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// Cells in columns with a tab between them, every cell as wide as its column.
fn table<const N: usize>(rows: &[[String; N]], widest: usize) -> String {
    let width = |column: usize| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        longest.min(widest)
    };
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(at, cell)| fitted(cell, width(at))).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

fn fitted(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return format!("{cell:<width$}");
    }
    let kept: String = cell.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns are as wide as their widest cell, up to a limit.
    #[test]
    fn tables() {
        let rows = [["NAME", "STATUS"], ["database", "ok"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows, 80), "NAME    \tSTATUS\ndatabase\tok    \n");
        assert_eq!(table(&rows, 6), "NAME  \tSTATUS\ndat...\tok    \n");
    }
}
