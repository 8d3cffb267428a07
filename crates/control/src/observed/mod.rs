//! Revisions of Helm releases that no deployment of their environment wrote: the one that an environment was adopted
//! with, and those that others make later, with `helm rollback` or `helm upgrade`.
//!
//! A release's records are read whenever they are needed anyway, for a preview and at the start of an Op, and on demand;
//! what they tell is held against what is known (`note`). Nothing here writes to a cluster.

mod adopt;
mod foreign;
mod note;
pub(crate) mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::closed::closed_set;
use crate::control::Control;
use crate::error::Error;
use crate::op::ABANDONED_AFTER;
use crate::release::ReleaseBrief;
use crate::store::ids::{EnvironmentId, ObservedId};
use crate::store::listing::Order;
use crate::store::paging::{Direction, Page, PageRequest, SortKey};

pub use adopt::{AdoptRelease, Adoptable, AdoptableReleases, Adopted};
pub(crate) use foreign::ForeignRelease;
pub(crate) use note::{Look, News};

closed_set! {
    /// How a revision came to be observed.
    pub enum ObservedCause {
        /// The environment was made from it.
        Adopted = "adopted",
        /// Someone made it outside Landfall afterwards.
        Outside = "outside",
        /// There is none any more: someone uninstalled the release.
        Gone = "gone",
    }
}

/// A revision of an environment's Helm release that no deployment of it wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedRevision {
    /// Its id.
    pub id: ObservedId,
    /// How it came to be observed.
    pub cause: ObservedCause,
    /// Its number; where the release is gone, the last one known.
    pub revision: i64,
    /// Helm's status of it when it was last looked at: `deployed`, `failed`, `pending-upgrade`.
    pub status: String,
    /// The chart's name; empty where the release is gone.
    pub chart_name: String,
    /// The chart's version; empty where the release is gone.
    pub chart_version: String,
    /// The version of what is in the chart.
    pub app_version: Option<String>,
    /// What Helm says of it: `Rollback to 2`.
    pub description: String,
    /// The Release of the App that has this chart name and version, the last added of several. That its contents are
    /// the same is not known.
    pub release: Option<ReleaseBrief>,
    /// The number of the deployment that was the last when it was observed; 0: none.
    pub after: i64,
    /// When it was made, as Helm has it.
    pub made_at: Timestamp,
    /// When Landfall saw it first.
    pub observed_at: Timestamp,
    /// Who adopted it.
    pub by: Option<By>,
}

impl ObservedRevision {
    /// Until when deployments wait for it, where it was pending and may still be worked on.
    pub fn awaited_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.made_at.saturating_add(ABANDONED_AFTER).ok()?;
        (self.status.starts_with("pending-") && now < until).then_some(until)
    }

    /// What is told of it in a line: `Helm revision 7 was made outside Landfall: Rollback to 2, chart shop 1.0.0`.
    pub fn told(&self) -> String {
        let Self { revision, chart_name, chart_version, .. } = self;
        let what = if self.description.is_empty() { &self.status } else { &self.description };
        let about = format!("{what}, chart {chart_name} {chart_version}");
        match self.cause {
            ObservedCause::Adopted => format!("Helm revision {revision} was adopted: {about}"),
            ObservedCause::Outside => {
                format!("Helm revision {revision} was made outside Landfall: {about}")
            }
            ObservedCause::Gone => "The Helm release was uninstalled outside Landfall".to_owned(),
        }
    }
}

/// Identity of the sealed description of an observed revision.
fn description_identity(id: ObservedId) -> String {
    format!("observed_revisions/description/{id}")
}

impl Control {
    /// The observed revisions of an environment, the last first.
    pub async fn observed_list(
        &self,
        actor: &Actor,
        environment: &str,
        page: &PageRequest,
    ) -> Result<Page<ObservedRevision>, Error> {
        let row = self.environment_row(actor, environment).await?;
        let order = Order { column: "id", direction: Direction::Descending };
        let sealer = self.objects().sealer();
        let read = |row: &crate::store::Row<'_>| store::read(row, sealer);
        store::view()
            .list()
            .when("ob.environment_id = ?", row.id)
            .page(self.db().read(), page, order, read, |observed| {
                (SortKey::Text(String::new()), observed.id.to_string())
            })
            .await
    }

    /// The observed revisions of an environment that stand beside these of its deployments in its history, the last
    /// first; none: beside all.
    pub async fn observed_beside(
        &self,
        actor: &Actor,
        environment: EnvironmentId,
        numbers: (Option<i64>, Option<i64>),
    ) -> Result<Vec<ObservedRevision>, Error> {
        let row = self.environment_row(actor, &environment.to_string()).await?;
        let (first, last) = (numbers.0.unwrap_or(0), numbers.1.unwrap_or(i64::MAX));
        let sealer = self.objects().sealer();
        Ok(store::between(self.db().read(), row.id, first, last, sealer).await?)
    }
}
