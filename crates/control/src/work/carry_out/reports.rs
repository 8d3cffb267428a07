//! What a rollout tells, on its way into storage: log lines in batches, progress, states of objects, culprits.
//!
//! One task writes, so that everything is stored in the order in which it was told.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rollout::ObjectKey;
use rollout::report::{self, Cursor, Report, Reporter, RolloutEvent};
use rollout::wait::State;
use tokio::sync::{mpsc, oneshot};

use crate::deployment::content::ContentRow;
use crate::environment::Ready;
use crate::op::log_store::NewLine;
use crate::op::recorder::{self, RecordError, Recorder, StepChange};
use crate::op::store::Begun;
use crate::op::{Culprit, LogLevel, LogSource, ObjectCondition, ObjectState, StepName};
use crate::work::lease::{Held, Stopped};

/// Reports that wait to be stored; beyond that the rollout waits for storage.
const WAITING: usize = 1024;

/// How long a report waits for others that are stored with it; nobody who watches notices.
const GATHERING: Duration = Duration::from_millis(25);
/// The same while most places of this process are taken: nobody watches all of these Ops.
const GATHERING_OF_MANY: Duration = Duration::from_millis(50);

enum Told {
    Report(Box<Report>),
    /// A step began or ended; the one that began is what progress is about.
    Step(StepChange),
    /// The objects that are about to be applied and waited for, and whether they were waited for already.
    Objects(Vec<ObjectKey>, bool),
    /// When the running wait gives up.
    Deadline(Timestamp),
    /// What the deployment consists of.
    Content(Box<ContentRow>),
    /// The revision of the Helm release that it writes.
    HelmRevision(i64),
    /// Answered once everything before is stored.
    Flush(oneshot::Sender<Standing>),
    /// Answered by what was told before, which need not be stored yet.
    Ask(oneshot::Sender<Standing>),
}

/// How things stand by what was told.
struct Standing {
    ready: Ready,
    cursor: Cursor,
}

/// Where a rollout's reports go.
#[derive(Clone)]
pub(super) struct Reports {
    told: mpsc::Sender<Told>,
}

impl Reports {
    /// Starts the task that stores; it goes on from what was stored last.
    pub(super) async fn start(
        recorder: Recorder,
        held: Arc<Held>,
        begun: &Begun,
    ) -> Result<Self, RecordError> {
        let (told, receiver) = mpsc::channel(WAITING);
        let cursor = recorder.go_on(begun).await?;
        let writer = Writer {
            recorder,
            held,
            cursor,
            step: None,
            objects: Vec::new(),
            culprits: Vec::new(),
            asks: None,
        };
        tokio::spawn(writer.run(receiver));
        Ok(Self { told })
    }

    /// A line that Landfall itself says.
    pub(super) async fn say(&self, level: LogLevel, text: String) {
        let level = match level {
            LogLevel::Info => report::Level::Info,
            LogLevel::Warning => report::Level::Warning,
            LogLevel::Error => report::Level::Error,
        };
        let line = report::LogLine { level, source: report::LogSource::Engine, object: None, text };
        self.report(Report { time: Timestamp::now(), event: RolloutEvent::Log(line), mark: None })
            .await;
    }

    /// A step begins: progress is about it from now on.
    pub(super) async fn step_started(&self, name: StepName) {
        self.tell(Told::Step(StepChange::started(name))).await;
    }

    /// A step is done, with its result in a few words.
    pub(super) async fn step_done(&self, name: StepName, note: &str) {
        self.tell(Told::Step(StepChange::done(name, note))).await;
    }

    /// How far the running step is.
    pub(super) async fn step_progress(&self, name: StepName, done: i64, total: i64) {
        self.tell(Told::Step(StepChange::progress(name, done, total))).await;
    }

    /// There is nothing to do in a step.
    pub(super) async fn step_skipped(&self, name: StepName, note: &str) {
        self.tell(Told::Step(StepChange::skipped(name, note))).await;
    }

    /// These objects are about to be applied; where a worker before this one has waited for them, they stay as it saw them.
    pub(super) async fn objects(&self, keys: Vec<ObjectKey>, waited_for: bool) {
        self.tell(Told::Objects(keys, waited_for)).await;
    }

    /// When the running wait gives up.
    pub(super) async fn deadline(&self, deadline: Timestamp) {
        self.tell(Told::Deadline(deadline)).await;
    }

    /// What the deployment consists of.
    pub(super) async fn content(&self, row: ContentRow) {
        self.tell(Told::Content(Box::new(row))).await;
    }

    /// The revision of the Helm release that the deployment writes.
    pub(super) async fn helm_revision(&self, revision: i64) {
        self.tell(Told::HelmRevision(revision)).await;
    }

    /// Waits until everything told so far is stored.
    pub(super) async fn flush(&self) {
        self.standing(Told::Flush).await;
    }

    /// How ready the objects are by what was told so far. None where nothing is stored any more.
    pub(super) async fn ready(&self) -> Option<Ready> {
        self.standing(Told::Ask).await.map(|standing| standing.ready)
    }

    /// How far events and container logs are told. None where nothing is stored any more.
    pub(super) async fn cursor(&self) -> Option<Cursor> {
        self.standing(Told::Ask).await.map(|standing| standing.cursor)
    }

    async fn standing(
        &self,
        question: impl FnOnce(oneshot::Sender<Standing>) -> Told,
    ) -> Option<Standing> {
        let (answer, answered) = oneshot::channel();
        self.tell(question(answer)).await;
        answered.await.ok()
    }

    /// Stores what is left.
    pub(super) async fn finish(&self) {
        self.flush().await;
    }

    /// Whether what is told is stored still. Whatever else the Op stops for, nothing may follow from what is not.
    pub(super) fn are_stored(&self) -> bool {
        !self.told.is_closed()
    }

    async fn tell(&self, told: Told) {
        // Nothing is stored any more once the lease is lost or storage has failed: `are_stored` tells.
        let _ = self.told.send(told).await;
    }
}

impl Reporter for Reports {
    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        Box::pin(self.tell(Told::Report(Box::new(report))))
    }

    fn kept(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.flush())
    }
}

struct Writer {
    recorder: Recorder,
    held: Arc<Held>,
    cursor: Cursor,
    step: Option<StepName>,
    objects: Vec<ObjectState>,
    culprits: Vec<rollout::culprit::Culprit>,
    /// Who waits until what was told so far is stored.
    asks: Option<oneshot::Sender<Standing>>,
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Told>) {
        while let Some(first) = receiver.recv().await {
            if let Err(error) = self.store(first, &mut receiver).await {
                // Before whoever waits for a flush is answered.
                receiver.close();
                // Whoever cannot say what it does must not do it.
                self.held.give_up(match &error {
                    RecordError::Failed(error) => {
                        let away = error.is_outage();
                        let error = crate::deployment::prepare::whole_text(error);
                        tracing::error!(error, op = %self.held.lease().op, "what an Op told cannot be stored");
                        if away { Stopped::StorageAway } else { Stopped::Unstorable }
                    }
                    RecordError::LeaseLost { .. } => Stopped::LeaseLost,
                });
                return;
            }
        }
    }

    /// Stores what is told within a moment: what belongs together is stored together, and nobody who waits for a flush waits
    /// longer; who only asks how things stand is answered before anything is stored. Where that fails, whoever waits for a flush is kept waiting: the way in is to be closed first, for an answer that never
    /// comes is taken for one.
    async fn store(
        &mut self,
        first: Told,
        receiver: &mut mpsc::Receiver<Told>,
    ) -> Result<(), RecordError> {
        let mut told = recorder::Told::default();
        self.take(first, &mut told).await?;
        let are_many = self.recorder.control().metrics().most_places_are_taken();
        let moment = tokio::time::sleep(if are_many { GATHERING_OF_MANY } else { GATHERING });
        tokio::pin!(moment);
        for _ in 1..WAITING {
            if self.asks.is_some() {
                break;
            }
            tokio::select! {
                more = receiver.recv() => match more {
                    Some(more) => self.take(more, &mut told).await?,
                    None => break,
                },
                () = &mut moment => break,
            }
        }
        self.recorder.store(told).await?;
        if let Some(answer) = self.asks.take() {
            // Nobody waiting is fine.
            let _ = answer.send(self.standing());
        }
        Ok(())
    }

    /// Adds what was told to what is stored next.
    async fn take(&mut self, one: Told, told: &mut recorder::Told) -> Result<(), RecordError> {
        match one {
            Told::Report(report) => self.report(*report, told),
            Told::Step(change) => {
                if change.begins() {
                    self.step = Some(change.name);
                }
                told.steps.push(change);
            }
            Told::Objects(_, true) => self.objects = self.recorder.told_objects().await?,
            Told::Objects(keys, false) => {
                self.objects = keys.iter().map(not_yet).collect();
                told.changed.clear();
                told.objects = Some(self.objects.clone());
            }
            Told::Deadline(deadline) => told.deadline = Some(deadline),
            Told::Content(row) => told.content = Some(row),
            Told::HelmRevision(revision) => told.helm_revision = Some(revision),
            Told::Flush(answer) => self.asks = Some(answer),
            Told::Ask(answer) => {
                let _ = answer.send(self.standing());
            }
        }
        Ok(())
    }

    fn standing(&self) -> Standing {
        Standing { ready: self.ready(), cursor: self.cursor.clone() }
    }

    /// Adds a report to what is stored next; of states and progress the last one counts.
    fn report(&mut self, report: Report, told: &mut recorder::Told) {
        if let Some(mark) = &report.mark {
            self.cursor.advance(mark);
            told.cursor = Some(self.cursor.clone());
        }
        match report.event {
            RolloutEvent::Log(line) => told.lines.push(new_line(report.time, line)),
            RolloutEvent::Progress { done, total, .. } => {
                let Some(step) = self.step else { return };
                told.steps.push(StepChange::progress(step, done.into(), total.into()));
            }
            RolloutEvent::Object { key, state, message } => {
                self.object(&key, state, message, told);
            }
            RolloutEvent::Culprit(culprit) => self.culprit(culprit, told),
        }
    }

    fn object(
        &mut self,
        key: &ObjectKey,
        state: State,
        message: String,
        told: &mut recorder::Told,
    ) {
        let Some(at) = self.objects.iter().position(|object| is(object, key)) else { return };
        let object = &mut self.objects[at];
        (object.ready, object.total) = counted(&message);
        object.condition = condition(state);
        object.message = message;
        told.changed.insert(at, object.clone());
    }

    /// One that is told again has lost its hope; what explains the most comes first, as lists show only that.
    fn culprit(&mut self, culprit: rollout::culprit::Culprit, told: &mut recorder::Told) {
        self.culprits.retain(|known| !known.is_same_trouble(&culprit));
        self.culprits.push(culprit);
        self.culprits.sort_by_key(|culprit| culprit.cause);
        told.culprits = Some(self.culprits.iter().cloned().map(told_culprit).collect());
    }

    fn ready(&self) -> Ready {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let current =
            self.objects.iter().filter(|object| object.condition == ObjectCondition::Current);
        Ready { ready: number(current.count()), total: number(self.objects.len()) }
    }
}

/// A culprit as Ops keep it.
pub(super) fn told_culprit(culprit: rollout::culprit::Culprit) -> Culprit {
    let cause = serde_json::to_value(culprit.cause).ok();
    Culprit {
        object: culprit.key.to_string(),
        pod: culprit.pod,
        container: culprit.container,
        cause: cause.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default(),
        text: culprit.text,
        evidence: culprit.evidence,
        last_lines: culprit.last_lines,
        since: culprit.since,
        remedy: culprit.remedy,
        hopeless: culprit.hopeless,
    }
}

fn new_line(at: Timestamp, line: report::LogLine) -> NewLine {
    let object = line.object.map(|key| key.to_string()).unwrap_or_default();
    NewLine {
        at,
        level: match line.level {
            report::Level::Info => LogLevel::Info,
            report::Level::Warning => LogLevel::Warning,
            report::Level::Error => LogLevel::Error,
        },
        source: match line.source {
            report::LogSource::Engine => LogSource::Landfall,
            report::LogSource::Event { reason } => LogSource::Event { reason, object },
            report::LogSource::Container { pod, container } => {
                LogSource::Container { pod, container }
            }
        },
        text: line.text,
    }
}

fn not_yet(key: &ObjectKey) -> ObjectState {
    ObjectState {
        api_version: key.api_version.clone(),
        kind: key.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        condition: ObjectCondition::InProgress,
        ready: None,
        total: None,
        message: String::new(),
    }
}

fn is(object: &ObjectState, key: &ObjectKey) -> bool {
    object.kind == key.kind
        && object.name == key.name
        && object.namespace == key.namespace
        && object.api_version == key.api_version
}

fn condition(state: State) -> ObjectCondition {
    match state {
        State::Current => ObjectCondition::Current,
        State::InProgress => ObjectCondition::InProgress,
        State::Failed => ObjectCondition::Failed,
        State::Terminating => ObjectCondition::Terminating,
        State::NotFound => ObjectCondition::NotFound,
    }
}

/// The counts in a readiness message, such as `Available: 1/2`.
fn counted(message: &str) -> (Option<i64>, Option<i64>) {
    let counts = message.split_whitespace().find_map(|word| {
        let (ready, total) = word.split_once('/')?;
        Some((ready.parse().ok()?, total.trim_end_matches([',', '.', ';']).parse().ok()?))
    });
    counts.map_or((None, None), |(ready, total)| (Some(ready), Some(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told once the lease is lost is not stored, and whoever asks hears so, whatever else the Op stops for.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_not_stored_is_known() {
        let site = crate::tests::site::Site::sqlite().await;
        site.ground().await;
        site.environment("eu", "sandbox").await;
        let lease = site.claim().await.unwrap();
        let recorder = Recorder::new(site.control.clone(), lease);
        let now = tokio::time::Instant::now();
        let held = Arc::new(Held::new(site.control.clone(), lease, now));
        let begun = recorder.begun().await.unwrap();
        let reports = Reports::start(recorder.clone(), held.clone(), &begun).await.unwrap();
        reports.step_started(StepName::Apply).await;
        reports.flush().await;
        assert!(reports.are_stored());
        held.give_up(Stopped::Cancelled);
        assert!(reports.are_stored());
        recorder.end_succeeded(None).await.unwrap();
        reports.say(LogLevel::Info, "too late".to_owned()).await;
        reports.flush().await;
        assert!(!reports.are_stored());
        assert_eq!(held.stopped(), Some(Stopped::Cancelled));
    }

    /// Counts are read from Helm's own words where these have any.
    #[test]
    fn counts() {
        assert_eq!(counted("Available: 1/2"), (Some(1), Some(2)));
        assert_eq!(counted("Ready: 0/3, updating"), (Some(0), Some(3)));
        assert_eq!(counted("Deployment is available. Replicas: 3"), (None, None));
        assert_eq!(counted("a/b and 1/x"), (None, None));
    }
}
