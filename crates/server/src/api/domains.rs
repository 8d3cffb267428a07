//! Custom domains of an environment.

use axum::Json;
use axum::extract::State;
use control::deployment::{Preview, Started};
use control::domain::{
    Domain, DomainDeployment, DomainPreview, EnvironmentDomains, NewAddress, NewCertificate,
    NewDomain,
};

use super::{Answer, Body, Created, PathOf};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::state::AppState;

/// `GET /environments/{environment}/domains`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<EnvironmentDomains> {
    Ok(Json(app.control.domain_list(&actor, &name).await?))
}

/// `POST /environments/{environment}/domains`
pub(crate) async fn add(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewDomain>,
) -> Result<Created<Domain>, ProblemDetails> {
    let made = app.control.domain_add(&actor, &name, new).await?;
    Ok(Created { at: format!("/environments/{name}/domains/{}", made.host), made })
}

/// `GET /environments/{environment}/domains/{host}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
) -> Answer<Domain> {
    Ok(Json(app.control.domain_get(&actor, &name, &host).await?))
}

/// `DELETE /environments/{environment}/domains/{host}`
pub(crate) async fn remove(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
) -> Answer<EnvironmentDomains> {
    Ok(Json(app.control.domain_remove(&actor, &name, &host).await?))
}

/// `POST /environments/{environment}/domains/{host}/check`
pub(crate) async fn check(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
) -> Answer<Domain> {
    Ok(Json(app.control.domain_check(&actor, &name, &host).await?))
}

/// `PUT /environments/{environment}/domains/{host}/certificate`
pub(crate) async fn upload(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
    Body(new): Body<NewCertificate>,
) -> Answer<Domain> {
    Ok(Json(app.control.domain_upload(&actor, &name, &host, new).await?))
}

/// `DELETE /environments/{environment}/domains/{host}/certificate`
pub(crate) async fn use_issuer(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
) -> Answer<Domain> {
    Ok(Json(app.control.domain_use_issuer(&actor, &name, &host).await?))
}

/// `POST /environments/{environment}/domains/{host}/previews`
pub(crate) async fn preview(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
    Body(how): Body<DomainPreview>,
) -> Result<Created<Preview>, ProblemDetails> {
    let made = app.control.domain_preview(&actor, &name, Some(&host), how).await?;
    Ok(Created { at: format!("/previews/{}", made.id), made })
}

/// `POST /environments/{environment}/domains/{host}/deployments`
pub(crate) async fn deploy(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, host)): PathOf<(String, String)>,
    Body(new): Body<DomainDeployment>,
) -> Result<Created<Started>, ProblemDetails> {
    let made = app.control.domain_deploy(&actor, &name, &host, new).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}

/// `POST /environments/{environment}/domain-reset-previews`
pub(crate) async fn preview_reset(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(how): Body<DomainPreview>,
) -> Result<Created<Preview>, ProblemDetails> {
    let made = app.control.domain_preview(&actor, &name, None, how).await?;
    Ok(Created { at: format!("/previews/{}", made.id), made })
}

/// `POST /environments/{environment}/domain-resets`
pub(crate) async fn reset(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<DomainDeployment>,
) -> Result<Created<Started>, ProblemDetails> {
    let made = app.control.domain_reset(&actor, &name, new).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}

/// `PUT /environments/{environment}/domain-address`
pub(crate) async fn set_address(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewAddress>,
) -> Answer<EnvironmentDomains> {
    Ok(Json(app.control.domain_set_address(&actor, &name, new).await?))
}
