//! Workers: tasks that take Ops from the queue under a lease and carry them out step by step.

/// The running workers of a process.
#[must_use = "workers stop when this is dropped without `stop`"]
pub struct Workers {}

impl Workers {
    /// Stops gracefully: no new Ops are taken; running ones are given up at their next safe point
    /// and taken up again by another worker or after the next start.
    pub async fn stop(self) {}
}
