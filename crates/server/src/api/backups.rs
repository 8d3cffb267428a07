//! Backups of environments, their schedule, and how an App's data is backed up.

use axum::Json;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::response::Response;
use control::backup::{
    Backup, BackupDetail, BackupSchedule, ChangeMethods, ChangeSchedule, NewBackup, RestoreBackup,
};
use control::deployment::Started;
use control::store::paging::Page;

use super::{Answer, Body, Created, Params, PathOf, etag};
use crate::auth::SignedIn;
use crate::problem::ProblemDetails;
use crate::query::PageQuery;
use crate::state::AppState;

/// `GET /environments/{environment}/backups`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<Backup>> {
    Ok(Json(app.control.backup_list(&actor, &name, &page.request()?).await?))
}

/// `POST /environments/{environment}/backups`
pub(crate) async fn create(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(new): Body<NewBackup>,
) -> Result<Created<Backup>, ProblemDetails> {
    let made = app.control.backup_create(&actor, &name, new).await?;
    Ok(Created { at: format!("/environments/{name}/backups/{}", made.number), made })
}

/// `GET /environments/{environment}/backups/{backup}`
pub(crate) async fn get(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, number)): PathOf<(String, i64)>,
) -> Answer<BackupDetail> {
    Ok(Json(app.control.backup_get(&actor, &name, number).await?))
}

/// `DELETE /environments/{environment}/backups/{backup}`
pub(crate) async fn delete(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, number)): PathOf<(String, i64)>,
) -> Answer<BackupDetail> {
    Ok(Json(app.control.backup_delete(&actor, &name, number).await?))
}

/// `POST /environments/{environment}/backups/{backup}/restorations`
pub(crate) async fn restore(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf((name, number)): PathOf<(String, i64)>,
    Body(how): Body<RestoreBackup>,
) -> Result<Created<Started>, ProblemDetails> {
    let made = app.control.backup_restore(&actor, &name, number, how).await?;
    Ok(Created { at: format!("/deployments/{}", made.deployment.id), made })
}

/// `GET /environments/{environment}/backup-schedule`
pub(crate) async fn schedule(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Answer<BackupSchedule> {
    Ok(Json(app.control.backup_schedule(&actor, &name).await?))
}

/// `PUT /environments/{environment}/backup-schedule`
pub(crate) async fn change_schedule(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    Body(change): Body<ChangeSchedule>,
) -> Answer<BackupSchedule> {
    Ok(Json(app.control.backup_change_schedule(&actor, &name, change).await?))
}

/// `GET /apps/{app}/backup-methods`: the `ETag` is the revision, for `If-Match` of the next change.
pub(crate) async fn methods(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
) -> Result<Response, ProblemDetails> {
    let methods = app.control.app_backup_methods(&actor, &name).await?;
    Ok(etag::tagged(methods.revision, methods))
}

/// `PUT /apps/{app}/backup-methods`
pub(crate) async fn change_methods(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    PathOf(name): PathOf<String>,
    headers: HeaderMap,
    Body(change): Body<ChangeMethods>,
) -> Result<Response, ProblemDetails> {
    let based_on = etag::based_on(&headers)?.or(change.based_on);
    let change = ChangeMethods { based_on, ..change };
    let saved = app.control.app_change_backup_methods(&actor, &name, change).await;
    let methods = saved.map_err(|error| etag::not_saved(error, based_on))?;
    Ok(etag::tagged(methods.revision, methods))
}
