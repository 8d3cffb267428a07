//! The loops beside the queue of Ops: one answers previews over fleets, one carries batches on, one makes the backups that
//! are due and clears old ones away. Each does what there is to do, then waits for a wake-up; a missed one costs no more than the poll interval.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::error::Error;
use crate::store::wake::Wake;

/// Previews that a process answers at once: a long one does not keep everybody waiting.
const PREVIEWS: usize = 2;

/// What a loop does.
#[derive(Clone, Copy, Debug)]
enum Work {
    Previews,
    Batches,
    Backups,
}

impl Work {
    /// Does what there is to do next; whether there was anything.
    async fn turn(self, control: &Control, stop: &CancellationToken) -> Result<bool, Error> {
        match self {
            Self::Previews => control.fleet_turn(stop).await,
            Self::Batches => control.batches_pass().await,
            Self::Backups => control.backups_pass().await,
        }
    }

    /// Whether a wake-up may mean something to do.
    fn waits_for(self, wake: Wake) -> bool {
        match self {
            Self::Previews => wake == Wake::Fleet,
            Self::Batches => wake == Wake::Batches,
            // One that failed is cleared away.
            Self::Backups => wake == Wake::Backups,
        }
    }
}

pub(super) fn start(control: &Control, stop: &CancellationToken, tasks: &TaskTracker) {
    for _ in 0..PREVIEWS {
        tasks.spawn(go_on(Work::Previews, control.clone(), stop.clone()));
    }
    tasks.spawn(go_on(Work::Batches, control.clone(), stop.clone()));
    tasks.spawn(go_on(Work::Backups, control.clone(), stop.clone()));
}

/// Takes turns until there is nothing to do, then waits.
async fn go_on(work: Work, control: Control, stop: CancellationToken) {
    let mut wakes = control.wakes().subscribe();
    let poll = control.config().workers.poll;
    while !stop.is_cancelled() {
        super::forget(&mut wakes);
        match work.turn(&control, &stop).await {
            Ok(true) => {}
            Ok(false) => {
                let woken = tokio::time::timeout(poll, woken(work, &mut wakes));
                let _ = stop.run_until_cancelled(woken).await;
            }
            Err(error) => {
                tracing::error!(error = whole_text(&error), ?work, "a worker cannot go on");
                let _ = stop.run_until_cancelled(tokio::time::sleep(poll)).await;
            }
        }
    }
}

/// Returns when there may be something to do.
async fn woken(work: Work, wakes: &mut broadcast::Receiver<Wake>) {
    loop {
        match wakes.recv().await {
            // Whoever lagged may have missed one.
            Ok(Wake::Missed) | Err(RecvError::Lagged(_)) => return,
            Ok(wake) if work.waits_for(wake) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
