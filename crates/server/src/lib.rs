//! Landfall over HTTP: the JSON API, the pages, live streams, sign-in.
//!
//! [`router`] is built from one table of routes (`routes.rs`: method, path, rule, handler) for pages
//! and API alike. A handler extracts, makes one call into [`control`], and converts the answer: a
//! page's form and the API's call end in the same function there, which checks rights and rules.
//!
//! Pages are rendered here (askama templates beside the page files) and updated through server-sent
//! events; they work without JavaScript but for live updates. The browser side is built by `web/` and
//! embedded.
//!
//! This crate holds no rules of the domain, talks to no cluster and no database, and does not decide
//! where it listens: the binary gives [`serve`] a listener.

mod api;
mod assets;
mod auth;
mod chart_repository;
mod config;
mod export;
mod layers;
mod live;
mod pages;
mod problem;
mod query;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod view;
mod watch;

use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt as _;
use control::Control;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use chart_repository::ChartRepository;
pub use config::ServerConfig;
pub use watch::{HttpMetrics, serve_health, serve_metrics};

/// The whole HTTP side as a service. `stop` ends live streams, which would otherwise outlast a
/// graceful shutdown.
pub fn router(control: Control, config: ServerConfig, stop: CancellationToken) -> Router {
    let state = state::AppState::new(control, config, stop);
    let router = routes::build(&state);
    layers::apply(router, &state).with_state(state)
}

/// Serves until `stop` is cancelled and the requests under way are answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    control: Control,
    config: ServerConfig,
    stop: CancellationToken,
) -> std::io::Result<()> {
    serve_service(listener, router(control, config, stop.clone()), stop).await
}

/// The same for any routes. What is said goes out at once: an answer in pieces would wait for the other side to say that it
/// has the first one, which takes up to 40 ms (RFC 896 meets RFC 1122's delayed acknowledgements).
async fn serve_service(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Without it everything works, only later.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

/// The paths that can be read (`GET`), of pages and API, as the table of routes has them: places stand in braces.
pub fn read_paths() -> Vec<String> {
    let read = routes::table().into_iter().filter(|route| route.method == http::Method::GET);
    read.map(|route| route.path).collect()
}

/// The OpenAPI 3.1 description of the API, as JSON.
pub fn openapi_json() -> String {
    api::openapi::document()
}
