//! Holding an Op: the lease is renewed while the Op runs, and asked before every write to a cluster.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rollout::{GuardError, WriteGuard};
use tokio::sync::broadcast;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Lease, store};
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::op::recorder::Recorder;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// Why an Op stops before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Someone asked for it.
    Cancelled,
    /// The lease ran out, or another worker has the Op.
    LeaseLost,
    /// The process ends; the Op goes on elsewhere.
    ShuttingDown,
    /// What happens cannot be stored: the database or the object store is away. The Op goes on once it is back.
    StorageAway,
    /// What happens cannot be stored, though the database is there. Whoever takes the Op up once the lease has run out tries
    /// again: not at once, as where it helps to wait.
    Unstorable,
}

/// An Op that this process holds.
pub(super) struct Held {
    control: Control,
    lease: Lease,
    /// Until when the lease lasts, by this machine's steady clock.
    until: Mutex<Instant>,
    /// Cancelled as soon as the Op has to stop, for whichever reason.
    stop: CancellationToken,
    why: OnceLock<Stopped>,
    finished: CancellationToken,
}

impl Held {
    /// Holds an Op that was claimed at `since`.
    pub(super) fn new(control: Control, lease: Lease, since: Instant) -> Self {
        let until = Mutex::new(since + control.config().workers.lease);
        Self {
            control,
            lease,
            until,
            stop: CancellationToken::new(),
            why: OnceLock::new(),
            finished: CancellationToken::new(),
        }
    }

    pub(super) fn lease(&self) -> Lease {
        self.lease
    }

    /// Cancelled when the Op has to stop at its next safe point.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Why it has to stop, if it has to.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.why.get().copied()
    }

    /// Tells that it has to stop; the first reason counts.
    pub(super) fn give_up(&self, why: Stopped) {
        let _ = self.why.set(why);
        self.stop.cancel();
    }

    /// The Op has ended, one way or another: nothing more to renew.
    pub(super) fn finish(&self) {
        self.finished.cancel();
    }

    /// Renews the lease and listens for a reason to stop, until the Op has ended.
    pub(super) async fn keep(self: std::sync::Arc<Self>, shutdown: CancellationToken) {
        // One clock for the whole time: what else happens must not put the next renewal off.
        let every = self.control.config().workers.lease / 3;
        let mut renewals = tokio::time::interval_at(Instant::now() + every, every);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut wakes = self.control.wakes().subscribe();
        let mut shutting_down = false;
        loop {
            tokio::select! {
                () = self.finished.cancelled() => return,
                () = shutdown.cancelled(), if !shutting_down => {
                    shutting_down = true;
                    self.give_up(Stopped::ShuttingDown);
                }
                _ = renewals.tick() => self.renew().await,
                wake = wakes.recv() => match wake {
                    Ok(Wake::Cancel(op)) if op == self.lease.op => self.give_up(Stopped::Cancelled),
                    Ok(Wake::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => self.look_for_cancel().await,
                    Err(broadcast::error::RecvError::Closed) => return,
                    Ok(_) => {}
                },
            }
        }
    }

    async fn renew(&self) {
        let lasts = self.control.config().workers.lease;
        let (begun, at) = (Instant::now(), now());
        let until = at.checked_add(lasts).unwrap_or(at);
        match store::renew(self.control.db().write(), &self.lease, until).await {
            // Counted from before the request: the database may have taken its time.
            Ok(true) => {
                *self.until.lock().expect("no code panics while it holds this") = begun + lasts;
            }
            Ok(false) => self.give_up(Stopped::LeaseLost),
            // It may work next time; until then the guard watches the clock.
            Err(error) => {
                tracing::warn!(error = whole_text(&error), op = %self.lease.op, "the lease on an Op was not renewed");
            }
        }
        self.look_for_cancel().await;
    }

    /// Wake-ups are hints; the row is the truth.
    async fn look_for_cancel(&self) {
        let asked = Recorder::new(self.control.clone(), self.lease).cancel_requested().await;
        if asked.unwrap_or(false) {
            self.give_up(Stopped::Cancelled);
        }
    }

    /// What a write may still need: a lease that ends sooner counts as lost.
    fn margin(&self) -> Duration {
        self.control.config().workers.lease / 5
    }
}

impl WriteGuard for Held {
    fn check(&self) -> BoxFuture<'_, Result<(), GuardError>> {
        let until = *self.until.lock().expect("no code panics while it holds this");
        let refused = |reason: &str| Err(GuardError { reason: reason.to_owned() });
        let answer = match self.stopped() {
            Some(Stopped::StorageAway | Stopped::Unstorable) => {
                refused("what the Op does cannot be stored")
            }
            Some(Stopped::LeaseLost) => refused("the lease on the Op was lost"),
            _ if Instant::now() + self.margin() > until => {
                self.give_up(Stopped::LeaseLost);
                refused("the lease on the Op was lost")
            }
            _ => Ok(()),
        };
        Box::pin(std::future::ready(answer))
    }
}
