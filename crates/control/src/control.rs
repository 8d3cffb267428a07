//! [`Control`]: the application, cheap to clone. Each subject's functions stand in its own folder.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rollout::cluster::Pulse;
use tokio::sync::Semaphore;

use crate::cluster::Connection;
use crate::config::Config;
use crate::deployment::prepare::Charts;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::names::ServiceAccount;
use crate::objects::Objects;
use crate::op::Followers;
use crate::outbound::Outbound;
use crate::store::Db;
use crate::store::belongings::{check_key, check_objects};
use crate::store::ids::ClusterId;
use crate::store::wake::Wakes;
use crate::work::Workers;

/// Passwords hashed at once: each takes 19 MiB.
const PASSWORDS_AT_ONCE: usize = 2;

/// As many as there are processors, and two where there is one: a slow chart is not to hold up all.
fn renders_at_once() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().max(2))
}

/// Landfall's application: every act and every question goes through it.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

/// By cluster, and by the service account that is acted as.
pub(crate) type Connections = HashMap<(ClusterId, Option<ServiceAccount>), Connection>;

struct Inner {
    config: Config,
    db: Db,
    objects: Objects,
    wakes: Wakes,
    followers: Followers,
    outbound: Outbound,
    metrics: Metrics,
    passwords: Arc<Semaphore>,
    connections: Mutex<Connections>,
    pulses: Mutex<HashMap<ClusterId, Pulse>>,
    charts: Charts,
    renders: Arc<Semaphore>,
}

impl Control {
    /// Opens database, object store and key; runs migrations.
    ///
    /// Refuses a database that was made with another key or goes with other objects, and one that a newer version has
    /// migrated.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let objects = Objects::open(&config.objects, &config.key_file)?;
        let db = Db::open(&config.database).await?;
        check_key(&db, &objects).await?;
        check_objects(&db, &objects).await?;
        let wakes = Wakes::start(db.postgres());
        let outbound = Outbound::new(&config.outbound)?;
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                db,
                objects,
                wakes,
                followers: Followers::default(),
                outbound,
                metrics: Metrics::default(),
                passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
                connections: Mutex::default(),
                pulses: Mutex::default(),
                charts: Charts::default(),
                renders: Arc::new(Semaphore::new(renders_at_once())),
            }),
        })
    }

    /// Starts the workers of this process.
    pub fn start_workers(&self) -> Workers {
        Workers::start(self.clone())
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Frees what is kept for the next work: for a process that has become quiet.
    pub fn rest(&self) {
        self.inner.db.rest();
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.inner.objects
    }

    pub(crate) fn wakes(&self) -> &Wakes {
        &self.inner.wakes
    }

    pub(crate) fn followers(&self) -> &Followers {
        &self.inner.followers
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.inner.outbound
    }

    pub(crate) fn passwords(&self) -> Arc<Semaphore> {
        self.inner.passwords.clone()
    }

    /// Places to load charts and render in: each may take the memory that the limits leave it.
    pub(crate) fn renders(&self) -> Arc<Semaphore> {
        self.inner.renders.clone()
    }

    /// Charts that are parsed already.
    pub(crate) fn charts(&self) -> &Charts {
        &self.inner.charts
    }

    /// Connections to clusters that were made already.
    pub(crate) fn connections(&self) -> &Mutex<Connections> {
        &self.inner.connections
    }

    /// Whether clusters answer.
    pub(crate) fn pulses(&self) -> &Mutex<HashMap<ClusterId, Pulse>> {
        &self.inner.pulses
    }
}
