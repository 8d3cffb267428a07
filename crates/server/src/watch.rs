//! What watches a process from outside: `/healthz`, `/readyz` and, at an address of its own, `/metrics`.
//!
//! `/healthz` says that the process answers, `/readyz` that it can do its work, for which it asks the database and the object
//! store, once a second at most. Metrics tell how much is deployed and how often: they are served at an address that only the inside of a network
//! reaches, so that no token must be kept in the configuration of whoever collects them.

use std::time::{Duration, Instant};

use axum::Json;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use control::metrics::text::{Counter, Histogram, Text};
use control::{Control, Readiness};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;
use crate::problem::ProblemDetails;
use crate::state::AppState;

const BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 90.0];

/// Requests that this process answered.
#[derive(Debug)]
pub struct HttpMetrics {
    requests: Counter,
    durations: Histogram,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Counter::new(
                "landfall_http_requests_total",
                "Requests that were answered, by route.",
                &["method", "route", "status"],
            ),
            durations: Histogram::new(
                "landfall_http_request_duration_seconds",
                "How long answers took to begin, by route.",
                &["method", "route"],
                BOUNDS,
            ),
        }
    }
}

/// For how long an answer of `/readyz` counts.
const FRESH: Duration = Duration::from_secs(1);

/// How this process's parts stood a moment ago: anybody may ask, and as often as they like, and what they ask for takes work
/// in the database and the object store.
#[derive(Debug, Default)]
pub(crate) struct LastReadiness(Mutex<Option<(Instant, Readiness)>>);

impl LastReadiness {
    /// How they stand, a second late at most. Who asks while others do waits for the same answer.
    async fn now(&self, control: &Control) -> Readiness {
        let mut last = self.0.lock().await;
        if let Some((at, readiness)) = *last
            && at.elapsed() < FRESH
        {
            return readiness;
        }
        let readiness = control.readiness().await;
        *last = Some((Instant::now(), readiness));
        readiness
    }
}

/// Counts a request and its answer. The route is its template; what has none is counted together.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        // Clients may make methods up.
        _ => "other".to_owned(),
    };
    let response = next.run(request).await;
    let route = path.as_ref().map_or("none", MatchedPath::as_str);
    let metrics = &state.config.metrics;
    metrics.requests.count(&[&method, route, response.status().as_str()]);
    metrics.durations.took(&[&method, route], begun.elapsed());
    response
}

/// `GET /healthz`
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// `GET /readyz`: 200 with every part `ok`, else 503 with what each part says.
pub(crate) async fn readyz(State(state): State<AppState>) -> Response {
    let readiness = state.readiness.now(&state.control).await;
    let stopping = state.stop.is_cancelled();
    let ready = readiness.is_ready() && !stopping;
    let word = match (ready, stopping) {
        (true, _) => "ready",
        (false, true) => "stopping",
        (false, false) => "not ready",
    };
    let parts: Map<String, Value> = readiness
        .parts()
        .into_iter()
        .map(|(name, health)| (name.to_owned(), health.word().into()))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": word, "parts": parts }))).into_response()
}

/// `GET /metrics`
async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, ProblemDetails> {
    let mut text = Text::default();
    let written = state.control.write_metrics(&mut text).await;
    written.map_err(|error| ProblemDetails::from(&error))?;
    state.config.metrics.requests.write(&mut text);
    state.config.metrics.durations.write(&mut text);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.finish()))
}

/// Serves what tells how a process that has no pages is: its health.
///
/// # Errors
/// When the listener fails.
pub async fn serve_health(
    listener: TcpListener,
    control: Control,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let state = AppState::new(control, ServerConfig::default(), stop);
    let router = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    serve(listener, router, state).await
}

/// Serves `/metrics` to whoever reaches the address; the configuration is that of the pages, whose requests are counted.
///
/// # Errors
/// When the listener fails.
pub async fn serve_metrics(
    listener: TcpListener,
    control: Control,
    config: ServerConfig,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let state = AppState::new(control, config, stop);
    serve(listener, Router::new().route("/metrics", get(metrics)), state).await
}

async fn serve(
    listener: TcpListener,
    router: Router<AppState>,
    state: AppState,
) -> std::io::Result<()> {
    let stop = state.stop.clone();
    crate::serve_service(listener, router.with_state(state), stop).await
}
