//! Which key and which object store a database goes with: its rows are sealed with the one and name what is kept in the other.

use super::Db;
use super::StoreError;
use super::driver::Executor;
use super::sql::{now, sql};
use crate::error::Error;
use crate::objects::{Objects, Store};

/// What the account's sealed check is the check of.
pub(crate) const KEY_CHECK: &str = "account/key_check";

/// Makes the account's row on the first run; later it tells whether the key is the right one.
pub(crate) async fn check_key(db: &Db, objects: &Objects) -> Result<(), Error> {
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

const CHECKING_OBJECTS: &str = "check its object store";

/// Why an object store is refused.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rows of this database name objects that are kept elsewhere; all servers on one database need the same --objects: \
     a bucket, or a folder that they share"
)]
struct OtherObjects;

/// The object store that the database goes with; none before one was used.
async fn told_of_objects(c: &impl Executor) -> Result<Option<String>, StoreError> {
    let told = sql("SELECT objects_id FROM account WHERE id = 1");
    Ok(told.one(c, CHECKING_OBJECTS, |row| row.opt("objects_id")).await?.flatten())
}

/// Whether this is the object store that the rows of this database name objects of. Nothing is written.
pub(crate) async fn goes_with(c: &impl Executor, store: &Store) -> Result<bool, Error> {
    let told = told_of_objects(c).await?;
    Ok(told.is_some() && told == store.identity().await?)
}

/// The database says which object store it goes with, and the store says which it is. A database that does not know yet takes
/// the store, if what its rows name is there.
pub(crate) async fn check_objects(db: &Db, objects: &Objects) -> Result<(), Error> {
    let store = objects.store();
    let other = || Error::internal(CHECKING_OBJECTS, OtherObjects);
    let archive = sql("SELECT archive_sha256 FROM releases LIMIT 1")
        .one(db.read(), CHECKING_OBJECTS, |row| row.get::<String>("archive_sha256"))
        .await?;
    match (told_of_objects(db.write()).await?, store.identity().await?) {
        (Some(told), Some(kept)) => return if kept == told { Ok(()) } else { Err(other()) },
        // As long as no Release is there, no row names an object: a first run may have been cut short.
        (Some(told), None) if archive.is_none() => return store.identify(&told).await.map(drop),
        (Some(_), None) => return Err(other()),
        (None, _) => {}
    }
    if let Some(archive) = archive
        && !objects.has_archive(&archive).await?
    {
        return Err(other());
    }
    // The store first: cut short after that, the next start finds it and goes on.
    let id = store.identify(&uuid::Uuid::now_v7().to_string()).await?;
    sql("UPDATE account SET objects_id = $1 WHERE id = 1 AND objects_id IS NULL")
        .bind(id.as_str())
        .run(db.write(), CHECKING_OBJECTS)
        .await?;
    // Another server may have been quicker.
    if told_of_objects(db.write()).await? == Some(id) { Ok(()) } else { Err(other()) }
}
