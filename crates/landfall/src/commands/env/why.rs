//! `landfall env why`: where a value comes from.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Named, ServerArgs, environment_path, part, understood};
use crate::output::{self, Format, minute};

/// Which value, of which environment.
#[derive(Debug, clap::Args)]
pub(crate) struct WhyArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The App Environment
    environment: String,

    /// The value, by its keys with dots between them: api.replicas
    value: String,

    /// How to print the answer
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Origin {
    path: String,
    value: String,
    layer: String,
    chain: Vec<Laid>,
    since: Since,
    or_before: bool,
    #[serde(default)]
    before: Option<Laid>,
    set: SetBy,
}

#[derive(Debug, Deserialize)]
struct Laid {
    layer: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct Since {
    number: i64,
    environment: Named,
    created_at: Timestamp,
    by: Named,
}

#[derive(Debug, Deserialize)]
struct SetBy {
    with: String,
    note: String,
    at: Timestamp,
    by: Named,
}

/// Tells why.
pub(super) async fn why(args: WhyArgs) -> Result<ExitCode> {
    let path =
        format!("{}/values/why?key={}", environment_path(&args.environment), part(&args.value));
    let answer: Value = args.server.client()?.get(&path).await?;
    let origin: Origin = understood(&answer)?;
    output::print(args.output, &answer, &["about", "value"], |_| rows(&origin))?;
    Ok(ExitCode::SUCCESS)
}

fn rows(origin: &Origin) -> Vec<Vec<String>> {
    let row = |name: &str, told: String| vec![name.to_owned(), told];
    let note = match origin.set.note.as_str() {
        "" => String::new(),
        note => format!(": {note}"),
    };
    let since = &origin.since;
    let mut rows = vec![
        row("key", origin.path.clone()),
        row("is", format!("{} ({})", origin.value, origin.layer)),
        row("set by", format!("{}, {}", origin.set.by.name, minute(origin.set.at))),
        row("with", format!("{}{note}", origin.set.with)),
        row(
            "since",
            format!(
                "{}#{}{}, {} by {}",
                since.environment.name,
                since.number,
                if origin.or_before { " or before" } else { "" },
                minute(since.created_at),
                since.by.name
            ),
        ),
    ];
    if let Some(before) = &origin.before {
        rows.push(row("before", format!("{} ({})", before.value, before.layer)));
    }
    let layers = origin.chain.iter().map(|said| row(&said.layer, said.value.clone()));
    rows.extend(layers);
    rows
}
