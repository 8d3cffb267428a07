//! Asking for backups, and deleting them. No cluster is asked here.

use serde::Deserialize;
use utoipa::ToSchema;

use super::settings_store;
use super::store::{self, BackupRow, NewRow};
use super::{Backup, BackupCause, BackupDetail};
use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::deployment::store as deployments;
use crate::environment::store as environments;
use crate::environment::{EnvironmentRow, EnvironmentState, not_deployable};
use crate::error::Error;
use crate::op::{self, Carries};
use crate::rights::Subject;
use crate::store::ids::{BackupId, OpId};
use crate::store::sql::now;
use crate::store::wake::{OpWake, Wake};
use crate::store::{Tx, commit};

/// Characters of a note at most.
const NOTE_LONGEST: usize = 500;

/// A backup to be made by hand.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewBackup {
    /// What to remember of it; may be empty.
    pub note: String,
}

/// A backup that is queued.
pub(crate) struct Queued {
    pub(crate) id: BackupId,
    pub(crate) op: OpId,
    pub(crate) number: i64,
}

impl Control {
    /// Queues a backup of what an environment runs, behind what happens there.
    pub async fn backup_create(
        &self,
        actor: &Actor,
        environment: &str,
        new: NewBackup,
    ) -> Result<Backup, Error> {
        let row = self.environment_to_back_up(actor, environment).await?;
        let note = new.note.trim();
        if note.chars().count() > NOTE_LONGEST {
            let remedy = format!("Use at most {NOTE_LONGEST} characters.");
            return Err(Error::invalid("note", "This note is too long.", remedy));
        }
        let tx = self.db().begin().await?;
        let queued = queue(&tx, &row, BackupCause::Manual, note, &actor.by()).await?;
        let Some(queued) = queued else { return Err(nothing_runs(&row)) };
        let name = format!("{} backup {}", row.name, queued.number);
        let new = serde_json::json!({ "environment": row.name, "note": note });
        audit::write(&tx, actor, act("backup.create", queued.id, &name, new)).await?;
        commit(tx).await?;
        self.backup_queued(&row, queued.op).await;
        Ok(self.backup_get(actor, &row.id.to_string(), queued.number).await?.backup)
    }

    /// Tells whoever waits for work, and whoever looks.
    pub(super) async fn backup_queued(&self, environment: &EnvironmentRow, op: OpId) {
        let wake = OpWake { op, environment: environment.id, kind: environment.kind };
        self.wakes().send(Wake::Queue).await;
        self.wakes().send(Wake::Op(wake)).await;
    }

    /// Deletes a backup and its data for good. Not while it is made or restored.
    pub async fn backup_delete(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
    ) -> Result<BackupDetail, Error> {
        let row = self.environment_of_backups(actor, environment, "delete backups of").await?;
        let backup = self.backup_row(&row, number).await?;
        let tx = self.db().begin().await?;
        if !store::delete(&tx, backup.id, now()).await? {
            let (what, remedy) = if backup.state.is_final() {
                ("is being restored.", "Wait for that deployment, or cancel it, then delete it.")
            } else {
                ("is being made.", "Cancel its Op first.")
            };
            return Err(Error::conflict(format!("Backup {number} of {} {what}", row.name), remedy));
        }
        let name = format!("{} backup {number}", row.name);
        let new = serde_json::Value::Null;
        let act = Act {
            old: serde_json::json!({ "state": backup.state, "cause": backup.cause }),
            ..act("backup.delete", backup.id, &name, new)
        };
        let shown = self.backup_shown(backup).await?;
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Backups).await;
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        Ok(shown)
    }

    /// An environment whose backups the actor may make, restore and delete.
    pub(super) async fn environment_of_backups(
        &self,
        actor: &Actor,
        environment: &str,
        act: &str,
    ) -> Result<EnvironmentRow, Error> {
        let row = self.environment_row(actor, environment).await?;
        let act = format!("{act} {}", row.kind.plural());
        let missing = || Error::not_found("environment", environment);
        actor.write(Subject::Environments(row.kind), &act, missing)?;
        Ok(row)
    }

    /// The same, if it lives.
    pub(super) async fn environment_to_back_up(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<EnvironmentRow, Error> {
        let row = self.environment_of_backups(actor, environment, "back up").await?;
        match row.state {
            EnvironmentState::Creating | EnvironmentState::Active => Ok(row),
            EnvironmentState::Deleting | EnvironmentState::Deleted => {
                Err(not_deployable(&row.name, row.state))
            }
        }
    }

    /// A backup's own row, by number.
    pub(super) async fn backup_row(
        &self,
        environment: &EnvironmentRow,
        number: i64,
    ) -> Result<BackupRow, Error> {
        let found = store::by_number(self.db().read(), environment.id, number).await?;
        found.ok_or_else(|| {
            Error::not_found("backup", format!("{} backup {number}", environment.name))
        })
    }
}

fn nothing_runs(row: &EnvironmentRow) -> Error {
    Error::conflict(
        format!("No deployment has succeeded in {} yet: there is nothing to back up.", row.name),
        "Deploy a release first.",
    )
}

/// The entry of the audit log.
pub(super) fn act<'n>(
    action: &'static str,
    backup: BackupId,
    name: &'n str,
    new: serde_json::Value,
) -> Act<'n> {
    Act { action, kind: "backup", id: backup.to_string(), name, old: serde_json::Value::Null, new }
}

/// Writes a backup and its Op; none where nothing runs that could be backed up.
pub(super) async fn queue(
    tx: &Tx,
    environment: &EnvironmentRow,
    cause: BackupCause,
    note: &str,
    by: &By,
) -> Result<Option<Queued>, Error> {
    // Locks the environment's row: what runs is read after that.
    let Some(number) = store::next_number(tx, environment.id).await? else {
        return Err(not_deployable(&environment.name, EnvironmentState::Deleting));
    };
    let now_there = environments::by_id(tx, environment.id).await?;
    let runs = now_there.and_then(|row| row.current_deployment);
    let Some(runs) = runs else { return Ok(None) };
    let deployment = deployments::by_id(tx, runs).await?;
    let Some((deployment, content)) = deployment.and_then(|it| it.content.map(|id| (it, id)))
    else {
        return Ok(None);
    };
    let methods = settings_store::methods(tx, environment.app).await?.methods;
    let (id, op, at) = (BackupId::generate(), OpId::generate(), now());
    let new = NewRow {
        id,
        environment: environment.id,
        number,
        cause,
        deployment: deployment.id,
        release: deployment.release,
        content,
        methods: &methods,
        note,
        op,
        at,
        by,
    };
    store::insert(tx, &new).await?;
    let new = op::store::NewOp {
        id: op,
        carries: Carries::Backup,
        environment: environment.id,
        environment_kind: environment.kind,
        at,
        steps: op::BACKUP_STEPS,
    };
    op::store::insert(tx, &new).await?;
    Ok(Some(Queued { id, op, number }))
}

/// Queues the backup that is to be made before a deployment, where the environment asks for one and something runs there.
pub(crate) async fn queue_before(
    tx: &Tx,
    environment: &EnvironmentRow,
    by: &By,
) -> Result<Option<BackupId>, Error> {
    let schedule = settings_store::schedule(tx, environment.id).await?;
    if !schedule.is_some_and(|schedule| schedule.before_deployments) {
        return Ok(None);
    }
    let queued = queue(tx, environment, BackupCause::BeforeDeployment, "", by).await?;
    Ok(queued.map(|queued| queued.id))
}
