//! Clusters: real ones, simulated ones, and the rights that Landfall needs in one.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use control::cluster::{
    Cluster, ClusterChange, ClusterCheck, NewCluster, NewSimulatedCluster, RightsRequest,
};
use control::observed::AdoptableReleases;
use control::store::paging::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::{PageQuery, SearchQuery};
use crate::state::AppState;

/// Where to look.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct NamespaceQuery {
    /// Only this namespace; without it all.
    namespace: String,
}

/// `GET /clusters`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<SearchQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Cluster>> {
    Ok(Json(app.control.cluster_list(&actor, &query.search, &page.request()?).await?))
}

/// Whose rights are written.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RightsQuery {
    /// The namespaces that the account is for, with commas between; empty: all of them.
    namespaces: String,
    /// The account, as `namespace/name`; empty: `landfall/landfall`.
    account: String,
    /// Whether it may act as the service accounts of environments: `no`, `also` or `only`.
    impersonation: String,
}

/// `POST /clusters`
pub(crate) async fn add(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewCluster>,
) -> Result<Created<Cluster>, ProblemDetails> {
    let made = app.control.cluster_add(&actor, new).await?;
    Ok(Created { at: format!("/clusters/{}", made.id), made })
}

/// `PATCH /clusters/{cluster}`
pub(crate) async fn change(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(cluster): PathOf<String>,
    Body(change): Body<ClusterChange>,
) -> Answer<Cluster> {
    Ok(Json(app.control.cluster_change(&actor, &cluster, change).await?))
}

/// `GET /cluster-rights`
pub(crate) async fn rights(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<RightsQuery>,
) -> Result<Response, ProblemDetails> {
    let RightsQuery { namespaces, account, impersonation } = query;
    let asked = RightsRequest { namespaces, account, impersonation };
    let manifest = app.control.cluster_rights(&actor, &asked)?;
    Ok(([(CONTENT_TYPE, "application/yaml")], manifest).into_response())
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

/// `GET /clusters/{cluster}/adoptable-releases`
pub(crate) async fn adoptable(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(cluster): PathOf<String>,
    Params(query): Params<NamespaceQuery>,
) -> Answer<AdoptableReleases> {
    Ok(Json(app.control.adoptable_releases(&actor, &cluster, &query.namespace).await?))
}

/// `POST /clusters/{cluster}/check`
pub(crate) async fn check(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(cluster): PathOf<String>,
) -> Answer<ClusterCheck> {
    Ok(Json(app.control.cluster_check(&actor, &cluster).await?))
}
