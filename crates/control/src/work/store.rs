//! SQL of the queue: claiming an Op, renewing the lease on it, giving it back.
//!
//! Claims are made one after another, over all processes. Each takes an Op whose worker is gone, or else, of the App that
//! has the fewest Ops running, the first queued one in whose environment nothing runs and whose cluster has room. A unique
//! index forbids two running Ops in one environment whatever happens.

use jiff::Timestamp;

use crate::error::Error;
use crate::op::Carries;
use crate::store::Db;
use crate::store::Executor;
use crate::store::ids::{ClusterId, DeploymentId, OpId, WorkerId};
use crate::store::sql::{Param, Row, StoreError, now, sql};
use crate::store::wake::OpWake;

/// A worker's hold on an Op. Every write about the Op names the fence; it grows with every claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) op: OpId,
    pub(crate) fence: i64,
    /// What it carries out.
    pub(crate) carries: Carries,
    /// What listeners need to know of it.
    pub(crate) wake: OpWake,
    /// Where it does.
    pub(crate) cluster: ClusterId,
}

impl Lease {
    /// The deployment that the Op carries out; asked only where it does.
    pub(crate) fn deployment(&self) -> Result<DeploymentId, Error> {
        match self.carries {
            Carries::Deployment(deployment) => Ok(deployment),
            Carries::Removal | Carries::Backup => {
                Err(Error::internal("carry an Op out", "it carries no deployment"))
            }
        }
    }
}

const DOING: &str = "take an Op from the queue";
/// What claims wait for each other by.
const CLAIMS: i64 = 0x6c61_6e64_6661_6c6c;

/// Who takes an Op, and which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Whose lease it is going to be.
    pub(crate) worker: WorkerId,
    /// Queued Ops on these clusters stay in the queue, but for those that ask no cluster.
    pub(crate) closed: &'a [ClusterId],
    /// And so do those on a cluster on which as many run.
    pub(crate) per_cluster: usize,
    /// Whether to look for Ops whose worker is gone.
    pub(crate) abandoned: bool,
}

#[cfg(test)]
impl Wanted<'static> {
    /// Any that this worker can have.
    pub(crate) fn any(worker: WorkerId, per_cluster: usize) -> Self {
        Self { worker, closed: &[], per_cluster, abandoned: true }
    }
}

/// Takes the next Op that is wanted; none if there is nothing to do. From when until when the lease lasts is asked of `clock`
/// once the database has begun.
pub(crate) async fn claim(
    db: &Db,
    clock: impl FnOnce() -> (Timestamp, Timestamp),
    wanted: Wanted<'_>,
) -> Result<Option<Lease>, StoreError> {
    let Wanted { worker, closed, per_cluster, abandoned } = wanted;
    let tx = db.begin().await?;
    db.one_at_a_time(&tx, CLAIMS).await?;
    // Whoever waited for the database has not had the lease for so long.
    let (at, until) = clock();
    let mut claimed = None;
    if abandoned {
        claimed = claim_abandoned(&tx, worker, at, until).await?;
        count_for_apps(&tx).await?;
    }
    if claimed.is_none() {
        let mut closed = closed.to_vec();
        closed.extend(full(&tx, per_cluster).await?);
        claimed = claim_queued(&tx, worker, at, until, &closed).await?;
    }
    if let Some(lease) = &claimed {
        // Told by the clock now: the Op in front may have ended between asking it and finding this one.
        let at = at.max(now());
        sql("UPDATE ops SET started_at = $2 WHERE id = $1 AND fence = 1")
            .bind(lease.op)
            .bind(at)
            .run(&tx, DOING)
            .await?;
        begin(&tx, lease, at).await?;
    }
    crate::store::commit(tx).await?;
    Ok(claimed)
}

/// Clusters on which so many Ops run.
async fn full(c: &impl Executor, most: usize) -> Result<Vec<ClusterId>, StoreError> {
    sql("SELECT e.cluster_id FROM ops o JOIN environments e ON e.id = o.environment_id \
         WHERE o.state = 'running' GROUP BY e.cluster_id HAVING COUNT(*) >= $1")
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .all(c, DOING, |row| row.get("cluster_id"))
    .await
}

/// Ops that servers of an earlier version have queued say no App.
async fn count_for_apps(c: &impl Executor) -> Result<(), StoreError> {
    sql("UPDATE ops SET app_id = (SELECT e.app_id FROM environments e WHERE e.id = ops.environment_id) \
         WHERE state = 'queued' AND app_id IS NULL")
    .run(c, DOING)
    .await
    .map(drop)
}

const CLAIMED: &str = "RETURNING id, fence, op_kind, deployment_id, environment_id, environment_kind, \
     (SELECT e.cluster_id FROM environments e WHERE e.id = ops.environment_id) AS cluster_id";

/// The condition that leaves closed clusters out, its values from `$first` on.
fn open(closed: &[ClusterId], first: usize) -> String {
    if closed.is_empty() {
        return String::new();
    }
    let places: Vec<String> = (first..first + closed.len()).map(|n| format!("${n}")).collect();
    format!(
        "AND (NOT EXISTS (SELECT 1 FROM environments e WHERE e.id = o.environment_id \
           AND e.cluster_id IN ({})) \
         OR EXISTS (SELECT 1 FROM removals f WHERE f.op_id = o.id AND f.forget))",
        places.join(", ")
    )
}

fn lease(row: &Row<'_>) -> Result<Lease, sea_orm::DbErr> {
    let wake = crate::op::store::read_wake(row)?;
    let carries = crate::op::store::read_carries(row)?;
    Ok(Lease {
        op: wake.op,
        fence: row.get("fence")?,
        carries,
        wake,
        cluster: row.get("cluster_id")?,
    })
}

/// A running Op whose worker is gone.
async fn claim_abandoned(
    c: &impl Executor,
    worker: WorkerId,
    at: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    sql(format!(
        "UPDATE ops SET worker = $1, fence = fence + 1, lease_until = $2 \
         WHERE seq = (SELECT o.seq FROM ops o WHERE o.state = 'running' AND o.lease_until < $3 \
           ORDER BY o.lease_until LIMIT 1) \
         AND state = 'running' AND lease_until < $3 {CLAIMED}"
    ))
    .bind(worker)
    .bind(until)
    .bind(at)
    .one(c, DOING, lease)
    .await
}

/// The first queued Op that may begin, of the App that has the fewest running.
async fn claim_queued(
    c: &impl Executor,
    worker: WorkerId,
    at: Timestamp,
    until: Timestamp,
    closed: &[ClusterId],
) -> Result<Option<Lease>, StoreError> {
    sql(format!(
        "UPDATE ops SET state = 'running', worker = $1, fence = fence + 1, lease_until = $2, \
         started_at = COALESCE(started_at, $3) \
         WHERE seq = (SELECT f.seq FROM ( \
           SELECT (SELECT COUNT(*) FROM ops r WHERE r.state = 'running' AND r.app_id = a.id) AS running, \
             (SELECT o.seq FROM ops o WHERE o.state = 'queued' AND o.app_id = a.id \
               AND NOT EXISTS (SELECT 1 FROM ops r \
                 WHERE r.environment_id = o.environment_id AND r.state = 'running') {} \
               ORDER BY o.seq LIMIT 1) AS seq \
           FROM apps a WHERE EXISTS (SELECT 1 FROM ops q WHERE q.state = 'queued' AND q.app_id = a.id)) f \
           WHERE f.seq IS NOT NULL ORDER BY f.running, f.seq LIMIT 1) \
         AND state = 'queued' {CLAIMED}",
        open(closed, 4)
    ))
    .bind(worker)
    .bind(until)
    .bind(at)
    .bind_all(closed.iter().map(Param::param))
    .one(c, DOING, lease)
    .await
}

/// What a claimed Op carries out runs; its environment says so.
async fn begin(c: &impl Executor, lease: &Lease, at: Timestamp) -> Result<(), StoreError> {
    let deployment = match lease.carries {
        Carries::Deployment(deployment) => deployment,
        Carries::Backup => return crate::backup::store::begin(c, lease.op, at).await,
        Carries::Removal => return Ok(()),
    };
    sql("UPDATE deployments SET state = 'running', started_at = COALESCE(started_at, $2) WHERE id = $1")
        .bind(deployment)
        .bind(at)
        .run(c, DOING)
        .await?;
    // One that is to be removed next has said so since that was asked for.
    sql("UPDATE environments SET status = 'deploying' WHERE id = $1 AND state <> 'deleting'")
        .bind(lease.wake.environment)
        .run(c, DOING)
        .await?;
    Ok(())
}

/// Renews a lease; false if it is lost.
pub(crate) async fn renew(
    c: &impl Executor,
    lease: &Lease,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let renewed = sql("UPDATE ops SET lease_until = $3 \
                       WHERE id = $1 AND fence = $2 AND state = 'running'")
    .bind(lease.op)
    .bind(lease.fence)
    .bind(until)
    .run(c, "renew the lease on an Op")
    .await?;
    Ok(renewed == 1)
}

/// Gives an Op back unfinished: any worker can take it up at once.
pub(crate) async fn give_back(c: &impl Executor, lease: &Lease) -> Result<(), StoreError> {
    sql("UPDATE ops SET lease_until = 0 WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(lease.op)
        .bind(lease.fence)
        .run(c, "give an Op back")
        .await
        .map(drop)
}
