//! App Environments, and what is done to one: previews, deployments, rollbacks.

use axum::Json;
use axum::extract::State;
use control::Error;
use control::deployment::{
    Comparison, Deployment, DeploymentDetail, NewDeployment, NewEnvironmentValues, NewPreview,
    NewRollback, OnFailure, Preview, RollbackTo, Started,
};
use control::drift::DriftCheck;
use control::environment::{
    Environment, EnvironmentChange, EnvironmentTotals, EnvironmentValues, NewEnvironment, Outline,
    RemoveEnvironment, ValueOrigin,
};
use control::names::InvalidName;
use control::observed::{AdoptRelease, Adopted, ObservedRevision};
use control::op::Op;
use control::store::ids::PreviewId;
use control::store::paging::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, Body, Created, Params, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::{ComparisonQuery, EnvironmentQuery, PageQuery, WhyQuery};
use crate::state::AppState;

/// An environment just made, with its first deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnvironmentMade {
    /// The environment, still creating.
    environment: Environment,
    /// Its deployment #1.
    deployment: Deployment,
    /// The Op that carries it out, queued.
    op: Op,
}

/// A rollback to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct MakeRollback {
    /// `#41`: the deployment of that number; anything else: the last successful deployment of that
    /// Release tag.
    to: String,
    /// Why; may be empty.
    reason: String,
    /// What happens if the rollback itself fails; left as it is without it.
    on_failure: Option<OnFailure>,
    /// Take over fields that other managers own, as Helm's `--force-conflicts` does.
    force_conflicts: bool,
}

/// How an environment is to be removed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveQuery {
    /// Forget the environment and leave its cluster alone: for one whose cluster is gone for ever.
    forget: bool,
    /// Why; may be empty.
    reason: String,
}

/// `GET /environments`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<EnvironmentQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Environment>> {
    let filter = query.filter(&app.control, &actor).await?;
    let page = page.request()?;
    Ok(Json(app.control.environment_list(&actor, &filter, query.sort()?, &page).await?))
}

/// `GET /environment-totals`
pub(crate) async fn totals(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
) -> Answer<EnvironmentTotals> {
    Ok(Json(app.control.environment_totals(&actor).await?))
}

/// `POST /environments`
pub(crate) async fn create(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewEnvironment>,
) -> Result<Created<EnvironmentMade>, ProblemDetails> {
    let (environment, started) = app.control.environment_create(&actor, new).await?;
    let Started { deployment, op } = started;
    let at = format!("/environments/{}", environment.id);
    Ok(Created { at, made: EnvironmentMade { environment, deployment, op } })
}

/// `POST /adoptions`
pub(crate) async fn adopt(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Body(new): Body<AdoptRelease>,
) -> Result<Created<Adopted>, ProblemDetails> {
    let made = app.control.environment_adopt(&actor, new).await?;
    Ok(Created { at: format!("/environments/{}", made.environment.id), made })
}

/// `GET /environments/{environment}/observed-revisions`
pub(crate) async fn observed(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<ObservedRevision>> {
    Ok(Json(app.control.observed_list(&actor, &name, &page.request()?).await?))
}

/// `GET /environments/{environment}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<Environment> {
    Ok(Json(app.control.environment_get(&actor, &name).await?))
}

/// `PATCH /environments/{environment}`
pub(crate) async fn change(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(change): Body<EnvironmentChange>,
) -> Answer<Environment> {
    Ok(Json(app.control.environment_change(&actor, &name, change).await?))
}

/// `DELETE /environments/{environment}`
pub(crate) async fn remove(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(query): Params<RemoveQuery>,
) -> Answer<Op> {
    let how = RemoveEnvironment { forget: query.forget, reason: query.reason };
    Ok(Json(app.control.environment_remove(&actor, &name, &how).await?))
}

/// `GET /environments/{environment}/removal`
pub(crate) async fn removal_outline(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<Outline> {
    Ok(Json(app.control.removal_outline(&actor, &name).await?))
}

/// `POST /environments/{environment}/keep`
pub(crate) async fn keep(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<Environment> {
    Ok(Json(app.control.environment_keep(&actor, &name).await?))
}

/// `GET /environments/{environment}/drift`
pub(crate) async fn drift(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<Option<DriftCheck>> {
    Ok(Json(app.control.drift_get(&actor, &name).await?))
}

/// `POST /environments/{environment}/drift`
pub(crate) async fn check_drift(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<DriftCheck> {
    Ok(Json(app.control.drift_check(&actor, &name).await?))
}

/// `GET /environments/{environment}/values`
pub(crate) async fn values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<EnvironmentValues> {
    Ok(Json(app.control.environment_values(&actor, &name).await?))
}

/// `GET /environments/{environment}/values/why`
pub(crate) async fn why(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(query): Params<WhyQuery>,
) -> Answer<ValueOrigin> {
    Ok(Json(app.control.environment_why(&actor, &name, &query.key).await?))
}

/// `GET /environments/{environment}/comparison`
pub(crate) async fn comparison(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(query): Params<ComparisonQuery>,
) -> Answer<Comparison> {
    let asked = query.request()?;
    Ok(Json(app.control.deployments_compare(&actor, &name, &asked).await?))
}

/// `GET /environments/{environment}/deployments/{number}`
pub(crate) async fn deployment(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, number)): PathOf<(String, i64)>,
) -> Answer<DeploymentDetail> {
    Ok(Json(app.control.deployment_find(&actor, &name, number).await?))
}

/// `POST /environments/{environment}/previews`: waits for the cluster; closing the connection
/// cancels it.
pub(crate) async fn preview(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewPreview>,
) -> Result<Created<Preview>, ProblemDetails> {
    let made = app.control.deployment_preview(&actor, &name, new).await?;
    Ok(Created { at: format!("/previews/{}", made.id), made })
}

/// `GET /previews/{preview}`
pub(crate) async fn preview_get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(id): PathOf<PreviewId>,
) -> Answer<Preview> {
    Ok(Json(app.control.preview_get(&actor, id).await?))
}

/// `POST /environments/{environment}/deployments`
pub(crate) async fn deploy(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewDeployment>,
) -> Result<Created<Started>, ProblemDetails> {
    let made = app.control.deployment_create(&actor, &name, new).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}

/// `PUT /environments/{environment}/values`
pub(crate) async fn update_values(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewEnvironmentValues>,
) -> Result<Created<Started>, ProblemDetails> {
    let made = app.control.environment_update_values(&actor, &name, new).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}

/// `POST /environments/{environment}/rollbacks`
pub(crate) async fn roll_back(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(given): Body<MakeRollback>,
) -> Result<Created<Started>, ProblemDetails> {
    let to: RollbackTo = given.to.parse().map_err(|invalid: InvalidName| {
        Error::invalid(
            "to",
            crate::problem::sentence(&invalid.to_string()),
            "Give `#NUMBER` or a Release tag.",
        )
    })?;
    let MakeRollback { reason, on_failure, force_conflicts, .. } = given;
    let new = NewRollback { to, reason, on_failure, force_conflicts };
    let made = app.control.rollback(&actor, &name, new).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}
