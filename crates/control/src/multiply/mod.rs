//! Makes a small account large, to measure how Landfall bears that. In no build of the product: feature `multiply`.
//!
//! What is there was made by the product itself: Apps, Releases, clusters and a few environments with what was deployed to
//! them. Of these environments many more are made, each with a history of its own (`history` draws it from a seed) whose
//! rows are copies of real ones (`store`), column by column as the database has them, so that no column is forgotten. What
//! runs in an environment is stored for it alone, under its own names: pages and previews find what they would find.
//!
//! No server may run on the database meanwhile, and nothing of it can be taken back.

mod draw;
mod fill;
mod history;
mod store;

use crate::config::Config;
use crate::error::Error;
use crate::objects::Objects;
use crate::store::Db;

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
pub async fn multiply(
    config: &Config,
    size: Size,
    told: &mut (dyn FnMut(&'static str, usize, usize) + Send),
) -> Result<(), Error> {
    let objects = Objects::open(&config.objects, &config.key_file)?;
    let db = Db::open(&config.database).await?;
    store::prepare(&db).await?;
    let mut world = store::world(&db).await?;
    fill::clusters_and_people(&db, &mut world).await?;
    let history = history::draw(&world, size);
    fill::environments(&db, &world, &history, told).await?;
    fill::deployments(&db, &objects, &world, &history, told).await?;
    fill::rest(&db, &world, &history, told).await?;
    store::finish(&db).await?;
    Ok(())
}
