//! Which clusters this process works on, so that one that does not answer slows no other.
//!
//! An Op gives its place up as soon as its cluster is silent: it goes on waiting, and another takes the place. While a
//! cluster is silent one Op at a time is begun there, to see whether it has come back; never do more run on one
//! cluster than there are places.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use rollout::cluster::Pulse;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::store::ids::ClusterId;

/// Ops that run, by cluster.
pub(super) struct Load {
    most: usize,
    running: Mutex<HashMap<ClusterId, usize>>,
    ended: Notify,
}

/// Counts an Op as long as it lives.
pub(super) struct Running {
    load: Arc<Load>,
    cluster: ClusterId,
}

impl Load {
    /// At most so many Ops on one cluster.
    pub(super) fn new(most: usize) -> Self {
        Self { most, running: Mutex::default(), ended: Notify::new() }
    }

    /// Clusters that no further Op is to be begun on now.
    pub(super) fn closed(&self, is_silent: impl Fn(ClusterId) -> bool) -> Vec<ClusterId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let full =
            |&(cluster, count): &(&ClusterId, &usize)| *count >= self.most || is_silent(*cluster);
        running.iter().filter(full).map(|(cluster, _)| *cluster).collect()
    }

    pub(super) fn begin(self: &Arc<Self>, cluster: ClusterId) -> Running {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running.entry(cluster).or_default() += 1;
        Running { load: self.clone(), cluster }
    }

    /// Returns when an Op has ended since the last call.
    pub(super) async fn one_ended(&self) {
        self.ended.notified().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.load.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.cluster) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.cluster);
            }
        }
        self.load.ended.notify_one();
    }
}

/// Carries an Op out to its end, and holds its place only until its cluster is silent.
pub(super) async fn holding_while_it_answers(
    place: OwnedSemaphorePermit,
    pulse: &Pulse,
    mut op: Pin<Box<impl Future<Output = ()>>>,
) {
    tokio::select! {
        () = &mut op => return,
        () = pulse.until_silent() => drop(place),
    }
    op.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A silent cluster gets no second Op, an answering one as many as there are places.
    #[test]
    fn closed_clusters() {
        let load = Arc::new(Load::new(2));
        let (dead, alive) = (ClusterId::generate(), ClusterId::generate());
        let _one = load.begin(dead);
        let two = load.begin(alive);
        assert_eq!(load.closed(|cluster| cluster == dead), [dead]);
        assert!(load.closed(|_| false).is_empty());
        let _three = load.begin(alive);
        assert_eq!(load.closed(|_| false), [alive]);
        drop(two);
        assert!(load.closed(|_| false).is_empty());
    }
}
