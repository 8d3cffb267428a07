//! Volumes in backups: the snapshots that a method makes, and what puts them back.
//!
//! A snapshot counts once it is ready and its row is written under the fence. Its name follows from the backup and the
//! claim, so that a worker that takes the Op up again finds what the one before it asked for. When volumes are put back,
//! how far that came stands on the objects in the cluster (`rollout::volumes`).

use std::collections::BTreeMap;
use std::time::Duration;

use rollout::Execution;
use rollout::volumes::{self, Claim, How, Move, Restore, Snapshot, Volume, VolumeError, Wanted};
use tokio_util::sync::CancellationToken;

use super::backup::size;
use super::domain::without_culprit;
use super::{Broken, Interrupted, Run};
use crate::backup::store as backups;
use crate::backup::{
    BACKUP_LABEL, BACKUP_OF_LABEL, BackupMethod, BackupRow, MethodKind, claim_identity,
    snapshot_name,
};
use crate::deployment::prepare::whole_text;
use crate::environment::store::{self as environments, EnvironmentRow};
use crate::error::{Error, sentence};
use crate::op::{LogLevel, StepName};
use crate::work::lease::Stopped;

/// How long an error that a cluster tells of a snapshot may stand before it counts: most go by themselves.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to do where a restore did not come to its end.
const AGAIN: &str = "See to the cause, then restore it again: it goes on from what is there.";

impl<J> Run<'_, J> {
    /// The claims of a method's labels.
    pub(super) async fn claims_of(
        &self,
        step: StepName,
        environment: &EnvironmentRow,
        method: &BackupMethod,
    ) -> Result<Vec<Claim>, Interrupted> {
        let (namespace, selector) =
            (environment.namespace.as_str(), method.selector_in(environment));
        let found = self
            .retry_reading(|| async {
                let found = volumes::find(&self.cluster, namespace, &selector).await;
                found.map_err(|error| broken(step, &method.name, error))
            })
            .await;
        match found {
            Ok(claims) => Ok(claims),
            Err(error) => self.fail(step, error).await,
        }
    }

    /// In step `check`: a method has claims to snapshot, and none that another one has, too.
    pub(super) async fn find_claims(
        &self,
        step: StepName,
        environment: &EnvironmentRow,
        method: &BackupMethod,
        taken: &mut BTreeMap<String, String>,
    ) -> Result<(), Interrupted> {
        for claim in self.claims_of(step, environment, method).await? {
            self.say(format!(
                "{}: PersistentVolumeClaim/{}/{}, {}",
                method.name, claim.namespace, claim.name, claim.size
            ))
            .await;
            if let Some(other) = taken.insert(claim.name.clone(), method.name.clone()) {
                let message = format!(
                    "Methods {other} and {} both have PersistentVolumeClaim {}.",
                    method.name, claim.name
                );
                let remedy = "Let each claim have the labels of one method only.";
                let error = Broken::NotReady(without_culprit(step, message, remedy));
                return self.fail(step, error).await;
            }
        }
        Ok(())
    }

    /// In step `back up data`: the snapshots of one method.
    pub(super) async fn snapshot_by(
        &self,
        step: StepName,
        environment: &EnvironmentRow,
        backup: &BackupRow,
        (ordinal, method): (i64, &BackupMethod),
    ) -> Result<(), Interrupted> {
        let claims = self.claims_of(step, environment, method).await?;
        let wanted: Vec<Wanted<'_>> = claims
            .iter()
            .map(|claim| Wanted { claim, name: snapshot_name(backup.id, &claim.name) })
            .collect();
        let labels = [
            ("app.kubernetes.io/managed-by", "landfall".to_owned()),
            (BACKUP_LABEL, backup.id.to_string()),
            (BACKUP_OF_LABEL, environment.id.to_string()),
        ];
        let how = How {
            class: method.snapshot_class(),
            labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            timeout: method.timeout(),
            patience: PATIENCE,
        };
        let made = self
            .retry(|| async {
                let made = volumes::snapshot(self.execution(), &wanted, &how).await;
                made.map_err(|error| broken(step, &method.name, error))
            })
            .await;
        let made = match made {
            Ok(made) => made,
            Err(error) => return self.fail(step, error).await,
        };
        let bytes = made.iter().map(|it| it.bytes).sum();
        let told = match made.len() {
            1 => format!("{}: 1 snapshot, {}", method.name, size(bytes)),
            many => format!("{}: {many} snapshots, {}", method.name, size(bytes)),
        };
        self.recorder.backup_snapshots(backup.id, ordinal, made).await?;
        self.say(told).await;
        Ok(())
    }

    /// What is wrong with the snapshots of a backup, or how much room they have.
    pub(super) async fn look_through(
        &self,
        step: StepName,
        backup: &BackupRow,
    ) -> Result<Result<i64, String>, Interrupted> {
        let mut bytes = 0;
        for (ordinal, snapshot) in self.snapshots(backup).await? {
            if self.held.stop().is_cancelled() {
                return Err(Interrupted::Stopped);
            }
            let name = method_name(backup, ordinal);
            let looked = self
                .retry_reading(|| async {
                    let looked = volumes::standing(&self.cluster, &snapshot).await;
                    looked.map_err(|error| broken(step, name, error))
                })
                .await;
            match looked {
                Ok(None) => bytes += snapshot.bytes,
                Ok(Some(damage)) => return Ok(Err(format!("{name}: {damage}"))),
                Err(error) => return self.fail(step, error).await,
            }
        }
        Ok(Ok(bytes))
    }

    /// The snapshots of a backup, each with the number of its method.
    async fn snapshots(&self, backup: &BackupRow) -> Result<Vec<(i64, Snapshot)>, Interrupted> {
        let rows = backups::snapshots(self.control.db().read(), backup.id).await;
        let sealer = self.control.objects().sealer();
        let mut snapshots = Vec::new();
        for row in rows.map_err(Error::from)? {
            let identity = claim_identity(backup.id, &row.claim);
            let made_of =
                sealer.open_json(&identity, &row.claim_sealed, "read what a claim was")?;
            let snapshot = Snapshot {
                namespace: row.namespace,
                name: row.name,
                claim: row.claim,
                bytes: row.bytes,
                driver: row.driver,
                handle: row.handle,
                made_of,
            };
            snapshots.push((row.ordinal, snapshot));
        }
        Ok(snapshots)
    }
}

/// The volumes of a backup on their way back.
pub(super) struct Volumes {
    method: String,
    volumes: Vec<Volume>,
    /// Names the restore.
    mark: String,
    /// Names where it goes.
    place: String,
    timeout: Duration,
    bytes: i64,
}

impl Run<'_> {
    /// The volumes that are to be put back; none where the backup has none.
    pub(super) async fn volumes(&self, backup: &BackupRow) -> Result<Option<Volumes>, Interrupted> {
        let snapshots = self.snapshots(backup).await?;
        let Some((first, _)) = snapshots.first() else { return Ok(None) };
        let source = environments::by_id(self.control.db().read(), backup.environment).await;
        let gone = || Error::internal("restore a backup", "the row of its environment is gone");
        let source = source.map_err(Error::from)?.ok_or_else(gone)?;
        let target = &self.job.environment;
        let way = Move {
            from_release: source.release_name.as_str(),
            to_release: target.release_name.as_str(),
            to_namespace: target.namespace.as_str(),
        };
        let of_volumes = backup.methods.iter().filter(|it| it.kind == MethodKind::Volumes);
        Ok(Some(Volumes {
            method: method_name(backup, *first).to_owned(),
            bytes: snapshots.iter().map(|(_, it)| it.bytes).sum(),
            volumes: snapshots.iter().map(|(_, it)| Volume::of(it, way)).collect(),
            mark: self.held.lease().op.to_string(),
            place: target.id.to_string(),
            timeout: of_volumes.map(BackupMethod::timeout).max().unwrap_or_default(),
        }))
    }

    fn restore<'v>(&'v self, of: &'v Volumes) -> Restore<'v> {
        Restore {
            execution: self.execution(),
            namespace: self.job.environment.namespace.as_str(),
            mark: &of.mark,
            place: &of.place,
            volumes: &of.volumes,
            timeout: of.timeout,
            patience: PATIENCE,
        }
    }

    /// In step `check backup`: volumes can be put back, as far as that is seen before anything is changed.
    pub(super) async fn check_volumes(
        &self,
        step: StepName,
        of: &Volumes,
    ) -> Result<(), Interrupted> {
        let checked = self
            .retry_reading(|| async {
                let checked = self.restore(of).check().await;
                checked.map_err(|error| broken(step, &of.method, error))
            })
            .await;
        match checked {
            Ok(workloads) => {
                for key in workloads {
                    self.say(format!("{key} uses the volumes: it is scaled to 0 meanwhile")).await;
                }
                Ok(())
            }
            Err(error) => self.fail(step, error).await,
        }
    }

    /// In step `restore data`: puts volumes back; how much.
    pub(super) async fn restore_volumes(
        &self,
        step: StepName,
        of: &Volumes,
    ) -> Result<i64, Interrupted> {
        let put_back = self
            .retry(|| async {
                let restore = self.restore(of);
                let put_back = async {
                    restore.clear_leftovers().await?;
                    restore.run().await
                };
                put_back.await.map_err(|error| broken(step, &of.method, error))
            })
            .await;
        let Err(error) = put_back else { return Ok(of.bytes) };
        // Whoever takes the Op up again goes on with it; where nobody does, nothing must stay down that can run.
        if !self.held.stop().is_cancelled() || self.held.stopped() == Some(Stopped::Cancelled) {
            self.resume(of).await;
        }
        self.fail(step, error).await
    }

    async fn resume(&self, of: &Volumes) {
        let unstoppable = CancellationToken::new();
        let restore = self.restore(of);
        let execution = Execution { cancel: &unstoppable, ..restore.execution };
        let told = match (Restore { execution, ..restore }).resume().await {
            Ok(down) if down.is_empty() => return,
            Ok(down) => format!(
                "Still scaled to 0, since claims of theirs are missing: {}. Restoring again goes on from there.",
                down.join(", ")
            ),
            Err(error) => {
                format!("What was scaled down may still be so: {}", sentence(&whole_text(&error)))
            }
        };
        self.reports.say(LogLevel::Warning, told).await;
    }
}

fn method_name(backup: &BackupRow, ordinal: i64) -> &str {
    let method = usize::try_from(ordinal).ok().and_then(|n| backup.methods.get(n));
    method.map_or("", |method| method.name.as_str())
}

/// What an error with volumes means for the step.
fn broken(step: StepName, method: &str, error: VolumeError) -> Broken {
    let remedy = match error {
        VolumeError::Rollout(error) => return Broken::Rollout(error),
        VolumeError::NoApi { .. } => {
            "Install the CSI snapshot controller and its definitions there, or back the data up by commands."
        }
        VolumeError::NoClaim { .. } => {
            "See whether the method's labels are those of the environment's claims: `kubectl get pvc --show-labels`."
        }
        VolumeError::NotBound { .. } => {
            "See why the claim has no volume; leave it out by the method's labels if it needs none."
        }
        VolumeError::Failed { .. } => {
            "See to the snapshot's driver and class: `kubectl describe volumesnapshot` says more."
        }
        VolumeError::Used { .. } => {
            "Stop it, or delete it if it has ended, then restore again. What an operator scales cannot be restored so."
        }
        VolumeError::NoTarget { .. } => {
            "Deploy to the environment so that it has its claims; they must be named after its Helm release."
        }
        VolumeError::NoHandle { .. } => {
            "Let Landfall's account read volumesnapshotcontents, make another backup, and restore that one."
        }
        VolumeError::Late { .. } if step == StepName::RestoreData => AGAIN,
        VolumeError::Late { .. } => {
            "See what holds it up, or give the method more time in the App's backup methods."
        }
    };
    let message = format!("Method {method}: {}", sentence(&whole_text(&error)));
    Broken::NotReady(without_culprit(step, message, remedy))
}
