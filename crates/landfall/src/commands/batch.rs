//! `landfall batch …`: one act that deploys to many environments, seen and steered as a whole.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, Named, ServerArgs, part, understood};
use crate::output::{self, Format};

/// How often a batch that is followed is looked at.
const PACE: Duration = Duration::from_millis(500);

/// What can be done with batches.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List batches, newest first
    List(ListArgs),
    /// Show how the environments of a batch stand
    Show(ShowArgs),
    /// Begin nothing more; what is under way goes on
    Pause(OneArgs),
    /// Go on after a pause, or after failures have stopped it
    Resume(OneArgs),
    /// Drop what has not begun; what is under way goes on
    Drop(OneArgs),
    /// Let the production environments go that wait for Operations
    LetGo(OneArgs),
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// Only those that have not ended
    #[arg(long)]
    open: bool,

    /// How many at most
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// How to print them
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Which batch, and what of it.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    one: OneArgs,

    /// Only environments that stand so: failed, queued, waiting, deploying, succeeded, …
    #[arg(long, value_name = "STATE")]
    state: Option<String>,

    /// How many environments at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u32,
}

/// Which batch.
#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The batch's id: `bat_…`
    batch: String,

    /// Follow it; the command then succeeds only if all its deployments do
    #[arg(long, short = 'w')]
    watch: bool,

    /// How to print it
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Deserialize)]
struct Batch {
    id: String,
    app: Named,
    app_values_revision: i64,
    state: String,
    counts: Counts,
    created_by: Named,
}

#[derive(Debug, Default, Deserialize)]
struct Counts {
    total: u64,
    queued: u64,
    waiting: u64,
    deploying: u64,
    succeeded: u64,
    failed: u64,
    cancelled: u64,
    superseded: u64,
    dropped: u64,
    skipped: u64,
}

#[derive(Debug, Deserialize)]
struct Member {
    environment: Environment,
    state: String,
    note: String,
    #[serde(default)]
    deployment: Option<Deployment>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    name: String,
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    number: i64,
    #[serde(default)]
    culprit: Option<String>,
    #[serde(default)]
    failure: Option<String>,
}

impl Counts {
    fn over(&self) -> u64 {
        self.total - self.queued - self.waiting - self.deploying
    }

    /// What there is of it: `2 failed, 12 succeeded, 20 under way`.
    fn told(&self) -> String {
        let all = [
            (self.failed, "failed"),
            (self.succeeded, "succeeded"),
            (self.deploying, "under way"),
            (self.queued, "queued"),
            (self.waiting, "wait for Operations"),
            (self.cancelled, "cancelled"),
            (self.superseded, "superseded"),
            (self.dropped, "dropped"),
            (self.skipped, "skipped"),
        ];
        let mut text = String::new();
        for (n, word) in all.iter().filter(|(n, _)| *n > 0) {
            let gap = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{gap}{n} {word}");
        }
        text
    }
}

impl Batch {
    fn what(&self) -> String {
        format!("App values r{} of {}", self.app_values_revision, self.app.name)
    }

    fn row(&self) -> Vec<String> {
        let state = self.state.clone();
        let environments = self.counts.total.to_string();
        let by = self.created_by.name.clone();
        vec![self.id.clone(), self.what(), state, environments, self.counts.told(), by]
    }
}

const HEADER: [&str; 6] = ["batch", "what", "state", "environments", "of which", "by"];

/// Carries the command out.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Show(args) => show(args).await,
        Command::Pause(args) => act(args, "pause").await,
        Command::Resume(args) => act(args, "resume").await,
        Command::Drop(args) => act(args, "drop").await,
        Command::LetGo(args) => act(args, "let-go").await,
    }
}

async fn list(args: ListArgs) -> Result<ExitCode> {
    let path = format!("/api/v1/batches?limit={}&open={}", args.limit, args.open);
    let page: Value = args.server.client()?.get(&path).await?;
    let items: Vec<Batch> = understood(&page["items"])?;
    output::print(args.output, &page, &HEADER, |_| items.iter().map(Batch::row).collect())?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: ShowArgs) -> Result<ExitCode> {
    let client = args.one.server.client()?;
    let batch: Value = client.get(&path(&args.one.batch, "")).await?;
    let mut tail = format!("/environments?limit={}", args.limit);
    if let Some(state) = &args.state {
        let state = part(state);
        tail.extend(["&state=", &state]);
    }
    let page: Value = client.get(&path(&args.one.batch, &tail)).await?;
    let members: Vec<Member> = understood(&page["items"])?;
    let whole = json!({ "batch": batch, "environments": page });
    let header = ["environment", "kind", "state", "deployment", "what is wrong"];
    output::print(args.one.output, &whole, &header, |_| {
        members
            .into_iter()
            .map(|member| {
                let (number, culprit) = match member.deployment {
                    Some(it) => (
                        format!("#{}", it.number),
                        it.culprit.or(it.failure).unwrap_or(member.note),
                    ),
                    None => ("–".to_owned(), member.note),
                };
                vec![
                    member.environment.name,
                    member.environment.kind,
                    member.state,
                    number,
                    culprit,
                ]
            })
            .collect()
    })?;
    let read: Batch = understood(&batch)?;
    eprintln!("{}, {}: {}", read.what(), read.state, read.counts.told());
    if args.one.watch { watch(&client, &args.one.batch).await } else { Ok(ExitCode::SUCCESS) }
}

async fn act(args: OneArgs, what: &str) -> Result<ExitCode> {
    let client = args.server.client()?;
    let batch: Value = client.post(&path(&args.batch, &format!("/{what}")), &json!({})).await?;
    let read: Batch = understood(&batch)?;
    if args.output != Format::Table || !args.watch {
        output::print(args.output, &batch, &HEADER, |_| vec![read.row()])?;
    }
    if args.watch { watch(&client, &args.batch).await } else { Ok(ExitCode::SUCCESS) }
}

/// Follows a batch until nothing more happens by itself; succeeds only if every deployment did.
pub(crate) async fn watch(client: &Client, id: &str) -> Result<ExitCode> {
    let bar = bar();
    let mut told = String::new();
    loop {
        let batch: Value = client.get(&path(id, "")).await?;
        let batch: Batch = understood(&batch)?;
        bar.set_length(batch.counts.total);
        bar.set_position(batch.counts.over());
        bar.set_message(batch.counts.told());
        if !output::is_watched() && told != batch.counts.told() {
            told = batch.counts.told();
            eprintln!("{told}");
        }
        let rests = batch.state == "stopped" && batch.counts.deploying == 0;
        if rests || matches!(batch.state.as_str(), "ended" | "waiting") {
            bar.finish_and_clear();
            return Ok(report(&batch));
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Says how a batch stands that goes no further by itself.
fn report(batch: &Batch) -> ExitCode {
    let (what, counts) = (batch.what(), batch.counts.told());
    match batch.state.as_str() {
        "ended" if batch.counts.succeeded == batch.counts.total => {
            eprintln!("✓ {what}: {counts}");
            return ExitCode::SUCCESS;
        }
        "ended" => eprintln!("✗ {what}: {counts}"),
        "waiting" => {
            eprintln!("▲ {what}: {counts}");
            eprintln!("  Operations let them go by: landfall batch let-go {}", batch.id);
        }
        _ => {
            eprintln!("✗ {what} stopped after failures: {counts}");
            eprintln!("  Go on by: landfall batch resume {}", batch.id);
            eprintln!("  Or give the rest up by: landfall batch drop {}", batch.id);
        }
    }
    ExitCode::FAILURE
}

fn bar() -> ProgressBar {
    if !output::is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} over: {msg}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn path(batch: &str, tail: &str) -> String {
    format!("/api/v1/batches/{batch}{tail}")
}
