//! Pods: scheduler and kubelet in one. Every pod lives in a task of its own, from its node to its end.
//!
//! What a pod has been through is in its status; a task that starts anew (after a restart of the process) goes on from
//! there. What its containers say is in `voice`, how it is written down in `record`.

mod life;
mod record;
mod room;
mod voice;

use std::collections::HashMap;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cluster::Cluster,
    store::{ChangeKind, Forgotten, StoredObject},
};

/// Gives every pod its life, for ever.
pub(super) async fn run(cluster: Cluster) {
    let mut pods = Pods { cluster, tasks: TaskTracker::new(), deletions: HashMap::new() };
    loop {
        let (present, mut watch) = pods.cluster.list_and_watch("pods");
        for pod in &present {
            pods.see(pod);
        }
        // Ends only when history is too short: then everything is listed anew.
        while let Ok::<_, Forgotten>(changes) = watch.next().await {
            for change in changes {
                match change.kind {
                    ChangeKind::Added | ChangeKind::Modified => pods.see(&change.object),
                    ChangeKind::Deleted => pods.forget(&change.object),
                }
            }
        }
    }
}

struct Pods {
    cluster: Cluster,
    tasks: TaskTracker,
    /// Pods that live, by uid; cancelled when their deletion begins.
    deletions: HashMap<Box<str>, CancellationToken>,
}

impl Drop for Pods {
    /// The cluster stops: its pods do not die, they are only no longer played.
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl Pods {
    fn see(&mut self, pod: &StoredObject) {
        let (cluster, tasks) = (&self.cluster, &self.tasks);
        let deletion = self.deletions.entry(pod.uid.clone()).or_insert_with(|| {
            let deletion = CancellationToken::new();
            tasks.spawn(life::live(
                cluster.clone(),
                pod.namespace.clone(),
                pod.name.clone(),
                pod.uid.clone(),
                deletion.clone(),
            ));
            deletion
        });
        if pod.is_deleting() {
            deletion.cancel();
        }
    }

    fn forget(&mut self, pod: &StoredObject) {
        if let Some(deletion) = self.deletions.remove(&pod.uid) {
            deletion.cancel();
        }
    }
}
