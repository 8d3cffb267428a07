//! What there is to watch of a running Landfall: Ops, the queue, steps, the database's connections, places of workers.
//!
//! What all processes share (Ops, the queue) is read from the database when asked for; what a process did itself is counted
//! here. HTTP requests are counted where they are served; `text` writes both.

mod store;
pub mod text;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::control::Control;
use crate::error::Error;
use crate::op::{OpState, StepName, StepState};
use crate::store::sql::now;

use text::{Counter, Histogram, Text};

/// From a look-up to a long wait.
const STEP_BOUNDS: &[f64] =
    &[0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// What this process has done since it started.
pub(crate) struct Metrics {
    steps: Histogram,
    ended: Counter,
    places: OnceLock<(usize, Arc<Semaphore>)>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            steps: Histogram::new(
                "landfall_step_duration_seconds",
                "How long steps of Ops took that this process carried out.",
                &["step", "state"],
                STEP_BOUNDS,
            ),
            ended: Counter::new(
                "landfall_ops_ended_total",
                "Ops that ended in this process.",
                &["state"],
            ),
            places: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// A step ended.
    pub(crate) fn step(&self, name: StepName, state: StepState, took: jiff::SignedDuration) {
        let took = Duration::try_from(took).unwrap_or_default();
        self.steps.took(&[name.as_str(), state.as_str()], took);
    }

    /// An Op ended.
    pub(crate) fn ended(&self, state: OpState) {
        self.ended.count(&[state.as_str()]);
    }

    /// The places that this process carries Ops out in.
    pub(crate) fn has_places(&self, count: usize, places: &Arc<Semaphore>) {
        // Workers are started once in a process.
        let _ = self.places.set((count, places.clone()));
    }

    /// Whether more than half of the places that this process carries Ops out in are taken.
    pub(crate) fn most_places_are_taken(&self) -> bool {
        self.places.get().is_some_and(|(all, free)| free.available_permits() * 2 < *all)
    }
}

impl Control {
    /// Everything there is to watch, in Prometheus' text format.
    pub async fn write_metrics(&self, text: &mut Text) -> Result<(), Error> {
        let queue = store::queue(self.db().read()).await?;
        let number = |count: i64| f64::from(i32::try_from(count).unwrap_or(i32::MAX));
        text.gauge(
            "landfall_build_info",
            "The version that runs.",
            [(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        );
        text.gauge(
            "landfall_ops",
            "Ops that have not ended, by state; the same in every process.",
            [
                (vec![("state", OpState::Queued.as_str())], number(queue.queued)),
                (vec![("state", OpState::Running.as_str())], number(queue.running)),
            ],
        );
        let age = queue.oldest.map_or(0.0, |oldest| now().duration_since(oldest).as_secs_f64());
        text.gauge(
            "landfall_queue_age_seconds",
            "How long the first Op of the queue has waited; the same in every process.",
            [(vec![], age.max(0.0))],
        );
        text.gauge(
            "landfall_ops_abandoned",
            "Running Ops whose lease has run out: their worker is gone, and no other has them yet.",
            [(vec![], number(queue.abandoned))],
        );
        let metrics = self.metrics();
        metrics.ended.write(text);
        metrics.steps.write(text);
        let connections = self.db().connections();
        text.gauge(
            "landfall_database_connections",
            "Connections of this process to the database.",
            [
                (vec![("state", "busy")], f64::from(connections.busy)),
                (vec![("state", "idle")], f64::from(connections.idle)),
            ],
        );
        if let Some((all, places)) = metrics.places.get() {
            let (all, free) = (*all, places.available_permits());
            let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            text.gauge(
                "landfall_worker_places",
                "Places of this process to carry Ops out in.",
                [
                    (vec![("state", "busy")], number(all.saturating_sub(free))),
                    (vec![("state", "free")], number(free)),
                ],
            );
        }
        Ok(())
    }
}
