//! Releases.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use control::Error;
use control::release::{NewRelease, Release};
use control::store::ids::ReleaseId;
use control::store::paging::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::{PageQuery, ReleaseQuery};
use crate::state::AppState;

/// A Release to be added.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct AddRelease {
    /// The App, by id or name.
    app: String,
    /// The tag: 1 to 128 of `A-Z a-z 0-9 . _ + -`.
    tag: String,
    /// Markdown.
    changelog: String,
    /// The exact chart version; empty with `archive`.
    chart_version: String,
    /// A chart archive (`.tgz`) in base64, for Apps whose archives are uploaded.
    archive: Option<String>,
    /// The text of the archive's `.prov` file, for Apps whose charts must be signed.
    provenance: Option<String>,
    /// Release values, as YAML; empty: none.
    values: String,
}

/// What can change about a Release.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeRelease {
    /// Whether it is hidden from choices.
    archived: bool,
}

/// YAML as written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuesText {
    /// YAML; empty where there are none.
    values: String,
}

/// `GET /releases`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<ReleaseQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Release>> {
    let filter = query.filter(&app.control, &actor).await?;
    Ok(Json(app.control.release_list(&actor, &filter, &page.request()?).await?))
}

/// `POST /releases`
pub(crate) async fn add(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(given): Body<AddRelease>,
) -> Result<Created<Release>, ProblemDetails> {
    let archive = given.archive.map(|text| STANDARD.decode(text)).transpose().map_err(|_| {
        Error::invalid(
            "archive",
            "This is not base64.",
            "Give the bytes of the .tgz file in base64.",
        )
    })?;
    let new = NewRelease {
        app: given.app,
        tag: given.tag,
        changelog: given.changelog,
        chart_version: given.chart_version,
        archive,
        provenance: given.provenance,
        values: given.values,
    };
    let made = app.control.release_add(&actor, new).await?;
    Ok(Created { at: format!("/releases/{}", made.id), made })
}

/// `GET /releases/{release}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<ReleaseId>,
) -> Answer<Release> {
    Ok(Json(app.control.release_get(&actor, id).await?))
}

/// `GET /apps/{app}/releases/{tag}`
pub(crate) async fn find(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, tag)): PathOf<(String, String)>,
) -> Answer<Release> {
    Ok(Json(app.control.release_find(&actor, &name, &tag).await?))
}

/// `GET /releases/{release}/values`
pub(crate) async fn values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<ReleaseId>,
) -> Answer<ValuesText> {
    Ok(Json(ValuesText { values: app.control.release_values(&actor, id).await? }))
}

/// `PATCH /releases/{release}`
pub(crate) async fn change(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<ReleaseId>,
    Body(change): Body<ChangeRelease>,
) -> Answer<Release> {
    Ok(Json(app.control.release_archive(&actor, id, change.archived).await?))
}
