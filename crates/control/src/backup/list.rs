//! The backups of an environment, and one of them with what it holds.

use super::store::{self, BackupRow};
use super::{
    Backup, BackupDetail, BackupPart, BackupSnapshot, MethodKind, SnapshotRow, failure_identity,
};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};

impl Control {
    /// The backups of an environment, newest first. Of a deleted one, too, by its id.
    pub async fn backup_list(
        &self,
        actor: &Actor,
        environment: &str,
        page: &PageRequest,
    ) -> Result<Page<Backup>, Error> {
        let row = self.environment_row(actor, environment).await?;
        let newest_first = Order { column: "id", direction: Direction::Descending };
        store::view()
            .list()
            .when("k.environment_id = ?", row.id)
            .only("k.deleted_at IS NULL")
            .page(self.db().read(), page, newest_first, store::read, |backup| {
                (SortKey::Text(String::new()), backup.id.to_string())
            })
            .await
    }

    /// One backup, by its environment and number.
    pub async fn backup_get(
        &self,
        actor: &Actor,
        environment: &str,
        number: i64,
    ) -> Result<BackupDetail, Error> {
        let environment = self.environment_row(actor, environment).await?;
        let row = self.backup_row(&environment, number).await?;
        self.backup_shown(row).await
    }

    pub(super) async fn backup_shown(&self, row: BackupRow) -> Result<BackupDetail, Error> {
        let c = self.db().read();
        let backup = store::view().list().when("k.id = ?", row.id).one(c, store::read).await?;
        let backup = backup.ok_or_else(|| Error::not_found("backup", row.number))?;
        let stored = store::parts(c, row.id).await?;
        let snapshots = store::snapshots(c, row.id).await?;
        let parts = (0..).zip(&row.methods).map(|(ordinal, method)| {
            let part = stored.iter().find(|part| part.ordinal == ordinal);
            let snapshots: Vec<BackupSnapshot> =
                snapshots.iter().filter(|it| it.ordinal == ordinal).map(shown).collect();
            let bytes = match method.kind {
                MethodKind::Commands => part.map(|part| part.stream.bytes),
                MethodKind::Volumes if snapshots.is_empty() => None,
                MethodKind::Volumes => Some(snapshots.iter().map(|it| it.bytes).sum()),
            };
            BackupPart {
                method: method.name.clone(),
                kind: method.kind,
                command: method.backup.join(" "),
                bytes,
                stored_bytes: part.map(|part| part.stream.stored_bytes),
                sha256: part.map(|part| part.stream.sha256.clone()),
                snapshots,
            }
        });
        let parts = parts.collect();
        let failure = self.open_told(&failure_identity(row.id), row.failure_sealed)?;
        Ok(BackupDetail { backup, parts, failure })
    }
}

fn shown(row: &SnapshotRow) -> BackupSnapshot {
    let SnapshotRow { claim, namespace, name, bytes, driver, handle, .. } = row.clone();
    BackupSnapshot { claim, namespace, snapshot: name, bytes, driver, handle }
}
