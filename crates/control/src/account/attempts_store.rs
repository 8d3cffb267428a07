//! SQL of tries that failed.

use jiff::Timestamp;

use crate::store::Executor;
use crate::store::ids::PersonId;
use crate::store::sql::{StoreError, sql};

/// Counts one try more; how many there are now, and since when.
pub(super) async fn count(
    c: &impl Executor,
    key: &[u8],
    at: Timestamp,
) -> Result<(i64, Timestamp), StoreError> {
    let counted = sql("INSERT INTO attempts (id, began_at, tries) VALUES ($1, $2, 1) \
                       ON CONFLICT (id) DO UPDATE SET tries = attempts.tries + 1 \
                       RETURNING tries, began_at")
    .bind(key)
    .bind(at)
    .one(c, "count a try", |row| Ok((row.get("tries")?, row.get("began_at")?)))
    .await?;
    Ok(counted.unwrap_or((1, at)))
}

/// Takes one try back.
pub(super) async fn take_back(c: &impl Executor, key: &[u8]) -> Result<(), StoreError> {
    sql("UPDATE attempts SET tries = tries - 1 WHERE id = $1 AND tries > 0")
        .bind(key)
        .run(c, "take a try back")
        .await
        .map(drop)
}

/// Forgets what began before.
pub(super) async fn forget(c: &impl Executor, before: Timestamp) -> Result<(), StoreError> {
    sql("DELETE FROM attempts WHERE began_at <= $1")
        .bind(before)
        .run(c, "forget old tries")
        .await
        .map(drop)
}

/// Whether a person has signed in from an address since.
pub(super) async fn signed_in_from(
    c: &impl Executor,
    person: PersonId,
    address: &str,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let found = sql("SELECT id FROM sessions WHERE person_id = $1 AND remote_address = $2 \
                     AND created_at > $3 LIMIT 1")
    .bind(person)
    .bind(address)
    .bind(since)
    .one(c, "look for earlier sessions", |_| Ok(()))
    .await?;
    Ok(found.is_some())
}
