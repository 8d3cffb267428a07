//! A snapshot handed to another namespace: a `VolumeSnapshotContent` that names what the storage has, and a
//! `VolumeSnapshot` that is bound to it. Both go once the claims have their volumes; what the storage has stays.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::snapshot::{How, Waiting};
use super::{API, MANAGER, Snapshot, VolumeError, content_key, served, snapshot_key, text};
use crate::Execution;
use crate::cluster::ApplyMode;
use crate::report::Level;

/// Marks what was handed over, with the place that it was handed to.
const HANDED: &str = "landfall.dev/restored-to";

/// Where snapshots are handed to.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    pub(super) execution: Execution<'a>,
    pub(super) namespace: &'a str,
    pub(super) place: &'a str,
    /// Names the restore.
    pub(super) mark: &'a str,
}

impl Binding<'_> {
    /// The name of the snapshot, and of its content, that are made of one: as long as a name of either may be.
    pub(super) fn name(&self, snapshot: &Snapshot) -> String {
        let digest =
            Sha256::digest(format!("{}/{}/{}", self.mark, snapshot.namespace, snapshot.name));
        let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("landfall-restore-{short}")
    }

    /// Hands a snapshot over; its name here. May be repeated.
    pub(super) async fn hand_over(
        &self,
        snapshot: &Snapshot,
        deadline: Timestamp,
        how: &How<'_>,
    ) -> Result<String, VolumeError> {
        let Execution { cluster, .. } = self.execution;
        let name = self.name(snapshot);
        let (content, key) = (content_key(&name), snapshot_key(self.namespace, &name));
        let labels = BTreeMap::from([(HANDED, self.place)]);
        let contents = served(cluster, &content).await?;
        let snapshots = served(cluster, &key).await?;
        let mode = ApplyMode { force: true, dry_run: false };
        // The snapshot first: it is by what is found in the namespace that both are cleared away.
        let object = json!({
            "apiVersion": API, "kind": "VolumeSnapshot",
            "metadata": { "name": name, "namespace": self.namespace, "labels": labels },
            "spec": { "source": { "volumeSnapshotContentName": name } },
        });
        self.execution.before_write().await?;
        cluster.apply_as(MANAGER, &snapshots, &key, &object, mode).await?;
        let object = json!({
            "apiVersion": API, "kind": "VolumeSnapshotContent",
            "metadata": { "name": name, "labels": labels },
            "spec": {
                "deletionPolicy": "Retain", "driver": snapshot.driver,
                "source": { "snapshotHandle": snapshot.handle },
                "volumeSnapshotRef": { "apiVersion": API, "kind": "VolumeSnapshot", "name": name, "namespace": self.namespace },
            },
        });
        self.execution.before_write().await?;
        // Its controller adds the snapshot's uid: taking that away again would be refused, and is not asked for.
        cluster.apply_as(MANAGER, &contents, &content, &object, mode).await?;
        let of = &snapshot.claim;
        let waited = Waiting { execution: self.execution, resource: &snapshots, key: &key, of };
        waited.until_ready(deadline, how).await?;
        let text =
            format!("{} is bound here as {key}", snapshot_key(&snapshot.namespace, &snapshot.name));
        self.execution.say(Level::Info, Some(&key), text).await;
        Ok(name)
    }

    /// Clears away what was handed over to this place, but for these names.
    pub(super) async fn clear(&self, keep: &[String]) -> Result<(), VolumeError> {
        let Execution { cluster, .. } = self.execution;
        let snapshots = served(cluster, &snapshot_key(self.namespace, "")).await?;
        let selector = format!("{HANDED}={}", self.place);
        let listed = cluster.list(&snapshots, Some(self.namespace), Some(&selector)).await?;
        for snapshot in listed.items {
            let name = text(&snapshot, "/metadata/name").to_owned();
            if keep.contains(&name) {
                continue;
            }
            let content = content_key(text(&snapshot, "/spec/source/volumeSnapshotContentName"));
            let contents = served(cluster, &content).await?;
            self.execution.before_write().await?;
            cluster.delete(&contents, &content, None).await?;
            self.execution.before_write().await?;
            let key = snapshot_key(self.namespace, &name);
            cluster.delete(&snapshots, &key, snapshot["metadata"]["uid"].as_str()).await?;
        }
        Ok(())
    }
}
