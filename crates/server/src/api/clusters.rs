//! Clusters. Only simulated ones can be added so far.

use axum::Json;
use axum::extract::State;
use control::cluster::{Cluster, ClusterCheck, NewSimulatedCluster};
use control::store::paging::Page;

use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::{PageQuery, SearchQuery};
use crate::state::AppState;

/// `GET /clusters`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<SearchQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Cluster>> {
    Ok(Json(app.control.cluster_list(&actor, &query.search, &page.request()?).await?))
}

/// `POST /clusters/simulated`
pub(crate) async fn add_simulated(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewSimulatedCluster>,
) -> Result<Created<Cluster>, ProblemDetails> {
    let made = app.control.cluster_add_simulated(&actor, new).await?;
    Ok(Created { at: format!("/clusters/{}", made.id), made })
}

/// `GET /clusters/{cluster}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(cluster): PathOf<String>,
) -> Answer<Cluster> {
    Ok(Json(app.control.cluster_get(&actor, &cluster).await?))
}

/// `POST /clusters/{cluster}/check`
pub(crate) async fn check(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(cluster): PathOf<String>,
) -> Answer<ClusterCheck> {
    Ok(Json(app.control.cluster_check(&actor, &cluster).await?))
}
