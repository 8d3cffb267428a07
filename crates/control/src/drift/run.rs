//! A drift check that whoever asked for it need not wait for: it goes on when they leave, and tells how far it is.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::store::RunRow;
use super::{Base, DriftCheck, PATIENCE, store};
use crate::actor::{Actor, By};
use crate::control::Control;
use crate::deployment::prepare::whole_text;
use crate::environment::EnvironmentRow;
use crate::error::Error;
use crate::store::ids::EnvironmentId;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// A check that ends within this time is answered with its result.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How often it is kept how far a check is.
const PACE: Duration = Duration::from_millis(500);

/// A drift check that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRun {
    /// Objects compared.
    pub done: i64,
    /// All of them; 0: the cluster has not told yet.
    pub total: i64,
    /// When it began.
    pub began_at: Timestamp,
    /// Who asked for it.
    pub by: By,
}

/// What became of a check, as far as there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriftStanding {
    /// It is under way.
    Runs(DriftRun),
    /// The last one failed.
    Failed(String),
}

/// How far a check is.
#[derive(Default)]
pub(super) struct Counter {
    done: AtomicU32,
    total: AtomicU32,
}

impl Counter {
    pub(super) fn set(&self, done: u32, total: u32) {
        self.done.fetch_max(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    fn now(&self) -> (i64, i64) {
        (self.done.load(Ordering::Relaxed).into(), self.total.load(Ordering::Relaxed).into())
    }
}

fn identity(environment: EnvironmentId) -> String {
    format!("drift_runs/failure/{environment}")
}

impl Control {
    /// Begins a check as [`Control::drift_check`] makes it, unless one is under way. One that ends at once is answered;
    /// a longer one goes on by itself, and [`Control::drift_standing`] tells how far it is.
    pub async fn drift_begin(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Option<DriftCheck>, Error> {
        let row = self.environment_to_deploy(actor, environment).await?;
        let base = self.base_to_check(&row).await?;
        let run = RunRow { began_at: now(), by: actor.by(), done: 0, total: 0, failure: None };
        // One whose process has died does not count for ever.
        let over = run.began_at.saturating_sub(PATIENCE * 2).unwrap_or(run.began_at);
        if !store::begin_run(self.db().write(), row.id, &run, over).await? {
            return Ok(None);
        }
        let (control, actor) = (self.clone(), actor.clone());
        let checking = tokio::spawn(async move { control.run_check(&actor, &row, &base).await });
        match tokio::time::timeout(AT_ONCE, checking).await {
            Ok(Ok(checked)) => checked.map(Some),
            Ok(Err(died)) => Err(Error::internal("check for drift", died)),
            Err(_) => Ok(None),
        }
    }

    /// How the check stands that was begun last, where there is no result of it.
    pub async fn drift_standing(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Option<DriftStanding>, Error> {
        let row = self.environment_row(actor, environment).await?;
        let Some(run) = store::run(self.db().read(), row.id).await? else { return Ok(None) };
        if run.failure.is_some() {
            let failure: Option<String> = self.open_told(&identity(row.id), run.failure)?;
            return Ok(failure.map(DriftStanding::Failed));
        }
        let over = run.began_at.saturating_add(PATIENCE * 2).unwrap_or(run.began_at);
        let RunRow { done, total, began_at, by, .. } = run;
        Ok((now() < over).then_some(DriftStanding::Runs(DriftRun { done, total, began_at, by })))
    }

    async fn run_check(
        &self,
        actor: &Actor,
        row: &EnvironmentRow,
        base: &Base,
    ) -> Result<DriftCheck, Error> {
        let counter = Counter::default();
        let mut checking = std::pin::pin!(self.check_now(actor, row, base, &counter));
        let mut told = (0, 0);
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        let checked = loop {
            tokio::select! {
                checked = &mut checking => break checked,
                () = tokio::time::sleep(PACE) => {
                    if counter.now() != told {
                        told = counter.now();
                        // How far it is may be told late; that it has ended must not depend on it.
                        if let Err(error) = store::progress(self.db().write(), row.id, told).await {
                            tracing::warn!(%error, "how far a drift check is was not stored");
                        }
                        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
                    }
                }
            }
        };
        let failure = match &checked {
            Ok(_) => None,
            Err(error) => {
                let sealer = self.objects().sealer();
                let why = whole_text(error);
                Some(sealer.seal_json(&identity(row.id), &why, "keep why a check failed")?)
            }
        };
        store::end_run(self.db().write(), row.id, failure).await?;
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        checked
    }
}
