//! The audit log.

use axum::Json;
use axum::extract::State;
use control::audit::AuditEntry;
use control::store::paging::Page;

use super::{Answer, Params};
use crate::auth::SignedIn;
use crate::query::{AuditQuery, PageQuery};
use crate::state::AppState;

/// `GET /audit`
pub(crate) async fn list(
    State(app): State<AppState>,
    SignedIn(actor): SignedIn,
    Params(query): Params<AuditQuery>,
    Params(page): Params<PageQuery>,
) -> Answer<Page<AuditEntry>> {
    Ok(Json(app.control.audit_list(&actor, &query.filter()?, &page.request()?).await?))
}
