//! Carrying a backup out: a method's command runs in a container, and what it writes is kept as it comes; or the cluster
//! snapshots volumes (`volumes`). Nothing else is changed in the cluster.
//!
//! What one method gave counts once all of it is stored and the cluster said that its command succeeded; a worker that takes
//! the Op up again runs only the others, under names of its own. At the end everything is read once more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rollout::exec::{self, ExecError, Place, Process, Streams, Target};
use rollout::report::{Level, LogLine, LogSource, Report, Reporter as _, RolloutEvent};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

use super::domain::without_culprit;
use super::reports::Reports;
use super::{Broken, Interrupted, Run, connect, failure, fault, told_unstored};
use crate::backup::store as backups;
use crate::backup::{BackupMethod, BackupRow, MethodKind, PartRow, stream_name};
use crate::control::Control;
use crate::deployment::Failure;
use crate::deployment::prepare::whole_text;
use crate::environment::store::{self as environments, EnvironmentRow};
use crate::error::{Error, sentence};
use crate::objects::{StoredStream, StreamError};
use crate::op::recorder::Recorder;
use crate::op::{LogLevel, StepName};
use crate::store::ids::BackupId;
use crate::work::Lease;
use crate::work::lease::{Held, Stopped};

/// What is read of a command's output at a time.
const PIECE: usize = 64 * 1024;
/// Lines of one command that go into the log; a command may say one for every row.
const LINES: usize = 2000;

/// A backup with what it needs.
pub(super) struct Job {
    environment: EnvironmentRow,
    backup: BackupRow,
}

/// Carries the backup out that is held, to its end or until it has to stop.
pub(super) async fn run(control: &Control, held: &Arc<Held>, recorder: Recorder) {
    let made = Box::pin(back_up(control, held, &recorder)).await;
    let (backup, outcome) = match made {
        Ok(()) => return,
        Err((backup, interrupted)) => (backup, Err(interrupted)),
    };
    let Some(error) = fault(outcome, held) else { return };
    let Some(backup) = backup else { return };
    let failure = failure::of_backup(&error.to_string(), "");
    // Where even this cannot be stored, the lease runs out and the Op is taken up again.
    if let Err(error) = recorder.end_backup_failed(backup, &failure, false).await {
        told_unstored(&error, held);
    }
}

async fn back_up(
    control: &Control,
    held: &Arc<Held>,
    recorder: &Recorder,
) -> Result<(), (Option<BackupId>, Interrupted)> {
    let job = load(control, &held.lease()).await.map_err(|error| (None, error.into()))?;
    let backup = job.backup.id;
    let made = async {
        let begun = recorder.begun().await?;
        let reports = Reports::start(recorder.clone(), held.clone(), &begun).await?;
        let check = Some(StepName::Check);
        let cluster = match connect(control, &job.environment, check, recorder, &reports).await? {
            Ok(cluster) => cluster,
            Err(message) => {
                let failure = failure::of_backup(&message, "");
                return Ok(recorder.end_backup_failed(backup, &failure, false).await?);
            }
        };
        let recorder = recorder.clone();
        let run = Run { control, held, recorder, reports, job, cluster, begun };
        let outcome = run.carry_out().await;
        run.reports.finish().await;
        outcome
    };
    made.await.map_err(|interrupted| (Some(backup), interrupted))
}

async fn load(control: &Control, lease: &Lease) -> Result<Job, Error> {
    let gone = || Error::internal("load an Op", "a row that it needs is gone");
    let c = control.db().read();
    let environment = environments::by_id(c, lease.wake.environment).await?.ok_or_else(gone)?;
    let backup = backups::by_op(c, lease.op).await?.ok_or_else(gone)?;
    Ok(Job { environment, backup })
}

impl Run<'_, Job> {
    async fn carry_out(&self) -> Result<(), Interrupted> {
        let id = self.job.backup.id;
        let made = self.make().await;
        self.stored().await?;
        match made {
            Ok(()) => Ok(self.recorder.end_backed_up().await?),
            Err(Interrupted::Failed(failed)) => {
                let failure = failure::of_backup(&failed.message, &failed.remedy);
                Ok(self.recorder.end_backup_failed(id, &failure, false).await?)
            }
            Err(Interrupted::Stopped) if self.held.stopped() == Some(Stopped::Cancelled) => {
                let failure = failure::of_backup("The backup was cancelled.", "Back up again.");
                self.reports.say(LogLevel::Warning, failure.cluster_state.clone()).await;
                self.reports.flush().await;
                Ok(self.recorder.end_backup_failed(id, &failure, true).await?)
            }
            Err(other) => Err(other),
        }
    }

    async fn make(&self) -> Result<(), Interrupted> {
        let methods = &self.job.backup.methods;
        self.find_data().await?;
        self.back_up_data(methods).await?;
        self.verify(methods).await?;
        let step = StepName::Finish;
        if !self.was_done(step) {
            self.begin(step).await?;
            self.done(step, "kept").await?;
        }
        Ok(())
    }

    /// Step `check`: every method has a container to run in, or claims to snapshot, before the first one runs.
    async fn find_data(&self) -> Result<(), Interrupted> {
        let step = StepName::Check;
        if self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        let (environment, mut taken) = (&self.job.environment, BTreeMap::new());
        for method in &self.job.backup.methods {
            match method.kind {
                MethodKind::Commands => {
                    let target = self.target_of(step, environment, method).await?;
                    let Target { pod, container, .. } = &target;
                    self.say(format!("{}: container {container} of Pod/{pod}", method.name)).await;
                }
                MethodKind::Volumes => {
                    self.find_claims(step, environment, method, &mut taken).await?;
                }
            }
        }
        let note = match self.job.backup.methods.len() {
            0 => "no data: the App declares no method".to_owned(),
            1 => "1 method".to_owned(),
            many => format!("{many} methods"),
        };
        self.done(step, &note).await
    }

    /// Step `back up data`: the methods whose output is not kept yet.
    async fn back_up_data(&self, methods: &[BackupMethod]) -> Result<(), Interrupted> {
        let step = StepName::BackUpData;
        if self.was_done(step) {
            return Ok(());
        }
        if methods.is_empty() {
            return self.skipped(step, "no methods").await;
        }
        self.begin(step).await?;
        let id = self.job.backup.id;
        let c = self.control.db().read();
        let kept = backups::parts(c, id).await.map_err(Error::from)?;
        let snapshots = backups::snapshots(c, id).await.map_err(Error::from)?;
        let total = number(methods.len());
        for (ordinal, method) in (0..).zip(methods) {
            if kept.iter().any(|part| part.ordinal == ordinal)
                || snapshots.iter().any(|snapshot| snapshot.ordinal == ordinal)
            {
                continue;
            }
            self.reports.step_progress(step, ordinal, total).await;
            if method.kind == MethodKind::Volumes {
                let (environment, backup) = (&self.job.environment, &self.job.backup);
                self.snapshot_by(step, environment, backup, (ordinal, method)).await?;
                continue;
            }
            let stream = self.back_up_by(step, ordinal, method).await?;
            let told = format!(
                "{}: {} in {}, {} kept",
                method.name,
                size(stream.bytes),
                if stream.pieces == 1 {
                    "1 piece".to_owned()
                } else {
                    format!("{} pieces", stream.pieces)
                },
                size(stream.stored_bytes)
            );
            let part = PartRow { ordinal, method: method.name.clone(), stream };
            self.recorder.backup_part(id, &part).await?;
            self.say(told).await;
        }
        let parts = backups::parts(c, id).await.map_err(Error::from)?;
        let snapshots = backups::snapshots(c, id).await.map_err(Error::from)?;
        let bytes: i64 = parts.iter().map(|part| part.stream.bytes).sum();
        let room: i64 = snapshots.iter().map(|snapshot| snapshot.bytes).sum();
        self.done(step, &size(bytes + room)).await
    }

    async fn back_up_by(
        &self,
        step: StepName,
        ordinal: i64,
        method: &BackupMethod,
    ) -> Result<StoredStream, Interrupted> {
        let target = self.target_of(step, &self.job.environment, method).await?;
        let command = &method.backup;
        let mut process = self.started(step, &target, command, Streams::Output).await?;
        let lease = self.held.lease();
        let name = stream_name(self.job.backup.id, ordinal, lease.op, lease.fence);
        let mut writer = self.control.objects().write_stream(name);
        let (output, lines) = (process.output(), process.lines());
        let reading = async {
            let Some(mut output) = output else { return Ok::<(), Error>(()) };
            let mut buffer = vec![0; PIECE];
            loop {
                match output.read(&mut buffer).await {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(read) => writer.write(&buffer[..read]).await?,
                }
            }
        };
        let reading = async {
            let (read, ()) = tokio::join!(reading, self.tell_lines(&target, lines));
            read.map_err(Ended::Internal)?;
            process.end().await.map_err(Ended::Command)
        };
        self.within_time(step, method, command, reading).await?;
        Ok(writer.finish().await?)
    }

    /// Step `verify`: everything is read once more, as a restore will.
    async fn verify(&self, methods: &[BackupMethod]) -> Result<(), Interrupted> {
        let step = StepName::VerifyBackup;
        if self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        match self.read_through(step, &self.job.backup, methods).await? {
            Ok(note) => self.done(step, &note).await,
            Err(damage) => {
                let message = format!("What was kept does not read as it was written: {damage}.");
                let remedy = "See to the storage of Landfall's contents, then back up again.";
                self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
            }
        }
    }
}

/// How a command's stream ended early.
pub(super) enum Ended {
    /// The command, or the connection to it, failed.
    Command(ExecError),
    /// What is kept does not read as it was written.
    Damaged(String),
    /// Landfall's own storage failed.
    Internal(Error),
}

impl<J> Run<'_, J> {
    /// The container that a method runs in now.
    pub(super) async fn target_of(
        &self,
        step: StepName,
        environment: &EnvironmentRow,
        method: &BackupMethod,
    ) -> Result<Target, Interrupted> {
        let selector = method.selector_in(environment);
        let place = Place {
            namespace: environment.namespace.as_str(),
            selector: &selector,
            container: method.container(),
        };
        let found = self
            .retry_reading(|| async {
                match exec::find(&self.cluster, place).await {
                    Ok(target) => Ok(Ok(target)),
                    Err(ExecError::Cluster(error)) => Err(Broken::Rollout(error.into())),
                    Err(error) => Ok(Err(error)),
                }
            })
            .await;
        match found {
            Ok(Ok(target)) => Ok(target),
            Ok(Err(error)) => self.fail_command(step, method, &error).await,
            Err(error) => self.fail(step, error).await,
        }
    }

    /// Starts a command, trying again what may succeed in a moment.
    pub(super) async fn started(
        &self,
        step: StepName,
        target: &Target,
        command: &[String],
        streams: Streams,
    ) -> Result<Process, Interrupted> {
        let Target { pod, container, .. } = target;
        self.say(format!("$ {} (container {container} of Pod/{pod})", command.join(" "))).await;
        let started = self
            .retry_reading(|| async {
                self.execution_allowed().await?;
                match Process::start(&self.cluster, target, command, streams).await {
                    Ok(process) => Ok(process),
                    Err(ExecError::Cluster(error)) => Err(Broken::Rollout(error.into())),
                    Err(error) => Err(Broken::NotReady(without_culprit(
                        step,
                        sentence(&error.to_string()),
                        "",
                    ))),
                }
            })
            .await;
        match started {
            Ok(process) => Ok(process),
            Err(error) => self.fail(step, error).await,
        }
    }

    /// A command may change data: whoever lost the Op must not start one.
    async fn execution_allowed(&self) -> Result<(), Broken> {
        let allowed = rollout::WriteGuard::check(self.held).await;
        allowed.map_err(|error| Broken::Rollout(error.into()))
    }

    /// Waits for a command's streams, unless the Op has to stop or the method's time is over.
    pub(super) async fn within_time(
        &self,
        step: StepName,
        method: &BackupMethod,
        command: &[String],
        work: impl Future<Output = Result<(), Ended>>,
    ) -> Result<(), Interrupted> {
        let limited = tokio::time::timeout(method.timeout(), work);
        let Some(ended) = self.held.stop().run_until_cancelled(limited).await else {
            return Err(Interrupted::Stopped);
        };
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Ended::Command(error))) => self.fail_command(step, method, &error).await,
            Ok(Err(Ended::Internal(error))) => Err(error.into()),
            Ok(Err(Ended::Damaged(damage))) => {
                let message = format!("Its data does not read as it was written: {damage}.");
                let remedy = "Restore another backup.";
                self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
            }
            Err(_) => {
                let first = command.first().map_or("", String::as_str);
                let seconds = method.timeout().as_secs();
                let message =
                    format!("Method {}: {first} had not ended after {seconds} s.", method.name);
                let remedy = "See what it waits for, or give the method more time in the App's backup methods.";
                self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
            }
        }
    }

    async fn fail_command<T>(
        &self,
        step: StepName,
        method: &BackupMethod,
        error: &ExecError,
    ) -> Result<T, Interrupted> {
        let remedy = match error {
            ExecError::NoPod { .. } => {
                "See whether the environment runs, and whether the method's labels are those of its pods."
            }
            ExecError::NoContainer { .. } => "Name another container in the App's backup methods.",
            ExecError::Exit { .. } => "Its last lines stand in the log.",
            ExecError::Cluster(_) | ExecError::BrokenOff { .. } => "Try it again.",
        };
        if let ExecError::Exit { message, .. } = error
            && !message.is_empty()
        {
            self.reports.say(LogLevel::Error, message.clone()).await;
        }
        let message = format!("Method {}: {}", method.name, sentence(&whole_text(error)));
        self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
    }

    /// Passes on what a command says, up to a bound.
    pub(super) async fn tell_lines(&self, target: &Target, lines: Option<mpsc::Receiver<String>>) {
        let Some(mut lines) = lines else { return };
        let mut told = 0;
        while let Some(text) = lines.recv().await {
            told += 1;
            if told > LINES {
                continue;
            }
            let source = LogSource::Container {
                pod: target.pod.clone(),
                container: target.container.clone(),
            };
            let line = LogLine { level: Level::Info, source, object: None, text };
            let event = RolloutEvent::Log(line);
            self.reports.report(Report { time: Timestamp::now(), event, mark: None }).await;
        }
        if told > LINES {
            self.say(format!("… and {} more lines", told - LINES)).await;
        }
    }

    /// Reads every part of a backup, and looks at every snapshot; what is wrong with it, or how much it is.
    pub(super) async fn read_through(
        &self,
        step: StepName,
        backup: &BackupRow,
        methods: &[BackupMethod],
    ) -> Result<Result<String, String>, Interrupted> {
        let parts = backups::parts(self.control.db().read(), backup.id).await;
        let parts = parts.map_err(Error::from)?;
        let snapshots = backups::snapshots(self.control.db().read(), backup.id).await;
        let snapshots = snapshots.map_err(Error::from)?;
        let is_there = |ordinal: i64| {
            parts.iter().any(|part| part.ordinal == ordinal)
                || snapshots.iter().any(|snapshot| snapshot.ordinal == ordinal)
        };
        let there = (0..).zip(methods).filter(|(ordinal, _)| is_there(*ordinal)).count();
        if there != methods.len() {
            return Ok(Err(format!("it has {there} of {} parts", methods.len())));
        }
        let total = number(parts.len());
        let mut bytes = 0;
        for part in &parts {
            self.reports.step_progress(step, part.ordinal, total).await;
            let mut reader = self.control.objects().read_stream(part.stream.clone());
            loop {
                if self.held.stop().is_cancelled() {
                    return Err(Interrupted::Stopped);
                }
                match reader.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(StreamError::Damaged(damage)) => {
                        return Ok(Err(format!("{}: {damage}", part.method)));
                    }
                    Err(StreamError::Failed(error)) => return Err(error.into()),
                }
            }
            bytes += part.stream.bytes;
        }
        match self.look_through(step, backup).await? {
            Ok(room) => bytes += room,
            Err(damage) => return Ok(Err(damage)),
        }
        Ok(Ok(if methods.is_empty() { "no data".to_owned() } else { size(bytes) }))
    }
}

/// Why a backup that was found damaged is not offered any more.
pub(super) fn damaged(message: &str) -> Failure {
    Failure {
        cluster_state: "Nothing was changed in the cluster.".to_owned(),
        ..failure::of_backup(message, "Restore another backup.")
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `812 B`, `14 kB`, `3.2 MB`.
pub(super) fn size(bytes: i64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} B"),
        Some((unit, name)) => {
            let tenths = (bytes * 10 + unit / 2) / unit;
            if tenths >= 100 {
                format!("{} {name}", tenths / 10)
            } else {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            }
        }
    }
}
