//! Wake-ups: hints that something changed. Rows are the truth; who misses a hint finds out by polling.
//!
//! In one process they go through a broadcast. On PostgreSQL they go through `NOTIFY` and come back
//! to every process by `LISTEN`, so several servers hear each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use crate::environment::EnvironmentKind;
use crate::store::ids::{EnvironmentId, OpId};

const CHANNEL: &str = "landfall";
const KEPT: usize = 4096;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wake {
    /// An Op was queued, or a place in an environment became free.
    Queue,
    /// An Op moved on: its log, steps, objects or state.
    Op(OpWake),
    /// An Op is to be cancelled.
    Cancel(OpId),
    /// An environment changed, and no Op of it.
    Environment(EnvironmentId, EnvironmentKind),
    /// An App or its Releases changed.
    Apps,
    /// A preview over a fleet moved on or has something to do.
    Fleet,
    /// A batch moved on or has something to do.
    Batches,
    /// A backup ended, or a schedule changed.
    Backups,
    /// A cluster changed.
    Clusters,
    /// Someone's rights or sessions changed: who follows something is to be asked again who they are.
    People,
    /// Wake-ups may have been missed: anything may have changed.
    Missed,
}

impl Wake {
    /// What is to be told where queued Ops have ended, whatever they carried.
    pub(crate) const PLACE_FREE: [Self; 3] = [Self::Queue, Self::Batches, Self::Backups];
}

/// An Op with what a listener needs to know whether it may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpWake {
    pub(crate) op: OpId,
    pub(crate) environment: EnvironmentId,
    pub(crate) kind: EnvironmentKind,
}

/// Sends and receives wake-ups.
pub(crate) struct Wakes {
    local: broadcast::Sender<Wake>,
    postgres: Option<PgPool>,
    _listening: Option<AbortOnDropHandle<()>>,
}

impl Wakes {
    /// Starts listening where there is something to listen to.
    pub(crate) fn start(postgres: Option<&PgPool>) -> Self {
        let (local, _) = broadcast::channel(KEPT);
        let listening = postgres
            .map(|pool| AbortOnDropHandle::new(tokio::spawn(listen(pool.clone(), local.clone()))));
        Self { local, postgres: postgres.cloned(), _listening: listening }
    }

    /// Sends a wake-up; call it after the commit.
    pub(crate) async fn send(&self, wake: Wake) {
        let Some(pool) = &self.postgres else {
            // Nobody listening is fine: whoever comes later reads the rows first.
            let _ = self.local.send(wake);
            return;
        };
        let payload = serde_json::to_string(&wake).expect("a wake-up is always JSON");
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload);
        if let Err(error) = notify.execute(pool).await {
            tracing::warn!(%error, "a wake-up was not sent; others find out by polling");
            let _ = self.local.send(wake);
        }
    }

    /// Hears everything that is sent from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Wake> {
        self.local.subscribe()
    }
}

async fn listen(pool: PgPool, local: broadcast::Sender<Wake>) {
    loop {
        match listen_once(&pool, &local).await {
            Ok(()) => tracing::warn!("lost the connection for wake-ups; connecting anew"),
            Err(error) => {
                tracing::warn!(%error, "there is no connection for wake-ups; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Listens until the connection is lost.
async fn listen_once(pool: &PgPool, local: &broadcast::Sender<Wake>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // While there was no connection anything may have happened.
    let _ = local.send(Wake::Missed);
    // `recv` would connect anew by itself and not say what was missed meanwhile.
    while let Some(notification) = listener.try_recv().await? {
        if let Ok(wake) = serde_json::from_str(notification.payload()) {
            let _ = local.send(wake);
        }
    }
    Ok(())
}
