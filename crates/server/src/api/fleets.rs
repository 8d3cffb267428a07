//! Previews over a fleet: what new App values would change in the environments that follow.

use axum::Json;
use axum::extract::State;
use control::environment::EnvironmentBrief;
use control::fleet::{FleetPreview, NewFleetPreview};
use control::store::ids::FleetPreviewId;
use control::store::paging::Page;

use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::PageQuery;
use crate::state::AppState;

/// `POST /apps/{app}/values/previews`
pub(crate) async fn begin(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewFleetPreview>,
) -> Result<Created<FleetPreview>, ProblemDetails> {
    let made = app.control.fleet_preview(&actor, &name, new).await?;
    Ok(Created { at: format!("/fleet-previews/{}", made.id), made })
}

/// `GET /fleet-previews/{preview}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(preview): PathOf<FleetPreviewId>,
) -> Answer<FleetPreview> {
    Ok(Json(app.control.fleet_preview_get(&actor, preview).await?))
}

/// `GET /fleet-previews/{preview}/groups/{group}/environments`
pub(crate) async fn environments(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((preview, group)): PathOf<(FleetPreviewId, String)>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<EnvironmentBrief>> {
    let page = page.request()?;
    Ok(Json(app.control.fleet_preview_environments(&actor, preview, &group, &page).await?))
}

/// `POST /fleet-previews/{preview}/cancel`
pub(crate) async fn cancel(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(preview): PathOf<FleetPreviewId>,
) -> Answer<FleetPreview> {
    Ok(Json(app.control.fleet_preview_cancel(&actor, preview).await?))
}
