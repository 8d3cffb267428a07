//! [`Control`]: the application, cheap to clone. Each subject's functions stand in its own folder.

use std::sync::Arc;

use crate::config::Config;
use crate::error::Error;
use crate::work::Workers;

/// Landfall's application: every act and every question goes through it.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
}

impl Control {
    /// Opens database, object store and key; runs migrations.
    pub async fn open(config: Config) -> Result<Self, Error> {
        Ok(Self { inner: Arc::new(Inner { config }) })
    }

    /// Starts the workers of this process.
    pub fn start_workers(&self) -> Workers {
        let _ = &self.inner.config;
        Workers {}
    }

    pub(crate) fn unfinished<T, A>(&self, _actor: &crate::actor::Actor, _asked: &A) -> Result<T, Error> {
        Err(Error::internal("do this yet", "unfinished"))
    }
}
