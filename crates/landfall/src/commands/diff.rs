//! `landfall diff`: two deployments side by side.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rollout::plan::compare::{ObjectDifference, Side};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Named, ServerArgs, Tagged, environment_path, understood};
use crate::output::{self, Format};

/// Which two.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The command succeeds only if the two are the same, but for the names of Helm release and namespace."
)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// An App Environment for what runs there, or one of its deployments: `staging#3`
    left: String,

    /// The other one [default: left is compared with the deployment before it]
    right: Option<String>,

    /// How to print what differs
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Comparison {
    left: Compared,
    right: Compared,
    same: bool,
    same_chart: bool,
    values: Vec<Different>,
    objects: Vec<ObjectDifference>,
}

#[derive(Debug, Deserialize)]
struct Compared {
    number: i64,
    environment: Named,
    release: Tagged,
    chart: Chart,
}

#[derive(Debug, Deserialize)]
struct Chart {
    name: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Different {
    path: String,
    left: Option<Laid>,
    right: Option<Laid>,
}

#[derive(Debug, Deserialize)]
struct Laid {
    value: String,
    layer: String,
}

/// Compares.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    // The API is asked for the right one; without it, for the left one against the one before.
    let (with, asked) = match &args.right {
        Some(right) => (args.left.as_str(), right.as_str()),
        None => ("", args.left.as_str()),
    };
    let (environment, number) = match asked.split_once('#') {
        Some((environment, number)) => (environment, number),
        None => (asked, ""),
    };
    if environment.is_empty() {
        bail!("`{asked}` names no environment; write it as `staging#3`");
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("with", with).append_pair("number", number);
    let path = format!("{}/comparison?{}", environment_path(environment), query.finish());
    let answer: Value = args.server.client()?.get(&path).await?;
    let read: Comparison = understood(&answer)?;
    let code = if read.same { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if args.output == Format::Table {
        print(&read)?;
    } else {
        output::print(args.output, &answer, &[], |_| Vec::new())?;
    }
    Ok(code)
}

fn print(comparison: &Comparison) -> Result<()> {
    let title = |one: &Compared| format!("{}#{}", one.environment.name, one.number);
    let (left, right) = (title(&comparison.left), title(&comparison.right));
    for (mark, one) in [("-", &comparison.left), ("+", &comparison.right)] {
        let Chart { name, version } = &one.chart;
        eprintln!("{mark} {}: release {}, chart {name} {version}", title(one), one.release.tag);
    }
    if !comparison.values.is_empty() {
        let cell = |laid: &Option<Laid>| match laid {
            Some(laid) => format!("{} ({})", laid.value, laid.layer),
            None => "–".to_owned(),
        };
        let header = ["value", &format!("- {left}"), &format!("+ {right}")];
        output::print(Format::Table, &comparison.values.len(), &header, |_| {
            let row = |one: &Different| vec![one.path.clone(), cell(&one.left), cell(&one.right)];
            comparison.values.iter().map(row).collect()
        })?;
    }
    let mut text = String::new();
    for object in &comparison.objects {
        let on = match object.on {
            Side::Left => format!(" (only in {left})"),
            Side::Right => format!(" (only in {right})"),
            Side::Both => String::new(),
        };
        writeln!(text, "\n{}{on}\n{}", object.key, object.diff.to_string().trim_end())?;
    }
    std::io::stdout().write_all(text.as_bytes()).context("could not write to standard output")?;
    let charts =
        if comparison.same_chart { "the same chart, to the byte" } else { "different charts" };
    if comparison.same {
        eprintln!("✓ the same, but for names; {charts}");
    } else {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let values = count(comparison.values.len(), "value");
        let objects = count(comparison.objects.len(), "object");
        eprintln!("▲ {values} and {objects} differ; {charts}");
    }
    Ok(())
}
