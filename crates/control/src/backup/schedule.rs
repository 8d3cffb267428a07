//! When backups are made without anyone asking, and how many of those are kept.
//!
//! A pass takes no input and may run in any process: whoever moves a schedule's next time on makes the backup, in the same
//! transaction, so that several servers make one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BackupCause, create, settings_store, store};
use crate::actor::{Actor, By};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::environment::store as environments;
use crate::error::{Checks, Error, Problem};
use crate::store::commit;
use crate::store::ids::EnvironmentId;
use crate::store::sql::now;
use crate::store::wake::Wake;

/// Backups that are kept, unless something else is said.
const KEEP: i64 = 7;
/// Schedules, and backups to be cleared away, that one pass sees to.
const AT_ONCE: i64 = 20;

/// When an environment is backed up by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupSchedule {
    /// Every so many hours; none: only by hand.
    pub every_hours: Option<i64>,
    /// Of the backups that nobody asked for so many are kept; older ones are deleted. Those made by hand stay.
    pub keep: i64,
    /// Whether each deployment is preceded by a backup, without which it is not carried out.
    pub before_deployments: bool,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
    /// When this was changed last; none: never.
    pub updated_at: Option<Timestamp>,
    /// By whom.
    pub updated_by: Option<By>,
}

impl Default for BackupSchedule {
    fn default() -> Self {
        Self {
            every_hours: None,
            keep: KEEP,
            before_deployments: false,
            next_at: None,
            updated_at: None,
            updated_by: None,
        }
    }
}

/// What a schedule becomes.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ChangeSchedule {
    /// Every so many hours; none: only by hand.
    pub every_hours: Option<i64>,
    /// How many of the backups that nobody asked for are kept; none: 7.
    pub keep: Option<i64>,
    /// Whether each deployment is preceded by a backup, without which it is not carried out.
    pub before_deployments: bool,
}

/// A schedule whose time has come.
pub(super) struct Due {
    pub(super) environment: EnvironmentId,
    pub(super) every_hours: i64,
    pub(super) next_at: Timestamp,
}

impl Control {
    /// When an environment is backed up by itself.
    pub async fn backup_schedule(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<BackupSchedule, Error> {
        let row = self.environment_row(actor, environment).await?;
        Ok(settings_store::schedule(self.db().read(), row.id).await?.unwrap_or_default())
    }

    /// Changes when an environment is backed up by itself. The first backup is due one interval later.
    pub async fn backup_change_schedule(
        &self,
        actor: &Actor,
        environment: &str,
        change: ChangeSchedule,
    ) -> Result<BackupSchedule, Error> {
        let row = self.environment_to_back_up(actor, environment).await?;
        let keep = change.keep.unwrap_or(KEEP);
        let mut checks = Checks::default();
        if change.every_hours.is_some_and(|hours| !(1..=8760).contains(&hours)) {
            let remedy = "Use 1 to 8760 hours; leave it out for none.";
            checks.add(Problem::new("every_hours", "This is no interval.", remedy));
        }
        if !(1..=1000).contains(&keep) {
            let message = "So many backups cannot be kept.";
            checks.add(Problem::new("keep", message, "Use 1 to 1000."));
        }
        checks.done()?;
        let before = settings_store::schedule(self.db().read(), row.id).await?.unwrap_or_default();
        let at = now();
        let mut schedule = BackupSchedule {
            every_hours: change.every_hours,
            keep,
            before_deployments: change.before_deployments,
            next_at: change.every_hours.map(|hours| after(at, hours)),
            updated_at: Some(at),
            updated_by: Some(actor.by()),
        };
        let tx = self.db().begin().await?;
        schedule.next_at =
            settings_store::put_schedule(&tx, row.id, &schedule, at, &actor.by()).await?;
        let told = |schedule: &BackupSchedule| {
            serde_json::json!({
                "every_hours": schedule.every_hours, "keep": schedule.keep,
                "before_deployments": schedule.before_deployments,
            })
        };
        let act = Act {
            action: "backup.change_schedule",
            kind: "environment",
            id: row.id.to_string(),
            name: row.name.as_str(),
            old: told(&before),
            new: told(&schedule),
        };
        audit::write(&tx, actor, act).await?;
        commit(tx).await?;
        self.wakes().send(Wake::Backups).await;
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        Ok(schedule)
    }

    /// Makes the backups that are due, and clears away the data of those that are deleted or not whole; whether there was
    /// anything to do.
    pub(crate) async fn backups_pass(&self) -> Result<bool, Error> {
        let (c, at) = (self.db().read(), now());
        let mut any = false;
        for due in settings_store::due(c, at, AT_ONCE).await? {
            any |= gone_through(self.make_due(&due, at).await, &due.environment)?;
        }
        for backup in store::to_purge(c, at, AT_ONCE).await? {
            any |= gone_through(self.purge(backup).await, &backup)?;
        }
        Ok(any)
    }

    async fn make_due(&self, due: &Due, at: Timestamp) -> Result<bool, Error> {
        let Some(row) = environments::by_id(self.db().read(), due.environment).await? else {
            return Ok(false);
        };
        let tx = self.db().begin().await?;
        // A server that was off for days makes one backup, not all that it missed.
        let mut next = after(due.next_at, due.every_hours);
        if next <= at {
            next = after(at, due.every_hours);
        }
        if !settings_store::move_on(&tx, due, next).await? {
            return Ok(false);
        }
        let queued = if store::is_under_way(&tx, due.environment).await? {
            None
        } else {
            let by = Actor::system().by();
            create::queue(&tx, &row, BackupCause::Scheduled, "", &by).await?
        };
        commit(tx).await?;
        if let Some(queued) = queued {
            self.backup_queued(&row, queued.op).await;
        }
        self.wakes().send(Wake::Environment(row.id, row.kind)).await;
        Ok(true)
    }
}

/// What fails for one must not keep the others waiting, unless storage is away for all.
fn gone_through(done: Result<bool, Error>, what: &dyn std::fmt::Display) -> Result<bool, Error> {
    match done {
        Err(error) if !error.is_outage() => {
            let error = crate::deployment::prepare::whole_text(&error);
            tracing::error!(error, %what, "a backup was not seen to");
            Ok(false)
        }
        done => done,
    }
}

fn after(at: Timestamp, hours: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}
