//! Releases: a tag that points to one exact chart version, with a changelog and values.
//!
//! A Release stores the chart archive when it is made, so that it can be deployed when the
//! registry is gone. It never changes; it can be archived, which only hides it from choices.

mod add;
mod signature;
pub(crate) mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, By};
use crate::app::{AppBrief, ChartReference, EnvironmentCounts, TrustedKey};
use crate::audit::{self, Act};
use crate::control::Control;
use crate::error::Error;
use crate::names::ReleaseTag;
use crate::rights::Subject;
use crate::store::commit;
use crate::store::ids::{AppId, ReleaseId};
use crate::store::listing::{Listing, Order, View};
use crate::store::paging::{Direction, Page, PageRequest, SortKey};
use crate::store::sql::now;
use crate::store::wake::Wake;

/// A Release, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseBrief {
    /// Its id.
    pub id: ReleaseId,
    /// Its tag.
    pub tag: ReleaseTag,
}

/// The exact chart version of a Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReleaseChart {
    /// Where it came from, as the App said then.
    pub reference: ChartReference,
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The App version that the chart states.
    pub app_version: Option<String>,
    /// SHA-256 of the archive, in hex.
    pub sha256: String,
    /// Size of the archive in bytes.
    pub size: i64,
    /// Digest of the OCI manifest, where the chart came from an OCI registry.
    pub manifest_digest: Option<String>,
    /// Who signed it, where the App asked for a signature when the Release was added.
    pub signed_by: Option<TrustedKey>,
}

/// A Release, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Its App.
    pub app: AppBrief,
    /// Its tag.
    pub tag: ReleaseTag,
    /// Whether the tag is a pre-release.
    pub prerelease: bool,
    /// Whether it is the newest of its App.
    pub newest: bool,
    /// Its chart.
    pub chart: ReleaseChart,
    /// The changelog in Markdown, whole.
    pub changelog: String,
    /// Whether it has values of its own.
    pub has_values: bool,
    /// Where it runs, of what the asker may see.
    pub runs_in: EnvironmentCounts,
    /// In how many environments it is being deployed now.
    pub deploying_in: i64,
    /// Living environments of the App, of what the asker may see; what `runs_in` is a share of.
    pub app_environments: i64,
    /// When it was archived, if it was.
    pub archived_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: By,
}

/// What the form "Add release" gives; texts as typed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewRelease {
    /// The App, by id or name.
    pub app: String,
    /// The tag.
    pub tag: String,
    /// Markdown.
    pub changelog: String,
    /// The exact chart version, or empty with `archive`.
    pub chart_version: String,
    /// An uploaded chart archive (`.tgz`), for Apps whose archives are uploaded.
    #[serde(skip)]
    pub archive: Option<Vec<u8>>,
    /// The provenance (`.prov`) of an uploaded archive, for Apps whose charts must be signed.
    pub provenance: Option<String>,
    /// Release values, as YAML; empty: none.
    pub values: String,
}

/// Which Releases a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReleaseFilter {
    /// Of this App only.
    pub app: Option<AppId>,
    /// Words that tag, chart version or changelog have; each as a prefix of a word.
    pub search: String,
    /// Archived ones instead of the others.
    pub archived: bool,
}

/// What to do where a tag is of no Release of an App: its newest is named.
pub(crate) async fn newest_instead(
    c: &impl crate::store::Executor,
    app: AppId,
) -> Result<String, Error> {
    Ok(match store::newest(c, app).await? {
        Some(newest) => format!("Its newest is `{}`.", newest.tag),
        None => "Add it first.".to_owned(),
    })
}

impl Control {
    /// One Release, by id.
    pub async fn release_get(&self, actor: &Actor, release: ReleaseId) -> Result<Release, Error> {
        let missing = || Error::not_found("Release", release);
        actor.read(Subject::Apps, missing)?;
        let c = self.db().read();
        let found = store::view(actor.sees_production())
            .list()
            .when("r.id = ?", release)
            .one(c, store::read)
            .await?;
        let mut found = found.ok_or_else(missing)?;
        let kinds = actor.visible_kinds();
        store::count_app_environments(c, kinds, std::slice::from_mut(&mut found)).await?;
        Ok(found)
    }

    /// One Release, by its App (id or name) and tag.
    pub async fn release_find(
        &self,
        actor: &Actor,
        app: &str,
        tag: &str,
    ) -> Result<Release, Error> {
        let app = self.app_row(actor, app).await?;
        let missing = || Error::not_found("Release", tag);
        let parsed = tag.parse::<ReleaseTag>().map_err(|_| missing())?;
        let row = store::by_tag(self.db().read(), app.id, &parsed).await?.ok_or_else(missing)?;
        self.release_get(actor, row.id).await
    }

    /// The Release's own values as YAML; empty where it has none.
    pub async fn release_values(&self, actor: &Actor, release: ReleaseId) -> Result<String, Error> {
        let missing = || Error::not_found("Release", release);
        actor.read(Subject::Apps, missing)?;
        let row = store::by_id(self.db().read(), release).await?.ok_or_else(missing)?;
        let values = self.objects().text_or_empty(row.values.as_ref()).await?;
        self.written_values(actor, Subject::Apps, row.app, values).await
    }

    /// Releases, last added first.
    pub async fn release_list(
        &self,
        actor: &Actor,
        filter: &ReleaseFilter,
        page: &PageRequest,
    ) -> Result<Page<Release>, Error> {
        actor.read(Subject::Apps, || Error::not_found("page", "releases"))?;
        let order = Order { column: "id", direction: Direction::Descending };
        let c = self.db().read();
        let mut page = matching(&store::view(actor.sees_production()), filter)
            .page(c, page, order, store::read, |release| {
                (SortKey::Text(String::new()), release.id.to_string())
            })
            .await?;
        store::count_app_environments(c, actor.visible_kinds(), &mut page.items).await?;
        Ok(page)
    }

    /// Archives a Release (or takes it back): it is no longer offered nor ever "newest".
    pub async fn release_archive(
        &self,
        actor: &Actor,
        release: ReleaseId,
        archived: bool,
    ) -> Result<Release, Error> {
        let missing = || Error::not_found("Release", release);
        actor.write(Subject::Apps, "archive Releases", missing)?;
        let row = store::by_id(self.db().read(), release).await?.ok_or_else(missing)?;
        let tx = self.db().begin().await?;
        if store::set_archived(&tx, release, archived.then(now)).await? {
            let act = Act {
                action: "release.archive",
                kind: "release",
                id: release.to_string(),
                name: row.tag.as_str(),
                old: serde_json::json!({ "archived": row.archived }),
                new: serde_json::json!({ "archived": archived }),
            };
            audit::write(&tx, actor, act).await?;
        }
        commit(tx).await?;
        self.wakes().send(Wake::Apps).await;
        self.release_get(actor, release).await
    }
}

/// Releases that match the filter.
pub(crate) fn matching<'a>(view: &'a View, filter: &ReleaseFilter) -> Listing<'a> {
    let archived =
        if filter.archived { "r.archived_at IS NOT NULL" } else { "r.archived_at IS NULL" };
    view.list()
        .only(archived)
        .when_some("r.app_id = ?", filter.app)
        .search("release", &filter.search)
}
