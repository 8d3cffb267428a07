//! Work that keeps a processor busy, or waits, apart from the threads that serve requests.

use crate::error::Error;

/// Runs the work on a thread where that is allowed; fails if it panics.
///
/// Only a process that is going down leaves such work undone, and with it whoever waits for it. That is no failure of what the
/// work was for: an Op, for example, goes on where it stopped. So nothing comes of it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(left) if left.is_cancelled() => std::future::pending().await,
        Err(panicked) => Err(Error::internal(doing, panicked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    /// What a process that goes down leaves undone is told to nobody as a failure.
    #[test]
    fn a_process_that_goes_down() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let (hold, held) = mpsc::channel::<()>();
        let (told, answer) = mpsc::channel();
        // The one thread is taken, so that the work waits for it until there is none any more.
        runtime.spawn_blocking(move || held.recv());
        runtime.spawn(async move {
            let done = blocking("count", || 1).await;
            let _ = told.send(done.is_ok());
        });
        runtime.block_on(tokio::task::yield_now());
        runtime.shutdown_background();
        drop(hold);
        assert!(
            answer
                .recv_timeout(Duration::from_secs(20))
                .is_err_and(|none| none == mpsc::RecvTimeoutError::Disconnected)
        );
    }

    /// A panic is a failure of what was done.
    #[tokio::test]
    async fn a_panic() {
        let failed = blocking("count", || panic!("on purpose")).await.map(|(): ()| ());
        assert!(failed.unwrap_err().to_string().contains("count"));
    }
}
