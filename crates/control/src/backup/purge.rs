//! Clearing away the data of backups that are deleted, or never became whole: what is in the object store, and the snapshots
//! in the cluster.
//!
//! A cluster that does not answer keeps its snapshots on the list: they are asked for again, ever more rarely. Only where an
//! environment was forgotten, since its cluster is gone for ever, are they let go of.

use jiff::{SignedDuration, Timestamp};

use super::store::{self, BackupRow};
use super::{BACKUP_LABEL, MethodKind};
use crate::cluster::unreachable;
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::environment::store as environments;
use crate::error::Error;
use crate::store::ids::BackupId;
use crate::store::sql::now;

/// The shortest and the longest time until a cluster is asked again.
const AGAIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(10), SignedDuration::from_hours(1));

impl Control {
    /// Clears one backup away; whether that is done. What is deleted twice is deleted: the row is told last.
    pub(super) async fn purge(&self, id: BackupId) -> Result<bool, Error> {
        let Some(backup) = store::by_id(self.db().read(), id).await? else { return Ok(false) };
        if let Err(error) = self.purge_snapshots(&backup).await {
            if error.is_outage() {
                return Err(error);
            }
            let again = again(backup.over_at, now());
            store::purge_later(self.db().write(), id, again).await?;
            let error = whole_text(&error);
            tracing::warn!(error, backup = %id, %again, "the snapshots of a backup are not deleted yet");
            return Ok(false);
        }
        self.objects().delete_streams(&id.to_string()).await?;
        Ok(store::purged(self.db().write(), id).await?)
    }

    async fn purge_snapshots(&self, backup: &BackupRow) -> Result<(), Error> {
        if !backup.methods.iter().any(|method| method.kind == MethodKind::Volumes) {
            return Ok(());
        }
        let c = self.db().read();
        let environment = environments::by_id(c, backup.environment).await?;
        let forgotten = store::is_forgotten(c, backup.environment).await?;
        let Some(environment) = environment.filter(|_| !forgotten) else {
            tracing::warn!(backup = %backup.id, "the snapshots of a backup are left where they are: its environment was forgotten");
            return Ok(());
        };
        let cluster = self.environment_connect(&environment).await?;
        let (namespace, id) = (environment.namespace.as_str(), backup.id.to_string());
        let deleted = rollout::volumes::delete(&cluster, namespace, (BACKUP_LABEL, &id)).await;
        deleted.map(drop).map_err(|error| unreachable(&error))
    }
}

/// When a cluster is asked again that has not answered since then: after as long as it has been, within bounds.
fn again(since: Option<Timestamp>, at: Timestamp) -> Timestamp {
    let (shortest, longest) = AGAIN;
    let been = since.map_or(shortest, |since| at.duration_since(since));
    at.saturating_add(been.clamp(shortest, longest)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longer a cluster has not answered, the more rarely it is asked, and every hour at least.
    #[test]
    fn ever_more_rarely() {
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let after = |since: &str| {
            let since = since.parse().unwrap();
            again(Some(since), at).duration_since(at).as_secs()
        };
        assert_eq!(after("2026-03-01T11:59:59Z"), 10);
        assert_eq!(after("2026-03-01T11:50:00Z"), 600);
        assert_eq!(after("2026-02-01T00:00:00Z"), 3600);
    }
}
