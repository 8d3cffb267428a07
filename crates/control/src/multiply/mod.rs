//! Makes a small account large, to measure how Landfall bears that. In no build of the product: feature `multiply`.
//!
//! What is there was made by the product itself: Apps, Releases, clusters and a few environments with what was deployed to
//! them. Of these environments many more are made, each with a history of its own (`history` draws it from a seed) whose
//! rows are copies of real ones (`store`), column by column as the database has them, so that no column is forgotten. What
//! runs in an environment is stored for it alone, under its own names: pages and previews find what they would find.
//!
//! No server may run on the database meanwhile, and nothing of it can be taken back.

mod beside;
mod copies_store;
mod deployments;
mod draw;
mod environments;
mod history;
mod people;
mod store;

use crate::config::Config;
use crate::error::Error;
use crate::objects::Objects;
use crate::store::Db;

/// Who hears how far it is.
type Told<'a> = &'a mut (dyn FnMut(&'static str, usize, usize) + Send);

/// How large the account becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Environments that are alive.
    pub environments: usize,
    /// Deployments of all of them.
    pub deployments: usize,
    /// What decides all that is drawn.
    pub seed: u64,
}

/// Multiplies what is there; `told` hears what is being made, how much of it is there and how much it will be.
pub async fn multiply(config: &Config, size: Size, told: Told<'_>) -> Result<(), Error> {
    let objects = Objects::open(&config.objects, &config.key_file)?;
    let db = Db::open(&config.database).await?;
    store::prepare(&db).await?;
    let mut world = store::world(&db).await?;
    people::write(&db, &mut world).await?;
    let history = history::draw(&world, size);
    environments::write(&db, &world, &history, told).await?;
    deployments::write(&db, &objects, &world, &history, told).await?;
    beside::write(&db, &world, &history, told).await?;
    store::finish(&db).await?;
    Ok(())
}
