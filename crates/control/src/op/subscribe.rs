//! Following an Op live, from any point, and hearing what changes anywhere.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use serde::Serialize;

use super::{LogLine, Op};
use crate::actor::Actor;
use crate::control::Control;
use crate::environment::EnvironmentKind;
use crate::error::Error;
use crate::store::ids::{DeploymentId, EnvironmentId, OpId};

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
    /// An Op, and with it its deployment and environment.
    Op {
        /// The Op.
        op: OpId,
        /// Its deployment.
        deployment: DeploymentId,
        /// Its environment.
        environment: EnvironmentId,
        /// The environment's kind.
        kind: EnvironmentKind,
    },
    /// An App or its Releases.
    Apps,
    /// A cluster.
    Clusters,
    /// So much happened that not all of it could be told: read everything shown anew.
    Lagged,
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
        self.unfinished(actor, &(op, after))
    }

    /// Hears of changes, of what the asker may see, from now on.
    pub fn changes(&self, actor: &Actor) -> BoxStream<'static, Change> {
        let _ = actor;
        Box::pin(futures_util::stream::pending())
    }
}
