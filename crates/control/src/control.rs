//! [`Control`]: the application, cheap to clone. Each subject's functions stand in its own folder.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rollout::cluster::Pulse;
use sea_orm::ConnectionTrait;
use tokio::sync::Semaphore;

use crate::cluster::Connection;
use crate::config::Config;
use crate::deployment::prepare::Charts;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::names::ServiceAccount;
use crate::objects::{Objects, Store};
use crate::op::Followers;
use crate::outbound::Outbound;
use crate::store::Db;
use crate::store::ids::ClusterId;
use crate::store::sql::{StoreError, now, sql};
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

/// What the account's sealed check is the check of.
pub(crate) const KEY_CHECK: &str = "account/key_check";

/// Makes the account's row on the first run; later it tells whether the key is the right one.
async fn check_key(db: &Db, objects: &Objects) -> Result<(), Error> {
    const DOING: &str = "check its key";
    let sealed =
        objects.sealer().seal(KEY_CHECK, b"landfall").map_err(|e| Error::internal(DOING, e))?;
    sql("INSERT INTO account (id, created_at, key_check_sealed) VALUES (1, $1, $2) \
         ON CONFLICT DO NOTHING")
    .bind(now())
    .bind(sealed)
    .run(db.write(), DOING)
    .await?;
    let kept = sql("SELECT key_check_sealed FROM account WHERE id = 1")
        .one(db.read(), DOING, |row| row.get::<Vec<u8>>("key_check_sealed"))
        .await?
        .unwrap_or_default();
    let opened = objects.sealer().open(KEY_CHECK, &kept);
    opened.map(drop).map_err(|e| Error::internal("open its database with this key file", e))
}

/// The object that tells an object store from others.
const OBJECTS_ID: &str = "landfall-objects";
const CHECKING_OBJECTS: &str = "check its object store";

/// Why an object store is refused.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rows of this database name objects that are kept elsewhere; all servers on one database need the same --objects: \
     a bucket, or a folder that they share"
)]
struct OtherObjects;

/// What an object store calls itself; none before it was used.
async fn name_of(store: &Store) -> Result<Option<String>, Error> {
    let found = store.find(OBJECTS_ID).await?;
    Ok(found.map(|name| String::from_utf8_lossy(&name).into_owned()))
}

/// What the database calls the object store that it goes with; none before it was used.
async fn told_of_objects(c: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    let told = sql("SELECT objects_id FROM account WHERE id = 1");
    Ok(told.one(c, CHECKING_OBJECTS, |row| row.opt("objects_id")).await?.flatten())
}

/// Whether this is the object store that the rows of this database name objects of. Nothing is written.
pub(crate) async fn goes_with(c: &impl ConnectionTrait, store: &Store) -> Result<bool, Error> {
    let told = told_of_objects(c).await?;
    Ok(told.is_some() && told == name_of(store).await?)
}

/// The database says which object store it goes with, and the store says which it is. A database that does not know yet takes
/// the store as it is.
async fn check_objects(db: &Db, objects: &Objects) -> Result<(), Error> {
    const DOING: &str = CHECKING_OBJECTS;
    let store = objects.store();
    let kept = name_of(store).await?;
    let proposed = kept.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let is_new = sql("UPDATE account SET objects_id = $1 WHERE id = 1 AND objects_id IS NULL")
        .bind(proposed.as_str())
        .run(db.write(), DOING)
        .await?;
    // Another server may have been quicker.
    let told = told_of_objects(db.write()).await?.unwrap_or_default();
    match kept {
        Some(kept) if kept == told => return Ok(()),
        Some(_) => return Err(Error::internal(DOING, OtherObjects)),
        None => {}
    }
    // As long as no Release is there, no row names an object: a first run may have been cut short.
    let releases = sql("SELECT 1 AS one FROM releases LIMIT 1").one(db.read(), DOING, |_| Ok(()));
    if is_new == 0 && releases.await?.is_some() {
        return Err(Error::internal(DOING, OtherObjects));
    }
    store.put(OBJECTS_ID, told.into_bytes()).await
}
