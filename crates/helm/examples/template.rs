//! Renders a chart from disk as `helm template NAME CHART --namespace NS [-f VALUES]…` does.
//!
//! With `--repeat N` the prepared chart is rendered N times and only the rate is printed, for
//! measuring: `cargo run --release --example template -- rel ./chart --repeat 1000`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use helm::chart::Chart;
use helm::render::{PreparedChart, PrintedHooks, ReleaseOptions, RenderInput};
use helm::values::{merge_maps, parse_values};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            eprintln!("Error: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut names = Vec::new();
    let mut namespace = "default".to_owned();
    let mut values = goyaml::Map::new();
    let mut repeat = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--namespace" => namespace = value()?,
            "--repeat" => repeat = Some(value()?.parse::<u32>()?),
            "-f" => {
                let file = parse_values(&std::fs::read_to_string(value()?)?)?;
                values = merge_maps(&values, file.as_map().unwrap_or(&goyaml::Map::new()));
            }
            _ => names.push(arg),
        }
    }
    let [name, chart] = names.as_slice() else {
        return Err("usage: template NAME CHART [--namespace NS] [-f VALUES] [--repeat N]".into());
    };
    let prepared = PreparedChart::new(Chart::load(chart)?)?;
    let input = RenderInput::new(values.into(), ReleaseOptions::install(name, namespace));
    if let Some(times) = repeat {
        let start = Instant::now();
        for _ in 0..times {
            prepared.render(&input)?;
        }
        println!("{:.0} renders a second", f64::from(times) / start.elapsed().as_secs_f64());
        return Ok(());
    }
    print!("{}", prepared.render(&input)?.to_printed(PrintedHooks::All));
    Ok(())
}
