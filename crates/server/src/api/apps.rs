//! Apps, their Helm values and settings, and what their registry offers.

use axum::Json;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::response::Response;
use control::app::{App, ChartVersions, NewApp, NewValues, SettingsChange};
use control::store::paging::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Body, Created, Params, PathOf, etag};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::{PageQuery, SearchQuery};
use crate::state::AppState;

/// `GET /apps`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<SearchQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<App>> {
    Ok(Json(app.control.app_list(&actor, &query.search, &page.request()?).await?))
}

/// `POST /apps`
pub(crate) async fn create(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewApp>,
) -> Result<Created<App>, ProblemDetails> {
    let made = app.control.app_create(&actor, new).await?;
    Ok(Created { at: format!("/apps/{}", made.id), made })
}

/// `GET /apps/{app}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<App> {
    Ok(Json(app.control.app_get(&actor, &name).await?))
}

/// `GET /apps/{app}/chart-versions`
pub(crate) async fn chart_versions(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<ChartVersions> {
    Ok(Json(app.control.chart_versions(&actor, &name).await?))
}

/// Which revision of values.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// A revision; the newest without it.
    revision: Option<i64>,
}

/// `GET /apps/{app}/values`: the `ETag` is the revision, for `If-Match` of the next save.
pub(crate) async fn values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(query): Params<RevisionQuery>,
) -> Result<Response, ProblemDetails> {
    let values = app.control.app_values(&actor, &name, query.revision).await?;
    Ok(etag::tagged(values.revision, values))
}

/// `PUT /apps/{app}/values`
pub(crate) async fn update_values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    headers: HeaderMap,
    Body(mut new): Body<NewValues>,
) -> Result<Response, ProblemDetails> {
    let asked = etag::based_on(&headers)?;
    new.based_on = asked.or(new.based_on);
    let saved = app.control.app_update_values(&actor, &name, new).await;
    let saved = saved.map_err(|error| etag::not_saved(error, asked))?;
    Ok(etag::tagged(saved.revision.revision, saved))
}

/// `GET /apps/{app}/settings`: the `ETag` is the revision, for `If-Match` of the next change.
pub(crate) async fn settings(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Result<Response, ProblemDetails> {
    let settings = app.control.app_settings(&actor, &name).await?;
    Ok(etag::tagged(settings.revision, settings))
}

/// `PATCH /apps/{app}/settings`
pub(crate) async fn change_settings(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    headers: HeaderMap,
    Body(change): Body<SettingsChange>,
) -> Result<Response, ProblemDetails> {
    let based_on = etag::based_on(&headers)?;
    let change = SettingsChange { based_on, ..change };
    let saved = app.control.app_change_settings(&actor, &name, change).await;
    let settings = saved.map_err(|error| etag::not_saved(error, based_on))?;
    Ok(etag::tagged(settings.revision, settings))
}
