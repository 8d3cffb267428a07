//! Whether a cluster answers, as the requests sent to it see it.
//!
//! All connections to a cluster share one pulse. Whoever shares something with other clusters (places of workers) gives
//! it back while this one is silent. Watches and followed logs, which may be quiet for long, do not count: who only
//! watches asks now and then.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Cluster;

/// A request that takes longer than this without an answer makes its cluster a silent one.
const PATIENCE: Duration = Duration::from_secs(3);
/// Who only watches asks as soon as nobody has had an answer for so long.
const QUIET: Duration = Duration::from_secs(5);

/// Whether a cluster answers.
#[derive(Clone, Debug)]
pub struct Pulse {
    silent: Arc<watch::Sender<bool>>,
    answered_at: Arc<Mutex<Instant>>,
    patience: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            silent: Arc::new(watch::Sender::new(false)),
            answered_at: Arc::new(Mutex::new(Instant::now())),
            patience: PATIENCE,
        }
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
        *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
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

    /// Since when there was no answer.
    fn quiet_for(&self) -> Duration {
        self.answered_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn set(&self, silent: bool) {
        self.silent.send_if_modified(|now| std::mem::replace(now, silent) != silent);
    }
}

impl Cluster {
    /// Asks the cluster now and then whether it is there, as long as it is polled: for whoever only watches.
    pub(crate) async fn keep_asking(&self) -> Infallible {
        loop {
            tokio::time::sleep(QUIET).await;
            if self.inner.pulse.quiet_for() >= QUIET {
                // What came of it is told by the pulse.
                let _ = self.version().await;
            }
        }
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
