//! Restoring: a deployment of the trigger `backup_restored`, whose Op puts the data back before it deploys.
//!
//! To the environment that the backup is of it brings back the Release, its values and the App values of then; another
//! environment (a clone) takes the Release and the data, and keeps its own values and domain.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{BackupState, MethodKind, store};
use crate::actor::Actor;
use crate::audit;
use crate::control::Control;
use crate::deployment::{AppValuesChoice, OnFailure, Queued, Started, Trigger, queue};
use crate::environment::store as environments;
use crate::error::Error;
use crate::store::commit;

/// How a backup is restored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RestoreBackup {
    /// The environment that it is restored to, by name or id; empty: the one that it is of.
    pub to: String,
    /// What happens if the deployment fails once the data is back; none: everything is left as it is then.
    pub on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    pub force_conflicts: bool,
    /// Why; may be empty.
    pub reason: String,
}

impl Control {
    /// Makes a deployment of the trigger `backup_restored` and queues its Op. Takes the right to write both environments.
    pub async fn backup_restore(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
        how: RestoreBackup,
    ) -> Result<Started, Error> {
        let source = self.environment_of_backups(actor, environment, "restore backups of").await?;
        let backup = self.backup_row(&source, number).await?;
        if backup.state != BackupState::Complete {
            return Err(Error::conflict(
                format!("Backup {number} of {} is {}.", source.name, backup.state),
                "Choose one that is complete.",
            ));
        }
        let to = match how.to.trim() {
            "" => source.id.to_string(),
            to => to.to_owned(),
        };
        let target = self.environment_to_deploy(actor, &to).await?;
        if target.app != source.app {
            let message = format!("{} is of another App.", target.name);
            return Err(Error::invalid("to", message, "Choose an environment of the same App."));
        }
        if target.current_release.is_none() && !backup.methods.is_empty() {
            return Err(Error::conflict(
                format!("Nothing runs in {} yet: data is put back into what runs.", target.name),
                "Deploy a release to it first, then restore the backup.",
            ));
        }
        // A snapshot is where its storage is.
        let has_volumes = backup.methods.iter().any(|it| it.kind == MethodKind::Volumes);
        if has_volumes && target.cluster != source.cluster {
            let message = format!(
                "Backup {number} of {} holds snapshots of volumes, which stay in their cluster; {} is on another one.",
                source.name, target.name
            );
            let remedy =
                "Choose an environment on the same cluster, or back the data up by commands.";
            return Err(Error::invalid("to", message, remedy));
        }
        let c = self.db().read();
        let same = target.id == source.id;
        let (values, app_values_revision) = if same {
            let content = self.content_row(backup.content).await?;
            (content.layers.deployment, content.app_values_revision)
        } else {
            let own = environments::newest_values(c, target.id).await?;
            let revision = self.app_values_to_deploy(&target, AppValuesChoice::Held).await?;
            (own.map(|own| own.values), revision)
        };
        let queued = Queued {
            trigger: Trigger::BackupRestored,
            backup: Some(backup.id),
            on_failure: how.on_failure.unwrap_or(OnFailure::Leave),
            force_conflicts: how.force_conflicts,
            reason: how.reason.trim(),
            values,
            app_values_revision,
            ..Queued::empty(backup.release)
        };
        let tx = self.db().begin().await?;
        // Locks the backup against being deleted meanwhile.
        if !store::is_there(&tx, backup.id).await? {
            return Err(Error::not_found("backup", format!("{} backup {number}", source.name)));
        }
        let deployment = queue(&tx, &actor.by(), &target, &queued).await?;
        let name = format!("{}#{deployment}", target.name);
        let mut act = queued.act("backup.restore", &name);
        if let Some(new) = act.new.as_object_mut() {
            new.insert("backup".to_owned(), number.into());
            new.insert("of".to_owned(), source.name.to_string().into());
        }
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.started(actor, &target, &queued).await
    }
}
