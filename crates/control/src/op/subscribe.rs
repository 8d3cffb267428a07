//! Following an Op live, from any point, and hearing what changes anywhere.
//!
//! Rows are the truth. One follower per Op and process reads what is new whenever a wake-up says so
//! and tells everyone through a broadcast; who fell behind, or came in between, reads the rows for
//! what they missed. So nobody misses a line, whichever process wrote it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{BroadcastStream, ReceiverStream};

use super::{LogLine, Op, log_store};
use crate::actor::Actor;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::store::ids::{EnvironmentId, OpId};
use crate::store::wake::Wake;

/// Lines read at once.
const LINES: usize = 2_000;
/// Events kept for a reader who is slow, before it reads the rows instead.
const KEPT: usize = 256;
/// How often rows are looked at when no wake-up came.
const POLL: Duration = Duration::from_secs(2);
/// How long wake-ups are gathered, so that a burst is one read.
const GATHER: Duration = Duration::from_millis(20);

/// What a follower of an Op is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum OpEvent {
    /// Lines of the log, in order, none left out.
    Log {
        /// At least one.
        lines: Arc<Vec<LogLine>>,
    },
    /// The Op as it is now: state, steps, objects, culprits. Comes first, and whenever something of
    /// it changed.
    State {
        /// The Op.
        op: Arc<Op>,
    },
    /// The Op has ended and everything was told; nothing follows.
    End,
}

/// Something changed; whoever shows it reads it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An Op, and with it what it carries out and its environment.
    Op {
        /// The Op.
        op: OpId,
        /// Its environment.
        environment: EnvironmentId,
        /// The environment's kind.
        kind: EnvironmentKind,
    },
    /// An environment, without an Op.
    Environment {
        /// The environment.
        environment: EnvironmentId,
        /// Its kind.
        kind: EnvironmentKind,
    },
    /// An App or its Releases.
    Apps,
    /// A preview over a fleet; several times a second while one is worked on.
    Fleet,
    /// A batch.
    Batches,
    /// A cluster.
    Clusters,
    /// Someone's rights or sessions: what the asker may see may be something else now.
    People,
    /// So much happened that not all of it could be told: read everything shown anew.
    Lagged,
}

/// The Ops that are followed in this process.
#[derive(Default)]
pub(crate) struct Followers {
    ops: Mutex<HashMap<OpId, broadcast::Sender<OpEvent>>>,
}

impl Followers {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<OpId, broadcast::Sender<OpEvent>>) -> T) -> T {
        // The map is whole after every use, even if a holder of the lock panicked.
        f(&mut self.ops.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// Follows an Op: its state now, the log after number `after`, then what happens, until the end.
    ///
    /// Who reconnects gives the last number it saw and misses nothing.
    pub async fn op_subscribe(
        &self,
        actor: &Actor,
        op: OpId,
        after: i64,
    ) -> Result<BoxStream<'static, Result<OpEvent, Error>>, Error> {
        let wakes = self.wakes().subscribe();
        self.op_visible(actor, op).await?;
        let (to_reader, events) = mpsc::channel(16);
        let (control, actor) = (self.clone(), actor.clone());
        tokio::spawn(async move {
            let fed = tokio::select! {
                fed = control.feed_reader(op, after, &to_reader) => fed,
                () = control.while_visible(&actor, op, wakes) => Ok(()),
            };
            if let Err(error) = fed {
                // A reader who has gone needs no error.
                let _ = to_reader.send(Err(error)).await;
            }
        });
        Ok(ReceiverStream::new(events).boxed())
    }

    /// Returns once the actor may not see the Op any more: signed out, shut out, or of another role.
    async fn while_visible(&self, actor: &Actor, op: OpId, mut wakes: broadcast::Receiver<Wake>) {
        loop {
            match wakes.recv().await {
                Ok(Wake::People | Wake::Missed) | Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => return,
            }
            match self.actor_anew(actor).await {
                // What cannot be read now is asked again with the next change.
                Err(_) => {}
                Ok(None) => return,
                Ok(Some(actor)) => {
                    if let Err(Error::NotFound { .. }) = self.op_visible(&actor, op).await {
                        return;
                    }
                }
            }
        }
    }

    /// Hears of changes, of what the asker may see, from now on.
    pub fn changes(&self, actor: &Actor) -> BoxStream<'static, Change> {
        let kinds = actor.visible_kinds();
        BroadcastStream::new(self.wakes().subscribe())
            .filter_map(move |wake| std::future::ready(change(wake.ok(), kinds)))
            .boxed()
    }

    /// Joins the Op's follower, or starts it.
    fn follow(&self, op: OpId) -> broadcast::Receiver<OpEvent> {
        self.followers().with(|ops| {
            let sender = ops.entry(op).or_insert_with(|| {
                let (sender, _) = broadcast::channel(KEPT);
                let (control, events) = (self.clone(), sender.clone());
                tokio::spawn(async move { control.run_follower(op, events).await });
                sender
            });
            sender.subscribe()
        })
    }

    /// Reads what is new of an Op whenever something happened, and tells everyone.
    async fn run_follower(&self, op: OpId, events: broadcast::Sender<OpEvent>) {
        let mut wakes = self.wakes().subscribe();
        let mut told = Told::default();
        loop {
            match self.tell_news(op, &events, &mut told).await {
                Ok(false) => {}
                Ok(true) => break,
                Err(error) => tracing::warn!(%op, %error, "could not read an Op for its followers"),
            }
            let left = self.followers().with(|ops| {
                let left = events.receiver_count() == 0;
                if left {
                    ops.remove(&op);
                }
                left
            });
            if left {
                return;
            }
            wait_for(op, &mut wakes).await;
        }
        // Removed before the end is told: who comes later starts anew and hears the end, too.
        self.followers().with(|ops| ops.remove(&op));
        let _ = events.send(OpEvent::End);
    }

    /// Tells what is new; whether the Op has ended. A send fails only when nobody listens.
    async fn tell_news(
        &self,
        op: OpId,
        events: &broadcast::Sender<OpEvent>,
        told: &mut Told,
    ) -> Result<bool, Error> {
        // The state is read first: if it says "ended", every line is there already.
        let state = self.op_view(op).await?;
        let ended = state.state.is_final();
        let mut seen = *told.seen.get_or_insert(state.last_sequence);
        loop {
            let lines = log_store::read(self.db(), self.objects(), op, seen, LINES).await?;
            let Some(last) = lines.last() else { break };
            seen = last.sequence;
            let _ = events.send(OpEvent::Log { lines: Arc::new(lines) });
        }
        told.seen = Some(seen);
        if told.state.as_deref() != Some(&state) {
            let state = Arc::new(state);
            told.state = Some(state.clone());
            let _ = events.send(OpEvent::State { op: state });
        }
        Ok(ended)
    }

    /// Feeds one reader: the state, the log so far, then what the follower tells.
    async fn feed_reader(
        &self,
        op: OpId,
        after: i64,
        to: &mpsc::Sender<Result<OpEvent, Error>>,
    ) -> Result<(), Error> {
        let mut events = self.follow(op);
        let state = self.op_view(op).await?;
        let mut reader = Reader { control: self, op, seen: after, to };
        if !reader.send(OpEvent::State { op: Arc::new(state) }).await {
            return Ok(());
        }
        if !reader.catch_up().await? {
            return Ok(());
        }
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = to.closed() => return Ok(()),
            };
            let goes_on = match event {
                Ok(OpEvent::Log { lines }) => reader.lines(lines).await?,
                // A follower begins to tell with the line after the last one that it found. What came between that and
                // this reader's own look is told by nobody else.
                Ok(OpEvent::State { op }) => {
                    (op.last_sequence <= reader.seen || reader.catch_up().await?)
                        && reader.send(OpEvent::State { op }).await
                }
                Ok(OpEvent::End) | Err(RecvError::Closed) => {
                    if reader.catch_up().await? {
                        reader.send(OpEvent::End).await;
                    }
                    false
                }
                Err(RecvError::Lagged(_)) => {
                    let state = self.op_view(op).await?;
                    reader.catch_up().await?
                        && reader.send(OpEvent::State { op: Arc::new(state) }).await
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }
}

/// What a follower has told already.
#[derive(Default)]
struct Told {
    seen: Option<i64>,
    state: Option<Arc<Op>>,
}

/// One reader and the last line it was given. Its functions say whether it is still there.
struct Reader<'a> {
    control: &'a Control,
    op: OpId,
    seen: i64,
    to: &'a mpsc::Sender<Result<OpEvent, Error>>,
}

impl Reader<'_> {
    async fn send(&self, event: OpEvent) -> bool {
        self.to.send(Ok(event)).await.is_ok()
    }

    /// Gives every line that is stored and was not given yet.
    async fn catch_up(&mut self) -> Result<bool, Error> {
        loop {
            let (db, objects) = (self.control.db(), self.control.objects());
            let lines = log_store::read(db, objects, self.op, self.seen, LINES).await?;
            let Some(last) = lines.last() else { return Ok(true) };
            self.seen = last.sequence;
            if !self.send(OpEvent::Log { lines: Arc::new(lines) }).await {
                return Ok(false);
            }
        }
    }

    /// Gives lines that the follower told: only those not given yet, and after them what is missing.
    async fn lines(&mut self, lines: Arc<Vec<LogLine>>) -> Result<bool, Error> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(true) };
        if last.sequence <= self.seen {
            return Ok(true);
        }
        if first.sequence > self.seen + 1 {
            return self.catch_up().await;
        }
        let fresh = if first.sequence == self.seen + 1 {
            lines.clone()
        } else {
            Arc::new(lines.iter().filter(|line| line.sequence > self.seen).cloned().collect())
        };
        self.seen = last.sequence;
        Ok(self.send(OpEvent::Log { lines: fresh }).await)
    }
}

/// Waits until something happened to an Op, or might have.
async fn wait_for(op: OpId, wakes: &mut broadcast::Receiver<Wake>) {
    let heard = async {
        loop {
            match wakes.recv().await {
                Ok(Wake::Op(wake)) if wake.op == op => return,
                Ok(Wake::Missed) | Err(RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(RecvError::Closed) => std::future::pending::<()>().await,
            }
        }
    };
    if tokio::time::timeout(POLL, heard).await.is_ok() {
        tokio::time::sleep(GATHER).await;
    }
}

/// What a wake-up tells someone who sees environments of these kinds; none: some were missed.
fn change(wake: Option<Wake>, kinds: &[EnvironmentKind]) -> Option<Change> {
    let Some(wake) = wake else { return Some(Change::Lagged) };
    match wake {
        Wake::Op(wake) => kinds.contains(&wake.kind).then_some(Change::Op {
            op: wake.op,
            environment: wake.environment,
            kind: wake.kind,
        }),
        Wake::Environment(environment, kind) => {
            kinds.contains(&kind).then_some(Change::Environment { environment, kind })
        }
        Wake::Apps => Some(Change::Apps),
        Wake::Fleet => Some(Change::Fleet),
        Wake::Batches => Some(Change::Batches),
        Wake::Clusters => Some(Change::Clusters),
        Wake::People => Some(Change::People),
        Wake::Missed => Some(Change::Lagged),
        Wake::Queue | Wake::Backups | Wake::Cancel(_) => None,
    }
}
