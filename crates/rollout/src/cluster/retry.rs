//! Trying again where a request may succeed with nobody changing anything.
//!
//! Every request of this crate can be sent twice: reads, server-side applies, deletions, updates
//! tied to a resource version, and creations of records whose name says what they are. Where the first
//! try went through but its answer was lost, the second one's refusal is understood by the caller.

use std::time::Duration;

use super::ClusterError;

/// How often a request is sent at most.
const TRIES: u32 = 5;
/// The pause after the first try; each further one is twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A server that asks for more is not obeyed beyond this.
const LONGEST_ASKED: Duration = Duration::from_secs(10);

/// A failed try, and the pause its server asked for.
pub(super) struct Failure {
    pub(super) error: ClusterError,
    pub(super) retry_after: Option<Duration>,
}

/// The pauses of one request.
pub(super) struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    pub(super) fn new(first: Duration) -> Self {
        Self { left: TRIES - 1, next: first }
    }

    /// Waits before the next try; the error where there is none to be made.
    pub(super) async fn after(&mut self, failure: Failure) -> Result<(), ClusterError> {
        if self.left == 0 || !failure.error.is_transient() {
            return Err(failure.error);
        }
        let asked = failure.retry_after.unwrap_or_default().min(LONGEST_ASKED);
        tracing::debug!(error = %failure.error, "trying again");
        tokio::time::sleep(self.next.max(asked)).await;
        self.left -= 1;
        self.next *= 2;
        Ok(())
    }
}
