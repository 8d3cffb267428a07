//! Apps, their Helm values, and what their registry offers.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, HeaderMap, HeaderValue, IF_MATCH};
use axum::response::{IntoResponse, Response};
use control::Error;
use control::app::{App, ChartVersions, NewApp, NewValues, ValuesRevision};
use control::store::paging::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Body, Created, Params, PathOf};
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
    Ok(tagged(values))
}

/// `PUT /apps/{app}/values`
pub(crate) async fn update_values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    headers: HeaderMap,
    Body(mut new): Body<NewValues>,
) -> Result<Response, ProblemDetails> {
    let asked = match headers.get(IF_MATCH) {
        Some(header) => based_on(header)?,
        None => None,
    };
    new.based_on = asked.or(new.based_on);
    match app.control.app_update_values(&actor, &name, new).await {
        // With `If-Match` a newer revision is the precondition that failed.
        Err(error @ Error::Conflict { .. }) if asked.is_some() => {
            Err(ProblemDetails::precondition(crate::problem::sentence(&error.to_string())))
        }
        Err(error) => Err(error.into()),
        Ok(values) => Ok(tagged(values)),
    }
}

/// The revision that `If-Match` names; none for `*`.
fn based_on(header: &HeaderValue) -> Result<Option<i64>, ProblemDetails> {
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match revision.and_then(|revision| revision.parse().ok()) {
        Some(revision) => Ok(Some(revision)),
        None => Err(ProblemDetails::precondition(format!(
            "If-Match `{text}` is not a revision. Give the ETag of GET, such as \"3\"."
        ))),
    }
}

fn tagged(values: ValuesRevision) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{}\"", values.revision));
    let mut response = Json(values).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
