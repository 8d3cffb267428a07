//! The list of environments: what may be filtered, how it may be sorted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Environment, EnvironmentKind, EnvironmentStatus, store};
use crate::actor::Actor;
use crate::control::Control;
use crate::error::Error;
use crate::store::ids::{AppId, ClusterId, ReleaseId};
use crate::store::listing::{Listing, Order, View};
use crate::store::paging::{Count, Direction, Page, PageRequest, SortKey};

/// Which environments a list shows: living ones, unless the status `deleted` is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct EnvironmentFilter {
    /// Words that name, namespace, cluster or App have; each as a prefix of a word.
    pub search: String,
    /// Of this kind only.
    pub kind: Option<EnvironmentKind>,
    /// Of this App only.
    pub app: Option<AppId>,
    /// On this cluster only.
    pub cluster: Option<ClusterId>,
    /// That run this Release.
    pub release: Option<ReleaseId>,
    /// In this state of affairs.
    pub status: Option<EnvironmentStatus>,
}

/// What environments are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentSort {
    /// The time of the last deployment (or of making).
    #[default]
    LastDeployment,
    /// The name.
    Name,
}

/// Numbers for the head of the list, of what the asker may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnvironmentTotals {
    /// Living environments.
    pub all: Count,
    /// With a deployment running.
    pub deploying: Count,
    /// With a deployment queued.
    pub queued: Count,
    /// Whose last deployment failed.
    pub failed: Count,
}

impl Control {
    /// Environments, without those that were deleted unless these are asked for.
    pub async fn environment_list(
        &self,
        actor: &Actor,
        filter: &EnvironmentFilter,
        sort: (EnvironmentSort, Direction),
        page: &PageRequest,
    ) -> Result<Page<Environment>, Error> {
        let view = store::view();
        let list = matching(&view, actor, filter);
        let (by, direction) = sort;
        let sealer = self.objects().sealer();
        let read = |row: &crate::store::Row<'_>| store::read(row, sealer);
        list.page(self.db().read(), page, order(by, direction), read, |environment| {
            let key = match by {
                EnvironmentSort::Name => SortKey::Text(environment.name.to_string()),
                EnvironmentSort::LastDeployment => {
                    SortKey::Number(environment.last_at.as_microsecond())
                }
            };
            (key, environment.id.to_string())
        })
        .await
    }

    /// The environments that words find, deployed last first, without counting them.
    pub(crate) async fn environments_found(
        &self,
        actor: &Actor,
        words: &str,
        most: u32,
    ) -> Result<Vec<Environment>, Error> {
        let view = store::view();
        let filter = EnvironmentFilter { search: words.to_owned(), ..EnvironmentFilter::default() };
        let order = order(EnvironmentSort::LastDeployment, Direction::Descending);
        let sealer = self.objects().sealer();
        matching(&view, actor, &filter)
            .first(self.db().read(), most, order, |row| store::read(row, sealer))
            .await
    }

    /// The numbers at the head of the list.
    pub async fn environment_totals(&self, actor: &Actor) -> Result<EnvironmentTotals, Error> {
        let view = store::view();
        let count = async |status| {
            let filter = EnvironmentFilter { status, ..EnvironmentFilter::default() };
            matching(&view, actor, &filter).count(self.db().read()).await
        };
        Ok(EnvironmentTotals {
            all: count(None).await?,
            deploying: count(Some(EnvironmentStatus::Deploying)).await?,
            queued: count(Some(EnvironmentStatus::Queued)).await?,
            failed: count(Some(EnvironmentStatus::Failed)).await?,
        })
    }
}

pub(crate) fn order(by: EnvironmentSort, direction: Direction) -> Order {
    let column = match by {
        EnvironmentSort::LastDeployment => "last_at",
        EnvironmentSort::Name => "name",
    };
    Order { column, direction }
}

/// Of so many that a search finds, a page is put together of all of them. Of more, it is sooner found among the first of all:
/// there are tens of thousands at most.
const GATHERED: i64 = 500;

/// Living environments that match the filter, of what the actor may see.
pub(crate) fn matching<'a>(
    view: &'a View,
    actor: &Actor,
    filter: &EnvironmentFilter,
) -> Listing<'a> {
    let kind = match actor.visible_kinds() {
        [only] if filter.kind.is_none_or(|kind| kind == *only) => Some(*only),
        // Asked for a kind that does not exist for the actor: nothing matches.
        [_] => return view.list().only("1 = 0"),
        _ => filter.kind,
    };
    // Deleted ones are told apart by when, which their own indexes are by.
    let deleted = filter.status == Some(EnvironmentStatus::Deleted);
    view.list()
        .only(if deleted { "e.deleted_at IS NOT NULL" } else { "e.deleted_at IS NULL" })
        .when_some("e.kind = ?", kind)
        .when_some("e.app_id = ?", filter.app)
        .when_some("e.cluster_id = ?", filter.cluster)
        .when_some("e.current_release_id = ?", filter.release)
        .when_some("e.status = ?", filter.status.filter(|_| !deleted))
        .search("environment", &filter.search)
        .gathered(GATHERED)
}
