//! Whether a cluster answers, as the requests sent to it see it.
//!
//! All connections to a cluster share one pulse. Whoever shares something with other clusters (places of workers) gives
//! it back while this one is silent. Watches and followed logs, which may be quiet for long, do not count.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A request that takes longer than this without an answer makes its cluster a silent one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether a cluster answers.
#[derive(Clone, Debug)]
pub struct Pulse {
    silent: Arc<watch::Sender<bool>>,
    patience: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { silent: Arc::new(watch::Sender::new(false)), patience: PATIENCE }
    }
}

impl Pulse {
    /// Whether the last request was not answered, or waits for its answer since seconds.
    pub fn is_silent(&self) -> bool {
        *self.silent.borrow()
    }

    /// Returns as soon as the cluster is silent.
    pub async fn until_silent(&self) {
        // The sender lives as long as this borrow.
        let _ = self.silent.subscribe().wait_for(|silent| *silent).await;
    }

    pub(super) fn answered(&self) {
        self.set(false);
    }

    pub(super) fn not_answered(&self) {
        self.set(true);
    }

    /// Waits for an answer, and tells if that takes long.
    pub(super) async fn during<T>(&self, request: impl Future<Output = T>) -> T {
        let mut request = std::pin::pin!(request);
        tokio::select! {
            answer = &mut request => answer,
            () = tokio::time::sleep(self.patience) => {
                self.not_answered();
                request.await
            }
        }
    }

    fn set(&self, silent: bool) {
        self.silent.send_if_modified(|now| std::mem::replace(now, silent) != silent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request that is not answered for long makes the cluster silent, the next answer makes it speak again.
    #[tokio::test]
    async fn silence() {
        let pulse = Pulse { patience: Duration::from_millis(1), ..Pulse::default() };
        let slow = pulse.during(std::future::pending::<()>());
        tokio::select! {
            () = slow => panic!("nobody saw the silence"),
            () = pulse.until_silent() => {}
        }
        assert!(pulse.is_silent());
        pulse.answered();
        assert!(!pulse.is_silent());
    }
}
