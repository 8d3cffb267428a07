//! Watching an Op in a terminal: its log as it comes, and a bar under it that says how far it is.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use super::Named;
use super::{Client, live};
use crate::output;

/// An Op, as far as the watcher shows it.
#[derive(Debug, Deserialize)]
struct Op {
    state: String,
    /// `deployment`, `removal` or `backup`.
    kind: String,
    /// Of the deployment or the backup; a removal has none.
    #[serde(default)]
    number: Option<i64>,
    environment: Named,
    percent: u64,
    steps: Vec<Step>,
    #[serde(default)]
    culprits: Vec<Culprit>,
    /// Why a removal did not come to its end.
    #[serde(default)]
    failure: Option<Failure>,
    /// What a removal left in the cluster.
    #[serde(default)]
    left: Left,
}

#[derive(Debug, Deserialize)]
struct Failure {
    message: String,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    cluster_state: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Left {
    kept: Vec<String>,
    not_owned: Vec<String>,
    forgotten: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    state: String,
    #[serde(default)]
    done: Option<i64>,
    #[serde(default)]
    total: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Culprit {
    text: String,
    #[serde(default)]
    since: Option<jiff::Timestamp>,
    #[serde(default)]
    pod: Option<String>,
    #[serde(default)]
    evidence: Option<String>,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    last_lines: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct LogLine {
    at: jiff::Timestamp,
    level: String,
    source: Source,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
enum Source {
    Landfall,
    Event { object: String },
    Container { pod: String },
}

/// What a watched Op came to.
#[derive(Debug)]
pub(crate) struct Ended {
    state: String,
    /// `env#7`, `removal of env`, `backup 2 of env`.
    pub(crate) what: String,
    culprits: Vec<Culprit>,
    failure: Option<Failure>,
    left: Left,
}

impl Failure {
    fn tell(&self) {
        for line in [&self.message, &self.cluster_state, &self.remedy] {
            if !line.is_empty() {
                eprintln!("  {line}");
            }
        }
    }
}

impl Left {
    fn tell(&self) {
        for note in &self.notes {
            eprintln!("  {note}");
        }
        let lists = [
            ("kept by its resource policy", &self.kept),
            ("left alone", &self.not_owned),
            ("no longer looked after", &self.forgotten),
        ];
        for (why, objects) in lists {
            for object in objects {
                eprintln!("  {object}: {why}");
            }
        }
    }
}

impl Culprit {
    /// The whole message, to standard error.
    fn tell(&self) {
        eprintln!("  {}", self.text);
        match (&self.pod, self.since) {
            (Some(pod), Some(since)) => eprintln!("    pod {pod}, since {since}"),
            (Some(pod), None) => eprintln!("    pod {pod}"),
            (None, Some(since)) => eprintln!("    since {since}"),
            (None, None) => {}
        }
        if let Some(evidence) = &self.evidence {
            eprintln!("    {evidence}");
        }
        for line in &self.last_lines {
            eprintln!("    | {line}");
        }
        if !self.remedy.is_empty() {
            eprintln!("    {}", self.remedy);
        }
    }
}

impl Ended {
    /// Whether what was asked for was done.
    pub(crate) fn succeeded(&self) -> bool {
        self.state == "succeeded"
    }

    /// Says how it ended, and gives the exit code: 0 only for success.
    pub(crate) fn report(&self) -> ExitCode {
        if self.succeeded() {
            eprintln!("✓ {} succeeded", self.what);
            self.left.tell();
            return ExitCode::SUCCESS;
        }
        eprintln!("✗ {} {}", self.what, self.state.replace('_', " "));
        if let Some(failure) = &self.failure {
            failure.tell();
        }
        self.left.tell();
        for culprit in &self.culprits {
            culprit.tell();
        }
        ExitCode::FAILURE
    }
}

/// Follows the Op to its end: log lines to standard output, the bar to standard error.
pub(crate) async fn watch(client: &Client, op: &str) -> Result<Ended> {
    follow(client, op, true).await
}

/// Follows the Op to its end, with the bar only.
pub(crate) async fn wait(client: &Client, op: &str) -> Result<Ended> {
    follow(client, op, false).await
}

async fn follow(client: &Client, op: &str, log: bool) -> Result<Ended> {
    let bar = bar();
    let mut last: Option<Op> = None;
    live::follow(client, op, |event, data| {
        match event {
            "log" if log => print_lines(&bar, data)?,
            "state" => {
                let op: Op = serde_json::from_value(data)
                    .context("the Op's state is not what this version of landfall understands")?;
                show(&bar, &op);
                last = Some(op);
            }
            "end" => return Ok(true),
            // A newer server may say more.
            _ => {}
        }
        Ok(false)
    })
    .await?;
    bar.finish_and_clear();
    let op = last.context("the server ended the stream without saying how the Op stands")?;
    Ok(Ended {
        what: match op.number {
            Some(number) if op.kind == "backup" => {
                format!("backup {number} of {}", op.environment.name)
            }
            Some(number) => format!("{}#{number}", op.environment.name),
            None => format!("removal of {}", op.environment.name),
        },
        state: op.state,
        culprits: op.culprits,
        failure: op.failure,
        left: op.left,
    })
}

fn bar() -> ProgressBar {
    if !output::is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(100);
    let style = ProgressStyle::with_template("{spinner} {bar:28} {pos:>3} %  {msg}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━╸─"));
    // Moves on by itself, so that a quiet Op does not look dead.
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn show(bar: &ProgressBar, op: &Op) {
    bar.set_position(op.percent);
    let Some(step) = op.steps.iter().find(|step| step.state == "running") else { return };
    let name = step.name.replace('_', " ");
    bar.set_message(match (step.done, step.total) {
        (Some(done), Some(total)) => format!("{name} {done} of {total}"),
        _ => name,
    });
}

fn print_lines(bar: &ProgressBar, data: Value) -> Result<()> {
    let lines: Vec<LogLine> = serde_json::from_value(data)
        .context("the log is not what this version of landfall understands")?;
    let text: String = lines.iter().map(printed).collect();
    bar.suspend(|| std::io::stdout().lock().write_all(text.as_bytes()))
        .context("could not write to standard output")
}

fn printed(line: &LogLine) -> String {
    let source = match &line.source {
        Source::Landfall => "landfall",
        Source::Event { object } => object,
        Source::Container { pod } => pod,
    };
    let mark = match line.level.as_str() {
        "error" => "error: ",
        "warning" => "warning: ",
        _ => "",
    };
    let time = line.at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S%.1f").to_string();
    format!("{time}  {source:<28}  {mark}{}\n", line.text)
}
