//! What a deployment would change, as commands print it with `--preview`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use rollout::plan::{Action, Plan};
use serde_json::Value;

use crate::client::understood;
use crate::output::{self, Format};

/// Prints a preview: the objects that change, and for people their diffs and the warnings. It fails where the cluster would
/// refuse something of it, as the deployment would.
pub(crate) fn print(format: Format, shown: &Value) -> Result<ExitCode> {
    let plan: Plan = understood(&shown["plan"])?;
    let changed = || plan.objects.iter().filter(|object| object.action != Action::Same);
    if format == Format::Table && changed().next().is_none() {
        println!("Nothing would change in the cluster.");
    } else {
        output::print(format, shown, &["object", "action"], |_| {
            let word = |action| {
                serde_json::to_value(action).ok().and_then(|it| it.as_str().map(str::to_owned))
            };
            changed()
                .map(|object| vec![object.key.to_string(), word(object.action).unwrap_or_default()])
                .collect()
        })?;
    }
    let refused = plan.refusals().next().is_some();
    let code = if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if format != Format::Table {
        return Ok(code);
    }
    let mut text = String::new();
    for object in changed() {
        if let Some(diff) = &object.diff {
            writeln!(text, "\n{}\n{}", object.key, diff.to_string().trim_end())?;
        }
    }
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).context("could not write to standard output")?;
    for warning in shown["warnings"].as_array().into_iter().flatten() {
        eprintln!("▲ {}", warning["message"].as_str().unwrap_or_default());
    }
    for (key, refusal) in plan.refusals() {
        eprintln!("✗ The cluster refuses {key}: {}", refusal.message);
    }
    match shown["host"].as_str() {
        Some(host) => eprintln!("It would answer on {host}. Nothing was changed."),
        None => eprintln!("Nothing was changed."),
    }
    Ok(code)
}
