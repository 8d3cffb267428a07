//! What every handler can reach.

use std::sync::Arc;

use control::Control;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;
use crate::watch::LastReadiness;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) control: Control,
    pub(crate) config: Arc<ServerConfig>,
    /// Cancelled when the server shuts down; live streams end then.
    pub(crate) stop: CancellationToken,
    pub(crate) readiness: Arc<LastReadiness>,
}

impl AppState {
    pub(crate) fn new(control: Control, config: ServerConfig, stop: CancellationToken) -> Self {
        Self { control, config: Arc::new(config), stop, readiness: Arc::default() }
    }
}
