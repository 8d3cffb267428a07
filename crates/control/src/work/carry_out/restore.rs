//! What a deployment does first that restores a backup: the backup is read through, then every method's data is given to its
//! command in a container of the environment, and volumes are made anew of their snapshots (`volumes`). What follows is a
//! deployment like any other.
//!
//! A worker that takes the Op up again begins the data anew: commands that put data back can be run again. Commands come
//! first, while everything still runs: volumes are put back while nothing does.

use rollout::exec::Streams;
use tokio::io::AsyncWriteExt as _;

use super::backup::{Ended, damaged, size};
use super::domain::without_culprit;
use super::{Broken, Interrupted, Run};
use crate::backup::store as backups;
use crate::backup::{BackupMethod, BackupRow, BackupState, MethodKind, PartRow, settings_store};
use crate::deployment::Trigger;
use crate::error::Error;
use crate::objects::StreamError;
use crate::op::{LogLevel, StepName};

impl Run<'_> {
    /// A deployment that a backup was to precede is not carried out without it.
    pub(super) async fn refuse_without_backup(&self) -> Result<(), Interrupted> {
        let Some(wanted) = self.job.deployment.backup_before else { return Ok(()) };
        let Some(step) = self.begun.steps.first().map(|step| step.name) else { return Ok(()) };
        if self.was_done(step) {
            return Ok(());
        }
        let backup = self.backup(wanted).await?;
        let why = match backup.state {
            BackupState::Complete | BackupState::Damaged => return Ok(()),
            BackupState::Cancelled => "was cancelled",
            BackupState::Queued | BackupState::Running | BackupState::Failed => "is not whole",
        };
        let message = format!("Backup {}, which was to be made first, {why}.", backup.number);
        if self.job.deployment.trigger == Trigger::BackupRestored {
            // Whoever puts data back may do so because what is there is broken.
            self.reports.say(LogLevel::Warning, message).await;
            return Ok(());
        }
        let remedy = "Its page says why. Deploy again, or let the environment's schedule ask for no backup before deployments.";
        self.begin(step).await?;
        self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
    }

    async fn backup(&self, id: crate::store::ids::BackupId) -> Result<BackupRow, Interrupted> {
        let found = backups::by_id(self.control.db().read(), id).await.map_err(Error::from)?;
        let gone = || Error::internal("restore a backup", "its row is gone");
        Ok(found.ok_or_else(gone)?)
    }

    /// Steps `check backup` and `restore data`.
    pub(super) async fn restore_backup(&self) -> Result<(), Interrupted> {
        let Some(id) = self.job.deployment.backup else { return Ok(()) };
        let backup = self.backup(id).await?;
        self.check_backup(&backup).await?;
        self.restore_data(&backup).await
    }

    async fn check_backup(&self, backup: &BackupRow) -> Result<(), Interrupted> {
        let step = StepName::CheckBackup;
        if self.was_done(step) {
            return Ok(());
        }
        self.begin(step).await?;
        if backup.is_deleted {
            let message = format!("Backup {} is deleted.", backup.number);
            let remedy = "Restore another backup.";
            return self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await;
        }
        // Every method has a container to run in before the first one runs.
        for method in &self.methods_now(backup).await? {
            if method.kind == MethodKind::Commands {
                self.target_of(step, &self.job.environment, method).await?;
            }
        }
        let damage = match backup.state {
            BackupState::Complete => self.read_through(step, backup, &backup.methods).await?,
            other => Err(format!("it is {other}")),
        };
        match damage {
            Ok(size) => {
                if let Some(volumes) = self.volumes(backup).await? {
                    self.check_volumes(step, &volumes).await?;
                }
                self.done(step, &format!("backup {}, {size}", backup.number)).await
            }
            Err(damage) => {
                let message = format!("Backup {} is damaged: {damage}.", backup.number);
                self.recorder.backup_damaged(backup.id, &damaged(&message)).await?;
                let remedy = "Restore another backup.";
                self.fail(step, Broken::NotReady(without_culprit(step, message, remedy))).await
            }
        }
    }

    /// The methods that put the data of a backup back: their commands read what those of then wrote, in the containers that
    /// the App's methods of the same names name today.
    async fn methods_now(&self, backup: &BackupRow) -> Result<Vec<BackupMethod>, Interrupted> {
        let app = self.job.environment.app;
        let now =
            settings_store::methods(self.control.db().read(), app).await.map_err(Error::from)?;
        let placed = |then: &BackupMethod| {
            let mut method = then.clone();
            let is_it = |it: &&BackupMethod| it.name == then.name && it.kind == then.kind;
            if let Some(today) = now.methods.iter().find(is_it) {
                method.selector.clone_from(&today.selector);
                method.container.clone_from(&today.container);
            }
            method
        };
        Ok(backup.methods.iter().map(placed).collect())
    }

    async fn restore_data(&self, backup: &BackupRow) -> Result<(), Interrupted> {
        let step = StepName::RestoreData;
        if self.was_done(step) {
            return Ok(());
        }
        if backup.methods.is_empty() {
            return self.skipped(step, "no data").await;
        }
        self.begin(step).await?;
        let parts = backups::parts(self.control.db().read(), backup.id).await;
        let parts = parts.map_err(Error::from)?;
        let total = i64::try_from(backup.methods.len()).unwrap_or(i64::MAX);
        let (methods, mut bytes) = (self.methods_now(backup).await?, 0);
        for (done, part) in (0..).zip(&parts) {
            self.reports.step_progress(step, done, total).await;
            let method = usize::try_from(part.ordinal).ok().and_then(|n| methods.get(n));
            let gone = || Error::internal("restore a backup", "a method of it is gone");
            self.restore_by(step, method.ok_or_else(gone)?, part).await?;
            bytes += part.stream.bytes;
        }
        if let Some(volumes) = self.volumes(backup).await? {
            bytes += self.restore_volumes(step, &volumes).await?;
        }
        self.done(step, &size(bytes)).await
    }

    async fn restore_by(
        &self,
        step: StepName,
        method: &BackupMethod,
        part: &PartRow,
    ) -> Result<(), Interrupted> {
        let target = self.target_of(step, &self.job.environment, method).await?;
        let command = &method.restore;
        let mut process = self.started(step, &target, command, Streams::Input).await?;
        // Outlives the process: that the input ends is told only where all of it was given.
        let (mut input, lines) = (process.input(), process.lines());
        let mut reader = self.control.objects().read_stream(part.stream.clone());
        let feeding = async {
            let Some(input) = &mut input else { return Ok(()) };
            loop {
                match reader.next().await {
                    // A command that reads no more says how it ended.
                    Ok(Some(piece)) if input.write_all(&piece).await.is_err() => return Ok(()),
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        let _ = input.shutdown().await;
                        return Ok(());
                    }
                    // The command must not take what came for all of it: its input never ends.
                    Err(StreamError::Damaged(damage)) => return Err(Ended::Damaged(damage)),
                    Err(StreamError::Failed(error)) => return Err(Ended::Internal(error)),
                }
            }
        };
        let work = async {
            let telling = self.tell_lines(&target, lines);
            let ending = async {
                feeding.await?;
                process.end().await.map_err(Ended::Command)
            };
            // What it says must be taken while it ends, and says nothing more once it has.
            let (ended, ()) = tokio::join!(ending, telling);
            ended
        };
        self.within_time(step, method, command, work).await
    }
}
