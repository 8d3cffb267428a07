//! `landfall env drift`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rollout::drift::{Found, ObjectDrift};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{ServerArgs, environment_path, understood};
use crate::output::{self, Format};

/// Which one.
#[derive(Debug, clap::Args)]
#[command(after_help = "The command succeeds only if everything is as it was deployed.")]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// Show the last check instead of asking the cluster
    #[arg(long)]
    last: bool,

    /// How to print what differs
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Check {
    #[serde(default)]
    number: Option<i64>,
    #[serde(default)]
    helm_revision: Option<i64>,
    objects: Vec<ObjectDrift>,
    same: i64,
}

/// Has the cluster asked, and tells what differs.
pub(super) async fn drift(args: DriftArgs) -> Result<ExitCode> {
    let client = args.server.client()?;
    let path = format!("{}/drift", environment_path(&args.environment));
    let answer: Value =
        if args.last { client.get(&path).await? } else { client.post(&path, &json!({})).await? };
    if answer.is_null() {
        bail!("{} was never checked; run the command without --last", args.environment);
    }
    let check: Check = understood(&answer)?;
    let clean = check.objects.is_empty();
    if args.output != Format::Table || !clean {
        output::print(args.output, &answer, &["object", "found"], |_| {
            check.objects.iter().map(|object| vec![object.key.to_string(), word(object)]).collect()
        })?;
    }
    if args.output == Format::Table {
        let mut out = std::io::stdout();
        for object in &check.objects {
            if let Some(diff) = &object.diff {
                writeln!(out, "\n{} (- as deployed, + as it runs)\n{diff}", object.key)
                    .context("could not write to standard output")?;
            }
        }
    }
    let base = match (check.number, check.helm_revision) {
        (Some(number), _) => format!("deployment #{number}"),
        (None, Some(revision)) => format!("Helm revision {revision}"),
        (None, None) => "what was deployed".to_owned(),
    };
    let sign = if clean { '✓' } else { '▲' };
    eprintln!(
        "{sign} {} against {base}: {} as deployed, {} not",
        args.environment,
        check.same,
        check.objects.len()
    );
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn word(object: &ObjectDrift) -> String {
    let found = match object.found {
        Found::Missing => "missing",
        Found::Changed => "changed",
        Found::Added => "added outside Landfall",
    };
    match &object.refusal {
        Some(refusal) => format!("{found}; the cluster would refuse what was deployed: {refusal}"),
        None => found.to_owned(),
    }
}
