//! A deployment's page: the Op with its steps, objects, culprits and log, live to the line. What the page of a removal
//! (`removal`) shows alike is here, too.
//!
//! The stream of this page carries two things: the block `live`, rendered anew when the Op changes
//! (without an id), and the lines of the log as JSON in events `log`, whose ids are line numbers. Who
//! reconnects gives the last number and misses no line.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes};

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::sse::Event;
use axum::response::{Html, IntoResponse, Redirect, Response};
use control::Error;
use control::deployment::{DeploymentDetail, DeploymentState};
use control::op::{Culprit, LogFilter, LogLine, Op, OpEvent, OpState, StepName, StepState, Task};
use control::rights::Subject;
use control::store::ids::OpId;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::form::{Params, PathOf};
use super::{Chrome, Ctx, PageAnswer, PageError, Section};
use crate::live;
use crate::view::objects::{Objects, arrange};
use crate::view::time::{about, between};
use crate::view::{code, state};

/// The block is sent at most this often while an Op reports much.
const PACE: Duration = Duration::from_millis(200);
/// Lines that stand in the page itself, for readers without JavaScript.
const STATIC_LINES: i64 = 300;
/// Lines read at once for a download.
const DOWNLOAD_LINES: u32 = 5_000;

#[derive(Template)]
#[template(path = "pages/op.html", blocks = ["live"])]
struct OpPage {
    chrome: Chrome,
    detail: DeploymentDetail,
    op: Arc<Op>,
    steps: Vec<StepRow>,
    objects: Objects,
    simulated: bool,
    release_name: String,
    may_deploy: bool,
    lines: Vec<LogRow>,
}

/// A step as the list shows it.
pub(super) struct StepRow {
    pub(super) class: &'static str,
    pub(super) title: &'static str,
    /// The result, or what is done of what.
    pub(super) note: String,
    /// How long it took, or runs.
    pub(super) time: String,
    pub(super) since: Option<Timestamp>,
}

/// A line as the page's script takes it, and as it stands in the page without one.
#[derive(Serialize)]
pub(super) struct LogRow {
    pub(super) n: i64,
    t: i64,
    pub(super) level: &'static str,
    kind: &'static str,
    pub(super) source: String,
    pub(super) text: String,
}

/// Renders the block `live` of an Op's page anew; none where it cannot be shown any more.
pub(super) type Block = fn(Ctx, Arc<Op>) -> BoxFuture<'static, Option<String>>;

/// Where to follow from.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AfterQuery {
    after: i64,
}

impl AfterQuery {
    /// The last line that the reader has.
    pub(super) fn seen(&self, ctx: &Ctx) -> i64 {
        ctx.last_event_id.as_deref().and_then(|id| id.parse().ok()).unwrap_or(self.after)
    }
}

impl OpPage {
    /// What the tab says: a sign for the state, the number, the environment.
    fn title(&self) -> String {
        let deployment = &self.detail.deployment;
        let sign = state::sign(deployment.state);
        format!("{sign} #{} · {} · Landfall", deployment.number, deployment.environment.name)
    }

    /// Steps behind it. Those left out because it ended early are not.
    fn done_steps(&self) -> usize {
        done_steps(&self.op, &self.steps)
    }

    /// Whether a culprit is another one than that which the failure tells of.
    fn is_news(&self, culprit: &Culprit) -> bool {
        let told = self.detail.failure.as_ref().and_then(|failure| failure.culprit.as_ref());
        // What held it up for a while is no news once it is there.
        self.op.state != OpState::Succeeded && told != Some(culprit)
    }

    fn is_over(&self) -> bool {
        self.op.state.is_final()
    }

    /// `of about 1 m 10 s`, while it runs and there is something to go by.
    fn estimate(&self) -> Option<String> {
        self.op.estimate.filter(|_| !self.is_over()).map(about)
    }
}

/// `GET /environments/{environment}/deployments/{number}`
pub(crate) async fn show(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
    Params(query): Params<AfterQuery>,
) -> PageAnswer {
    let detail = ctx.control().deployment_find(&ctx.actor, &environment, number).await?;
    let id = detail.deployment.op.id;
    if ctx.wants_stream {
        let events = ctx.control().op_subscribe(&ctx.actor, id, query.seen(&ctx)).await?;
        let environment = ctx.control().environment_get(&ctx.actor, &environment).await?;
        let (app, release) = (ctx.app.clone(), environment.release_name.to_string());
        return Ok(live::stream(&app, follow(ctx, release, events, block)).into_response());
    }
    let op = Arc::new(ctx.control().op_get(&ctx.actor, id).await?);
    let mut page = page(&ctx, detail, op).await?;
    page.lines = last_lines(&ctx, &page.op, &page.release_name).await?;
    page.chrome.live_url = Some(ctx.path_and_query.clone());
    Ok(Html(page.render()?).into_response())
}

async fn page(ctx: &Ctx, detail: DeploymentDetail, op: Arc<Op>) -> Result<OpPage, PageError> {
    let deployment = &detail.deployment;
    let environment =
        ctx.control().environment_get(&ctx.actor, &deployment.environment.id.to_string()).await?;
    let title = format!("#{} · {}", deployment.number, deployment.environment.name);
    let objects = arrange(&op.objects, &op.culprits, environment.release_name.as_str());
    Ok(OpPage {
        chrome: ctx.chrome(Section::Deployments, title).await?,
        steps: steps(&op),
        objects: if op.state.is_final() { objects.at_rest() } else { objects },
        simulated: environment.cluster.kind == control::cluster::ClusterKind::Simulated,
        release_name: environment.release_name.to_string(),
        may_deploy: ctx.may_write(Subject::Environments(deployment.environment.kind)),
        detail,
        op,
        lines: Vec::new(),
    })
}

/// The lines that stand in the page itself.
pub(super) async fn last_lines(
    ctx: &Ctx,
    op: &Op,
    release_name: &str,
) -> Result<Vec<LogRow>, PageError> {
    let after = (op.last_sequence - STATIC_LINES).max(0);
    let log = ctx.control().op_log(&ctx.actor, op.id, after, 1_000, &LogFilter::default()).await?;
    Ok(log.lines.iter().map(|line| row(line, release_name)).collect())
}

/// Steps behind an Op. Those left out because it ended early are not.
pub(super) fn done_steps(op: &Op, steps: &[StepRow]) -> usize {
    let ended_early = op.state.is_final() && op.state != OpState::Succeeded;
    let behind =
        |step: &&StepRow| step.class == "done" || (step.class == "skipped" && !ended_early);
    steps.iter().filter(behind).count()
}

/// How long an Op took, once it has ended.
pub(super) fn took(op: &Op) -> Option<String> {
    Some(crate::view::time::between(op.started_at?, op.finished_at?))
}

/// The block of a deployment's page.
fn block(ctx: Ctx, op: Arc<Op>) -> BoxFuture<'static, Option<String>> {
    Box::pin(async move {
        let Task::Deployment { deployment, .. } = op.task else { return None };
        let detail = ctx.control().deployment_get(&ctx.actor, deployment).await.ok()?;
        let page = page(&ctx, detail, op).await.ok()?;
        let block = page.as_live().render().ok()?;
        Some(format!("{block}{}", page.chrome.running_out_of_band()))
    })
}

/// The events of an Op as its page takes them.
pub(super) fn follow(
    ctx: Ctx,
    release_name: String,
    events: BoxStream<'static, Result<OpEvent, Error>>,
    block: Block,
) -> impl Stream<Item = Event> + Send {
    let start = Follower {
        ctx,
        release_name,
        events,
        block,
        pending: None,
        due: Instant::now(),
        over: false,
        told_done: false,
    };
    futures_util::stream::unfold(start, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    })
}

struct Follower {
    ctx: Ctx,
    release_name: String,
    events: BoxStream<'static, Result<OpEvent, Error>>,
    block: Block,
    /// The newest state that was not sent yet.
    pending: Option<Arc<Op>>,
    /// When the block may be sent next.
    due: Instant,
    /// Whether nothing follows.
    over: bool,
    told_done: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over {
                if let Some(op) = self.pending.take() {
                    return self.block(op).await;
                }
                // `done` makes the page close its end; without it it would connect again.
                let told = std::mem::replace(&mut self.told_done, true);
                return (!told).then(|| Event::default().event("done").data("over"));
            }
            let waiting = self.pending.is_some();
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.due), if waiting => {
                    let op = self.pending.take()?;
                    return self.block(op).await;
                }
                event = self.events.next() => match event? {
                    Ok(OpEvent::Log { lines }) => return log_event(&lines, &self.release_name),
                    Ok(OpEvent::State { op }) => self.pending = Some(op),
                    Ok(OpEvent::End) => self.over = true,
                    Err(error) => {
                        tracing::warn!(%error, "following an Op ended early");
                        return None;
                    }
                },
            }
        }
    }

    /// The block `live` as it is now; none ends the stream: the reader connects again and is told why.
    async fn block(&mut self, op: Arc<Op>) -> Option<Event> {
        self.due = Instant::now() + PACE;
        self.ctx = self.ctx.clone().refreshed().await?;
        let block = (self.block)(self.ctx.clone(), op).await?;
        Some(Event::default().data(block.replace('\r', "")))
    }
}

fn log_event(lines: &[LogLine], release: &str) -> Option<Event> {
    let last = lines.last()?.sequence;
    let rows: Vec<LogRow> = lines.iter().map(|line| row(line, release)).collect();
    Event::default().event("log").id(last.to_string()).json_data(rows).ok()
}

/// `release` is the Helm release's name, which all names of its objects begin with: left out.
fn row(line: &LogLine, release: &str) -> LogRow {
    use control::op::LogSource;
    let short = |name: &str| {
        let rest = name.strip_prefix(release).and_then(|rest| rest.strip_prefix('-'));
        rest.unwrap_or(name).to_owned()
    };
    let (kind, source) = match &line.source {
        LogSource::Landfall => ("landfall", "landfall".to_owned()),
        LogSource::Event { object, .. } => {
            ("event", format!("event {}", short(object.rsplit('/').next().unwrap_or(object))))
        }
        LogSource::Container { pod, .. } => ("container", short(pod)),
    };
    LogRow {
        n: line.sequence,
        t: line.at.as_millisecond(),
        level: line.level.as_str(),
        kind,
        source,
        text: line.text.clone(),
    }
}

impl StepRow {
    /// The state for those who do not see the dot.
    pub(super) fn state_word(&self) -> &'static str {
        match self.class {
            "done" => ", done",
            "now" => ", under way",
            "failed" => ", failed",
            "skipped" => ", nothing to do",
            _ => ", not begun",
        }
    }
}

impl LogRow {
    pub(super) fn clock(&self) -> String {
        let at = Timestamp::from_millisecond(self.t).unwrap_or_default();
        at.strftime("%H:%M:%S").to_string()
    }
}

pub(super) fn steps(op: &Op) -> Vec<StepRow> {
    let rolls_back = |name: StepName| name.as_str().starts_with("roll_back");
    let shown = op.steps.iter().filter(|step| {
        // The way back is shown once it is taken.
        !rolls_back(step.name) || !matches!(step.state, StepState::Waiting | StepState::Skipped)
    });
    shown
        .map(|step| {
            let class = match step.state {
                StepState::Waiting => "waiting",
                StepState::Running => "now",
                StepState::Done => "done",
                StepState::Skipped => "skipped",
                StepState::Failed => "failed",
            };
            let waits = matches!(step.name, StepName::Wait | StepName::RollBackWait);
            let mut note = match (step.done, step.total) {
                (Some(done), Some(total)) if waits => format!("{done} of {total} ready"),
                (Some(done), Some(total)) => format!("{done} of {total}"),
                _ => String::new(),
            };
            if step.state == StepState::Done && !step.note.is_empty() {
                // The result says what the count came to.
                note.clone_from(&step.note);
            } else if !step.note.is_empty() && (note.is_empty() || !step.note.contains(&note)) {
                let gap = if note.is_empty() { "" } else { " · " };
                note = format!("{note}{gap}{}", step.note);
            }
            let time = match (step.started_at, step.finished_at) {
                (Some(start), Some(end)) => between(start, end),
                _ => String::new(),
            };
            let since = step.started_at.filter(|_| step.state == StepState::Running);
            StepRow { class, title: step.name.title(), note, time, since }
        })
        .collect()
}

/// `POST /environments/{environment}/deployments/{number}/cancel`
pub(crate) async fn cancel(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
) -> PageAnswer {
    let detail = ctx.control().deployment_find(&ctx.actor, &environment, number).await?;
    ctx.control().op_cancel(&ctx.actor, detail.deployment.op.id).await?;
    Ok(Redirect::to(&format!("/environments/{environment}/deployments/{number}")).into_response())
}

/// `POST /environments/{environment}/deployments/{number}/recover`: nobody works on the revision that it waits for.
pub(crate) async fn recover(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
) -> PageAnswer {
    let detail = ctx.control().deployment_find(&ctx.actor, &environment, number).await?;
    ctx.control().op_recover(&ctx.actor, detail.deployment.op.id).await?;
    Ok(Redirect::to(&format!("/environments/{environment}/deployments/{number}")).into_response())
}

/// `GET /environments/{environment}/deployments/{number}/log`: the whole log as text.
pub(crate) async fn download(
    ctx: Ctx,
    PathOf((environment, number)): PathOf<(String, i64)>,
) -> PageAnswer {
    let detail = ctx.control().deployment_find(&ctx.actor, &environment, number).await?;
    let name = format!("{}-{number}.log", detail.deployment.environment.name);
    Ok(whole_log(ctx, detail.deployment.op.id, &name))
}

/// The whole log of an Op as text, to be kept as a file of this name.
pub(super) fn whole_log(ctx: Ctx, id: OpId, name: &str) -> Response {
    let pieces = futures_util::stream::try_unfold(Some(0), move |after: Option<i64>| {
        let ctx = ctx.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let filter = LogFilter::default();
            let page = ctx.control().op_log(&ctx.actor, id, after, DOWNLOAD_LINES, &filter).await?;
            let text: String = page.lines.iter().map(text_line).collect();
            Ok::<_, Error>(Some((Bytes::from(text), page.more.then_some(page.seen))))
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Ok(value) = http::HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

fn text_line(line: &LogLine) -> String {
    let row = row(line, "");
    format!("{} {:7} {} | {}\n", line.at, row.level, row.source, row.text)
}

/// A static line's text without escapes, as markup.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        code::escape(&mut out, &rest[..at]);
        let after = &rest[at + 1..];
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |end| end + 1);
        rest = &after[end..];
    }
    code::escape(&mut out, rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without JavaScript colours are left out, and nothing of a line is markup.
    #[test]
    fn static_lines() {
        assert_eq!(plain("\u{1b}[31mfatal\u{1b}[0m: <b> & co"), "fatal: &lt;b&gt; &amp; co");
    }
}
