//! SQL of what an environment's deployments consisted of, one after the other.

use crate::store::Executor;
use crate::store::ids::{ContentId, DeploymentId, EnvironmentId};
use crate::store::sql::{StoreError, sql};

const DOING: &str = "read earlier deployments";

/// The last deployment of an environment that got as far as to have a content, from deployment `number` back.
pub(crate) async fn last_with_content(
    c: &impl Executor,
    environment: EnvironmentId,
    number: i64,
) -> Result<Option<DeploymentId>, StoreError> {
    sql("SELECT id FROM deployments WHERE environment_id = $1 AND number <= $2 \
         AND content_id IS NOT NULL ORDER BY number DESC LIMIT 1")
    .bind(environment)
    .bind(number)
    .one(c, DOING, |row| row.get("id"))
    .await
}

/// What an environment ran from deployment `number` back, newest first, at most `many`: those that succeeded, each with
/// what it consisted of.
pub(crate) async fn succeeded(
    c: &impl Executor,
    environment: EnvironmentId,
    number: i64,
    many: i64,
) -> Result<Vec<(DeploymentId, ContentId)>, StoreError> {
    sql("SELECT id, content_id FROM deployments WHERE environment_id = $1 AND number <= $2 \
         AND state = 'succeeded' AND content_id IS NOT NULL ORDER BY number DESC LIMIT $3")
    .bind(environment)
    .bind(number)
    .bind(many)
    .all(c, DOING, |row| Ok((row.get("id")?, row.get("content_id")?)))
    .await
}
