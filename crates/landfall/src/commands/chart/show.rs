//! `landfall chart show`: what `helm show` prints of a chart.

use anyhow::Result;
use clap::Subcommand;
use helm::chart::Chart;

use super::flags::{GlobalFlags, LocationFlags};
use super::go_flags::GoFlags;
use super::settings::Settings;
use super::words::{Count, check_count, print};
use super::{locate, log};

/// What can be shown.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything below
    All(GoFlags<Args>),
    /// Chart.yaml
    Chart(GoFlags<Args>),
    /// values.yaml
    Values(GoFlags<Args>),
    /// The README
    Readme(GoFlags<Args>),
    /// The files below crds/
    Crds(GoFlags<Args>),
}

/// Helm's arguments of `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The chart: a folder, an archive, an address, REPOSITORY/NAME, or with --repo a name
    #[arg(value_name = "CHART")]
    charts: Vec<String>,
    #[command(flatten)]
    location: LocationFlags,
    #[command(flatten)]
    global: GlobalFlags,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Chart,
    Values,
    Readme,
    Crds,
}

pub(super) fn run(command: &Command) -> Result<()> {
    let (part, name, args) = match command {
        Command::All(args) => (Part::All, "all", args),
        Command::Chart(args) => (Part::Chart, "chart", args),
        Command::Values(args) => (Part::Values, "values", args),
        Command::Readme(args) => (Part::Readme, "readme", args),
        Command::Crds(args) => (Part::Crds, "crds", args),
    };
    check_count(&args.charts, Count::Exactly(1), &format!("show {name}"), "[CHART] [flags]")?;
    log::start(args.global.debug);
    let settings = Settings::new(&args.global);
    let chart = locate::locate(&args.charts[0], &args.location, &settings)?.load()?;
    print(&shown(&chart, part))
}

fn shown(chart: &Chart, part: Part) -> Vec<u8> {
    let mut out = Vec::new();
    let all = part == Part::All;
    if all || part == Part::Chart {
        line(&mut out, chart.metadata().to_yaml().as_bytes());
    }
    if (all || part == Part::Values)
        && let Some(values) = chart.raw_file("values.yaml")
    {
        separate(&mut out, all);
        line(&mut out, &values.data);
    }
    if all || part == Part::Readme {
        let readme = chart.files().iter().find(|file| {
            ["readme.md", "readme.txt", "readme"].iter().any(|n| file.name.eq_ignore_ascii_case(n))
        });
        if let Some(readme) = readme {
            separate(&mut out, all);
            line(&mut out, &readme.data);
        }
    }
    if all || part == Part::Crds {
        for crd in chart.crds() {
            separate(&mut out, !crd.file.data.starts_with(b"---"));
            line(&mut out, &crd.file.data);
        }
    }
    out
}

fn separate(out: &mut Vec<u8>, wanted: bool) {
    if wanted {
        out.extend_from_slice(b"---\n");
    }
}

fn line(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.push(b'\n');
}
