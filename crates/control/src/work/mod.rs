//! Workers: tasks that take Ops from the queue under a lease and carry them out step by step.
//!
//! One loop per process claims Ops, as many at once as the settings allow; each runs in a task of its own
//! (`carry_out`). What a worker holds while it runs one is in `lease`, the SQL of the queue in `store`, and how a cluster
//! that does not answer is kept from slowing the others in `load`. More loops answer previews over fleets (`fleet`),
//! carry batches on (`batch`) and see to backups that are due (`backup`), in `fleets`.

mod carry_out;
mod fleets;
mod lease;
mod load;
pub(crate) mod store;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::store::ids::{OpId, WorkerId};
use crate::store::sql::now;
use crate::store::wake::Wake;

pub(crate) use store::Lease;

use lease::{Held, Stopped};
use load::Load;

/// How long to wait before storage that was away is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// The running workers of a process.
#[must_use = "workers stop when this is dropped without `stop`"]
pub struct Workers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Workers {
    pub(crate) fn start(control: Control) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        fleets::start(&control, &stop, &tasks);
        tasks.spawn(take_ops(control, WorkerId::generate(), stop.clone(), tasks.clone()));
        Self { stop, tasks }
    }

    /// Stops gracefully: no new Ops are taken; running ones are given up at their next safe point
    /// and taken up again by another worker or after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Claims Ops as long as there are any, then waits for a wake-up. A missed one costs no more than the poll interval.
async fn take_ops(control: Control, worker: WorkerId, stop: CancellationToken, tasks: TaskTracker) {
    let settings = control.config().workers.clone();
    let places = Arc::new(Semaphore::new(settings.count.max(1)));
    control.metrics().has_places(settings.count.max(1), &places);
    let load = Arc::new(Load::new(settings.count.max(1)));
    let mut wakes = control.wakes().subscribe();
    let mut looked = None;
    while !stop.is_cancelled() {
        let Some(place) = stop.run_until_cancelled(places.clone().acquire_owned()).await else {
            return;
        };
        let Ok(place) = place else { return };
        forget(&mut wakes);
        let closed = load.closed(|cluster| control.pulse(cluster).is_silent());
        let mut since = Instant::now();
        let clock = || {
            since = Instant::now();
            let at = now();
            (at, at.checked_add(settings.lease).unwrap_or(at))
        };
        // Leases run out by the clock, which nobody tells. While there is much to do, that is not asked each time.
        let abandoned = looked.is_none_or(|at: Instant| at.elapsed() >= settings.poll);
        if abandoned {
            looked = Some(Instant::now());
        }
        let per_cluster = settings.per_cluster;
        let wanted = store::Wanted { worker, closed: &closed, per_cluster, abandoned };
        let claimed = store::claim(control.db(), clock, wanted).await;
        match claimed {
            Ok(Some(lease)) => {
                let running = load.begin(lease.cluster);
                let (control, stop) = (control.clone(), stop.clone());
                tasks.spawn(async move {
                    let pulse = control.pulse(lease.cluster);
                    let op = run(control, lease, since, stop);
                    load::holding_while_it_answers(place, &pulse, Box::pin(op)).await;
                    drop(running);
                });
            }
            Ok(None) => {
                drop(place);
                looked = None;
                let woken = async {
                    tokio::select! {
                        () = next_in_queue(&mut wakes) => {}
                        () = load.one_ended() => {}
                    }
                };
                let woken = tokio::time::timeout(settings.poll, woken);
                let _ = stop.run_until_cancelled(woken).await;
            }
            Err(error) => {
                drop(place);
                tracing::error!(error = whole_text(&error), "the queue of Ops cannot be read");
                let _ = stop.run_until_cancelled(tokio::time::sleep(settings.poll)).await;
            }
        }
    }
}

/// What woke up until now is seen by who looks after this.
fn forget(wakes: &mut broadcast::Receiver<Wake>) {
    while !matches!(wakes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
}

async fn next_in_queue(wakes: &mut broadcast::Receiver<Wake>) {
    loop {
        match wakes.recv().await {
            // Whoever lagged may have missed one.
            Ok(Wake::Queue | Wake::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Carries one Op out under its lease, which was given `since` then.
async fn run(control: Control, lease: Lease, since: Instant, stop: CancellationToken) {
    let held = Arc::new(Held::new(control.clone(), lease, since));
    let keeping = tokio::spawn(held.clone().keep(stop));
    Box::pin(carry_out::run(&control, &held)).await;
    held.finish();
    if let Err(error) = keeping.await {
        tracing::error!(%error, op = %lease.op, "the task that renewed a lease failed");
    }
    match held.stopped() {
        Some(Stopped::ShuttingDown) => {
            if let Err(error) = store::give_back(control.db().write(), &lease).await {
                tracing::warn!(error = whole_text(&error), op = %lease.op, "an Op was not given back; its lease runs out by itself");
            }
        }
        Some(Stopped::StorageAway) => give_back_later(&control, &lease).await,
        Some(Stopped::LeaseLost) => tracing::warn!(op = %lease.op, "another worker has the Op now"),
        Some(Stopped::Cancelled | Stopped::Unstorable) | None => {
            put_log_away(&control, lease.op).await;
        }
    }
}

/// Gives an Op back as soon as the database answers again, so that it need not wait for its lease to run out.
async fn give_back_later(control: &Control, lease: &Lease) {
    let giving = async {
        while let Err(error) = store::give_back(control.db().write(), lease).await {
            tracing::debug!(error = whole_text(&error), op = %lease.op, "an Op cannot be given back yet");
            tokio::time::sleep(AGAIN).await;
        }
        control.wakes().send(Wake::Queue).await;
    };
    // By then it is free by itself.
    let _ = tokio::time::timeout(control.config().workers.lease, giving).await;
}

/// The log of an Op that has ended moves out of the database. Where its end could not be stored it has not: its lease runs
/// out, and whoever takes it up then goes on writing.
async fn put_log_away(control: &Control, op: OpId) {
    let put_away = crate::op::log_store::compact(control.db(), control.objects(), op);
    if let Err(error) = put_away.await {
        tracing::warn!(error = whole_text(&error), %op, "the log of an Op stays in the database");
    }
}
