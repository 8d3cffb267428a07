//! Deployments over all environments.

use axum::Json;
use axum::extract::State;
use control::deployment::{Deployment, DeploymentContent, DeploymentDetail};
use control::store::ids::DeploymentId;
use control::store::paging::Page;

use super::{Answer, Params, PathOf};
use crate::auth::SignedIn;
use crate::query::{DeploymentQuery, PageQuery};
use crate::state::AppState;

/// `GET /deployments`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<DeploymentQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Deployment>> {
    let filter = query.filter(&app.control, &actor).await?;
    Ok(Json(app.control.deployment_list(&actor, &filter, &page.request()?).await?))
}

/// `GET /deployments/{deployment}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<DeploymentId>,
) -> Answer<DeploymentDetail> {
    Ok(Json(app.control.deployment_get(&actor, id).await?))
}

/// `GET /deployments/{deployment}/content`
pub(crate) async fn content(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<DeploymentId>,
) -> Answer<DeploymentContent> {
    Ok(Json(app.control.deployment_content(&actor, id).await?))
}
